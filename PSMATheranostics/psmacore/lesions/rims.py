"""FDG components at the skull to those that are not the brain's rim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from scipy import ndimage

from psmacore.lesions.drafts import Draft
from psmacore.model.lesions import LesionState
from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.model.volumes import OrganMap, SuvVolume

BRAIN_RIM = "faint at the skull beside the brain: the brain's rim"
_BRAIN, _SKULL = ORGAN_NUMBERS["brain"], ORGAN_NUMBERS["skull"]
_REACH_MM = 10.0  # blur of 7 mm and a voxel
_MOSTLY = 0.5
_FAINT_PART = 0.6  # of the brain's uptake: its edge shows half where blur and label meet


def without_brain_rim(drafts: Iterable[Draft], suv: SuvVolume, organs: OrganMap) -> Iterator[Draft]:
    """Yield the drafts; those that count, lie at skull or brain's edge and are fainter than the brain are excluded.

    Parameters
    ----------
    drafts : iterable of Draft
        Of an FDG study.
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap
        On the same grid; without a brain nothing is excluded.

    References
    ----------
    Boellaard et al., EJNMMI 2015;42:328: the brain's uptake hides lesions of the skull beside it.
    """
    brain = organs.labels == _BRAIN
    if not brain.any():
        yield from drafts
        return
    limit_suv = _FAINT_PART * float(np.median(suv.values[brain]))
    lowest = int(np.flatnonzero(brain.any(axis=(1, 2)))[0])
    reach = int(np.ceil(_REACH_MM / suv.geometry.spacing_kji_mm[0]))
    start = max(lowest - reach, 0)
    distance_mm = np.full(brain.shape, np.inf, np.float32)
    distance_mm[start:] = ndimage.distance_transform_edt(~brain[start:], sampling=suv.geometry.spacing_kji_mm)
    beside = (distance_mm <= _REACH_MM) | (organs.labels == _SKULL)
    for draft in drafts:
        inside = beside.reshape(-1)[draft.voxels].mean()
        is_faint = float(suv.values.reshape(-1)[draft.voxels].max()) <= limit_suv
        if draft.state.counts and inside >= _MOSTLY and is_faint:
            yield replace(draft, state=LesionState.EXCLUDED_CANDIDATE, note=BRAIN_RIM)
        else:
            yield draft
