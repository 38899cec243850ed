"""Planes drawn at some slice coordinates to the slices of a grid that take them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME_SPACING = 0.05
"""Relative difference below which planes and slices have the same spacing."""
_EDGE = 1e-6


def usual_step(positions: NDArray[np.float64]) -> float:
    """Return the lower median of the steps between sorted positions; 1 for a single position."""
    steps = np.sort(np.diff(positions))
    return float(steps[(len(steps) - 1) // 2]) if len(steps) else 1.0


def plane_of_slice(positions: NDArray[np.float64], step: float, n_slices: int) -> dict[int, int]:
    """Return which plane each slice takes.

    Planes with the spacing of the slices belong to the slice nearest to them, so that planes drawn on
    slices of slightly unequal steps find theirs. Otherwise each slice takes the nearest plane if it lies
    within that plane's slab, half a plane step to both sides, the upper side excluded.

    Parameters
    ----------
    positions : numpy.ndarray
        Slice coordinates of the planes, sorted, in steps of the grid, ``(n,)``.
    step : float
        Distance between neighbouring planes, in steps of the grid.
    n_slices : int
        Slices of the grid, at coordinates 0 to ``n_slices - 1``.

    Returns
    -------
    dict of int to int
        Slice index to index into ``positions``; slices without a plane are absent.
    """
    taken: dict[int, int] = {}
    if abs(step - 1) < SAME_SPACING:
        for index, position in enumerate(positions):
            k = int(np.floor(position + 0.5 + _EDGE))
            rival = taken.get(k)
            if 0 <= k < n_slices and (rival is None or abs(position - k) < abs(positions[rival] - k)):
                taken[k] = index
        return taken
    if len(positions) == 0:
        return taken
    lowest, highest = int(np.floor(positions[0] - step)), int(np.ceil(positions[-1] + step))
    for k in range(max(lowest, 0), min(highest + 1, n_slices)):
        distances = k - positions
        inside = np.flatnonzero((distances >= -step / 2 - _EDGE) & (distances < step / 2 - _EDGE))
        if inside.size:
            taken[k] = int(inside[np.abs(distances[inside]).argmin()])
    return taken
