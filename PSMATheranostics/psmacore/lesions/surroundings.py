"""A component to its voxels in which it outweighs the blood-like tissue around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from psmacore.lesions.drafts import Draft, rejoined, voxels_kji
from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.local_region import VESICLE_DEPTH_MM, VESICLE_LATERAL_MM
from psmacore.model.lesions import LesionState
from psmacore.model.volumes import OrganMap, SuvVolume

WITHIN_TISSUE = "hardly above the blood pool or tissue around it"
_REACH_MM = 12.0  # to each side: beyond the blur of a lesion's edge
_QUARTILE = 25.0  # of the values around a voxel: a lesion's edge has tissue on one side of it
_FEWEST_AROUND = 10
_CHUNK = 4096
_LEAST_CONTRAST = 1.5  # PERCIST 1.0: a lesion inside an organ is at least 1.5 times as high
_BLUR_MM = 8.0  # a lesion's edge falls to the threshold within one width of the blur


class SeminalVesicles:
    """Where seminal vesicles lie, which take up like the prostate but have no label.

    Parameters
    ----------
    organs : OrganMap
        On the grid of the SUV.
    prostate_suv : float
        The normal gland's SUVbw in g/ml; 0 where unknown.
    """

    def __init__(self, organs: OrganMap, prostate_suv: float) -> None:
        self._geometry, marks = organs.geometry, Landmarks(organs)
        self._faint_suv = _LEAST_CONTRAST * prostate_suv
        self._prostate, self._bladder = marks.extent("prostate"), marks.extent("urinary_bladder")

    def merged(self, voxels: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which voxels, ``(n, 3)``, of a component are vesicle that a lesion beside it merges with.

        They are as faint as the gland, lie behind the bladder's lower half and above the prostate, and farther from
        what is brighter than its blur reaches.
        """
        lps = self._geometry.lps_of_kji(voxels)
        bright = values >= self._faint_suv
        if self._prostate is None or self._bladder is None or not bright.any():
            return np.zeros(len(voxels), np.bool_)
        left, posterior, superior = lps.T
        middle = self._prostate.mean(axis=0)
        within = ~bright & (np.abs(left - middle[0]) <= VESICLE_LATERAL_MM)
        within &= (posterior > middle[1]) & (posterior <= self._prostate[1, 1] + VESICLE_DEPTH_MM)
        within &= (superior > middle[2]) & (superior <= self._bladder[:, 2].mean())
        within[within] = cKDTree(lps[bright]).query(lps[within])[0] > _BLUR_MM
        return np.asarray(within, dtype=np.bool_)


def standing_out(
    drafts: Iterable[Draft],
    suv: SuvVolume,
    organ: NDArray[np.bool_],
    *,
    blood_suv: float,
    vesicles: SeminalVesicles,
    threshold_suv: float,
    min_voxels: int,
) -> Iterator[Draft]:
    """Yield the drafts that count without voxels of which surrounding tissue explains the larger part.

    A lesion with uptake u that replaces tissue with uptake t outweighs it from the harmonic mean of u and t on
    (``hosts``). Only where t exceeds half the threshold can that exceed the threshold: in mediastinum and beside
    vessels, as with PSMA-1007. t is the lower quartile around each voxel, at most the blood pool's uptake.

    Parameters
    ----------
    drafts : iterable of Draft
        Connected components; those that do not count are passed on.
    suv : SuvVolume
        SUVbw in g/ml.
    organ : numpy.ndarray
        ``(k, j, i)``, bool: physiological organs and their spill, which are no background.
    blood_suv : float
        The blood pool's SUVmean.
    vesicles : SeminalVesicles
        Where tissue as bright as the prostate lies beside it.
    threshold_suv : float
        What a voxel must reach.
    min_voxels : int
        Smaller remains are specks.
    """
    left_out: list[NDArray[np.int64]] = []
    for draft in drafts:
        if not draft.state.counts:
            yield draft
            continue
        values = suv.values.reshape(-1)[draft.voxels]
        is_own = ~vesicles.merged(voxels_kji(draft, suv), values)
        if 2 * blood_suv > threshold_suv:
            tissue = np.minimum(_around(draft, suv, organ), blood_suv)
            is_own &= values * (values.max() + tissue) >= 2 * values.max() * tissue
        if is_own.all():
            yield draft
            continue
        left_out.append(draft.voxels[~is_own])
        if is_own.any():
            yield from rejoined(draft, draft.voxels[is_own], suv, min_voxels)
    if left_out:
        voxels = np.concatenate(left_out)
        yield Draft(voxels, LesionState.EXCLUDED_CANDIDATE, None, WITHIN_TISSUE, is_scattered=True)


def _around(draft: Draft, suv: SuvVolume, organ: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the lower quartile of the SUV around each voxel, organs left out; 0 where too little else is there."""
    k, j, i = (int(_REACH_MM // step) for step in suv.geometry.spacing_kji_mm)
    offsets = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in (k, j, i)), indexing="ij"), axis=-1).reshape(-1, 3)
    voxels = voxels_kji(draft, suv)
    result = np.zeros(len(voxels))
    top = np.array(suv.values.shape) - 1
    for start in range(0, len(voxels), _CHUNK):
        at = tuple(np.moveaxis(np.clip(voxels[start : start + _CHUNK, None] + offsets, 0, top), -1, 0))
        sample = np.where(organ[at], np.nan, suv.values[at])
        is_enough = np.count_nonzero(~np.isnan(sample), axis=1) >= _FEWEST_AROUND
        rows = np.flatnonzero(is_enough)
        if len(rows):
            result[start + rows] = np.nanpercentile(sample[rows], _QUARTILE, axis=1)
    return result
