"""A PET and a place where no lesion is segmented to the uptake left there and the background around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from psmacore.errors import GeometryError
from psmacore.lesions.peak import peaks
from psmacore.longitudinal.dated import UptakeLeft
from psmacore.model.geometry import FloatArray
from psmacore.model.volumes import Segmentation, SuvVolume

_SHELL_MM = (7.0, 16.0)  # around the place, what is called its background: beyond the blur of a PET, 4 to 7 mm FWHM
_SPILL_MM = 7.0  # around other segments: their uptake is blurred into their surroundings
_LEAST_PART = 0.5  # of a place that must be in the scan, and free of other segments, to be read
_LEAST_BACKGROUND = 20  # voxels
_SD_PER_MAD = 1.4826

Kji = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SuvProbe:
    """Reads the SUV of one study where a lesion of another date was.

    Parameters
    ----------
    suv : SuvVolume
        On the native PET grid.
    segmentation : Segmentation
        The study's segments on the same grid, whose uptake is not that of the place.

    Raises
    ------
    GeometryError
        If the two are not on one grid.
    """

    suv: SuvVolume
    segmentation: Segmentation

    def __post_init__(self) -> None:
        if not self.suv.geometry.is_same_grid(self.segmentation.geometry):
            raise GeometryError(
                f"the segments' grid {self.segmentation.geometry.shape} is not the PET's {self.suv.geometry.shape}"
            )

    def left_at(self, points_lps_mm: FloatArray) -> UptakeLeft:
        """Return the uptake in the room that the points fill.

        The background is the median of what lies 7 to 16 mm around the place, its SD 1.4826 times the median absolute
        deviation, so that a vessel or another organ at the edge does not raise it. Voxels within 7 mm of a segment
        are left out of both; a place of which they take more than half is covered. SUVpeak, the highest mean of a
        1 cm3 sphere centred in the place, reaches 6 mm beyond it, and so bridges registration errors.

        Parameters
        ----------
        points_lps_mm : numpy.ndarray
            ``(n, 3)``, at least one point, LPS in mm of this study.

        References
        ----------
        SUVpeak: PERCIST 1.0, Wahl et al., JNM 2009;50:122S. The shell's bounds are our own.
        """
        voxels = self._around(points_lps_mm)
        inside = self._is_in_scan(self.suv.geometry.kji_of_lps(points_lps_mm))
        if inside.mean() < _LEAST_PART or not len(voxels):
            return UptakeLeft(is_in_view=False)
        away_mm = cKDTree(points_lps_mm).query(self.suv.geometry.lps_of_kji(voxels))[0]
        is_free = self._is_free(voxels)
        is_place = away_mm <= self._half_voxel_mm(points_lps_mm)
        if not is_place.any():
            is_place = away_mm == away_mm.min()
        if is_free[is_place].mean() < _LEAST_PART:
            return UptakeLeft(is_covered=True)
        place = voxels[is_place & is_free]
        values = self.suv.values[tuple(place.T)]
        shell = voxels[is_free & (away_mm >= _SHELL_MM[0]) & (away_mm <= _SHELL_MM[1])]
        background, spread = self._background(shell)
        return UptakeLeft(
            suv_max=float(values.max()),
            suv_mean=float(values.mean(dtype=np.float64)),
            suv_peak=peaks(self.suv.values, self.suv.geometry, place).highest,
            background_suv=background,
            background_sd=spread,
        )

    def _around(self, points_lps_mm: FloatArray) -> Kji:
        """Return the voxels of the box that holds the points and their shell, ``(n, 3)``."""
        corners = np.stack([points_lps_mm.min(axis=0) - _SHELL_MM[1], points_lps_mm.max(axis=0) + _SHELL_MM[1]])
        mesh = np.stack(np.meshgrid(*corners.T, indexing="ij"), axis=-1).reshape(-1, 3)
        indices = self.suv.geometry.kji_of_lps(mesh)
        low = np.maximum(np.floor(indices.min(axis=0)), 0).astype(np.int64)
        high = np.minimum(np.ceil(indices.max(axis=0)), np.array(self.suv.geometry.shape) - 1).astype(np.int64)
        axes = [np.arange(a, b + 1) for a, b in zip(low, high, strict=True)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)

    def _is_in_scan(self, kji: FloatArray) -> NDArray[np.bool_]:
        shape = np.array(self.suv.geometry.shape)
        return np.asarray(((kji > -0.5) & (kji < shape - 0.5)).all(axis=1))

    def _is_free(self, voxels: Kji) -> NDArray[np.bool_]:
        """Return which voxels lie clear of all segments."""
        low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
        reach = np.ceil(_SPILL_MM / np.array(self.suv.geometry.spacing_kji_mm)).astype(np.int64)
        start, stop = np.maximum(low - reach, 0), high + reach
        box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
        segments = np.argwhere(self.segmentation.labels[box]) + start
        if not len(segments):
            return np.ones(len(voxels), dtype=bool)
        geometry = self.suv.geometry
        apart = cKDTree(geometry.lps_of_kji(segments)).query(geometry.lps_of_kji(voxels))[0]
        return np.asarray(apart > _SPILL_MM)

    def _half_voxel_mm(self, points_lps_mm: FloatArray) -> float:
        """Return how far a voxel's centre may lie from the nearest point and still belong to the place."""
        widest = max(self.suv.geometry.spacing_kji_mm)
        if len(points_lps_mm) < 2:
            return 0.5 * widest
        nearest = cKDTree(points_lps_mm).query(points_lps_mm, k=2)[0][:, 1]
        return float(max(0.5 * widest, 0.75 * np.median(nearest)))

    def _background(self, shell: Kji) -> tuple[float | None, float | None]:
        """Return median and robust SD, ``None`` where too little is left around the place."""
        if len(shell) < _LEAST_BACKGROUND:
            return None, None
        values = self.suv.values[tuple(shell.T)].astype(np.float64)
        median = float(np.median(values))
        return median, float(_SD_PER_MAD * np.median(np.abs(values - median)))
