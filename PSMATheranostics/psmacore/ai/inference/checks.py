"""A network, its image and its answer to the first reason why they do not fit together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from psmacore.errors import InputRefusedError, ModelUnfitError

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)


def check_image(network: nn.Module, image: torch.Tensor) -> None:
    """Refuse an image that the network cannot answer.

    Parameters
    ----------
    image : torch.Tensor
        ``(C, k, j, i)``, float32, on the CPU.

    Raises
    ------
    InputRefusedError
        If it has no voxels or holds a value that is no finite number.
    ModelUnfitError
        If the network's first convolution takes another number of channels.
    """
    if image.ndim != 4 or not image.numel():
        raise InputRefusedError(f"the image has shape {tuple(image.shape)}, not (channels, k, j, i) with voxels in it")
    for number, channel in enumerate(image):
        low, high = torch.aminmax(channel)
        if not (torch.isfinite(low) and torch.isfinite(high)):
            raise InputRefusedError(f"channel {number} of the image holds values that are no finite numbers")
    n_inputs = next((part.in_channels for part in network.modules() if isinstance(part, _CONVOLUTIONS)), None)
    if n_inputs is not None and n_inputs != len(image):
        raise ModelUnfitError(f"the network takes {n_inputs} channels, the image has {len(image)}")


def check_answer(answer: object, windows: torch.Tensor, n_outputs: int | None) -> torch.Tensor:
    """Return the network's answer if it is one tensor of logits for each voxel of each window.

    Parameters
    ----------
    windows : torch.Tensor
        ``(n, C, k, j, i)``, as the network was given them.
    n_outputs : int or None
        Outputs that the model has; ``None`` where any number will do.

    Raises
    ------
    ModelUnfitError
        If it is not.
    """
    if not isinstance(answer, torch.Tensor):
        raise ModelUnfitError(f"the network answers with a {type(answer).__name__}, not with one tensor of logits")
    if answer.ndim != windows.ndim or (len(answer), *answer.shape[2:]) != (len(windows), *windows.shape[2:]):
        raise ModelUnfitError(f"the network answers {tuple(windows.shape)} windows with {tuple(answer.shape)} logits")
    if n_outputs is not None and answer.shape[1] != n_outputs:
        raise ModelUnfitError(f"the network has {answer.shape[1]} outputs, not the {n_outputs} of its model")
    return answer


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within it the network is in evaluation mode; afterwards each of its parts is as it was."""
    training = [part for part in network.modules() if part.training]
    network.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
