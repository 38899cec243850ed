"""Voxel grid in the patient: shape and the affine that takes voxel indices to LPS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from psmacore.errors import GeometryError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Geometry:
    """A regular voxel grid.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along ``(k, j, i)``: slices, rows, columns.
    lps_from_ijk : numpy.ndarray
        4 x 4, float64. Takes ``(i, j, k, 1)`` to ``(L, P, S, 1)`` in mm at the voxel's centre
        (DICOM PS3.3 C.7.6.2.1.1, with the slice index as third coordinate).
    frame_of_reference_uid : str
        DICOM Frame of Reference UID; empty where the source has none (NIfTI).
    """

    shape: tuple[int, int, int]
    lps_from_ijk: FloatArray
    frame_of_reference_uid: str = ""

    def __post_init__(self) -> None:
        matrix = np.array(self.lps_from_ijk, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise GeometryError(f"lps_from_ijk must be a finite 4 x 4 matrix, not {matrix.shape}")
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
            raise GeometryError("lps_from_ijk is singular: the voxels have no volume")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GeometryError(f"a volume needs three positive sizes (k, j, i), not {self.shape}")
        matrix.setflags(write=False)
        object.__setattr__(self, "lps_from_ijk", matrix)
        object.__setattr__(self, "shape", (int(self.shape[0]), int(self.shape[1]), int(self.shape[2])))

    @classmethod
    def from_axes(
        cls,
        *,
        shape: tuple[int, int, int],
        origin_lps_mm: ArrayLike,
        spacing_ijk_mm: ArrayLike,
        directions_lps: ArrayLike | None = None,
        frame_of_reference_uid: str = "",
    ) -> Geometry:
        """Build a grid from origin, spacing and direction cosines.

        Parameters
        ----------
        shape : tuple of int
            ``(k, j, i)``.
        origin_lps_mm : array_like
            Centre of voxel ``(0, 0, 0)``, in mm.
        spacing_ijk_mm : array_like
            Distance between voxel centres along i, j and k, in mm.
        directions_lps : array_like, optional
            3 x 3; column n is the direction of axis n of ``(i, j, k)``. Identity if absent.
        frame_of_reference_uid : str
            DICOM Frame of Reference UID.
        """
        matrix = np.eye(4)
        directions = np.eye(3) if directions_lps is None else np.asarray(directions_lps, dtype=np.float64)
        matrix[:3, :3] = directions * np.asarray(spacing_ijk_mm, dtype=np.float64)[None, :]
        matrix[:3, 3] = np.asarray(origin_lps_mm, dtype=np.float64)
        return cls(shape, matrix, frame_of_reference_uid)

    @cached_property
    def ijk_from_lps(self) -> FloatArray:
        """4 x 4 inverse of ``lps_from_ijk``."""
        return np.asarray(np.linalg.inv(self.lps_from_ijk), dtype=np.float64)

    @property
    def spacing_ijk_mm(self) -> FloatArray:
        """Distance between voxel centres along i, j and k, in mm."""
        return np.asarray(np.linalg.norm(self.lps_from_ijk[:3, :3], axis=0), dtype=np.float64)

    @property
    def spacing_kji_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres in array order, in mm."""
        i, j, k = (float(value) for value in self.spacing_ijk_mm)
        return k, j, i

    @property
    def directions_lps(self) -> FloatArray:
        """3 x 3 unit vectors; column n is the direction of axis n of ``(i, j, k)``."""
        return np.asarray(self.lps_from_ijk[:3, :3] / self.spacing_ijk_mm[None, :], dtype=np.float64)

    @property
    def origin_lps_mm(self) -> FloatArray:
        """Centre of voxel ``(0, 0, 0)``, in mm."""
        return np.asarray(self.lps_from_ijk[:3, 3], dtype=np.float64)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(abs(np.linalg.det(self.lps_from_ijk[:3, :3]))) / 1000.0

    def lps_of_kji(self, indices_kji: ArrayLike) -> FloatArray:
        """Return LPS points in mm, ``(n, 3)``, of array indices ``(n, 3)`` in ``(k, j, i)`` order."""
        ijk = np.atleast_2d(np.asarray(indices_kji, dtype=np.float64))[:, ::-1]
        return np.asarray(ijk @ self.lps_from_ijk[:3, :3].T + self.lps_from_ijk[:3, 3], dtype=np.float64)

    def kji_of_lps(self, points_lps_mm: ArrayLike) -> FloatArray:
        """Return continuous array indices ``(n, 3)`` in ``(k, j, i)`` order of LPS points ``(n, 3)`` in mm."""
        points = np.atleast_2d(np.asarray(points_lps_mm, dtype=np.float64))
        ijk = points @ self.ijk_from_lps[:3, :3].T + self.ijk_from_lps[:3, 3]
        return np.asarray(ijk[:, ::-1], dtype=np.float64)

    def is_same_grid(self, other: Geometry, *, tolerance_mm: float = 0.01) -> bool:
        """Return whether both grids have the same shape and their corner voxels lie within ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        top = np.asarray(self.shape) - 1
        corners = np.array([[k, j, i] for k in (0, top[0]) for j in (0, top[1]) for i in (0, top[2])])
        distance = np.linalg.norm(self.lps_of_kji(corners) - other.lps_of_kji(corners), axis=1)
        return bool(distance.max() <= tolerance_mm)
