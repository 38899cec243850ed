"""Organ labels drawn on CT to the place where the organs' uptake lies in the PET."""

from __future__ import annotations

import itertools
import logging

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_REACH_KJI_MM = (14.0, 6.0, 6.0)  # breathing moves the liver by 5 to 15 mm, mostly head to foot
_LEAST_VOXELS = 40  # smaller organs give no direction
_LEAST_GAIN = 0.02  # of the contrast between organ and rim, below which labels stay where they are

_log = logging.getLogger(__name__)


def aligned(
    labels: NDArray[np.uint16],
    values: NDArray[np.float32],
    spacing_kji_mm: tuple[float, float, float],
    movable: frozenset[int],
) -> NDArray[np.uint16]:
    """Return labels shifted, organ by organ, by whole voxels to where their uptake is.

    Each organ takes the shift with the highest contrast between its voxels and a rim around it, both as part
    of the organ's median uptake and capped there, so that a hotter neighbour does not attract it.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(k, j, i)``, uint16: physiological organs.
    values : numpy.ndarray
        SUVbw, ``(k, j, i)``.
    spacing_kji_mm : tuple of float
        Of the grid.
    movable : frozenset of int
        Organs that breathing moves; the others stay.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, uint16. Where two shifted organs overlap, the smaller one holds.
    """
    boxes = ndimage.find_objects(labels)
    moved = np.where(np.isin(labels, tuple(movable)), np.uint16(0), labels)
    organs = [(n, box) for n, box in enumerate(boxes, start=1) if box is not None and n in movable]
    sized = sorted(((int(np.count_nonzero(labels[box] == n)), n, box) for n, box in organs), reverse=True)
    for n_voxels, number, box in sized:
        voxels = np.argwhere(labels[box] == number) + [part.start for part in box]
        shift = (0, 0, 0)
        if n_voxels >= _LEAST_VOXELS:
            shift = _best_shift(labels, values, voxels, number, spacing_kji_mm)
        if any(shift):
            _log.info("organ label %d moved by %s voxels (k, j, i)", number, shift)
        target = voxels + np.array(shift)
        within = np.all((target >= 0) & (target < np.array(labels.shape)), axis=1)
        k, j, i = target[within].T
        free = np.isin(moved[k, j, i], [0, *movable])  # organs that stay keep their voxels
        moved[k[free], j[free], i[free]] = number
    return moved


def _best_shift(
    labels: NDArray[np.uint16],
    values: NDArray[np.float32],
    voxels: NDArray[np.int64],
    number: int,
    spacing_kji_mm: tuple[float, float, float],
) -> tuple[int, int, int]:
    level = float(np.median(values[tuple(voxels.T)]))
    if level <= 0:
        return 0, 0, 0
    rim = _rim(labels, voxels, number)
    reach = [int(limit // step) for limit, step in zip(_REACH_KJI_MM, spacing_kji_mm, strict=True)]
    low = np.maximum(np.min(voxels, axis=0) - np.array(reach) - 2, 0)
    high = np.minimum(np.max(voxels, axis=0) + np.array(reach) + 3, labels.shape)
    crop = np.clip(values[low[0] : high[0], low[1] : high[1], low[2] : high[2]] / level, 0, 1)
    top = np.array(crop.shape) - 1

    def mean_at(points: NDArray[np.int64], shift: tuple[int, int, int]) -> float:
        k, j, i = np.clip(points - low + np.array(shift), 0, top).T
        return float(crop[k, j, i].mean())

    def contrast(shift: tuple[int, int, int]) -> float:
        return mean_at(voxels, shift) - (mean_at(rim, shift) if len(rim) else 0.0)

    steps = [range(-limit, limit + 1) for limit in reach]
    shifts = sorted(itertools.product(steps[0], steps[1], steps[2]), key=lambda s: sum(abs(n) for n in s))
    best = max(shifts, key=contrast)  # of equal ones the shortest
    return best if contrast(best) > contrast((0, 0, 0)) + _LEAST_GAIN else (0, 0, 0)


def _rim(labels: NDArray[np.uint16], voxels: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Return the voxels within two voxels around an organ that belong to no other organ."""
    low = np.maximum(voxels.min(axis=0) - 2, 0)
    high = np.minimum(voxels.max(axis=0) + 3, labels.shape)
    crop = labels[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    grown = ndimage.binary_dilation(crop == number, np.ones((3, 3, 3)), iterations=2)
    return np.asarray(np.argwhere(grown & (crop == 0)) + low, dtype=np.int64)
