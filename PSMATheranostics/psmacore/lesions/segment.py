"""SUV and a threshold rule, or a reader's mask, to candidate segments with their states and sites."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.lesions.candidates import CandidatePart, Candidates
from psmacore.lesions.checks import require_finite, require_same_grid
from psmacore.lesions.drafts import Draft, components, lesion_drafts, organ_drafts, voxels_kji, without_pitfalls
from psmacore.lesions.hosts import blood_level
from psmacore.lesions.measure import segment_voxels
from psmacore.lesions.outline import outlined_at_fraction
from psmacore.lesions.physiology import PARENCHYMA, physiological_organs
from psmacore.lesions.reference import parenchyma_levels, reference_regions
from psmacore.lesions.regions import split_by_region
from psmacore.lesions.rims import without_brain_rim
from psmacore.lesions.separate import Separation, SeparationSettings, separate
from psmacore.lesions.site_codes import ENTIRE_BODY, organ_code
from psmacore.lesions.sites import Site, SiteFinder
from psmacore.lesions.surroundings import SeminalVesicles, standing_out
from psmacore.lesions.thresholds import RuleKind, ThresholdRule, resolve
from psmacore.model.lesions import LesionState
from psmacore.model.organs import BLADDER, KIDNEYS, LIVER, PAROTIDS, URETERS
from psmacore.model.volumes import OrganMap, Segmentation, SuvVolume

MIN_VOXELS = 3
NOT_EXCLUDED = "physiological uptake not excluded"
_BLOOD_SD = 2.0  # one blood voxel in forty is higher
_MAX_SEGMENTS = int(np.iinfo(np.uint16).max)
_EXPECTED = (("liver", (LIVER,)), ("kidneys", KIDNEYS), ("urinary bladder", (BLADDER,)), ("ureters", URETERS),
             ("parotid glands", PAROTIDS))  # fmt: skip

_log = logging.getLogger(__name__)


def segment_by_threshold(
    suv: SuvVolume,
    rule: ThresholdRule,
    organs: OrganMap | None,
    *,
    min_voxels: int = MIN_VOXELS,
    is_fdg: bool | None = None,
    settings: SeparationSettings | None = None,
) -> Candidates:
    """Find lesions by a threshold and set physiological uptake aside.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    rule : ThresholdRule
        What a voxel must reach.
    organs : OrganMap or None
        On the same grid. Without it every component is a ``CANDIDATE``, with a warning.
    min_voxels : int
        Smaller components do not count; they are listed together as one excluded candidate.
    is_fdg : bool, optional
        Whether brain and heart are physiological; by default true for the rule ``fdg_liver`` alone.
    settings : SeparationSettings, optional
        Numbers of the separation from organs.

    Returns
    -------
    Candidates
        Every voxel at or above the threshold is in exactly one part (for ``percent_41`` and ``percent_50``
        a lesion's part is its outline at that percentage instead). Excluded are: one part per organ, and one for
        the specks. Without such voxels there are no parts.

    Raises
    ------
    InputRefusedError
        If the SUV holds NaN or infinite voxels, ``min_voxels`` is below 1, or the rule reads an organ that the
        map lacks.
    GeometryError
        If the map lies on another grid.
    """
    if min_voxels < 1:
        raise InputRefusedError(f"a lesion needs at least one voxel; min_voxels is {min_voxels}")
    require_finite(suv.values, "SUV")
    if organs is not None:
        require_same_grid(suv, organs.geometry, "organ map")
    threshold = resolve(rule, suv, organs)
    hot = threshold.accepts(suv, organs)
    is_fdg = rule.kind is RuleKind.FDG_LIVER if is_fdg is None else is_fdg
    if organs is None or not organs.mask(*physiological_organs(is_fdg=is_fdg)).any():
        labels = _outlined(suv, rule, components(hot), np.zeros(hot.shape, np.bool_))
        drafts = lesion_drafts(labels, LesionState.CANDIDATE, NOT_EXCLUDED, min_voxels)
        return numbered(suv, organs, drafts, threshold.lowest_suv, rule, (NOT_EXCLUDED,), physiology_excluded=False)
    separation = separate(
        suv,
        hot,
        organs,
        is_fdg=is_fdg,
        parenchyma_levels=parenchyma_levels(suv, organs, tuple(sorted(PARENCHYMA))),
        settings=settings or SeparationSettings(),
    )
    labels = _outlined(suv, rule, components(separation.is_lesion), separation.organ > 0)
    lesions = lesion_drafts(labels, LesionState.UNCONFIRMED, "", min_voxels)
    kept = _without_normal_tissue(
        suv, organs, separation, lesions, threshold.lowest_suv, is_fdg=is_fdg, min_voxels=min_voxels
    )
    drafts = [part for draft in kept for part in split_by_region(draft, suv, organs)]
    drafts += organ_drafts(np.where(labels > 0, 0, separation.organ))
    warnings = (*_missing(organs), *_blood_pool(suv, organs, threshold.lowest_suv))
    return numbered(suv, organs, drafts, threshold.lowest_suv, rule, warnings, physiology_excluded=True)


def _without_normal_tissue(
    suv: SuvVolume,
    organs: OrganMap,
    separation: Separation,
    lesions: Iterable[Draft],
    threshold_suv: float,
    *,
    is_fdg: bool,
    min_voxels: int,
) -> list[Draft]:
    """Return the drafts, with those or those voxels excluded that normal tissue outside the organs explains."""
    is_organ = (separation.organ > 0) | organs.mask(*physiological_organs(is_fdg=is_fdg))
    outstanding = standing_out(
        lesions,
        suv,
        is_organ,
        blood_suv=blood_level(suv, organs) or 0.0,
        vesicles=SeminalVesicles(organs, 0.0 if is_fdg else separation.prostate_suv),
        threshold_suv=threshold_suv,
        min_voxels=min_voxels,
    )
    if is_fdg:
        return list(without_brain_rim(outstanding, suv, organs))
    return list(without_pitfalls(suv, organs, threshold_suv, outstanding, min_voxels))


def segment_by_mask(
    suv: SuvVolume,
    mask: Segmentation | NDArray[np.bool_] | NDArray[np.integer],
    organs: OrganMap | None = None,
    *,
    split_components: bool = False,
) -> Candidates:
    """Take a reader's mask as lesions.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    mask : Segmentation or numpy.ndarray
        ``(k, j, i)`` on the same grid: one lesion per label number, True counting as label 1.
    organs : OrganMap, optional
        On the same grid; names the sites.
    split_components : bool
        One lesion per 26-connected component of each label instead.

    Returns
    -------
    Candidates
        All parts ``UNCONFIRMED``, none excluded: what the reader drew counts. An empty mask gives no parts and
        a warning; so does each named label without voxels.

    Raises
    ------
    GeometryError
        If mask or organ map lie on another grid.
    InputRefusedError
        If the mask holds negative, fractional or too many labels.
    """
    labels = _mask_labels(suv, mask)
    if organs is not None:
        require_same_grid(suv, organs.geometry, "organ map")
    names = mask.names if isinstance(mask, Segmentation) else {}
    found = segment_voxels(Segmentation(labels, suv.geometry))
    present = {segment.segment_number for segment in found}
    warnings = [f"segment {number} of the mask has no voxels" for number in sorted(set(names) - present)]
    if not found:
        warnings.append("the mask is empty")
    if split_components:
        labels = components(labels)
        found = segment_voxels(Segmentation(labels, suv.geometry))
    drafts = []
    for segment in found:
        flat = np.ravel_multi_index(tuple(segment.voxels_kji.T), labels.shape)
        note = "" if split_components else names.get(segment.segment_number, "")
        drafts.append(Draft(np.asarray(flat, np.int64), LesionState.UNCONFIRMED, None, note))
    return numbered(suv, organs, drafts, None, None, tuple(warnings), physiology_excluded=True)


def _mask_labels(suv: SuvVolume, mask: Segmentation | NDArray[np.bool_] | NDArray[np.integer]) -> NDArray[np.uint16]:
    if isinstance(mask, Segmentation):
        require_same_grid(suv, mask.geometry, "mask")
        return mask.labels
    if mask.shape != suv.values.shape:
        raise GeometryError(f"the mask has {mask.shape} voxels, the PET {suv.values.shape} (k, j, i)")
    if mask.dtype.kind not in "bui":
        raise InputRefusedError(f"a mask holds whole label numbers, not {mask.dtype}")
    low, high = (int(mask.min()), int(mask.max())) if mask.size else (0, 0)
    if low < 0 or high > _MAX_SEGMENTS:
        raise InputRefusedError(f"mask labels run from {low} to {high}; 0 to {_MAX_SEGMENTS} are possible")
    return mask.astype(np.uint16)


def _outlined(
    suv: SuvVolume, rule: ThresholdRule, labels: NDArray[np.uint16], barred: NDArray[np.bool_]
) -> NDArray[np.uint16]:
    """Return the components as the rule draws them: as found, or each at its percentage."""
    fraction = rule.kind.fraction_of_max
    return labels if fraction is None else outlined_at_fraction(suv.values, labels, barred, fraction)


def numbered(
    suv: SuvVolume,
    organs: OrganMap | None,
    drafts: Iterable[Draft],
    threshold_suv: float | None,
    rule: ThresholdRule | None,
    warnings: tuple[str, ...],
    *,
    physiology_excluded: bool,
) -> Candidates:
    """Return the drafts numbered, each with its site."""
    values = suv.values.reshape(-1)

    def order(draft: Draft) -> tuple[bool, bool, float, int]:
        uptake = float(values[draft.voxels].sum(dtype=np.float64))
        is_excluded = draft.state is LesionState.EXCLUDED_CANDIDATE
        return is_excluded, not draft.state.counts, -uptake, int(draft.voxels[0])

    finder = SiteFinder(organs)
    labels = np.zeros(suv.values.shape, np.uint16)
    parts = []
    for number, draft in enumerate(sorted(drafts, key=order), start=1):
        labels.reshape(-1)[draft.voxels] = number
        site = _site(finder, draft, suv)
        parts.append(CandidatePart(number, draft.state, site.code, site.organ_number, draft.note, site.alternative))
    _log.info("%d segments, %d count", len(parts), sum(part.state.counts for part in parts))
    return Candidates(
        segmentation=Segmentation(labels, suv.geometry),
        parts=tuple(parts),
        threshold_suv=threshold_suv,
        rule=rule,
        physiology_excluded=physiology_excluded,
        warnings=warnings,
    )


def _site(finder: SiteFinder, draft: Draft, suv: SuvVolume) -> Site:
    if draft.organ_number is not None:
        return Site(organ_code(draft.organ_number), draft.organ_number)
    if draft.is_scattered:
        return Site(ENTIRE_BODY, None)
    return finder.site(voxels_kji(draft, suv), suv.values.reshape(-1)[draft.voxels])


def _blood_pool(suv: SuvVolume, organs: OrganMap, threshold_suv: float) -> tuple[str, ...]:
    """Warn where normal blood pool reaches the threshold, so that volumes beside it are not reliable."""
    blood = next((region for region in reference_regions(suv, organs) if region.name == "blood_pool"), None)
    if blood is None or blood.suv_mean + _BLOOD_SD * blood.suv_sd < threshold_suv:
        return ()
    return (
        f"blood pool SUV {blood.suv_mean:.2f} +- {blood.suv_sd:.2f} reaches the threshold {threshold_suv:.2f}: "
        "check lesions in mediastinum and beside vessels, or use a liver-based threshold",
    )


def _missing(organs: OrganMap) -> tuple[str, ...]:
    """Warn of organs that the map lacks and whose uptake would then count."""
    present = {int(number) for number in np.flatnonzero(np.bincount(organs.labels.reshape(-1)))}
    lacking = [name for name, numbers in _EXPECTED if not present & set(numbers)]
    words = f"not in the organ map, so that their uptake counts where it is in view: {', '.join(lacking)}"
    return (words,) if lacking else ()
