"""A network's input and its SUV thresholds to the voxels that a thresholded output can lie in."""

from __future__ import annotations

from torch import Tensor

from psmacore.registry.manifest import ChannelName, Manifest, Task

_PET = (ChannelName.PET, ChannelName.FDG_PET, ChannelName.PSMA_PET)


def pet_channels(manifest: Manifest) -> tuple[int, ...]:
    """Return the places of the PET channels among the inputs."""
    return tuple(place for place, channel in enumerate(manifest.inputs) if channel.name in _PET)


def is_gated(manifest: Manifest) -> bool:
    """Return whether the output is ANDed with the SUV threshold: of a lesion model, each output with its tracer's."""
    return manifest.task in (Task.LESIONS, Task.PAIRED_LESIONS) and manifest.validity.is_thresholded


def gate_of(image: Tensor, channels: tuple[int, ...], levels: Tensor) -> Tensor:
    """Return where the PET reaches its threshold.

    Parameters
    ----------
    image : torch.Tensor
        ``(batch, C, k, j, i)``, normalised.
    channels : tuple of int
        Places of the PET channels.
    levels : torch.Tensor
        ``(batch, len(channels))``: the thresholds, normalised as their channels are.

    Returns
    -------
    torch.Tensor
        ``(batch, len(channels), k, j, i)``, bool.
    """
    shape = (*levels.shape, *(1,) * (image.ndim - 2))
    return image[:, list(channels)] >= levels.view(shape)
