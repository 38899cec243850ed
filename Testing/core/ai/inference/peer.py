"""MONAI's sliding windows, as the peer that exact mode has to equal bit for bit."""

import numpy as np
import torch
from monai.inferers import sliding_window_inference


def monai_logits(network, image, patch, *, overlap, batch):
    with torch.inference_mode():
        source = torch.from_numpy(np.ascontiguousarray(image))[None]
        return sliding_window_inference(source, patch, batch, network, overlap=overlap, mode="gaussian")[0].numpy()


def monai_windows(shape, patch, *, overlap):
    """Return the first voxel of every window of MONAI's, in its order, as its predictor is told them."""
    starts = []

    def listen(windows, places):
        starts.extend([part.start for part in place[2:]] for place in places)
        return windows

    sliding_window_inference(torch.zeros((1, 1, *shape)), patch, 1, listen, overlap=overlap, with_coord=True)
    return np.array(starts)
