"""The part of a volume that a network reads, padded to its least size, and the exact way back."""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from psmacore.ai.preprocess.grid import shifted
from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry

Voxel = TypeVar("Voxel", bound=np.generic)
Size = tuple[int, int, int]

D09_MARGIN_VOXELS = 5


@dataclass(frozen=True)
class Crop:
    """A box of voxels, and what is added around it.

    Parameters
    ----------
    shape : tuple of int
        ``(k, j, i)`` of the whole volume.
    start, stop : tuple of int
        Box inside the volume, ``stop`` excluded.
    before, after : tuple of int
        Voxels added on each side of the box.
    """

    shape: Size
    start: Size
    stop: Size
    before: Size = (0, 0, 0)
    after: Size = (0, 0, 0)

    @property
    def cropped_shape(self) -> Size:
        """``(k, j, i)`` of what :meth:`cut` returns."""
        k, j, i = (b - a + p + q for a, b, p, q in zip(self.start, self.stop, self.before, self.after, strict=True))
        return k, j, i

    @property
    def is_whole(self) -> bool:
        """Whether nothing is cut off and nothing added."""
        return self.start == (0, 0, 0) and self.cropped_shape == self.shape

    def cut(self, values: NDArray[Voxel], fill: ArrayLike = 0) -> NDArray[Voxel]:
        """Return the box of ``(..., k, j, i)`` with ``fill`` around it.

        Parameters
        ----------
        fill : array_like
            One value, or one for each channel of ``(c, k, j, i)``.

        Raises
        ------
        GeometryError
            If ``values`` are of another shape than the crop was made for.
        """
        if values.shape[-3:] != self.shape:
            raise GeometryError(f"voxels {values.shape} do not fill the grid {self.shape} that the crop was made for")
        if self.is_whole:
            return values
        out = np.empty((*values.shape[:-3], *self.cropped_shape), dtype=values.dtype)
        out[...] = np.asarray(fill, dtype=values.dtype)[..., None, None, None]
        out[self._inner()] = values[self._outer()]
        return out

    def put_back(self, values: NDArray[Voxel], fill: ArrayLike = 0) -> NDArray[Voxel]:
        """Return ``(..., k, j, i)`` of the whole volume: the box as given, ``fill`` elsewhere; undoes :meth:`cut`.

        Raises
        ------
        GeometryError
            If ``values`` are no output of :meth:`cut`'s shape.
        """
        if values.shape[-3:] != self.cropped_shape:
            raise GeometryError(f"voxels {values.shape} do not fill the crop {self.cropped_shape}")
        if self.is_whole:
            return values
        out = np.empty((*values.shape[:-3], *self.shape), dtype=values.dtype)
        out[...] = np.asarray(fill, dtype=values.dtype)[..., None, None, None]
        out[self._outer()] = values[self._inner()]
        return out

    def geometry(self, whole: Geometry) -> Geometry:
        """Return the grid of what :meth:`cut` returns."""
        k, j, i = (a - p for a, p in zip(self.start, self.before, strict=True))
        return shifted(whole, (k, j, i), self.cropped_shape)

    def _outer(self) -> tuple[slice | EllipsisType, ...]:
        return (..., *(slice(a, b) for a, b in zip(self.start, self.stop, strict=True)))

    def _inner(self) -> tuple[slice | EllipsisType, ...]:
        return (..., *(slice(p, p + b - a) for a, b, p in zip(self.start, self.stop, self.before, strict=True)))


def whole(shape: Size) -> Crop:
    """Return the crop that changes nothing."""
    return Crop(shape, (0, 0, 0), shape)


def crop_around(mask: NDArray[np.bool_], *, margin_voxels: int = D09_MARGIN_VOXELS) -> Crop:
    """Return the box that holds all of a mask with a margin, within the volume.

    Parameters
    ----------
    mask : numpy.ndarray
        ``(k, j, i)``; an empty one gives the whole volume, as the released DEEP-PSMA code does.
    margin_voxels : int
        On every side; D09: 5.
    """
    shape: Size = (mask.shape[0], mask.shape[1], mask.shape[2])
    starts, stops = [], []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(mask.any(axis=others))
        if used.size == 0:
            return whole(shape)
        starts.append(max(int(used[0]) - margin_voxels, 0))
        stops.append(min(int(used[-1]) + 1 + margin_voxels, shape[axis]))
    return Crop(shape, (starts[0], starts[1], starts[2]), (stops[0], stops[1], stops[2]))


def padded_to(crop: Crop, least: Size) -> Crop:
    """Return the crop with voxels added evenly until it has at least that size (D09; the odd one comes after)."""
    missing = [max(0, want - (b - a)) for want, a, b in zip(least, crop.start, crop.stop, strict=True)]
    before = tuple(n // 2 for n in missing)
    after = tuple(n - n // 2 for n in missing)
    return Crop(crop.shape, crop.start, crop.stop, (before[0], before[1], before[2]), (after[0], after[1], after[2]))
