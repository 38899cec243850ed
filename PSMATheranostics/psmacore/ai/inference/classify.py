"""A network and a normalised volume to the probability that the study shows a lesion."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from psmacore.ai.inference.arithmetic import arithmetic_of, placed
from psmacore.ai.inference.checks import check_image, evaluating
from psmacore.ai.inference.settings import InferenceSettings
from psmacore.errors import ModelUnfitError


def predict_probability(network: nn.Module, image: NDArray[np.float32], *, settings: InferenceSettings) -> float:
    """Return a classifier's probability for one study; it sees the whole volume at once, without windows.

    Parameters
    ----------
    network : torch.nn.Module
        ``(1, C, k, j, i)`` to one logit.
    image : numpy.ndarray
        ``(C, k, j, i)``, float32, normalised and resized as the model's manifest says.

    Returns
    -------
    float
        0 to 1: the sigmoid of the logit (W73).

    Raises
    ------
    InputRefusedError
        If the image has no voxels or holds a value that is no finite number.
    ModelUnfitError
        If the network takes other channels, or answers with anything but one finite number.
    """
    source = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
    check_image(network, source)
    with evaluating(network), arithmetic_of(settings.mode, settings.device):
        answer: object = placed(network, settings.device, settings.mode)(source[None].to(settings.device))
    if not isinstance(answer, torch.Tensor) or answer.numel() != 1:
        shape = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise ModelUnfitError(f"a classifier answers with one logit, not with {shape}")
    probability = torch.sigmoid(answer.double()).item()
    if not np.isfinite(probability):
        raise ModelUnfitError(f"the classifier answered {probability}; its weights are unfit")
    return probability
