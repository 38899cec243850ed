"""An assessment to the words that report, panel and RIS text share."""

from __future__ import annotations

from datetime import datetime

from psmacore.model.assessments import Category, Criterion, EvidenceItem, ResponseAssessment, Robustness, Severity
from psmacore.model.repeatability import Metric, MetricChange

METRIC_WORDS = {
    Metric.PSMA_TV: "PSMA-TV",
    Metric.TL_PSMA: "TL-PSMA",
    Metric.SUV_MAX: "SUVmax",
    Metric.SUV_MEAN: "SUVmean",
    Metric.LESION_VOLUME: "volume",
    Metric.LESION_TL_PSMA: "TL-PSMA of the lesion",
    Metric.LESION_SUV_MAX: "SUVmax of the lesion",
    Metric.LESION_SUV_MEAN: "SUVmean of the lesion",
    Metric.LESION_SUV_PEAK: "SUVpeak of the lesion",
}
NOT_ASSESSED = "PSMA-negative disease is not assessed."
"""What every report of a category on PSMA PET must say (STANDARDS D.3)."""

_MOST_DECIMALS = 9


def as_text(assessment: ResponseAssessment) -> str:
    """Return an assessment in a few sentences, on one line.

    Category, marks, change beside its test-retest limit, new lesions, what is open, what it hangs on, the physician's
    own category, and warnings, in this order.
    """
    parts = [
        f"{head_words(assessment)}.",
        *_volume(assessment),
        *_new(assessment),
        *(f"Provisional: {reason}." for reason in assessment.provisional_reasons),
        *([f"Exploratory: {assessment.exploratory_reason}."] if assessment.exploratory_reason else []),
        *([] if assessment.robustness is None else _robust(assessment.robustness)),
        *_override(assessment),
        *(f"Warning: {one.text}." for one in assessment.findings if one.severity is Severity.WARNS),
        *([f"Confirmed by {assessment.confirmed_by}."] if assessment.confirmed_by else []),
    ]
    return " ".join(parts)


def head_words(assessment: ResponseAssessment) -> str:
    """Return criterion, dates, category and its marks; the reason where there is no category."""
    span = f"{assessment.criterion.value}, {date_words(assessment.from_date)} to {date_words(assessment.to_date)}"
    if assessment.category is None:
        return f"{span}: no category, {assessment.reason}"
    marks = [word for word, is_set in (
        ("provisional", assessment.is_provisional), ("exploratory", assessment.is_exploratory)
    ) if is_set]  # fmt: skip
    return f"{span}: {', '.join([category_words(assessment.category), *marks])}"


def category_words(category: Category) -> str:
    """Return a category as it is printed; PDu is spelt out."""
    return "PDu (unconfirmed progression)" if category is Category.PDU else category.value


def evidence_words(item: EvidenceItem) -> str:
    """Return one fact with its limit, whether the rule's condition holds, and its note."""
    words = item.name
    if item.value is not None:
        words += f": {_number(item.value, item.unit, item.limit)}"
    if item.limit is not None:
        words += f" (limit {_number(item.limit, item.unit)})"
    if item.is_met is not None:
        words += ", met" if item.is_met else ", not met"
    return f"{words}; {item.note}" if item.note else words


def change_words(change: MetricChange, decisive_pct: float | None = None) -> str:
    """Return a change beside its test-retest limit, for example ``+21 %, 4 points outside the 17 % limit``.

    Parameters
    ----------
    change : MetricChange
        What changed.
    decisive_pct : float or None
        A limit that rounding must not move the change across.
    """
    words = percent_words(change.change_pct, decisive_pct)
    limit = f"the {change.limit.limit_pct:g} % limit"
    if change.is_beyond:
        points = round(change.points_outside, 1)
        many = f"{points:g} point{'' if points == 1 else 's'}" if points else "less than 0.1 points"
        return f"{words}, {many} outside {limit}"
    return f"{words}, {'at the edge of' if change.points_outside > 0 else 'within'} {limit}"


def percent_words(value: float, limit: float | None = None) -> str:
    """Return a change in % with its sign and one decimal, more where fewer would show it on a limit's other side."""
    for decimals in range(1, _MOST_DECIMALS):
        shown = round(value, decimals)
        if limit is None or ((shown >= limit) == (value >= limit) and (shown <= limit) == (value <= limit)):
            break
    return f"{shown + 0.0:+.10g} %" if shown else "0 %"


def date_words(date: str) -> str:
    """Return a DICOM DA as ``2026-03-05``."""
    return datetime.strptime(date, "%Y%m%d").date().isoformat()  # noqa: DTZ007  a DA has no time zone


def _volume(assessment: ResponseAssessment) -> list[str]:
    """Return the sentence on the change of volume."""
    if assessment.psma_tv_change_pct is None or assessment.criterion not in (Criterion.RECIP, Criterion.PPP):
        return [f"{evidence_words(item)}." for item in assessment.evidence if item.limit is not None and item.unit]
    limit = None if assessment.robustness is None else assessment.robustness.nearest_limit_pct
    whole = next((one for one in assessment.beyond_repeatability if one.metric is Metric.PSMA_TV), None)
    words = percent_words(assessment.psma_tv_change_pct, limit) if whole is None else change_words(whole, limit)
    return [f"{METRIC_WORDS[Metric.PSMA_TV]} {words}."]


def _new(assessment: ResponseAssessment) -> list[str]:
    if assessment.category is None or assessment.criterion in (Criterion.PSA50, Criterion.PCWG3_PSA):
        return []
    n = len(assessment.new_lesions)
    return ["No new lesion." if n == 0 else f"{n} new lesion{'' if n == 1 else 's'}."]


def _robust(robustness: Robustness) -> list[str]:
    words = []
    if robustness.is_near_limit and robustness.margin_points is not None and robustness.nearest_limit_pct is not None:
        words.append(
            f"Near a limit: {robustness.margin_points:.2g} points from {percent_words(robustness.nearest_limit_pct)}."
        )
    words += [f"Hangs on {one.name}: {_or_none(one.category)} without it." for one in robustness.changes_without]
    for at in robustness.at_thresholds:
        change = "" if at.psma_tv_change_pct is None else f" ({percent_words(at.psma_tv_change_pct)})"
        words.append(f"At SUV {at.threshold_suv:g}: {_or_none(at.category)}{change}.")
    return words


def _override(assessment: ResponseAssessment) -> list[str]:
    """Return the physician's category beside the computed one, with what was computed when it was given."""
    override = assessment.override
    if override is None:
        return []
    words = f"{override.reader} states {category_words(override.category)}: {override.reason}."
    if assessment.is_override_outdated:
        words += f" That was said when {_or_none(override.computed)} was computed."
    return [words]


def _or_none(category: Category | None) -> str:
    return "no category" if category is None else category_words(category)


def _number(value: float, unit: str, limit: float | None = None) -> str:
    if unit == "%":
        return percent_words(value, limit)
    return f"{value:.2f} {unit}" if unit else f"{value:g}"
