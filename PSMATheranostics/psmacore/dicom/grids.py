"""Labels on one voxel grid to labels on another, each voxel taking the nearest."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry

Scalar = TypeVar("Scalar", bound=np.generic)

_AXIS_TOLERANCE = 0.05
"""Sideways run over the whole grid, in voxels, that still counts as parallel axes."""


def index_transform(source: Geometry, target: Geometry) -> NDArray[np.float64]:
    """Return the 4 x 4 ``source_kji_from_target_kji``.

    Raises
    ------
    GeometryError
        If both name a frame of reference and the two differ.
    """
    names = (source.frame_of_reference_uid, target.frame_of_reference_uid)
    if all(names) and names[0] != names[1]:
        raise GeometryError(f"labels lie in frame of reference {names[0]}, the image in {names[1]}: (0020,0052)")
    ijk = source.ijk_from_lps @ target.lps_from_ijk
    swap = [2, 1, 0, 3]
    return np.asarray(ijk[np.ix_(swap, swap)], dtype=np.float64)


def has_parallel_axes(source_from_target: NDArray[np.float64], shape: tuple[int, int, int]) -> bool:
    """Return whether each axis of the target runs along the same axis of the source, forwards or backwards."""
    linear = source_from_target[:3, :3]
    sideways = np.abs(linear - np.diag(np.diag(linear))) * np.array(shape)[None, :]
    return bool(sideways.max() < _AXIS_TOLERANCE and np.abs(np.diag(linear)).min() > 0)


def nearest_along(
    start: float, step: float, n_target: int, n_source: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the nearest source index of each target index along one axis, and whether it exists."""
    index = np.floor(start + step * np.arange(n_target) + 0.5 + 1e-6).astype(np.intp)
    inside = (index >= 0) & (index < n_source)
    return np.clip(index, 0, n_source - 1), inside


def sub_grid(geometry: Geometry, start_kji: NDArray[np.intp], stop_kji: NDArray[np.intp]) -> Geometry:
    """Return the part of a grid from ``start_kji`` up to, not including, ``stop_kji``."""
    matrix = np.array(geometry.lps_from_ijk)
    matrix[:3, 3] = geometry.lps_of_kji(start_kji)[0]
    k, j, i = (int(size) for size in stop_kji - start_kji)
    return Geometry((k, j, i), matrix, geometry.frame_of_reference_uid)


def box_on(target: Geometry, source: Geometry) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and past-the-last index ``(k, j, i)`` on ``target`` of the box that holds all of ``source``.

    The box is cut at the target's border; where it lies beside it, last equals first in some direction.
    """
    low, high = np.full(3, -0.5), np.array(source.shape) - 0.5
    corners = np.array([[(low, high)[bit >> axis & 1][axis] for axis in range(3)] for bit in range(8)])
    there = target.kji_of_lps(source.lps_of_kji(corners))
    first = np.clip(np.floor(there.min(axis=0)), 0, target.shape).astype(np.intp)
    last = np.clip(np.ceil(there.max(axis=0)) + 1, 0, target.shape).astype(np.intp)
    return first, np.maximum(first, last)


def resample_nearest(values: NDArray[Scalar], source: Geometry, target: Geometry) -> NDArray[Scalar]:
    """Return labels or a mask on the target grid, nearest neighbour.

    Parameters
    ----------
    values : numpy.ndarray
        ``(k, j, i)`` on ``source``.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)`` on ``target``; 0 where its voxel centre lies outside all voxels of ``source``.

    Raises
    ------
    GeometryError
        If the two lie in different frames of reference.
    """
    matrix = index_transform(source, target)
    result = np.zeros(target.shape, values.dtype)
    if has_parallel_axes(matrix, target.shape):
        axes = [
            nearest_along(matrix[axis, 3], matrix[axis, axis], target.shape[axis], source.shape[axis])
            for axis in range(3)
        ]
        result[np.ix_(*(np.flatnonzero(inside) for _, inside in axes))] = values[
            np.ix_(*(index[inside] for index, inside in axes))
        ]
        return result
    rows, columns = np.indices(target.shape[1:])
    in_plane = np.stack([rows.ravel(), columns.ravel()])
    limits = np.array(source.shape)[:, None]
    for k in range(target.shape[0]):
        start = matrix[:3, 3] + matrix[:3, 0] * k
        index = np.floor(matrix[:3, 1:3] @ in_plane + start[:, None] + 0.5 + 1e-6).astype(np.intp)
        inside = ((index >= 0) & (index < limits)).all(axis=0)
        flat = result[k].reshape(-1)
        flat[inside] = values[tuple(index[:, inside])]
    return result
