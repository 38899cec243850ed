"""A lesion to the room that it takes in the course's common frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from psmacore.errors import GeometryError
from psmacore.longitudinal.dated import DatedLesions
from psmacore.model.geometry import FloatArray
from psmacore.model.lesions import Lesion

_LEAST_RADIUS_MM = 2.0  # of a lesion without volume: half a voxel of PET
_MOST_SAMPLES = 200
_N_BALL = 96


@dataclass(frozen=True, eq=False)
class Extent:
    """Where a lesion lies and how far it reaches.

    Parameters
    ----------
    centre_mm : numpy.ndarray
        ``(3,)``, common frame, LPS.
    volume_ml : float
        As measured on its own grid.
    voxels_mm : numpy.ndarray or None
        ``(n, 3)`` voxel centres in the common frame; ``None`` where only centroid and volume are known.
    error_mm : float
        Median registration error of its study.
    """

    centre_mm: FloatArray
    volume_ml: float
    voxels_mm: FloatArray | None
    error_mm: float

    @property
    def radius_mm(self) -> float:
        """Radius of a sphere of its volume, at least 2 mm."""
        return max(radius_of(self.volume_ml), _LEAST_RADIUS_MM)

    @cached_property
    def samples_mm(self) -> FloatArray:
        """Up to 200 points that fill it, ``(n, 3)``."""
        if self.voxels_mm is None:
            return np.asarray(self.centre_mm + self.radius_mm * _BALL, dtype=np.float64)
        step = -(-len(self.voxels_mm) // _MOST_SAMPLES)
        return self.voxels_mm[::step]

    @cached_property
    def outer_mm(self) -> float:
        """Radius of a sphere around its centre that holds all of it."""
        if self.voxels_mm is None:
            return self.radius_mm
        return float(np.linalg.norm(self.voxels_mm - self.centre_mm, axis=1).max()) + self._half_voxel_mm

    def part_covered_by(self, other: Extent, reach_mm: float) -> float:
        """Return the part, 0 to 1, of this lesion that lies within ``reach_mm`` of the other."""
        if np.linalg.norm(self.centre_mm - other.centre_mm) > self.outer_mm + other.outer_mm + reach_mm:
            return 0.0
        return float(np.mean(other._outside_mm(self.samples_mm) <= reach_mm))

    def _outside_mm(self, points_mm: FloatArray) -> FloatArray:
        """Return how far points lie outside, 0 inside."""
        if self.voxels_mm is None:
            away = np.linalg.norm(points_mm - self.centre_mm, axis=1) - self.radius_mm
        else:
            away = self._tree.query(points_mm)[0] - self._half_voxel_mm
        return np.asarray(np.maximum(away, 0.0), dtype=np.float64)

    @cached_property
    def _half_voxel_mm(self) -> float:
        """Radius of a sphere of one voxel's volume."""
        return 0.0 if self.voxels_mm is None else radius_of(self.volume_ml / len(self.voxels_mm))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.voxels_mm)


def radius_of(volume_ml: float) -> float:
    """Return the radius in mm of a sphere of ``volume_ml``."""
    return float((750.0 * max(volume_ml, 0.0) / np.pi) ** (1 / 3))


def extent_of(lesion: Lesion, study: DatedLesions) -> Extent:
    """Return a lesion's extent: its voxels moved to the common frame, else a sphere around its centroid.

    Raises
    ------
    GeometryError
        If its voxels are not ``(n, 3)`` finite points, or its centroid is not finite.
    """
    voxels = study.voxels_lps_mm.get(lesion.tracking_uid)
    own = np.array([lesion.centroid_lps_mm], dtype=np.float64) if voxels is None else np.asarray(voxels, np.float64)
    if own.ndim != 2 or own.shape[1] != 3 or not len(own) or not np.isfinite(own).all():
        raise GeometryError(f"lesion {lesion.tracking_uid} needs finite points (n, 3), not {own.shape}: {own[:1]}")
    placed = study.placement.to_common(own)
    return Extent(placed.mean(axis=0), lesion.volume_ml, None if voxels is None else placed, study.error_mm)


@dataclass(frozen=True, eq=False)
class Pool:
    """Lesions taken together: where their common centre would lie if they were one.

    Parameters
    ----------
    centre_mm : numpy.ndarray
        Mean of their centres, each weighted by its volume.
    volume_ml : float
        Sum.
    spread_mm : float
        Weighted root mean square distance of their centres from the common one; 0 for one lesion.
    """

    centre_mm: FloatArray
    volume_ml: float
    spread_mm: float


def pooled(extents: Sequence[Extent]) -> Pool:
    """Return lesions taken together; those without volume count as 0.03 ml each."""
    volumes = np.array([max(extent.volume_ml, 0.03) for extent in extents])
    centres = np.array([extent.centre_mm for extent in extents])
    centre = volumes @ centres / volumes.sum()
    spread_mm = float(np.sqrt(volumes @ ((centres - centre) ** 2).sum(axis=1) / volumes.sum()))
    return Pool(centre, float(volumes.sum()), spread_mm)


def _unit_ball() -> FloatArray:
    """Return points that fill the unit ball evenly: a Fibonacci spiral on shells of equal volume."""
    number = np.arange(_N_BALL) + 0.5
    height = 1.0 - 2.0 * np.mod(number * 0.7548776662, 1.0)  # the plastic number's sequence fills evenly
    angle = 2.0 * np.pi * np.mod(number * 0.5698402910, 1.0)
    radius = np.cbrt(number / _N_BALL)
    side = np.sqrt(1.0 - height**2)
    return np.asarray(radius[:, None] * np.stack([side * np.cos(angle), side * np.sin(angle), height], axis=1))


_BALL = _unit_ball()
