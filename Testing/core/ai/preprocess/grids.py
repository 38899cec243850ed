"""Voxel grids that no axis permutation or sign survives unnoticed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psmacore.model.geometry import Geometry


def an_oblique_grid(
    shape: tuple[int, int, int] = (11, 14, 17), spacing_ijk_mm: tuple[float, float, float] = (2.1, 1.7, 3.3)
) -> Geometry:
    """Anisotropic, turned about all three axes, away from the origin."""
    a, b, c = np.radians([14.0, -9.0, 21.0])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return Geometry.from_axes(
        shape=shape,
        origin_lps_mm=[-31.0, 47.0, -812.0],
        spacing_ijk_mm=spacing_ijk_mm,
        directions_lps=about_x @ about_y @ about_z,
    )


def voxel_centres_lps(geometry: Geometry) -> NDArray[np.float64]:
    """``(k, j, i, 3)`` in mm."""
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    return geometry.lps_of_kji(indices.reshape(-1, 3)).reshape(*geometry.shape, 3)


def a_linear_field(geometry: Geometry) -> NDArray[np.float32]:
    """A linear function of the place in the patient, which linear interpolation keeps exactly."""
    return (voxel_centres_lps(geometry) @ np.array([0.31, -0.17, 0.05]) + 40.0).astype(np.float32)
