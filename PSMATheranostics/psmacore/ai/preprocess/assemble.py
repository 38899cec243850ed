"""Images of a case in their own units to the array that a network reads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.preprocess.body import body_box
from psmacore.ai.preprocess.grid import AIR_HU
from psmacore.errors import GeometryError, InputRefusedError, ModelUnfitError
from psmacore.registry.manifest import ChannelName, InputChannel, Manifest, Normalisation

FloatImage = NDArray[np.float32]

POSITION_AXES = {ChannelName.POSITION_K: 0, ChannelName.POSITION_J: 1, ChannelName.POSITION_I: 2}
LABEL_UNIT = "label"


def assemble(
    manifest: Manifest, channels: Mapping[ChannelName, FloatImage], thresholds_suv: Mapping[ChannelName, float]
) -> FloatImage:
    """Return the network's input, the same for training, evaluation and inference.

    Each channel is normalised as the manifest says. Position channels run from 0 to 1 along k, j and i over
    the box that the body fills (:func:`psmacore.ai.preprocess.body.body_box`) and stay at 0 and 1 beyond it, so
    that a patch knows where in the patient it lies; they must be made of the whole volume, before any crop.

    Parameters
    ----------
    channels : mapping of ChannelName to numpy.ndarray
        ``(k, j, i)``, all of one shape, in g/ml, HU and label numbers; more than the manifest names are
        ignored, position channels are not needed.
    thresholds_suv : mapping of ChannelName to float
        SUV threshold in g/ml of each channel that is normalised by it.

    Returns
    -------
    numpy.ndarray
        ``(c, k, j, i)``, float32, channels as the manifest orders them.

    Raises
    ------
    InputRefusedError
        If a channel or a threshold is missing, a threshold is not positive, or a voxel is not finite.
    GeometryError
        If channels differ in shape.
    ModelUnfitError
        If the manifest lacks a parameter of a normalisation.

    References
    ----------
    W63, W72, W80 (clip and z-score); D10 and Dexl et al. 2025, section 2.2 (PET / threshold - 1, labels / 117);
    Liu et al., NeurIPS 2018 (CoordConv), for the position channels.
    """
    shape = _shape(manifest, channels)
    image = np.empty((len(manifest.inputs), *shape), np.float32)
    box = None
    for index, channel in enumerate(manifest.inputs):
        axis = POSITION_AXES.get(channel.name)
        if axis is None:
            values = channels[channel.name]
            _refuse_not_finite(values, channel.name)
            image[index] = normalise(channel, values, thresholds_suv.get(channel.name))
            continue
        box = body_box(channels) if box is None else box
        along = _positions(shape[axis], box.start[axis], box.stop[axis])
        image[index] = along.reshape([-1 if other == axis else 1 for other in range(3)])
    return image


def air(manifest: Manifest) -> FloatImage:
    """Return what each input channel holds outside the patient, ``(c,)``, normalised; for padding.

    PET 0 g/ml, CT -1024 HU, labels 0, positions 0.
    """
    outside = np.zeros(len(manifest.inputs), np.float32)
    for index, channel in enumerate(manifest.inputs):
        if channel.name not in POSITION_AXES:
            value = np.array([AIR_HU if channel.name is ChannelName.CT else 0.0], np.float32)
            outside[index] = normalise(channel, value, threshold_suv=1.0)[0]
    return outside


def normalise(channel: InputChannel, values: FloatImage, threshold_suv: float | None) -> FloatImage:
    """Return one channel's voxels as the network reads them.

    Labels (unit ``label``) above the divisor are removed: DEEP-PSMA divides TotalSegmentator's 117 classes by
    117, and our organ maps hold glands above 200.

    Parameters
    ----------
    threshold_suv : float or None
        In g/ml, for ``Normalisation.THRESHOLD``; the threshold itself becomes 0.
    """
    given = channel.parameters
    kind = channel.normalisation
    if kind is Normalisation.NONE:
        return values.astype(np.float32)
    if kind is Normalisation.THRESHOLD:
        return _by_threshold(channel, values, threshold_suv)
    try:
        if kind is Normalisation.CLIP_MIN_MAX:
            low, high = given["low"], given["high"]
            return np.asarray(np.clip(values - np.float32(low), 0, high - low) / np.float32(high - low), np.float32)
        if kind is Normalisation.Z_SCORE:
            return np.asarray((values - np.float32(given["mean"])) / np.float32(given["sd"]), np.float32)
        divisor = given["divisor"]
    except KeyError as error:
        raise ModelUnfitError(f"input {channel.name}: normalisation {kind} needs {error.args[0]}") from None
    if channel.unit == LABEL_UNIT:
        values = np.where(values > divisor, np.float32(0), values)
    return np.asarray(values / np.float32(divisor), np.float32)


def _by_threshold(channel: InputChannel, values: FloatImage, threshold_suv: float | None) -> FloatImage:
    if threshold_suv is None:
        raise InputRefusedError(f"input {channel.name} is normalised by the SUV threshold, but the case states none")
    if not np.isfinite(threshold_suv) or threshold_suv <= 0:
        raise InputRefusedError(f"the SUV threshold of {channel.name} must be positive, not {threshold_suv:g} g/ml")
    return np.asarray(values / np.float32(threshold_suv) - np.float32(1), np.float32)


def _shape(manifest: Manifest, channels: Mapping[ChannelName, FloatImage]) -> tuple[int, int, int]:
    needed = [channel.name for channel in manifest.inputs if channel.name not in POSITION_AXES]
    missing = [name for name in needed if name not in channels]
    if missing:
        have = ", ".join(channels) or "none"
        raise InputRefusedError(f"{manifest.name} needs the images {', '.join(missing)}; there are: {have}")
    shapes = {name: channels[name].shape for name in needed}
    if not shapes:
        raise ModelUnfitError(f"{manifest.name} names no image as input")
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise GeometryError(f"images of one case lie on different grids: {listed}")
    shape = next(iter(shapes.values()))
    if len(shape) != 3:
        raise GeometryError(f"an image needs three axes (k, j, i), not {shape}")
    return shape[0], shape[1], shape[2]


def _refuse_not_finite(values: FloatImage, name: ChannelName) -> None:
    if not np.isfinite(values).all():
        n_bad = int(values.size - np.count_nonzero(np.isfinite(values)))
        raise InputRefusedError(f"{name} holds {n_bad} voxels that are no finite number")


def _positions(size: int, start: int, stop: int) -> FloatImage:
    """Return 0 at the first voxel of the body, 1 at its last, and those values beyond."""
    length = max(stop - 1 - start, 1)
    along = (np.arange(size, dtype=np.float32) - np.float32(start)) / np.float32(length)
    return np.asarray(np.clip(along, 0, 1), np.float32)
