"""Images of a case to the box that the patient fills."""

from __future__ import annotations

from collections.abc import Mapping

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.ai.preprocess.crop import Crop, crop_around, whole
from psmacore.registry.manifest import ChannelName

BODY_HU = -300.0
"""Above it: soft tissue, fat and bone, not lung or air."""
BODY_SUV = 0.2
"""Above it, in g/ml: background uptake of a patient, where there is no CT."""

_COARSE_SIZE = 128
_PETS = (ChannelName.PET, ChannelName.FDG_PET, ChannelName.PSMA_PET)


def body_box(channels: Mapping[ChannelName, NDArray[np.float32]]) -> Crop:
    """Return the box that the patient fills.

    It is the box of the largest connected part of CT above -300 HU, or of any PET above 0.2 g/ml where there
    is no CT, looked for on every n-th voxel (at most about 128 along an axis) after an opening that drops the
    table's thin shells and tubes.

    Parameters
    ----------
    channels : mapping of ChannelName to numpy.ndarray
        ``(k, j, i)`` in HU and g/ml, not normalised, at least one.

    Returns
    -------
    Crop
        Without padding; the whole volume where nothing is above.
    """
    first = next(iter(channels.values()))
    shape = (first.shape[0], first.shape[1], first.shape[2])
    steps = [max(1, round(size / _COARSE_SIZE)) for size in shape]
    coarse = tuple(slice(step // 2, None, step) for step in steps)
    mask = _above(channels, coarse)
    if mask is None or not mask.any():
        return whole(shape)
    opened = ndimage.binary_opening(mask, structure=np.ones((3, 3, 3), np.bool_))
    found = crop_around(_largest(opened if opened.any() else mask), margin_voxels=0)
    start = [a * step for a, step in zip(found.start, steps, strict=True)]
    stop = [min(b * step, size) for b, step, size in zip(found.stop, steps, shape, strict=True)]
    return Crop(shape, (start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _above(channels: Mapping[ChannelName, NDArray[np.float32]], coarse: tuple[slice, ...]) -> NDArray[np.bool_] | None:
    if ChannelName.CT in channels:
        return np.asarray(channels[ChannelName.CT][coarse] > BODY_HU)
    masks = [channels[name][coarse] > BODY_SUV for name in _PETS if name in channels]
    return np.logical_or.reduce(masks) if masks else None


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts = cc3d.connected_components(mask, connectivity=6)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == int(sizes.argmax()))
