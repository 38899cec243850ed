"""A field of uptake to the basins of its local maxima, those split by noise alone joined again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NEIGHBOURS = np.array(
    [(k, j, i) for k in (-1, 0, 1) for j in (-1, 0, 1) for i in (-1, 0, 1) if (k, j, i) != (0, 0, 0)]
)


@dataclass(frozen=True, eq=False)
class Basins:
    """A partition of the voxels of a region.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(k, j, i)``, int32: 0 outside the region, n in basin n, counted from 1.
    peaks : numpy.ndarray
        Flat index of the highest voxel of basins 1, 2, ...
    """

    labels: NDArray[np.int32]
    peaks: NDArray[np.int64]


def partition(field: NDArray[np.float32], region: NDArray[np.bool_], *, prominence: float) -> Basins:
    """Partition a region by steepest ascent, 26-connected.

    Parameters
    ----------
    field : numpy.ndarray
        ``(k, j, i)``, positive uptake.
    region : numpy.ndarray
        ``(k, j, i)``, bool; basins lie inside.
    prominence : float
        A basin is joined to its neighbour across the highest saddle unless its peak is at least this many
        times that saddle: 1 keeps every local maximum.

    Returns
    -------
    Basins
        Without basins for an empty region. Deterministic: of equal neighbours the first in array order wins.

    References
    ----------
    Watershed by steepest ascent with dynamics (Grimaud, Proc SPIE 1992;1769:292), here relative to the saddle.
    """
    labels = np.zeros(field.shape, np.int32)
    flat = np.flatnonzero(region)
    if not len(flat):
        return Basins(labels, np.empty(0, np.int64))
    heights = field.reshape(-1)[flat]
    neighbours = _neighbour_numbers(region, flat)
    roots = _climb(heights, neighbours)
    joined = _join(heights, neighbours, roots, prominence)
    peaks, numbers = np.unique(joined, return_inverse=True)
    labels.reshape(-1)[flat] = numbers + 1
    return Basins(labels, flat[peaks])


def _neighbour_numbers(region: NDArray[np.bool_], flat: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each region voxel the running numbers of its 26 neighbours, itself where one lies outside."""
    padded_shape = tuple(size + 2 for size in region.shape)
    numbers = np.full(padded_shape, -1, np.int64)
    inner = numbers[1:-1, 1:-1, 1:-1]
    where = np.unravel_index(flat, region.shape)
    inner[where] = np.arange(len(flat))
    strides = np.array([padded_shape[1] * padded_shape[2], padded_shape[2], 1])
    at = np.ravel_multi_index(tuple(axis + 1 for axis in where), padded_shape)
    found = numbers.reshape(-1)[at[:, None] + (_NEIGHBOURS @ strides)[None, :]]
    return np.asarray(np.where(found < 0, np.arange(len(flat))[:, None], found), dtype=np.int64)


def _climb(heights: NDArray[np.float32], neighbours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each voxel the local maximum that its steepest ascent ends in."""
    best = neighbours[np.arange(len(heights)), np.argmax(heights[neighbours], axis=1)]
    itself = np.arange(len(heights))
    # equal heights ascend towards the lower number, so that a plateau cannot turn in circles
    rises = (heights[best] > heights) | ((heights[best] == heights) & (best < itself))
    target = np.where(rises, best, itself)
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return np.asarray(target, dtype=np.int64)
        target = further


def _join(
    heights: NDArray[np.float32], neighbours: NDArray[np.int64], roots: NDArray[np.int64], prominence: float
) -> NDArray[np.int64]:
    """Return each voxel's root after basins that do not stand out were joined across their highest saddles."""
    source = np.repeat(np.arange(len(heights)), neighbours.shape[1])
    target = neighbours.reshape(-1)
    crossing = (roots[source] < roots[target]) & (source != target)
    low, high = roots[source[crossing]], roots[target[crossing]]
    saddles = np.minimum(heights[source[crossing]], heights[target[crossing]])
    order = np.lexsort((-saddles, high, low))  # of each pair of basins only the highest saddle matters
    low, high, saddles = low[order], high[order], saddles[order]
    is_first = np.ones(len(low), dtype=np.bool_)
    is_first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    low, high, saddles = low[is_first], high[is_first], saddles[is_first]
    parent = {int(root): int(root) for root in np.unique(roots)}

    def find(root: int) -> int:
        while parent[root] != root:
            parent[root] = parent[parent[root]]
            root = parent[root]
        return root

    for n in np.argsort(-saddles, kind="stable"):
        first, second = find(int(low[n])), find(int(high[n]))
        if first == second:
            continue
        if (heights[first], -first) < (heights[second], -second):
            first, second = second, first
        if heights[second] <= prominence * saddles[n]:
            parent[second] = first
    unique, inverse = np.unique(roots, return_inverse=True)
    return np.array([find(int(root)) for root in unique], dtype=np.int64)[inverse]
