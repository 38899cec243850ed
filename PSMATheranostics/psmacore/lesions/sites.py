"""Voxels and organ labels to the anatomic region that a lesion lies in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.local_region import local_site
from psmacore.lesions.physiology import BONES, LUNGS, RIBS
from psmacore.lesions.site_codes import ENTIRE_BODY, NAMING, PLEURA, organ_code
from psmacore.lesions.stations import BORDER_MM, NodeStations
from psmacore.model.codes import Code
from psmacore.model.organs import ORGAN_NUMBERS, PROSTATE
from psmacore.model.volumes import OrganMap

_NEAR_BONE_MM = 3.0  # the uptake's centre may lie this far outside bone (registration of PET and CT)
_NEAR_PROSTATE_MM = 6.0
_NAMING_PART = 0.4  # part of a lesion's uptake inside one structure that names it
_RIVAL_PART = 0.2  # two structures hold about equal parts where no more than this parts them
_BONES_PART = 1 / 3  # in all bones together, of a lesion that no single structure names
_BONE_REACH_MM = 8.0
_BONE_IN_LUNG_MM = 4.0  # a bone this near to the centre, with half of the lung's part, goes before the lung
_CORD = ORGAN_NUMBERS["spinal_cord"]
_VERTEBRAE = frozenset(range(25, 51))
_PLEURA_MM = 6.0  # from lung, and twice that from a rib
_MEDIASTINAL_MM = 20.0  # from the organs between the lungs: nearer is no pleura
_MIDDLE_ORGANS = (*range(51, 64), 15, 16)  # heart to cava, oesophagus, trachea


@dataclass(frozen=True)
class Site:
    """Where a lesion lies.

    Parameters
    ----------
    code : Code
        The region.
    organ_number : int or None
        The organ label that named it; ``None`` for a node or without a map.
    alternative : Code or None
        The second region where two are about equally near; ``None`` away from borders.
    """

    code: Code
    organ_number: int | None
    alternative: Code | None = None

    @property
    def is_uncertain(self) -> bool:
        """Whether a reader should look at the site."""
        return self.alternative is not None


class SiteFinder:
    """Finds the region of each lesion of one study.

    Parameters
    ----------
    organs : OrganMap or None
        On the PET grid; without it every site is ``Entire body``.
    """

    def __init__(self, organs: OrganMap | None) -> None:
        self._organs = organs

    @cached_property
    def landmarks(self) -> Landmarks | None:
        """Levels of this patient; ``None`` without a map."""
        return None if self._organs is None else Landmarks(self._organs)

    @cached_property
    def _stations(self) -> NodeStations | None:
        return None if self.landmarks is None else NodeStations(self.landmarks)

    def site(self, voxels_kji: NDArray[np.int64], uptake: NDArray[np.float32]) -> Site:
        """Return where a lesion lies.

        Parameters
        ----------
        voxels_kji : numpy.ndarray
            ``(n, 3)``.
        uptake : numpy.ndarray
            ``(n,)``, SUVbw in g/ml; weights the voxels.

        Returns
        -------
        Site
            The structure that holds most of the uptake, or that the uptake's centre touches; otherwise the
            local region beside the prostate, the pleura, or the nodal station. Where a second one is about
            equally near it stands beside the first.

        References
        ----------
        Codes: DICOM CID 4031, CID 7600 and SNOMED CT. Regions: PROMISE, Eiber et al., JNM 2018;59:469.
        """
        organs, marks, stations = self._organs, self.landmarks, self._stations
        if organs is None or marks is None or stations is None:
            return Site(ENTIRE_BODY, None)
        weights = np.asarray(uptake, dtype=np.float64)
        centre = np.average(voxels_kji, axis=0, weights=weights)
        at = organs.geometry.lps_of_kji(centre)[0]
        near = _distances_mm(organs, centre)
        parts = _parts(organs.labels[tuple(voxels_kji.T)], weights, near)
        named = _named(parts, near)
        if named is None:
            return _outside(at, near, marks, stations)
        rival = _rival(named, parts, near)
        if rival is not None:
            return Site(organ_code(named), named, _other(organ_code(rival), organ_code(named)))
        is_loose = parts.get(named, 0.0) < _NAMING_PART + _RIVAL_PART and near.get(named, np.inf) > 0.0
        beside = _outside(at, near, marks, stations).code if is_loose else None
        return Site(organ_code(named), named, beside)


def _other(code: Code, first: Code) -> Code | None:
    return None if code == first else code


def _parts(labels: NDArray[np.uint16], weights: NDArray[np.float64], near: dict[int, float]) -> dict[int, float]:
    """Return the part of the uptake inside each naming structure; the spinal canal goes to the nearest vertebra."""
    held = np.bincount(labels, weights=weights) / weights.sum()
    parts = {int(number): float(held[number]) for number in np.flatnonzero(held) if number in NAMING}
    vertebra = min((n for n in near if n in _VERTEBRAE), key=lambda n: near[n], default=None)
    if vertebra is not None and len(held) > _CORD and held[_CORD]:
        parts[vertebra] = parts.get(vertebra, 0.0) + float(held[_CORD])
    return parts


def _distances_mm(organs: OrganMap, centre_kji: NDArray[np.float64]) -> dict[int, float]:
    """Return how far the centre lies from each structure near it; 0 for the one that it lies in."""
    reach = np.ceil(_MEDIASTINAL_MM / np.array(organs.geometry.spacing_kji_mm)).astype(int) + 1
    start = np.maximum(np.round(centre_kji).astype(int) - reach, 0)
    stop = np.minimum(np.round(centre_kji).astype(int) + reach + 1, organs.labels.shape)
    crop = organs.labels[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]]
    near = np.argwhere(crop)
    labels = crop[tuple(near.T)].astype(int)
    away = organs.geometry.lps_of_kji(near + start) - organs.geometry.lps_of_kji(centre_kji)
    distance_mm = np.linalg.norm(away, axis=1)
    order = np.argsort(-distance_mm)
    nearest = dict(zip(labels[order].tolist(), distance_mm[order].tolist(), strict=True))  # the last, nearest, stays
    own = int(organs.labels[tuple(np.round(centre_kji).astype(int))])
    return {**nearest, own: 0.0} if own else nearest


def _named(parts: dict[int, float], near: dict[int, float]) -> int | None:
    """Return the structure that a lesion is called after."""
    best = max(parts, key=lambda number: parts[number], default=None)
    bone = max((n for n in parts if n in BONES), key=lambda number: parts[number], default=None)
    if best in LUNGS and bone is not None and near.get(bone, np.inf) <= _BONE_IN_LUNG_MM:
        best = bone if parts[bone] >= parts[best] / 2 else best
    if best is not None and (parts[best] >= _NAMING_PART or (best == bone and near.get(bone, np.inf) == 0.0)):
        return best
    touched = [n for n in near if n in BONES and near[n] <= _NEAR_BONE_MM]
    touched += [PROSTATE] if near.get(PROSTATE, np.inf) <= _NEAR_PROSTATE_MM else []
    if touched:
        return min(touched, key=lambda number: near[number])
    is_bony = sum(part for number, part in parts.items() if number in BONES) >= _BONES_PART
    return bone if is_bony and bone is not None and near.get(bone, np.inf) <= _BONE_REACH_MM else None


def _rival(named: int, parts: dict[int, float], near: dict[int, float]) -> int | None:
    """Return a second structure that has about as good a claim, by its part of the uptake or by distance."""
    others = [number for number in parts if number != named]
    second = max(others, key=lambda number: parts[number], default=None)
    if second is not None and parts[second] >= parts.get(named, 0.0) - _RIVAL_PART:
        return second
    if parts.get(named, 0.0) >= _NAMING_PART:
        return None
    bones = [n for n in near if n in BONES and n != named and near[n] <= near.get(named, 0.0) + BORDER_MM / 2]
    return min(bones, key=lambda number: near[number], default=None)


def _outside(at: NDArray[np.float64], near: dict[int, float], marks: Landmarks, stations: NodeStations) -> Site:
    """Return the region of a lesion in no structure that names one."""
    local = local_site(at, marks)
    if local is not None:
        return Site(local, None)
    lung = min((near[n] for n in near if n in LUNGS), default=np.inf)
    rib = min((near[n] for n in near if n in RIBS), default=np.inf)
    middle = min((near[n] for n in near if n in _MIDDLE_ORGANS), default=np.inf)
    if lung <= _PLEURA_MM and rib <= 2 * _PLEURA_MM and middle > _MEDIASTINAL_MM:
        return Site(PLEURA, None)
    choice = stations.choose(at)
    bones = [n for n in near if n in BONES and near[n] <= _NEAR_BONE_MM + BORDER_MM / 2]
    beside = min(bones, key=lambda number: near[number], default=None)
    return Site(choice.site, None, choice.alternative if beside is None else organ_code(beside))
