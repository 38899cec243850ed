"""A course to the response by every criterion between its dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from psmacore.longitudinal.response.comparability import ComparabilityLimits, comparability
from psmacore.longitudinal.response.course import Comparison, ResponseCourse, compare
from psmacore.longitudinal.response.outcome import Outcome, unread
from psmacore.longitudinal.response.pcwg3 import Pcwg3Rules, assess_pcwg3
from psmacore.longitudinal.response.percist import PercistRules, assess_percist
from psmacore.longitudinal.response.ppp import PppRules, assess_ppp
from psmacore.longitudinal.response.psa import PsaRules, assess_psa50, assess_psa_progression
from psmacore.longitudinal.response.recip import RecipRules, assess_recip
from psmacore.longitudinal.response.repeatability import DEFAULT_LIMITS, metric_changes
from psmacore.longitudinal.response.robustness import robustness_of
from psmacore.model.assessments import (
    CategoryOverride,
    ComparabilityFinding,
    Criterion,
    ResponseAssessment,
    Severity,
)
from psmacore.model.repeatability import MetricChange, RepeatabilityLimit
from psmacore.suv.tracer import is_fdg

_OF_LABORATORY = (Criterion.PSA50, Criterion.PCWG3_PSA)


@dataclass(frozen=True)
class ResponseRules:
    """The numbers of all criteria, with their sources; a site may set its own.

    Parameters
    ----------
    recip, ppp, percist, pcwg3, psa
        Of each criterion.
    comparability : ComparabilityLimits
        When two studies are too far apart to be compared without a warning.
    repeatability : tuple of RepeatabilityLimit
        Test-retest limits of PSMA ligands.
    """

    recip: RecipRules = field(default_factory=RecipRules)
    ppp: PppRules = field(default_factory=PppRules)
    percist: PercistRules = field(default_factory=PercistRules)
    pcwg3: Pcwg3Rules = field(default_factory=Pcwg3Rules)
    psa: PsaRules = field(default_factory=PsaRules)
    comparability: ComparabilityLimits = field(default_factory=ComparabilityLimits)
    repeatability: tuple[RepeatabilityLimit, ...] = DEFAULT_LIMITS


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two dates with all that their assessments share."""

    comparison: Comparison
    findings: tuple[ComparabilityFinding, ...]
    changes: tuple[MetricChange, ...]
    unread: tuple[str, ...]

    @property
    def blocked(self) -> str:
        """Why the studies give no category; empty where they do."""
        return "; ".join(finding.text for finding in self.findings if finding.severity is Severity.BLOCKS)


def assess_course(
    course: ResponseCourse, rules: ResponseRules | None = None, pairs: Sequence[tuple[int, int]] | None = None
) -> tuple[ResponseAssessment, ...]:
    """Return the response by every criterion that applies.

    Parameters
    ----------
    course : ResponseCourse
        Checked.
    rules : ResponseRules or None
        ``None`` takes the published numbers.
    pairs : sequence of (int, int) or None
        Indices of the earlier and the later time point; ``None`` takes :func:`usual_pairs`.

    Returns
    -------
    tuple of ResponseAssessment
        By later, then by earlier date; empty for a single date.

    Raises
    ------
    UsageError
        If a pair does not go from an earlier to a later time point.
    """
    wanted = usual_pairs(course) if pairs is None else pairs
    return tuple(one for start, end in wanted for one in assess_pair(course, start, end, rules))


def usual_pairs(course: ResponseCourse) -> tuple[tuple[int, int], ...]:
    """Return the pairs that a reader wants to see: every date with its baseline and with the date before.

    PSMA and FDG studies have a baseline and a date before of their own; where the date before is of the other tracer,
    that pair is among them too, so that it is said and not passed over.
    """
    pairs = []
    for end in range(1, len(course.timepoints)):
        family = is_fdg(course.timepoints[end].tracer)
        own = [start for start in range(end) if is_fdg(course.timepoints[start].tracer) == family]
        starts = {end - 1, *own[-1:]}
        baseline = course.baseline(end)
        if baseline < end:
            starts.add(baseline)
        pairs += [(start, end) for start in sorted(starts)]
    return tuple(pairs)


