"""Voxels of a study that can be foreground to the voxels of the network's grid whose logits are read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.preprocess.prepare import Prepared

_VOXELS_AT_ONCE = 1 << 20


def gate_on(wanted: NDArray[np.bool_], prepared: Prepared) -> NDArray[np.bool_]:
    """Return the voxels of the network's input whose logits the wanted voxels of the study are made of.

    Parameters
    ----------
    wanted : numpy.ndarray
        ``(k, j, i)`` of ``prepared.native``.
    prepared : Prepared
        Whose image the network reads, and whose way back is taken.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)`` of ``prepared.image``: the same voxels where the grids are one, else all eight neighbours that
        linear interpolation reads.
    """
    if prepared.model is prepared.native:
        return prepared.crop.cut(wanted)
    moved = np.zeros(prepared.model.shape, np.bool_)
    model_from_native = np.linalg.inv(prepared.model.lps_from_ijk) @ prepared.native.lps_from_ijk
    places = np.flatnonzero(wanted)
    for first in range(0, len(places), _VOXELS_AT_ONCE):
        kji = np.unravel_index(places[first : first + _VOXELS_AT_ONCE], wanted.shape)
        ijk = np.stack(kji[::-1]).astype(np.float64)
        _mark(moved, (model_from_native[:3, :3] @ ijk + model_from_native[:3, 3:])[::-1])
    return prepared.crop.cut(moved)


def _mark(moved: NDArray[np.bool_], kji: NDArray[np.float64]) -> None:
    """Set the eight voxels around each point; points beyond the grid set those at its edge."""
    low = np.floor(kji + 1e-6).astype(np.intp)
    high = np.ceil(kji - 1e-6).astype(np.intp)
    limit = np.array(moved.shape)[:, None] - 1
    ends = [np.clip(end, 0, limit) for end in (low, high)]
    for k in ends:
        for j in ends:
            for i in ends:
                moved[k[0], j[1], i[2]] = True
