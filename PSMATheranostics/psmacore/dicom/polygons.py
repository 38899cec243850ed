"""Closed planar contours to the voxels whose centres they enclose."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psmacore.dicom.planes import plane_of_slice, usual_step
from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]

PLANE_TOLERANCE = 0.1
"""Spread of a contour's points across slices, in steps, that is still one plane."""
SAME_PLANE = 0.02
"""Contours closer than this, in steps, lie in one plane and exclude each other's overlap."""


@dataclass(frozen=True, eq=False)
class _Plane:
    """Contours of one plane at slice coordinate ``k``; points ``(n, 2)`` in ``(j, i)``."""

    k: float
    contours: tuple[FloatArray, ...]


def fill_even_odd(contours_ji: Sequence[FloatArray], shape_ji: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the voxels whose centre lies inside an odd number of the contours.

    A contour within another is a hole; a keyhole, whose two edges coincide, encloses nothing there.
    Half-open rule: a centre on a left or upper edge is inside, on a right or lower edge outside, so
    neighbours that share an edge share no voxel.

    Parameters
    ----------
    contours_ji : sequence of numpy.ndarray
        Each ``(n, 2)``, continuous ``(row, column)`` indices; closed from last to first point.
    shape_ji : tuple of int
        Rows and columns.

    Returns
    -------
    numpy.ndarray
        ``(rows, columns)``, bool; all False without contours.
    """
    n_rows, n_columns = shape_ji
    toggles = np.zeros((n_rows, n_columns + 1), np.uint8)
    for points in contours_ji:
        start, end = points, np.roll(points, -1, axis=0)
        lower = np.where((start[:, 0] <= end[:, 0])[:, None], start, end)
        upper = np.where((start[:, 0] <= end[:, 0])[:, None], end, start)
        first = np.clip(np.ceil(lower[:, 0]), 0, n_rows).astype(np.int64)
        last = np.clip(np.ceil(upper[:, 0]), 0, n_rows).astype(np.int64)
        counts = last - first
        edge = np.repeat(np.arange(len(points)), counts)
        row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
        slope = (upper[edge, 1] - lower[edge, 1]) / (upper[edge, 0] - lower[edge, 0])
        crossing = lower[edge, 1] + (row - lower[edge, 0]) * slope
        column = np.clip(np.ceil(crossing), 0, n_columns).astype(np.int64)
        np.add.at(toggles, (row, column), np.uint8(1))
    parity = np.bitwise_and(toggles, np.uint8(1))
    return np.logical_xor.accumulate(parity[:, :n_columns].astype(bool), axis=1)


def fill_contours(contours_lps_mm: Sequence[FloatArray], geometry: Geometry) -> NDArray[np.bool_]:
    """Return the voxels that planar contours enclose.

    Each slice takes the contours of one plane (:func:`psmacore.dicom.planes.plane_of_slice`);
    contours of one plane are combined by :func:`fill_even_odd`.

    Parameters
    ----------
    contours_lps_mm : sequence of numpy.ndarray
        Each ``(n, 3)`` in LPS mm, n of 3 or more.
    geometry : Geometry
        Grid to fill; contours must be parallel to its slices.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, bool; all False without contours.

    Raises
    ------
    GeometryError
        If a contour is not parallel to the slices, or all of them lie beside the grid.
    """
    mask = np.zeros(geometry.shape, np.bool_)
    planes = _planes(contours_lps_mm, geometry)
    if not planes:
        return mask
    positions = np.array([plane.k for plane in planes])
    taken = plane_of_slice(positions, usual_step(positions), geometry.shape[0])
    for k, index in taken.items():
        mask[k] = fill_even_odd(planes[index].contours, geometry.shape[1:])
    if not taken:
        raise GeometryError(
            f"contours lie at slice coordinates {planes[0].k:.1f} to {planes[-1].k:.1f}, "
            f"the image has slices 0 to {geometry.shape[0] - 1}"
        )
    return mask


def _planes(contours_lps_mm: Sequence[FloatArray], geometry: Geometry) -> list[_Plane]:
    """Return the contours plane by plane, by growing slice coordinate."""
    placed: list[tuple[float, FloatArray]] = []
    for points in contours_lps_mm:
        kji = geometry.kji_of_lps(points)
        if np.ptp(kji[:, 0]) > PLANE_TOLERANCE:
            raise GeometryError(
                f"a contour spans {np.ptp(kji[:, 0]):.2f} slices: it is not parallel to the slices of the image"
            )
        placed.append((float(kji[:, 0].mean()), kji[:, 1:]))
    placed.sort(key=lambda one: one[0])
    planes: list[_Plane] = []
    for k, points_ji in placed:
        if planes and k - planes[-1].k < SAME_PLANE:
            planes[-1] = _Plane(planes[-1].k, (*planes[-1].contours, points_ji))
        else:
            planes.append(_Plane(k, (points_ji,)))
    return planes
