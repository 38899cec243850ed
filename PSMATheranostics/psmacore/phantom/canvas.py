"""Shapes in patient coordinates to voxel values and labels on any grid, with partial volume at the edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.shapes import Float32, Shape

_CHUNK_VOXELS = 400_000
Box = tuple[slice, slice, slice]


class Canvas:
    """A voxel grid that shapes are painted on, the later over the earlier.

    Parameters
    ----------
    geometry : Geometry
        Where the voxels lie in the world (LPS).
    body_from_lps : numpy.ndarray
        4 x 4; from the world to the coordinates that the shapes are given in.
    fill : float
        Value of the empty canvas.
    with_labels : bool
        Whether organ labels are kept beside the values.
    """

    def __init__(
        self, geometry: Geometry, body_from_lps: FloatArray, *, fill: float = 0.0, with_labels: bool = False
    ) -> None:
        self.geometry = geometry
        self.values: Float32 = np.full(geometry.shape, fill, dtype=np.float32)
        self.labels: NDArray[np.uint16] | None = np.zeros(geometry.shape, np.uint16) if with_labels else None
        self._body_from_ijk = body_from_lps @ geometry.lps_from_ijk
        self._ijk_from_body = np.linalg.inv(self._body_from_ijk)
        self._spacing_mm = geometry.spacing_ijk_mm
        self._voxel_mm = float(np.mean(self._spacing_mm))

    def paint(self, parts: Sequence[Shape], value: float, *, label: int | None = None) -> None:
        """Blend ``value`` over the voxels of the union of ``parts``; set ``label`` where the centre lies inside.

        ``label=None`` leaves the labels as they are; ``label=0`` clears them.
        """
        for part in parts:
            for box in self._boxes(part):
                distance = part.distance(*self._coordinates(box))
                share = np.clip(np.float32(0.5) - distance / np.float32(self._voxel_mm), 0, 1)
                view = self.values[box]
                view += share * (np.float32(value) - view)
                if label is not None and self.labels is not None:
                    np.copyto(self.labels[box], np.uint16(label), where=distance < 0)

    def inside(self, parts: Sequence[Shape]) -> NDArray[np.bool_]:
        """Return the voxels whose centre lies in the union of ``parts``, ``(k, j, i)``."""
        mask = np.zeros(self.geometry.shape, dtype=bool)
        for part in parts:
            for box in self._boxes(part):
                mask[box] |= part.distance(*self._coordinates(box)) < 0
        return mask

    def box(self, shape: Shape, margin_mm: float = 0.0) -> Box | None:
        """Return the voxel box around ``shape`` grown by ``margin_mm``, ``None`` where it misses the grid."""
        low, high = shape.bounds()
        matrix = self._ijk_from_body
        middle = matrix[:3, :3] @ ((low + high) / 2) + matrix[:3, 3]
        half = np.abs(matrix[:3, :3]) @ ((high - low) / 2) + (margin_mm + self._voxel_mm) / self._spacing_mm
        first = np.maximum(np.floor(middle - half), 0).astype(int)[::-1]
        last = np.minimum(np.ceil(middle + half).astype(int)[::-1] + 1, self.geometry.shape)
        if np.any(last <= first):
            return None
        k, j, i = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        return k, j, i

    def coverage(self, shape: Shape, box: Box, *, n_sub: int = 4) -> Float32:
        """Return the share of each voxel of ``box`` that ``shape`` fills, from ``n_sub``^3 points a voxel."""
        offsets = (np.arange(n_sub) + 0.5) / n_sub - 0.5
        axes = [(np.arange(s.start, s.stop)[:, None] + offsets[None, :]).ravel() for s in box]
        filled = shape.distance(*self._points(*axes)) < 0
        k, j, i = (len(axis) // n_sub for axis in axes)
        return np.asarray(filled.reshape(k, n_sub, j, n_sub, i, n_sub).mean(axis=(1, 3, 5)), dtype=np.float32)

    def _boxes(self, shape: Shape) -> Iterator[Box]:
        whole = self.box(shape)
        if whole is None:
            return
        k, j, i = whole
        plane = (j.stop - j.start) * (i.stop - i.start)
        step = max(1, _CHUNK_VOXELS // plane)
        for first in range(k.start, k.stop, step):
            yield slice(first, min(first + step, k.stop)), j, i

    def _coordinates(self, box: Box) -> tuple[Float32, Float32, Float32]:
        return self._points(*(np.arange(s.start, s.stop) for s in box))

    def _points(
        self, k: NDArray[np.generic], j: NDArray[np.generic], i: NDArray[np.generic]
    ) -> tuple[Float32, Float32, Float32]:
        axes = (
            i.astype(np.float32)[None, None, :],
            j.astype(np.float32)[None, :, None],
            k.astype(np.float32)[:, None, None],
        )
        x, y, z = (_along(row, axes) for row in self._body_from_ijk[:3])
        return x, y, z


def _along(row: FloatArray, axes: tuple[Float32, ...]) -> Float32:
    """Return one coordinate; on an aligned grid it keeps its small broadcast axis, which is several times faster."""
    total = np.full((1, 1, 1), row[3], dtype=np.float32)
    for weight, axis in zip(row[:3], axes, strict=True):
        if abs(weight) > 1e-9:
            total = total + np.float32(weight) * axis
    return total
