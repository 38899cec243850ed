"""FDG uptake at two dates, as SUL, to the category of PERCIST 1.0."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from psmacore.lesions.site_codes import SiteGroup, group_of
from psmacore.longitudinal.response.checks import study_day
from psmacore.longitudinal.response.course import Comparison, percent_change
from psmacore.longitudinal.response.outcome import Outcome, is_background_confirmed, missing_totals
from psmacore.model.assessments import Category, EvidenceItem
from psmacore.model.lesions import Lesion, ReferenceRegion
from psmacore.model.suv import SuvType
from psmacore.model.timepoint import Timepoint
from psmacore.suv.tracer import is_fdg


@dataclass(frozen=True)
class PercistRules:
    """The numbers of PERCIST 1.0.

    Parameters
    ----------
    sul : SuvType
        Which lean body mass normalises SUL; the paper's is James's.
    change_pct, change_sul : float
        Change of SULpeak that counts, in % and in units, both.
    tlg_rise_pct : float
        Rise of the total lesion glycolysis of the hottest lesions that counts by itself.
    n_hottest, n_per_organ : int
        How many lesions that sum holds, and how many of one organ.
    liver_pct, liver_sul : float
        How far the liver may differ between the studies, in % and in units, both.
    uptake_min : float
        How far the uptake times may differ.

    References
    ----------
    Wahl et al., JNM 2009;50:122S; O and Wahl, Radiology 2016;280:576.
    """

    sul: SuvType = SuvType.LBM
    change_pct: float = 30.0
    change_sul: float = 0.8
    tlg_rise_pct: float = 75.0
    n_hottest: int = 5
    n_per_organ: int = 2
    liver_pct: float = 20.0
    liver_sul: float = 0.3
    uptake_min: float = 15.0


@dataclass(frozen=True)
class _Measured:
    """One study in SUL (g/ml)."""

    peak: float | None
    tlg_ml: float
    liver: tuple[float, float] | None
    blood_pool: tuple[float, float] | None

    @property
    def measurable_from(self) -> float | None:
        """What a measurable lesion must reach: 1.5 x liver mean + 2 SD, else 2 x blood pool mean + 2 SD."""
        if self.liver is not None:
            return round(1.5 * self.liver[0] + 2.0 * self.liver[1], 9)
        return None if self.blood_pool is None else round(2.0 * self.blood_pool[0] + 2.0 * self.blood_pool[1], 9)

    @property
    def background(self) -> float | None:
        """What a complete response must lie below: the liver's mean, else that of the blood pool."""
        reference = self.liver or self.blood_pool
        return None if reference is None else reference[0]


def assess_percist(comparison: Comparison, rules: PercistRules) -> Outcome:
    """Return PERCIST 1.0 between two dates.

    A visible increase in extent is left to the reader, as an override.

    Returns
    -------
    Outcome
        No category for a tracer other than FDG, without SUL (height or sex missing) or totals, with livers or uptake
        times too far apart, or without a measurable lesion at the earlier date and no new one. Provisional where
        the liver or the uptake time was not measured.
    """
    refusal = _refuse(comparison, rules)
    if refusal:
        return Outcome(None, refusal)
    before, after = _measure(comparison, rules, is_earlier=True), _measure(comparison, rules, is_earlier=False)
    apart = _liver_apart(before, after, rules)
    if apart:
        return Outcome(None, apart)
    evidence = _evidence(comparison, before, after, rules)
    provisional = _unmeasured(comparison, before, after)
    if comparison.new_links:
        return Outcome(Category.PMD, "", evidence, provisional)
    lowest = before.measurable_from
    if before.peak is None or lowest is None or before.peak < lowest:
        return Outcome(None, _not_measurable(before, comparison.earlier), evidence)
    if after.peak is None and not is_background_confirmed(comparison):
        words = f"no lesion was found on {comparison.end_day} and the uptake left there was not measured"
        return Outcome(None, f"not evaluable: {words}", evidence)
    return Outcome(_category(comparison, before, after, rules), "", evidence, provisional)


