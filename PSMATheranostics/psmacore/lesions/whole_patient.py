"""All lesions of a patient and the organ map to the miTNM, and to doubts about the reference organs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from psmacore.lesions.checks import require_same_grid
from psmacore.lesions.expression import ScoreReference, order_violated
from psmacore.lesions.physiology import RIBS
from psmacore.lesions.promise import stage
from psmacore.model.lesions import Lesion, ReferenceRegion
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, PROSTATE
from psmacore.model.promise import PromiseRules, PromiseStage
from psmacore.model.volumes import OrganMap, Segmentation

MARROW = frozenset(
    (*range(25, 51), *RIBS, *(ORGAN_NUMBERS[name] for name in ("sternum", "hip_left", "hip_right")))
)  # spine, sacrum, ribs, sternum, pelvis: where adults have red marrow
LIVER_TYPICAL_SUV = {ScoreReference.LIVER: (4.0, 6.0), ScoreReference.SPLEEN: (10.0, 14.0)}
"""Usual SUVmean of the liver, g/ml: PSMA-11 and its like, and ligands that the liver excretes (PSMA-1007)."""

_LIVER_MARGIN = 0.5  # of the usual range, below and above it, before a value is doubted
_LIVER_PART = 0.1  # of the liver inside lesions from which the rest is no sure reference


def promise_stage(
    lesions: Sequence[Lesion], segmentation: Segmentation, organs: OrganMap | None, rules: PromiseRules
) -> PromiseStage:
    """Return a patient's miTNM with what the organ map tells of prostate and marrow.

    Parameters
    ----------
    lesions : sequence of Lesion
        Of one time point.
    segmentation : Segmentation
        Their segments, on the PET grid.
    organs : OrganMap or None
        On the same grid; without it no region is known to be free.
    rules : PromiseRules
        As for :func:`psmacore.lesions.promise.stage`.

    Returns
    -------
    PromiseStage
        From the lesions that count.

    Raises
    ------
    GeometryError
        If the map lies on another grid.
    """
    if organs is None:
        return stage(lesions, rules, has_sites=False, has_prostate=False)
    return stage(
        lesions,
        rules,
        has_prostate=bool(np.any(organs.labels == PROSTATE)),
        marrow_part=part_inside(lesions, segmentation, organs, MARROW),
    )


def part_inside(
    lesions: Iterable[Lesion], segmentation: Segmentation, organs: OrganMap, numbers: Iterable[int]
) -> float | None:
    """Return the part of organs that lies in lesions that count, 0 to 1; ``None`` where the map has none of them.

    Raises
    ------
    GeometryError
        If the map lies on another grid.
    """
    require_same_grid(segmentation, organs.geometry, "organ map")
    wanted = np.zeros(np.iinfo(organs.labels.dtype).max + 1, np.bool_)
    wanted[list(numbers)] = True
    held = segmentation.labels[wanted[organs.labels]]
    counted = [lesion.segment_number for lesion in lesions if lesion.state.counts]
    return float(np.isin(held, counted).mean()) if held.size else None


def reference_warnings(
    lesions: Iterable[Lesion],
    segmentation: Segmentation,
    organs: OrganMap,
    regions: Sequence[ReferenceRegion],
    organ: ScoreReference,
) -> tuple[str, ...]:
    """Return why the reference organs of a PSMA ligand may mislead, in words for the reader; empty without doubt.

    Parameters
    ----------
    lesions, segmentation, organs
        As for :func:`promise_stage`.
    regions : sequence of ReferenceRegion
        As measured.
    organ : ScoreReference
        Organ of the expression score, so whether the liver excretes the ligand.

    References
    ----------
    Liver metastases make the liver no reference: VISION's rule, STANDARDS D.5. Usual uptake: ``LIVER_TYPICAL_SUV``.
    """
    warnings = []
    part = part_inside(lesions, segmentation, organs, (LIVER,))
    if part is not None and part >= _LIVER_PART:
        warnings.append(f"lesions take up {100 * part:.0f} % of the liver: its uptake is no sure reference")
    liver = next((region for region in regions if region.name == "liver"), None)
    low, high = LIVER_TYPICAL_SUV[organ]
    if liver is not None and not low * (1 - _LIVER_MARGIN) <= liver.suv_mean <= high * (1 + _LIVER_MARGIN):
        warnings.append(
            f"liver SUVmean {liver.suv_mean:.1f} is unusual for this ligand ({low:g} to {high:g}): "
            "check for diffuse metastases, tracer and dose"
        )
    if order_violated(regions, organ):
        warnings.append(
            f"blood pool, {organ.value} and parotid are not in ascending order of uptake: no expression score"
        )
    return tuple(warnings)
