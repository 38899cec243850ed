"""A prepared case to its random patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from monai.transforms.transform import Randomizable, Transform
from numpy.typing import NDArray

from psmacore.ai.preprocess.assemble import air
from psmacore.ai.preprocess.crop import Crop
from psmacore.ai.sampling.centres import Centre, CentreChooser
from psmacore.ai.sampling.settings import PatchRule, SamplingSettings
from psmacore.registry.manifest import ChannelName, Manifest

_ANATOMY = (ChannelName.CT, ChannelName.FDG_ORGANS, ChannelName.PSMA_ORGANS)


class RandPatches(Randomizable, Transform):
    """Cuts patches around centres that :class:`~psmacore.ai.sampling.centres.CentreChooser` draws.

    A patch that would leave the volume is moved inside; with ``TUMOUR_PHYSIOLOGICAL`` it keeps its centre, as
    in the released DEEP-PSMA code, and what lies outside is air. A volume smaller than the patch is padded with
    air all around. Items hold ``image`` ``(c, k, j, i)`` and ``label`` ``(1 or n, k, j, i)``; all else is
    handed on as it is.
    """

    def __init__(self, manifest: Manifest, settings: SamplingSettings) -> None:
        self._settings = settings
        self._patch = settings.patch or manifest.grid.patch
        self._chooser = CentreChooser.of(manifest, settings)
        self._anatomy = [place for place, channel in enumerate(manifest.inputs) if channel.name in _ANATOMY]
        self._air = air(manifest)

    def _starts(self, data: Mapping[str, Any]) -> list[tuple[Centre, Centre]]:
        """Draw the starts of the patches, and of their anatomical channels where these are misaligned."""
        shape = data["image"].shape[1:]
        keeps_centre = self._settings.rule is PatchRule.TUMOUR_PHYSIOLOGICAL
        starts = []
        for centre in self._chooser.draw(data, self._settings.patches_per_case, self.R):
            start = [c - p // 2 for c, p in zip(centre, self._patch, strict=True)]
            if not keeps_centre:
                start = [_inside(a, p, n) for a, p, n in zip(start, self._patch, shape, strict=True)]
            shift = [int(self.R.randint(-n, n + 1)) if n else 0 for n in self._settings.misalignment_voxels]
            shifted = [a + b for a, b in zip(start, shift, strict=True)]
            starts.append(((start[0], start[1], start[2]), (shifted[0], shifted[1], shifted[2])))
        return starts

    def __call__(self, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the patches of one item, as many as the settings say."""
        arrays = {**data, "image": _array(data["image"]), "label": _array(data["label"])}
        if self._settings.rule is PatchRule.WHOLE:
            return [_tensors(data, arrays["image"], arrays["label"]) for _ in range(self._settings.patches_per_case)]
        patches = []
        for start, anatomy_start in self._starts(arrays):
            image = self._cut(arrays["image"], start, self._air)
            if anatomy_start != start:
                moved = self._cut(arrays["image"][self._anatomy], anatomy_start, self._air[self._anatomy])
                image[self._anatomy] = moved
            patches.append(_tensors(data, image, self._cut(arrays["label"], start, 0)))
        return patches

    def _cut(self, values: NDArray[Any], start: Centre, fill: Any) -> NDArray[Any]:
        shape = (values.shape[1], values.shape[2], values.shape[3])
        stop = [a + p for a, p in zip(start, self._patch, strict=True)]
        inner_start = [min(max(a, 0), n) for a, n in zip(start, shape, strict=True)]
        inner_stop = [max(min(b, n), a) for a, b, n in zip(inner_start, stop, shape, strict=True)]
        before = [b - a for a, b in zip(start, inner_start, strict=True)]
        after = [b - a for a, b in zip(inner_stop, stop, strict=True)]
        crop = Crop(shape, _size(inner_start), _size(inner_stop), _size(before), _size(after))
        return crop.cut(values, fill)


def _inside(start: int, patch: int, size: int) -> int:
    return min(max(start, 0), size - patch) if size >= patch else -((patch - size) // 2)


def _size(values: list[int]) -> Centre:
    return values[0], values[1], values[2]


def _array(values: Any) -> NDArray[Any]:
    return values.numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _tensors(data: Mapping[str, Any], image: NDArray[Any], label: NDArray[Any]) -> dict[str, Any]:
    """Return a patch with its own memory."""
    return {**data, "image": torch.from_numpy(np.array(image)), "label": torch.from_numpy(np.array(label))}