def assess_pair(
    course: ResponseCourse, start: int, end: int, rules: ResponseRules | None = None
) -> tuple[ResponseAssessment, ...]:
    """Return the response between two time points by every criterion that applies.

    On PSMA PET, and where the tracer is not known: RECIP, PSMA PET progression and PCWG3; from baseline also PSA50
    and PSA progression. On FDG: PERCIST. Between two tracers RECIP alone, to say that there is no category.

    Parameters
    ----------
    course : ResponseCourse
        Checked.
    start, end : int
        Indices of the earlier and the later time point.
    rules : ResponseRules or None
        ``None`` takes the published numbers.

    Raises
    ------
    UsageError
        If the pair does not go from an earlier to a later time point.
    """
    rules = rules or ResponseRules()
    comparison = compare(course, start, end)
    types = (course.supplement(start).suv_type, course.supplement(end).suv_type)
    findings = comparability(comparison.earlier, comparison.later, types, rules.comparability)
    is_of_fdg = is_fdg(comparison.earlier.tracer) or is_fdg(comparison.later.tracer)
    is_blocked = any(finding.severity is Severity.BLOCKS for finding in findings)
    changes = () if is_of_fdg or is_blocked else metric_changes(comparison, rules.repeatability)
    pair = _Pair(comparison, findings, changes, unread(comparison))
    asked = _asked(rules)
    return tuple(_assessment(pair, criterion, asked[criterion], rules) for criterion in _criteria(comparison))


def _criteria(comparison: Comparison) -> tuple[Criterion, ...]:
    families = {is_fdg(timepoint.tracer) for timepoint in (comparison.earlier, comparison.later)}
    if families == {True}:
        return (Criterion.PERCIST,)
    if len(families) > 1:
        return (Criterion.RECIP,)
    of_images = (Criterion.RECIP, Criterion.PPP, Criterion.PCWG3)
    is_from_baseline = comparison.start == comparison.course.baseline(comparison.start)
    return (*of_images, *_OF_LABORATORY) if is_from_baseline else of_images


def _asked(rules: ResponseRules) -> dict[Criterion, Callable[[Comparison], Outcome]]:
    return {
        Criterion.RECIP: partial(assess_recip, rules=rules.recip),
        Criterion.PPP: partial(assess_ppp, rules=rules.ppp),
        Criterion.PERCIST: partial(assess_percist, rules=rules.percist),
        Criterion.PCWG3: partial(assess_pcwg3, rules=rules.pcwg3),
        Criterion.PSA50: partial(assess_psa50, rules=rules.psa),
        Criterion.PCWG3_PSA: partial(assess_psa_progression, rules=rules.psa),
    }


def _assessment(
    pair: _Pair, criterion: Criterion, assess: Callable[[Comparison], Outcome], rules: ResponseRules
) -> ResponseAssessment:
    comparison = pair.comparison
    earlier, later = comparison.earlier.study, comparison.later.study
    is_of_laboratory = criterion in _OF_LABORATORY
    blocked = "" if is_of_laboratory else pair.blocked
    outcome = Outcome(None, blocked) if blocked else assess(comparison)
    provisional = outcome.provisional if is_of_laboratory else (*pair.unread, *outcome.provisional)
    robustness = None
    if outcome.category is not None and not is_of_laboratory:
        recip = rules.recip if criterion is Criterion.RECIP else None
        robustness = robustness_of(comparison, outcome.category, assess, recip)
    whole = tuple(change for change in pair.changes if not change.metric.is_of_lesion)
    return ResponseAssessment(
        criterion=criterion,
        from_uid=earlier.uid,
        to_uid=later.uid,
        from_date=earlier.date,
        to_date=later.date,
        category=outcome.category,
        reason=outcome.reason,
        provisional_reasons=() if outcome.category is None else provisional,
        exploratory_reason=outcome.exploratory,
        psma_tv_change_pct=None if pair.blocked else comparison.change_pct,
        new_lesions=() if blocked or is_of_laboratory else comparison.new_uids,
        evidence=outcome.evidence,
        beyond_repeatability=() if is_of_laboratory else pair.changes if criterion is Criterion.RECIP else whole,
        robustness=robustness,
        findings=() if is_of_laboratory else pair.findings,
        confirmed_by=_confirmed_by(comparison, criterion, outcome, is_settled=not (provisional or is_of_laboratory)),
        override=_override(comparison, criterion),
    )


def _confirmed_by(comparison: Comparison, criterion: Criterion, outcome: Outcome, *, is_settled: bool) -> str | None:
    """Return who vouches for a category: the reader who confirmed it, else those who settled all of its lesions."""
    wanted = (criterion, comparison.earlier.study.uid, comparison.later.study.uid)
    for one in reversed(comparison.course.readings.confirmations):
        if (one.criterion, one.from_uid, one.to_uid) == wanted:
            return one.reader
    if outcome.category is None or not is_settled:
        return None
    lesions = (*comparison.course.counting(comparison.start), *comparison.course.counting(comparison.end))
    return ", ".join(sorted({lesion.confirmed_by for lesion in lesions if lesion.confirmed_by})) or None


def _override(comparison: Comparison, criterion: Criterion) -> CategoryOverride | None:
    """Return the physician's last category for an assessment."""
    wanted = (criterion, comparison.earlier.study.uid, comparison.later.study.uid)
    own = [one for one in comparison.course.readings.overrides if (one.criterion, one.from_uid, one.to_uid) == wanted]
    return own[-1] if own else None
