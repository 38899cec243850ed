"""Voxels and organ labels to the anatomic region that a lesion lies in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.physiology import BONES, LUNGS
from psmacore.model.codes import Code
from psmacore.model.organs import BLADDER, KIDNEYS, LIVER, ORGAN_NUMBERS, ORGANS, PROSTATE, SPLEEN
from psmacore.model.volumes import OrganMap

ENTIRE_BODY = Code("38266002", "SCT", "Entire body")
LYMPH_NODE = Code("59441001", "SCT", "Lymph node")
PELVIC_NODE = Code("54268001", "SCT", "Pelvic lymph node")
RETROPERITONEAL_NODE = Code("91394001", "SCT", "Retroperitoneal lymph node")
MEDIASTINAL_NODE = Code("62683002", "SCT", "Mediastinal lymph node")
AXILLARY_NODE = Code("68171009", "SCT", "Axillary lymph node")
SUPRACLAVICULAR_NODE = Code("76838003", "SCT", "Supraclavicular lymph node")
CERVICAL_NODE = Code("81105003", "SCT", "Cervical lymph node")
SACRUM = Code("54735007", "SCT", "Sacrum")

_NEAR_BONE_MM = 3.0  # the uptake's centre may lie this far outside bone (registration of PET and CT)
_NEAR_PROSTATE_MM = 6.0
_NAMING_PART = 0.4  # part of a lesion's uptake inside one structure that names it
_NECK_ROOT_MM = 45.0  # supraclavicular nodes lie within this height above the first thoracic vertebra
_VERTEBRA_S1 = ORGAN_NUMBERS["vertebrae_S1"]

# Structures that a lesion is called after; vessels, muscles and bowel only lie beside nodes.
_OTHER_NAMING = (
    "pancreas",
    "adrenal_gland_right",
    "adrenal_gland_left",
    "thyroid_gland",
    "brain",
    "heart",
    "esophagus",
)
_NAMING = frozenset(
    (*BONES, *LUNGS, PROSTATE, LIVER, SPLEEN, BLADDER, *KIDNEYS, *(ORGAN_NUMBERS[name] for name in _OTHER_NAMING))
)


class SiteGroup(Enum):
    """The regions that PROMISE tells apart."""

    PROSTATE = auto()
    PELVIC_NODE = auto()
    OTHER_NODE = auto()
    BONE = auto()
    OTHER_ORGAN = auto()
    UNKNOWN = auto()


def organ_code(number: int) -> Code:
    """Return an organ's body structure code, ``Entire body`` where the context groups hold none."""
    if number == _VERTEBRA_S1:
        return SACRUM
    organ = ORGANS.get(number)
    return organ.code if organ is not None and organ.code is not None else ENTIRE_BODY


def _groups() -> dict[str, SiteGroup]:
    groups = {organ_code(number).value: SiteGroup.OTHER_ORGAN for number in _NAMING}
    groups |= {organ_code(number).value: SiteGroup.BONE for number in BONES}
    nodes = (LYMPH_NODE, RETROPERITONEAL_NODE, MEDIASTINAL_NODE, AXILLARY_NODE, SUPRACLAVICULAR_NODE, CERVICAL_NODE)
    groups |= {code.value: SiteGroup.OTHER_NODE for code in nodes}
    groups |= {organ_code(PROSTATE).value: SiteGroup.PROSTATE, PELVIC_NODE.value: SiteGroup.PELVIC_NODE}
    return groups | {ENTIRE_BODY.value: SiteGroup.UNKNOWN}


_GROUP_OF = _groups()


def group_of(site: Code) -> SiteGroup:
    """Return the PROMISE group of a site; ``UNKNOWN`` for one that is not among ours."""
    return _GROUP_OF.get(site.value, SiteGroup.UNKNOWN)


@dataclass(frozen=True)
class Site:
    """Where a lesion lies: its code, and the organ label that named it (``None`` for a node or without a map)."""

    code: Code
    organ_number: int | None


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
            lymph node region of its level.

        References
        ----------
        Codes: DICOM CID 4031 and SNOMED CT. Regions: PROMISE, Eiber et al., JNM 2018;59:469.
        """
        if self._organs is None:
            return Site(ENTIRE_BODY, None)
        labels = self._organs.labels[voxels_kji[:, 0], voxels_kji[:, 1], voxels_kji[:, 2]]
        weights = np.asarray(uptake, dtype=np.float64)
        held = np.bincount(labels, weights=weights)
        for number in np.argsort(-held, kind="stable")[:4].tolist():
            if number in _NAMING and held[number] >= _NAMING_PART * weights.sum():
                return Site(organ_code(number), number)
        centre = np.average(voxels_kji, axis=0, weights=weights)
        number = self._touched(centre)
        if number is not None:
            return Site(organ_code(number), number)
        return Site(self._node_region(self._organs.geometry.lps_of_kji(centre)[0]), None)

    def _touched(self, centre_kji: NDArray[np.float64]) -> int | None:
        """Return the bone or prostate next to the centre, the nearest first."""
        organs = self._organs
        if organs is None:
            return None
        reach = np.ceil(_NEAR_PROSTATE_MM / np.array(organs.geometry.spacing_kji_mm)).astype(int) + 1
        start = np.maximum(np.round(centre_kji).astype(int) - reach, 0)
        stop = np.minimum(np.round(centre_kji).astype(int) + reach + 1, organs.labels.shape)
        crop = organs.labels[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]]
        near = np.argwhere(crop)
        if not len(near):
            return None
        labels = crop[near[:, 0], near[:, 1], near[:, 2]].astype(int)
        away = organs.geometry.lps_of_kji(near + start) - organs.geometry.lps_of_kji(centre_kji)
        distance_mm = np.linalg.norm(away, axis=1)
        is_bone, is_prostate = np.isin(labels, tuple(BONES)), labels == PROSTATE
        limit_mm = np.select([is_bone, is_prostate], [_NEAR_BONE_MM, _NEAR_PROSTATE_MM], -1.0)
        within = np.flatnonzero(distance_mm <= limit_mm)
        return int(labels[within[np.argmin(distance_mm[within])]]) if len(within) else None

    def _node_region(self, centre_lps_mm: NDArray[np.float64]) -> Code:
        marks = self.landmarks
        if marks is None:
            return ENTIRE_BODY
        left, superior = float(centre_lps_mm[0]), float(centre_lps_mm[2])
        if marks.pelvic_inlet_s_mm is not None and superior <= marks.pelvic_inlet_s_mm:
            return PELVIC_NODE
        if marks.thoracic_inlet_s_mm is not None and superior > marks.thoracic_inlet_s_mm:
            is_near = superior <= marks.thoracic_inlet_s_mm + _NECK_ROOT_MM
            return SUPRACLAVICULAR_NODE if is_near else CERVICAL_NODE
        if marks.diaphragm_s_mm is None:
            return LYMPH_NODE
        if superior <= marks.diaphragm_s_mm:
            return RETROPERITONEAL_NODE
        if marks.lungs_l_mm is not None and not marks.lungs_l_mm[0] <= left <= marks.lungs_l_mm[1]:
            return AXILLARY_NODE
        return MEDIASTINAL_NODE