def _refuse(comparison: Comparison, rules: PercistRules) -> str:
    for timepoint in (comparison.earlier, comparison.later):
        if not is_fdg(timepoint.tracer):
            return f"PERCIST 1.0 is used on FDG, the study of {study_day(timepoint)} is of {timepoint.tracer.meaning}"
        if _sul(timepoint, rules) is None:
            return f"no SUL: height or sex is missing in the study of {study_day(timepoint)}"
    one, other = comparison.earlier.suv.uptake_min, comparison.later.suv.uptake_min
    if one is not None and other is not None and abs(other - one) > rules.uptake_min:
        return (
            f"uptake times of {one:.0f} and {other:.0f} min: PERCIST 1.0 allows {rules.uptake_min:g} min between them"
        )
    return missing_totals(comparison)


def _sul(timepoint: Timepoint, rules: PercistRules) -> float | None:
    """Return the factor from SUVbw to SUL."""
    factors = timepoint.suv.factors
    return {SuvType.LBM: factors.lbm, SuvType.LBM_JAMES128: factors.lbm_james128, SuvType.LBM_JANMA: factors.lbm_janma}[
        rules.sul
    ]


def _measure(comparison: Comparison, rules: PercistRules, *, is_earlier: bool) -> _Measured:
    timepoint = comparison.earlier if is_earlier else comparison.later
    factor = _sul(timepoint, rules) or 0.0
    lesions = [lesion for link in comparison.links for lesion in (link.before if is_earlier else link.after)]
    peaks = [lesion.suv_peak for lesion in lesions]
    if not is_earlier:  # what is left where a lesion is no longer segmented
        left = [point.suv_peak for link in comparison.links if not link.after for point in link.end_points]
        peaks += [peak for peak in left if peak is not None]
    regions = {region.name: region for region in timepoint.reference_regions}
    return _Measured(
        round(max(peaks) * factor, 9) if peaks else None,
        factor * sum(lesion.tl_psma_ml for lesion in _hottest(lesions, rules)),
        _reference(regions.get("liver"), factor),
        _reference(regions.get("blood_pool"), factor),
    )


def _hottest(lesions: list[Lesion], rules: PercistRules) -> list[Lesion]:
    """Return the hottest lesions, at most so many in all and of one organ."""
    chosen: list[Lesion] = []
    in_organ: Counter[str] = Counter()
    for lesion in sorted(lesions, key=lambda one: -one.suv_peak):
        organ = _organ(lesion)
        if len(chosen) < rules.n_hottest and in_organ[organ] < rules.n_per_organ:
            chosen.append(lesion)
            in_organ[organ] += 1
    return chosen


def _organ(lesion: Lesion) -> str:
    """Return the organ that counts: the skeleton and all lymph nodes are one each."""
    group = group_of(lesion.site)
    if group in (SiteGroup.PELVIC_NODE, SiteGroup.OTHER_NODE):
        return "nodes"
    return group.name if group is SiteGroup.BONE else lesion.site.value


def _reference(region: ReferenceRegion | None, factor: float) -> tuple[float, float] | None:
    return None if region is None else (round(region.suv_mean * factor, 9), round(region.suv_sd * factor, 9))


def _liver_apart(before: _Measured, after: _Measured, rules: PercistRules) -> str:
    """Return why the livers forbid a comparison; empty where they do not or were not measured."""
    if before.liver is None or after.liver is None:
        return ""
    units = round(abs(after.liver[0] - before.liver[0]), 9)
    change = percent_change(before.liver[0], after.liver[0])
    if change is not None and abs(change) <= rules.liver_pct and units <= rules.liver_sul:
        return ""
    return (
        f"liver SUL {before.liver[0]:.2f} and {after.liver[0]:.2f}: PERCIST 1.0 allows {rules.liver_pct:g} % and "
        f"{rules.liver_sul:g} between the studies"
    )


