"""Labelled voxels to parts before they are numbered: lesions, organs, pitfalls, specks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cc3d
import numpy as np
from numpy.typing import NDArray

from psmacore.errors import InputRefusedError
from psmacore.lesions.basins import partition
from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.physiology import organ_name
from psmacore.lesions.pitfalls import PitfallFinder
from psmacore.model.lesions import LesionState
from psmacore.model.volumes import OrganMap, SuvVolume

_MAX_SEGMENTS = int(np.iinfo(np.uint16).max)
_HILL_PROMINENCE = 1.25


@dataclass(frozen=True, eq=False)
class Draft:
    """A part before it has its number; ``voxels`` are flat indices."""

    voxels: NDArray[np.int64]
    state: LesionState
    organ_number: int | None
    note: str
    is_scattered: bool = False


def components(mask: NDArray[np.bool_] | NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return the 26-connected components of a mask, or of each label, numbered from 1; ``(k, j, i)``, uint16."""
    labels, n_labels = cc3d.connected_components(mask, connectivity=26, return_N=True)
    if n_labels > _MAX_SEGMENTS:
        raise InputRefusedError(f"{n_labels} separate components: at most {_MAX_SEGMENTS} can be numbered")
    return np.asarray(labels, dtype=np.uint16)


def lesion_drafts(labels: NDArray[np.uint16], state: LesionState, note: str, min_voxels: int) -> list[Draft]:
    """Return a draft for each component, and one for all that are smaller than ``min_voxels``."""
    drafts, specks = [], []
    for flat in _flat_groups(labels):
        if len(flat) >= min_voxels:
            drafts.append(Draft(flat, state, None, note))
        else:
            specks.append(flat)
    if specks:
        drafts.append(_speck(specks, min_voxels))
    return drafts


def without_pitfalls(
    suv: SuvVolume, organs: OrganMap, threshold_suv: float, drafts: Iterable[Draft], min_voxels: int
) -> Iterator[Draft]:
    """Yield the drafts, with what is typical of normal structures with faint PSMA uptake excluded.

    A faint hill that a hotter lesion merges with is looked at by itself.
    """
    finder = PitfallFinder(suv, organs, Landmarks(organs), threshold_suv)
    for draft in drafts:
        if not draft.state.counts:
            yield draft
            continue
        found = hills(draft, suv)
        pitfalls = [finder.find(_voxels_kji(hill, suv.values.shape)) for hill in found]
        kept = [hill for hill, pitfall in zip(found, pitfalls, strict=True) if pitfall is None]
        for hill, pitfall in zip(found, pitfalls, strict=True):
            if pitfall is not None:
                yield Draft(hill, LesionState.EXCLUDED_CANDIDATE, None, pitfall.value)
        if len(kept) == len(found):
            yield draft
        elif kept:
            yield from rejoined(draft, np.sort(np.concatenate(kept)), suv, min_voxels)


def voxels_kji(draft: Draft, suv: SuvVolume) -> NDArray[np.int64]:
    """Return a draft's voxels as ``(n, 3)`` indices in ``(k, j, i)`` order."""
    return _voxels_kji(draft.voxels, suv.values.shape)


def _voxels_kji(flat: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.stack(np.unravel_index(flat, shape), axis=1).astype(np.int64)


def hills(draft: Draft, suv: SuvVolume) -> list[NDArray[np.int64]]:
    """Return the draft's voxels by the hill that they lie on, as flat indices."""
    voxels = _voxels_kji(draft.voxels, suv.values.shape)
    start = voxels.min(axis=0)
    at, shape = box_of(voxels)
    inside = np.zeros(shape, np.bool_)
    inside[at] = True
    box = tuple(slice(int(a), int(a) + size) for a, size in zip(start, shape, strict=True))
    hill = partition(suv.values[box], inside, prominence=_HILL_PROMINENCE).labels[at]
    return [draft.voxels[hill == number] for number in np.unique(hill)]


def box_of(voxels: NDArray[np.int64]) -> tuple[tuple[NDArray[np.int64], ...], tuple[int, int, int]]:
    """Return where voxels, ``(n, 3)``, lie in the smallest box around them, as an index, and that box's shape."""
    start = voxels.min(axis=0)
    k, j, i = (int(size) for size in voxels.max(axis=0) + 1 - start)
    return tuple((voxels - start).T), (k, j, i)


def rejoined(draft: Draft, flat: NDArray[np.int64], suv: SuvVolume, min_voxels: int) -> list[Draft]:
    """Return what is left of a draft as one draft per component."""
    voxels = _voxels_kji(flat, suv.values.shape)
    at, shape = box_of(voxels)
    left = np.zeros(shape, np.uint16)
    left[at] = 1
    numbers = components(left)[at]
    groups = [flat[numbers == number] for number in np.unique(numbers)]
    small = [group for group in groups if len(group) < min_voxels]
    drafts = [replace(draft, voxels=group) for group in groups if len(group) >= min_voxels]
    return [*drafts, _speck(small, min_voxels)] if small else drafts


def _speck(groups: list[NDArray[np.int64]], min_voxels: int) -> Draft:
    words = f"{len(groups)} components of fewer than {min_voxels} voxels"
    return Draft(np.concatenate(groups), LesionState.EXCLUDED_CANDIDATE, None, words, is_scattered=True)


def organ_drafts(organ: NDArray[np.uint16]) -> list[Draft]:
    """Return an excluded draft for each organ number in ``(k, j, i)``."""
    drafts = []
    for flat in _flat_groups(organ):
        number = int(organ.reshape(-1)[flat[0]])
        note = f"physiological uptake: {organ_name(number)}"
        drafts.append(Draft(flat, LesionState.EXCLUDED_CANDIDATE, number, note))
    return drafts


def _flat_groups(labels: NDArray[np.uint16]) -> list[NDArray[np.int64]]:
    """Return the flat indices of each non-zero label, by ascending label."""
    flat = np.flatnonzero(labels)
    values = labels.reshape(-1)[flat]
    order = np.argsort(values, kind="stable")
    _, starts = np.unique(values[order], return_index=True)
    return [np.asarray(group, np.int64) for group in np.split(flat[order], starts[1:])] if len(flat) else []
