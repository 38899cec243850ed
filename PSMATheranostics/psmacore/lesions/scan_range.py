"""A PET grid and its organ labels to the part of the body that was scanned."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from psmacore.lesions.physiology import LUNGS
from psmacore.model.geometry import Geometry
from psmacore.model.organs import BLADDER, ORGAN_NUMBERS, PROSTATE
from psmacore.model.volumes import OrganMap

WHOLE_BODY_MM = 1400.0
"""A scan at least this long shows the legs: vertex to mid-thigh of a tall man is about 1.1 m, vertex to toe 1.7 m."""
TRUNK_MM = 700.0
"""A scan at least this long reaches from the skull's base to the thighs, where no organ map tells otherwise."""

_HEAD = (ORGAN_NUMBERS["skull"], ORGAN_NUMBERS["brain"], ORGAN_NUMBERS["vertebrae_C1"])
_PELVIS = (BLADDER, PROSTATE, ORGAN_NUMBERS["hip_left"], ORGAN_NUMBERS["hip_right"])
_CHEST = (*LUNGS, ORGAN_NUMBERS["heart"])


class ScanRange(StrEnum):
    """Parts of the body, by the names that model manifests use."""

    PELVIS = "pelvis"
    SKULL_TO_THIGH = "skull_to_thigh"
    WHOLE_BODY = "whole_body"
    PARTIAL = "partial"


def scan_range(geometry: Geometry, organs: OrganMap | None = None) -> ScanRange:
    """Return which part of the body a grid covers.

    Parameters
    ----------
    geometry : Geometry
        Of the PET.
    organs : OrganMap, optional
        On any grid. Where it holds labels, what it shows goes before the length: head and pelvis make
        ``SKULL_TO_THIGH`` or, from 1.4 m on, ``WHOLE_BODY``; a pelvis without chest and head makes ``PELVIS``.

    Returns
    -------
    ScanRange
        ``PARTIAL`` for anything else; by length alone from 0.7 m on ``SKULL_TO_THIGH``.

    References
    ----------
    REQUIREMENTS W86: results vary with the scan range, skull to thigh or full body.
    """
    length_mm = superior_extent_mm(geometry)
    long = ScanRange.WHOLE_BODY if length_mm >= WHOLE_BODY_MM else ScanRange.SKULL_TO_THIGH
    present = np.zeros(0, np.int64) if organs is None else np.unique(organs.labels)
    if not present.any():
        return long if length_mm >= TRUNK_MM else ScanRange.PARTIAL
    has_head, has_chest, has_pelvis = (bool(np.isin(present, part).any()) for part in (_HEAD, _CHEST, _PELVIS))
    if has_pelvis and not (has_chest or has_head):
        return ScanRange.PELVIS
    return long if has_pelvis and (has_head or length_mm >= TRUNK_MM) else ScanRange.PARTIAL


def superior_extent_mm(geometry: Geometry) -> float:
    """Return how far a grid reaches along the patient's long axis, voxel edge to voxel edge, in mm."""
    return float(np.abs(geometry.lps_from_ijk[2, :3]) @ np.array(geometry.shape[::-1], dtype=np.float64))
