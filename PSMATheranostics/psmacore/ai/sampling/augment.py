"""A patch to the same patch changed by one random operation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms.compose import Compose, OneOf
from monai.transforms.spatial.dictionary import RandAffined, RandFlipd
from monai.transforms.transform import Randomizable, Transform
from monai.transforms.utility.dictionary import Identityd
from scipy import ndimage

from psmacore.ai.preprocess.assemble import LABEL_UNIT, air
from psmacore.ai.sampling.centres import PETS
from psmacore.ai.sampling.settings import SamplingSettings
from psmacore.errors import ModelUnfitError
from psmacore.registry.manifest import ChannelName, Manifest, Normalisation, Task

_LINEAR, _NEAREST, _LABEL = "image_linear", "image_nearest", "label"
_STUDY_LABEL = "study_label"
_KEYS = (_LINEAR, _NEAREST, _LABEL)
_MODES = ("bilinear", "nearest", "nearest")

_TRACERS = (
    (ChannelName.FDG_PET, ChannelName.FDG_ORGANS),
    (ChannelName.PSMA_PET, ChannelName.PSMA_ORGANS),
)
_GAMMA = (0.7, 1.5)
_GROWTH_VOXELS = 2


class TrivialAugment(Randomizable, Transform):
    """Applies exactly one operation to a patch (D12).

    The operations, equally likely: none; rotation about every axis by up to ``rotation_deg``; scaling along every
    axis; flips of each axis with probability one half; and those of D13 where they are switched on. Images are
    interpolated linearly, label channels and the target by nearest neighbour; what comes in from outside the
    patch is air. Rotation and scaling are of voxel indices, as in the released code. A patch of one slice turns
    and scales in its plane only.

    It is no ``Compose``: MONAI 1.6 hands a list of patches to a nested ``Compose`` or ``OneOf`` as a whole, which
    then draws one operation for all of them.

    Raises
    ------
    ModelUnfitError
        If an operation of D13 is asked for a model that does not read both tracers by their thresholds.
    """

    def __init__(self, manifest: Manifest, settings: SamplingSettings) -> None:
        is_flat = (settings.patch or manifest.grid.patch)[0] == 1
        turn = math.radians(settings.rotation_deg)
        low, high = settings.scale[0] - 1, settings.scale[1] - 1
        rotations = [(-turn, turn), *[(0.0, 0.0) if is_flat else (-turn, turn)] * 2]
        scales = [(0.0, 0.0) if is_flat else (low, high), (low, high), (low, high)]
        whole = ("image",) if manifest.task is Task.CLASSIFICATION else ("image", _LABEL)
        operations: list[Transform] = [
            Identityd(whole),
            _apart(manifest, _affine(rotate_range=rotations)),
            _apart(manifest, _affine(scale_range=scales)),
            Compose([RandFlipd(whole, prob=0.5, spatial_axis=axis) for axis in settings.flip_axes]),
        ]
        if settings.has_channel_drop:
            operations.append(_apart(manifest, DropTracer(manifest)))
        if settings.has_gamma_masks:
            operations.append(_apart(manifest, GammaMasks(manifest)))
        self._operations = OneOf(operations)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> TrivialAugment:
        """Start the random numbers of choice and operations anew."""
        super().set_random_state(seed, state)
        self._operations.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return one patch, changed, as plain tensors; labels of voxels are whole numbers."""
        item = self._operations(dict(data))
        image, label = _plain(item["image"]), _plain(item[_LABEL])
        return {**item, "image": image, _LABEL: label.to(torch.uint8) if label.ndim == image.ndim else label}


