"""A lesion's voxels to its short axis: the extent across its longest axial diameter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psmacore.model.geometry import Geometry


def short_axis_mm(voxels_kji: NDArray[np.int64], geometry: Geometry) -> float | None:
    """Return the extent perpendicular to the longest diameter, in the axial slice where that one is greatest.

    Parameters
    ----------
    voxels_kji : numpy.ndarray
        ``(n, 3)``. Voxels have their full extent: diameters run between voxel corners, so a single voxel of
        4 mm has a longest diameter of 5.66 mm.
    geometry : Geometry
        The grid; slices are planes of constant k.

    Returns
    -------
    float or None
        In mm; ``None`` without voxels. Where several slices or directions tie, the first.

    References
    ----------
    Short axis of a node as in RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228), taken as the width of
    the slice's convex hull (calipers) across the longest diameter.
    """
    if not len(voxels_kji):
        return None
    longest, width = -1.0, 0.0
    for points in _slices_by_bound(voxels_kji, geometry):
        bound = float(np.linalg.norm(np.ptp(points, axis=0)))
        if bound <= longest + 1e-9:
            break
        first, second, length = _farthest_pair(points)
        if length > longest + 1e-9:
            longest = length
            along = (points[second] - points[first]) / length
            across = points - points @ along[:, None] * along[None, :]
            width = _planar_width(across)
    return width


def _slices_by_bound(voxels_kji: NDArray[np.int64], geometry: Geometry) -> list[NDArray[np.float64]]:
    """Return each slice's outline as corner points ``(n, 2)`` in mm, the slice with the largest box first."""
    in_plane = geometry.lps_from_ijk[:3, [1, 0]]  # columns j and i
    _, triangle = np.linalg.qr(in_plane)  # the plane's own two axes: lengths and angles stay
    order = np.lexsort((voxels_kji[:, 2], voxels_kji[:, 1], voxels_kji[:, 0]))
    sorted_kji = voxels_kji[order]
    k, j, i = sorted_kji[:, 0], sorted_kji[:, 1], sorted_kji[:, 2]
    row_starts = np.flatnonzero(np.concatenate(([True], (k[1:] != k[:-1]) | (j[1:] != j[:-1]))))
    row_ends = np.concatenate((row_starts[1:], [len(k)])) - 1
    ends = np.stack((k[row_starts], j[row_starts], i[row_starts], i[row_ends]), axis=1)
    outlines = []
    for rows in np.split(ends, np.flatnonzero(np.diff(ends[:, 0])) + 1):
        corners = [(rows[:, 1] + dj, edge) for dj in (-0.5, 0.5) for edge in (rows[:, 2] - 0.5, rows[:, 3] + 0.5)]
        points_ji = np.concatenate([np.stack(corner, axis=1) for corner in corners])
        outlines.append(np.asarray(points_ji @ triangle.T, dtype=np.float64))
    return sorted(outlines, key=lambda points: -float(np.linalg.norm(np.ptp(points, axis=0))))


def _farthest_pair(points: NDArray[np.float64]) -> tuple[int, int, float]:
    gram = points @ points.T
    squares = np.diagonal(gram)
    squared = squares[:, None] + squares[None, :] - 2.0 * gram
    first, second = divmod(int(np.argmax(np.round(squared, 9))), len(points))
    return first, second, float(np.linalg.norm(points[first] - points[second]))


def _planar_width(across: NDArray[np.float64]) -> float:
    """Return the spread of points that lie on one line through the origin."""
    norms = np.linalg.norm(across - across[0], axis=1)
    end = across[int(np.argmax(norms))]
    return float(np.linalg.norm(across - end, axis=1).max())
