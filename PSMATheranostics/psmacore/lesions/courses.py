"""Organ labels to the courses of vessels and pelvic walls that nodal stations follow, as points in the world."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from psmacore.lesions.landmarks import Landmarks
from psmacore.model.organs import ORGAN_NUMBERS, Side

Points = NDArray[np.float64]
_NONE: Points = np.empty((0, 3))
_FRONT_MM = 12.0  # of a vessel's label in a slice: leaves its branches to the back out
HEAD_MM = 24.0  # from the top of the femur to the middle of its head
_HEAD_SLAB_MM = 12.0
_WALL_DEPTH_MM = 12.0


class Courses:
    """Courses in one study; every method returns ``(n, 3)`` L, P, S in mm, by ascending slice, empty without label.

    Parameters
    ----------
    landmarks : Landmarks
        Of a map whose slices (axis ``k``) lie across the body's long axis, as PET has them.
    """

    def __init__(self, landmarks: Landmarks) -> None:
        self._organs, self._marks = landmarks.organs, landmarks

    def voxels(self, name: str) -> Points:
        """Return the voxel centres of a structure, without stray ones."""
        box = self._marks.box(ORGAN_NUMBERS[name])
        if box is None:
            return _NONE
        inside = np.argwhere(self._organs.labels[box] == ORGAN_NUMBERS[name])
        return np.asarray(self._organs.geometry.lps_of_kji(inside + [part.start for part in box]))

    def middle(self, *names: str) -> Points:
        """Return the middle of the structures' front part in each slice."""
        points = [found for name in names if len(found := self._front(name))]
        return _by_height(points) if points else _NONE

    def _front(self, name: str) -> Points:
        box = self._marks.box(ORGAN_NUMBERS[name])
        if box is None:
            return _NONE
        row_mm = self._organs.geometry.spacing_kji_mm[1]
        n_rows = max(round(_FRONT_MM / row_mm), 2)
        points = []
        for k, labels in enumerate(self._organs.labels[box], start=box[0].start):
            at = np.argwhere(labels == ORGAN_NUMBERS[name])
            if len(at):
                j, i = at[at[:, 0] < at[:, 0].min() + n_rows].mean(axis=0)
                points.append((k, j + box[1].start, i + box[2].start))
        return np.asarray(self._organs.geometry.lps_of_kji(points))

    @cached_property
    def femoral_heads(self) -> dict[Side, NDArray[np.float64]]:
        """Middle of each femoral head, by side."""
        heads: dict[Side, NDArray[np.float64]] = {}
        sides: tuple[Side, Side] = ("left", "right")
        for side in sides:
            voxels = self.voxels(f"femur_{side}")
            if len(voxels):
                top = voxels[:, 2].max()
                across = voxels[voxels[:, 2] >= top - _HEAD_SLAB_MM].mean(axis=0)
                heads[side] = np.array([across[0], across[1], top - HEAD_MM])
        return heads

    def inner_wall(self, side: Side, posterior_mm: float, superior_mm: Points) -> Points:
        """Return the hip bone's inner surface at a depth, one point for each height where bone is there."""
        voxels = self.voxels(f"hip_{side}")
        voxels = voxels[np.abs(voxels[:, 1] - posterior_mm) <= _WALL_DEPTH_MM] if len(voxels) else voxels
        inwards = 1.0 if side == "left" else -1.0  # L grows to the left, so the inner surface has the smallest L there
        step_mm = self._organs.geometry.spacing_kji_mm[0]
        points = []
        for height in superior_mm:
            level = voxels[np.abs(voxels[:, 2] - height) <= step_mm]
            if len(level):
                points.append((inwards * float((inwards * level[:, 0]).min()), posterior_mm, float(height)))
        return np.array(points) if points else _NONE


def _by_height(courses: list[Points]) -> Points:
    """Return the mean of courses at each height that one of them has."""
    points = np.concatenate(courses)
    _, level = np.unique(np.round(points[:, 2], 3), return_inverse=True)
    n = np.bincount(level)
    return np.stack([np.bincount(level, weights=points[:, axis]) / n for axis in range(3)], axis=1)
