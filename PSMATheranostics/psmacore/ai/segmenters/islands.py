"""Organ labels with stray voxels far away to labels whose extent can be trusted."""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray

LEAST_PART = 0.1
"""Of an organ's largest connected part, below which another part is a network's mistake and no piece of the organ."""


def without_islands(labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return labels without parts that are small beside their organ's largest.

    Levels and sides of a patient are read from the ends of organs, so one stray voxel would move them.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(k, j, i)``, uint16.

    Returns
    -------
    numpy.ndarray
        The same, with 0 where a 26-connected part of a label has fewer than a tenth of the voxels of that label's
        largest part.
    """
    parts, n_parts = cc3d.connected_components(labels, connectivity=26, return_N=True)
    if not n_parts:
        return labels
    flat = parts.reshape(-1)
    sizes = np.bincount(flat, minlength=n_parts + 1)
    label_of = np.zeros(n_parts + 1, np.int64)
    label_of[flat] = labels.reshape(-1)
    largest = np.zeros(int(label_of.max()) + 1, np.int64)
    np.maximum.at(largest, label_of[1:], sizes[1:])
    is_kept = sizes >= LEAST_PART * largest[label_of]
    is_kept[0] = False
    return np.where(is_kept[parts], labels, np.uint16(0))