class DropTracer(Randomizable, Transform):
    """Empties the channels of FDG or of PSMA, one as likely as the other (D13)."""

    def __init__(self, manifest: Manifest) -> None:
        _require_pair(manifest)
        self._places = _places(manifest)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the patch without one tracer; the target stays whole."""
        item = {**data, _LINEAR: data[_LINEAR].clone(), _NEAREST: data[_NEAREST].clone()}
        for name in _TRACERS[self.R.randint(len(_TRACERS))]:
            key, place = self._places[name]
            item[key][place] = 0
        return item


class GammaMasks(Randomizable, Transform):
    """Bends the PET by a gamma about its maximum, so that the threshold cuts smaller or larger masks (D13).

    The report names the idea and no formula; this is our reading. PET over threshold, ``x``, becomes
    ``m (x / m) ** gamma`` with the patch's maximum ``m`` and gamma between 0.7 and 1.5, evenly in its logarithm.
    A mask keeps its voxels that still reach the threshold and gains those within two voxels that now do.
    """

    def __init__(self, manifest: Manifest) -> None:
        _require_pair(manifest)
        self._pets = [_places(manifest)[pet][1] for pet, _organs in _TRACERS]

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the patch with both PETs bent by one gamma and the masks redrawn."""
        gamma = float(np.exp(self.R.uniform(*np.log(_GAMMA))))
        item = {**data, _LINEAR: data[_LINEAR].clone(), _LABEL: data[_LABEL].clone()}
        for output, place in enumerate(self._pets):
            pet = item[_LINEAR][place].clamp(min=0)
            highest = pet.max().clamp(min=1e-6)
            bent = highest * (pet / highest) ** gamma
            item[_LINEAR][place] = bent
            mask = item[_LABEL][output].numpy() > 0
            near = ndimage.binary_dilation(mask, iterations=_GROWTH_VOXELS)
            item[_LABEL][output] = torch.from_numpy(near & (bent.numpy() >= 1)).to(item[_LABEL].dtype)
        return item


class _Apart(Transform):
    """Splits the image into what is interpolated and what is not, both 0 in air; sets a study's label aside."""

    def __init__(self, manifest: Manifest) -> None:
        self._linear, self._nearest = _parts(manifest)
        self._air = torch.from_numpy(air(manifest))[:, None, None, None]

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        image = data["image"] - self._air
        item = {key: value for key, value in data.items() if key != "image"}
        if self._linear:
            item[_LINEAR] = image[self._linear]
        if self._nearest:
            item[_NEAREST] = image[self._nearest]
        if item[_LABEL].ndim != image.ndim:
            item[_STUDY_LABEL] = item.pop(_LABEL)
        return item


class _Together(Transform):
    """Undoes :class:`_Apart`."""

    def __init__(self, manifest: Manifest) -> None:
        self._linear, self._nearest = _parts(manifest)
        self._air = torch.from_numpy(air(manifest))[:, None, None, None]

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        item = dict(data)
        parts = [(self._linear, item.pop(_LINEAR, None)), (self._nearest, item.pop(_NEAREST, None))]
        first = next(values for _places, values in parts if values is not None)
        image = torch.empty((len(self._air), *first.shape[1:]), dtype=torch.float32)
        for places, values in parts:
            if values is not None:
                image[places] = _plain(values).float()
        if _STUDY_LABEL in item:
            item[_LABEL] = item.pop(_STUDY_LABEL)
        return {**item, "image": image + self._air}


def _plain(values: Any) -> torch.Tensor:
    return torch.as_tensor(values).as_subclass(torch.Tensor)


def _apart(manifest: Manifest, operation: Transform) -> Compose:
    return Compose([_Apart(manifest), operation, _Together(manifest)])


def _affine(
    *,
    rotate_range: Sequence[tuple[float, float]] | None = None,
    scale_range: Sequence[tuple[float, float]] | None = None,
) -> RandAffined:
    return RandAffined(
        _KEYS,
        prob=1.0,
        rotate_range=rotate_range,
        scale_range=scale_range,
        mode=_MODES,
        padding_mode="zeros",
        allow_missing_keys=True,
    )


def _parts(manifest: Manifest) -> tuple[list[int], list[int]]:
    nearest = [place for place, channel in enumerate(manifest.inputs) if channel.unit == LABEL_UNIT]
    return [place for place in range(len(manifest.inputs)) if place not in nearest], nearest


def _places(manifest: Manifest) -> dict[ChannelName, tuple[str, int]]:
    """Return key and place of every channel once the image is apart."""
    names = [channel.name for channel in manifest.inputs]
    linear, nearest = _parts(manifest)
    found = {names[place]: (_LINEAR, n) for n, place in enumerate(linear)}
    return {**found, **{names[place]: (_NEAREST, n) for n, place in enumerate(nearest)}}


def _require_pair(manifest: Manifest) -> None:
    there = {channel.name for channel in manifest.inputs}
    by_threshold = [channel for channel in manifest.inputs if channel.name in PETS]
    if not {name for pair in _TRACERS for name in pair} <= there or any(
        channel.normalisation is not Normalisation.THRESHOLD for channel in by_threshold
    ):
        raise ModelUnfitError(
            f"has_channel_drop and has_gamma_masks need both tracers' PET, by threshold, and organs; "
            f"{manifest.name} reads {', '.join(sorted(there))}"
        )