def _unmeasured(comparison: Comparison, before: _Measured, after: _Measured) -> tuple[str, ...]:
    reasons = []
    if before.liver is None or after.liver is None:
        reasons.append("the liver was not measured in both studies, so they may not be comparable")
    if comparison.earlier.suv.uptake_min is None or comparison.later.suv.uptake_min is None:
        reasons.append("an uptake time is not known, so the studies may not be comparable")
    return tuple(reasons)


def _not_measurable(before: _Measured, timepoint: Timepoint) -> str:
    if before.peak is None:
        return f"not evaluable: no lesion on {study_day(timepoint)}"
    if before.measurable_from is None:
        return f"not evaluable: neither liver nor blood pool was measured on {study_day(timepoint)}"
    return (
        f"not evaluable: the hottest lesion of {study_day(timepoint)} has a SULpeak of {before.peak:.2f}, a measurable "
        f"one needs {before.measurable_from:.2f}"
    )


def _category(comparison: Comparison, before: _Measured, after: _Measured, rules: PercistRules) -> Category:
    """Return the category where both studies are measured and no lesion is new."""
    change, units = _peak_change(before, after)
    if _is_at_background(comparison, after):
        return Category.CMR
    if change <= -rules.change_pct and units <= -rules.change_sul:
        return Category.PMR
    if change > rules.change_pct and units > rules.change_sul:
        return Category.PMD
    tlg = percent_change(before.tlg_ml, after.tlg_ml)
    if tlg is not None and tlg > rules.tlg_rise_pct and change >= 0:
        return Category.PMD
    return Category.SMD


def _peak_change(before: _Measured, after: _Measured) -> tuple[float, float]:
    """Return the change of SULpeak in % and in units; 0 where one is not known."""
    if before.peak is None or after.peak is None:
        return 0.0, 0.0
    return percent_change(before.peak, after.peak) or 0.0, round(after.peak - before.peak, 9)


def _is_at_background(comparison: Comparison, after: _Measured) -> bool:
    """Return whether all uptake lies below the liver's mean and a reader confirmed background everywhere."""
    is_low = after.peak is None or (after.background is not None and after.peak < after.background)
    return is_low and is_background_confirmed(comparison)


def _evidence(
    comparison: Comparison, before: _Measured, after: _Measured, rules: PercistRules
) -> tuple[EvidenceItem, ...]:
    change, units = _peak_change(before, after)
    note = " and ".join("not measured" if one.peak is None else f"{one.peak:.2f}" for one in (before, after))
    side = -1.0 if change < 0 else 1.0
    name = "change of SULpeak of the hottest lesion"
    tlg = percent_change(before.tlg_ml, after.tlg_ml)
    is_tlg_met = tlg is not None and tlg > rules.tlg_rise_pct and change >= 0
    tlg_note = f"{before.tlg_ml:.1f} and {after.tlg_ml:.1f} g/ml x ml"
    new, names = comparison.new_uids, ", ".join(link.name for link in comparison.new_links)
    return (
        EvidenceItem(name, change, "%", side * rules.change_pct, _reaches(change, rules.change_pct), note=note),
        EvidenceItem(name, units, "g/ml", side * rules.change_sul, _reaches(units, rules.change_sul), note=note),
        EvidenceItem(
            f"TLG of the {rules.n_hottest} hottest lesions", tlg, "%", rules.tlg_rise_pct, is_tlg_met, note=tlg_note
        ),
        EvidenceItem("new FDG-avid lesions", len(new), "", 1, bool(new), new, names),
        EvidenceItem(
            "SULpeak below the liver's mean, and background everywhere by a reader",
            after.peak,
            "g/ml",
            after.background,
            _is_at_background(comparison, after),
        ),
    )


def _reaches(change: float, limit: float) -> bool:
    """Return whether a change is one of PERCIST: a fall that reaches the limit or a rise above it."""
    return change <= -limit or change > limit
