"""A case on its native grid to the network's input, and the network's output back to the native grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from psmacore.ai.preprocess.assemble import LABEL_UNIT, air, assemble
from psmacore.ai.preprocess.body import body_box
from psmacore.ai.preprocess.crop import Crop, crop_around, padded_to, whole
from psmacore.ai.preprocess.grid import Interpolation, argmax_on, model_geometry, resample, resample_channels
from psmacore.ai.preprocess.targets import Labels, encode_target, labels_of_winners
from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import ChannelName, InputChannel, Manifest, Task

FloatImage = NDArray[np.float32]


class Cropping(StrEnum):
    """Which part of the volume the network reads.

    ``THRESHOLD`` is the union of all PET channels above their SUV threshold with a margin of 5 voxels, padded
    to the patch (D09); ``BODY`` is the patient's box.
    """

    NONE = "none"
    BODY = "body"
    THRESHOLD = "threshold"


@dataclass(frozen=True, eq=False)
class Prepared:
    """The network's input with the way back.

    Parameters
    ----------
    image : numpy.ndarray
        ``(c, k, j, i)``, float32.
    geometry : Geometry
        Grid of ``image``.
    native, model : Geometry
        Grid of the case, and of the model before the crop.
    outside : numpy.ndarray
        ``(c,)``: what each channel holds in air, for padding.
    """

    image: FloatImage
    geometry: Geometry
    native: Geometry
    model: Geometry
    crop: Crop
    outside: FloatImage


_CROPPINGS = {Task.PAIRED_LESIONS: Cropping.THRESHOLD, Task.ORGANS: Cropping.BODY}


def default_cropping(manifest: Manifest) -> Cropping:
    """Return how a model's cases are cropped in training and exact inference.

    Paired lesions as published (D09); organs to the body, beyond which there are none; other models not at all.
    """
    return _CROPPINGS.get(manifest.task, Cropping.NONE)


def prepare(
    manifest: Manifest,
    geometry: Geometry,
    channels: Mapping[ChannelName, FloatImage],
    thresholds_suv: Mapping[ChannelName, float],
    *,
    cropping: Cropping | None = None,
) -> Prepared:
    """Return the network's input: resampled to the model's grid, assembled, cropped, padded.

    Parameters
    ----------
    geometry : Geometry
        Grid of all ``channels``.
    cropping : Cropping, optional
        :func:`default_cropping` if absent.

    Raises
    ------
    InputRefusedError, GeometryError, ModelUnfitError
        See :func:`psmacore.ai.preprocess.assemble.assemble`.
    """
    model = model_geometry(manifest.grid, geometry)
    moved = {
        channel.name: _onto(channel, channels[channel.name], geometry, model)
        for channel in manifest.inputs
        if channel.name in channels
    }
    image = assemble(manifest, moved, thresholds_suv)
    outside = air(manifest)
    chosen = default_cropping(manifest) if cropping is None else cropping
    crop = _crop(manifest, moved, thresholds_suv, chosen, model)
    return Prepared(crop.cut(image, outside), crop.geometry(model), geometry, model, crop, outside)


def prepare_target(manifest: Manifest, target: Labels, prepared: Prepared) -> NDArray[np.uint8]:
    """Return the target on the grid of ``prepared.image``, encoded for the loss.

    Parameters
    ----------
    target : numpy.ndarray
        On the native grid; see :func:`psmacore.ai.preprocess.targets.encode_target` for its and the result's
        shape. Resampled by nearest neighbour.
    """
    encoded = encode_target(manifest, target)
    moved = resample_channels(encoded, prepared.native, prepared.model, interpolation=Interpolation.NEAREST)
    return prepared.crop.cut(moved)


def restore(values: FloatImage, prepared: Prepared, *, fill: ArrayLike) -> FloatImage:
    """Return a network's output on the native grid.

    Parameters
    ----------
    values : numpy.ndarray
        ``(n, k, j, i)`` logits or probabilities on the grid of ``prepared.image``.
    fill : array_like
        What holds outside the crop: one value, or one for each channel.

    Returns
    -------
    numpy.ndarray
        ``(n, k, j, i)``, float32; linear where the grids differ, else bit for bit as given.
    """
    placed = prepared.crop.put_back(values, fill)
    if prepared.model is prepared.native:
        return placed
    return resample_channels(placed, prepared.model, prepared.native, interpolation=Interpolation.LINEAR)


def restore_labels(manifest: Manifest, logits: FloatImage, prepared: Prepared) -> NDArray[np.uint16]:
    """Return the label numbers of exclusive outputs on the native grid.

    Logits are interpolated and then compared, so borders are smoother than those of an interpolated label map.

    Parameters
    ----------
    logits : numpy.ndarray
        ``(n, k, j, i)`` on the grid of ``prepared.image``.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, uint16; outside the crop the label of the first output.
    """
    fill = np.full(logits.shape[0], logits.min(initial=0.0), np.float32)
    fill[0] = logits.max(initial=0.0) + 1
    placed = prepared.crop.put_back(logits, fill)
    return labels_of_winners(manifest, argmax_on(placed, prepared.model, prepared.native))


def _onto(channel: InputChannel, values: FloatImage, source: Geometry, target: Geometry) -> FloatImage:
    kind = Interpolation.NEAREST if channel.unit == LABEL_UNIT else Interpolation.LINEAR
    return resample(values, source, target, interpolation=kind, outside=None)


def _crop(
    manifest: Manifest,
    channels: Mapping[ChannelName, FloatImage],
    thresholds_suv: Mapping[ChannelName, float],
    cropping: Cropping,
    model: Geometry,
) -> Crop:
    if cropping is Cropping.NONE:
        return whole(model.shape)
    if cropping is Cropping.BODY:
        return body_box(channels)
    above = [channels[name] > threshold for name, threshold in thresholds_suv.items() if name in channels]
    if not above:
        raise InputRefusedError(f"{manifest.name} is cropped by the SUV threshold, but the case states none")
    return padded_to(crop_around(np.logical_or.reduce(above)), manifest.grid.patch)
