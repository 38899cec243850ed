"""Prostate-specific antigen over a course to PSA50 and to PSA progression by PCWG3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from psmacore.longitudinal.response.course import Comparison, percent_change
from psmacore.longitudinal.response.outcome import CLINICAL_DATA_MISSING, Outcome
from psmacore.model.assessments import Category, EvidenceItem
from psmacore.model.clinical import Analyte, LabValue


@dataclass(frozen=True)
class PsaRules:
    """The numbers of PSA50 and of PSA progression.

    Parameters
    ----------
    decline_pct : float
        Fall from baseline that PSA50 asks for.
    rise_pct, rise_ng_ml : float
        Rise above the nadir that progression asks for, both.
    confirmed_after_days : int
        Time after which a second value confirms the first: 3 weeks.
    ignored_days : int
        Time from the start of therapy in which rises are ignored: 12 weeks.

    References
    ----------
    Scher et al. (PCWG3), J Clin Oncol 2016;34:1402.
    """

    decline_pct: float = 50.0
    rise_pct: float = 25.0
    rise_ng_ml: float = 2.0
    confirmed_after_days: int = 21
    ignored_days: int = 84

    def is_rise(self, nadir: float, value: float) -> bool:
        """Return whether a value (ng/ml) lies far enough above a nadir, in % and in ng/ml."""
        change = percent_change(nadir, value)
        is_steep = value > 0 if change is None else change >= self.rise_pct
        return is_steep and round(value - nadir, 9) >= self.rise_ng_ml


@dataclass(frozen=True)
class PsaCourse:
    """The values that PSA criteria look at.

    Parameters
    ----------
    started : date
        Start of therapy: the first cycle between the studies, else the earlier study.
    baseline : LabValue
        The last value by then.
    values : tuple of LabValue
        All later ones.
    """

    started: date
    baseline: LabValue
    values: tuple[LabValue, ...]


def assess_psa50(comparison: Comparison, rules: PsaRules) -> Outcome:
    """Return whether PSA fell by half between the start of therapy and the later study.

    Returns
    -------
    Outcome
        Provisional until a value at least 3 weeks later has fallen as far. ``clinical data missing`` without a
        baseline or a later value; not evaluable where the baseline is below the detection limit.
    """
    found = _course(comparison)
    if isinstance(found, str):
        return Outcome(None, found)
    if found.baseline.value == 0 or found.baseline.is_below_detection:
        return Outcome(None, f"not evaluable: PSA of {found.baseline.date} is below detection")
    values = _until(found.values, comparison)
    if not values:
        return Outcome(None, f"{CLINICAL_DATA_MISSING}: no PSA between {found.started} and {comparison.end_day}")
    lowest = min(values, key=lambda one: one.value)
    falls = [one for one in found.values if _fell(found.baseline, one, rules)]
    is_reached = _fell(found.baseline, lowest, rules)
    item = EvidenceItem(
        "best PSA change",
        percent_change(found.baseline.value, lowest.value),
        "%",
        -rules.decline_pct,
        is_reached,
        note=f"{_words(found.baseline)}, lowest {_words(lowest)}",
    )
    if not is_reached:
        return Outcome(Category.NOT_REACHED, evidence=(item,))
    first = falls[0]
    is_confirmed = falls[-1].date - first.date >= timedelta(days=rules.confirmed_after_days)
    open_words = f"no second PSA {rules.confirmed_after_days} days or more after {first.date} confirms the fall"
    return Outcome(Category.REACHED, "", (item,), () if is_confirmed else (open_words,))


def assess_psa_progression(comparison: Comparison, rules: PsaRules) -> Outcome:
    """Return PSA progression between the start of therapy and the later study.

    A rise counts from 12 weeks on. It is confirmed where the first value at least 3 weeks later is as high, refuted
    where it is not, and open (the category is provisional) where there is none yet.

    Returns
    -------
    Outcome
        ``clinical data missing`` without a baseline or a value after the first 12 weeks.
    """
    found = _course(comparison)
    if isinstance(found, str):
        return Outcome(None, found)
    counted = [
        one
        for one in _until(found.values, comparison)
        if one.date >= found.started + timedelta(days=rules.ignored_days)
    ]
    if not counted:
        return Outcome(
            None,
            f"{CLINICAL_DATA_MISSING}: no PSA between {rules.ignored_days // 7} weeks after {found.started} and "
            f"{comparison.end_day}; earlier rises are ignored",
        )
    open_rise: tuple[LabValue, LabValue] | None = None
    for value in counted:
        nadir = nadir_before(value, (found.baseline, *found.values))
        if not rules.is_rise(nadir.value, value.value):
            continue
        second = _first_after(found.values, value.date + timedelta(days=rules.confirmed_after_days))
        if second is None:
            open_rise = open_rise or (nadir, value)
        elif rules.is_rise(nadir.value, second.value):
            note = f"dated to {value.date}, confirmed by {_words(second)}"
            return Outcome(Category.PROGRESSION, "", (_rise_item(nadir, value, rules, note),))
    if open_rise is not None:
        words = f"no PSA {rules.confirmed_after_days} days or more after {open_rise[1].date} confirms the rise yet"
        return Outcome(Category.PROGRESSION, "", (_rise_item(*open_rise, rules),), (words,))
    last = counted[-1]
    item = _rise_item(nadir_before(last, (found.baseline, *found.values)), last, rules)
    return Outcome(Category.NO_PROGRESSION, evidence=(item,))


def nadir_before(value: LabValue, values: Sequence[LabValue]) -> LabValue:
    """Return the lowest value before ``value``; the earliest of several equal ones, ``value`` where it is the first."""
    earlier = [one for one in values if one.date < value.date]
    return min(earlier, key=lambda one: one.value, default=value)


def _course(comparison: Comparison) -> PsaCourse | str:
    """Return the values that count, or why there are none."""
    clinical = comparison.course.clinical
    if clinical is None:
        return CLINICAL_DATA_MISSING
    began, ended = (comparison.course.day(index) for index in (comparison.start, comparison.end))
    started = min((cycle.date for cycle in clinical.cycles if began <= cycle.date <= ended), default=began)
    series = clinical.series(Analyte.PSA)
    before = [one for one in series if one.date <= started]
    if not before:
        return f"{CLINICAL_DATA_MISSING}: no PSA on or before {started}"
    return PsaCourse(started, before[-1], tuple(one for one in series if one.date > started))


def _until(values: Sequence[LabValue], comparison: Comparison) -> list[LabValue]:
    last = comparison.end_day
    return [one for one in values if one.date <= last]


def _first_after(values: Sequence[LabValue], day: date) -> LabValue | None:
    return next((one for one in values if one.date >= day), None)


def _fell(baseline: LabValue, value: LabValue, rules: PsaRules) -> bool:
    change = percent_change(baseline.value, value.value)
    return change is not None and change <= -rules.decline_pct


def _rise_item(nadir: LabValue, value: LabValue, rules: PsaRules, more: str = "") -> EvidenceItem:
    note = f"nadir {_words(nadir)}, {_words(value)}, +{rules.rise_ng_ml:g} ng/ml needed"
    return EvidenceItem(
        "PSA above its nadir",
        percent_change(nadir.value, value.value),
        "%",
        rules.rise_pct,
        rules.is_rise(nadir.value, value.value),
        note=f"{note}; {more}" if more else note,
    )


def _words(value: LabValue) -> str:
    return f"{'<' if value.is_below_detection else ''}{value.value:g} ng/ml on {value.date}"
