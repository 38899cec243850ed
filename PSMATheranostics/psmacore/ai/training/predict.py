"""A network in training and an image to logits, by the engine that the results will be made with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psmacore.ai.inference.engine import Predictor
from psmacore.ai.inference.settings import InferenceSettings, Mode
from psmacore.ai.training.numerics import Numerics
from psmacore.ai.training.validate import Predict
from psmacore.registry.manifest import Grid, Manifest


def window_prediction(manifest: Manifest, grid: Grid, device: torch.device) -> Predict:
    """Return the prediction of a whole volume by sliding windows, in the engine's fast mode.

    Parameters
    ----------
    grid : Grid
        Its patch and overlap; a training may validate with less overlap than the model's own.
    """
    settings = InferenceSettings(mode=Mode.FAST, device=device)

    def predict(network: nn.Module, image: Tensor, gate: Tensor | None) -> Tensor:
        predictor = Predictor(network, grid, settings=settings, n_outputs=len(manifest.outputs))
        inside = None if gate is None else gate.numpy()
        return torch.from_numpy(predictor.predict(image.numpy(), gate=inside).logits)

    return predict


def study_prediction(numerics: Numerics, device: torch.device) -> Predict:
    """Return the prediction of one logit for a whole volume, in the arithmetic of the training."""

    def predict(network: nn.Module, image: Tensor, _gate: Tensor | None) -> Tensor:
        with torch.no_grad(), numerics.autocast():
            logits: Tensor = network(image[None].to(device))
        return logits[0].float()

    return predict
