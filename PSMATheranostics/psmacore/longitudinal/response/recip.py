"""Change of PSMA-TV and new lesions to the category of RECIP 1.0."""

from __future__ import annotations

from dataclasses import dataclass

from psmacore.longitudinal.response.checks import study_day
from psmacore.longitudinal.response.course import Comparison, percent_change
from psmacore.longitudinal.response.linking import LinkedLesion
from psmacore.longitudinal.response.outcome import Outcome, is_background_confirmed, missing_totals
from psmacore.model.assessments import Category, EvidenceItem
from psmacore.suv.tracer import known_tracer


@dataclass(frozen=True)
class RecipRules:
    """The numbers of RECIP 1.0.

    Parameters
    ----------
    decrease_pct : float
        Fall of PSMA-TV from which on there is a partial response without a new lesion.
    increase_pct : float
        Rise from which on there is progression with a new lesion.
    earliest_weeks, latest_weeks : float
        Time from baseline that the criterion is defined for.

    References
    ----------
    Gafita et al., JNM 2022;63:1651; NCIt C204131.
    """

    decrease_pct: float = 30.0
    increase_pct: float = 20.0
    earliest_weeks: float = 8.0
    latest_weeks: float = 16.0


def recip_category(
    before_ml: float, after_ml: float, n_new: int, *, is_background_confirmed: bool = False, rules: RecipRules
) -> Category | None:
    """Return the category of RECIP 1.0.

    Parameters
    ----------
    before_ml, after_ml : float
        PSMA-TV at baseline and now.
    n_new : int
        New lesions.
    is_background_confirmed : bool
        Whether a reader confirmed every baseline track at local background.
    rules : RecipRules
        The limits.

    Returns
    -------
    Category or None
        ``None`` where the baseline is 0: not evaluable.
    """
    change = percent_change(before_ml, after_ml)
    if change is None:
        return None
    if after_ml == 0 and n_new == 0 and is_background_confirmed:
        return Category.CR
    if change <= -rules.decrease_pct and n_new == 0:
        return Category.PR
    if change >= rules.increase_pct and n_new > 0:
        return Category.PD
    return Category.SD


def assess_recip(comparison: Comparison, rules: RecipRules) -> Outcome:
    """Return RECIP 1.0 between two dates.

    Parameters
    ----------
    comparison : Comparison
        Of two comparable studies.
    rules : RecipRules
        The limits.

    Returns
    -------
    Outcome
        No category for a tracer other than PSMA ligands, without totals and with a baseline volume of 0. Exploratory
        unless it goes from baseline to 8 to 16 weeks later.
    """
    refusal = refuse_other_tracer(comparison, "RECIP 1.0") or missing_totals(comparison)
    if refusal or comparison.before_ml is None or comparison.after_ml is None:
        return Outcome(None, refusal)
    is_clean = is_background_confirmed(comparison)
    n_new = len(comparison.new_uids)
    category = recip_category(
        comparison.before_ml, comparison.after_ml, n_new, is_background_confirmed=is_clean, rules=rules
    )
    evidence = (*_volume_items(comparison, rules), *_lesion_items(comparison, is_clean))
    reason = ""
    if category is None:
        reason = f"not evaluable: the PSMA-TV of {comparison.start_day} is 0 ml, so it has no change in %"
    return Outcome(category, reason, evidence, exploratory=_exploratory(comparison, rules))


def refuse_other_tracer(comparison: Comparison, name: str) -> str:
    """Return why a criterion for PSMA PET does not apply; empty for PSMA ligands and where the tracer is not known."""
    for timepoint in (comparison.earlier, comparison.later):
        tracer = known_tracer(timepoint.tracer)
        if tracer is not None and tracer.target != "PSMA":
            return f"{name} is defined for PSMA PET, the study of {study_day(timepoint)} is of {tracer.code.meaning}"
    return ""


def _volume_items(comparison: Comparison, rules: RecipRules) -> tuple[EvidenceItem, ...]:
    change = comparison.change_pct
    values = f"{comparison.before_ml:.2f} ml before, {comparison.after_ml:.2f} ml now"
    has_fallen = change is not None and change <= -rules.decrease_pct
    has_risen = change is not None and change >= rules.increase_pct
    return (
        EvidenceItem("fall of PSMA-TV", change, "%", -rules.decrease_pct, has_fallen, note=values),
        EvidenceItem("rise of PSMA-TV", change, "%", rules.increase_pct, has_risen, note=values),
    )


def _lesion_items(comparison: Comparison, is_clean: bool) -> tuple[EvidenceItem, ...]:
    new = comparison.new_links
    names = ", ".join(link.name for link in new)
    items = [EvidenceItem("new lesions", len(comparison.new_uids), "", 1, bool(new), comparison.new_uids, names)]
    back = [uid for link in new for uid in link.new if _was_resolved(link, uid, comparison.start)]
    if back:
        items.append(
            EvidenceItem("lesions that come back where an earlier one had resolved", len(back), lesions=(*back,))
        )
    faded = [link for link in comparison.links if link.is_known and not link.after]
    if faded:
        items.append(
            EvidenceItem(
                "lesions no longer above the threshold",
                len(faded),
                is_met=None,
                lesions=tuple(uid for link in faded for uid in link.track_uids),
                note=f"all at local background by a reader: {'yes' if is_clean else 'no'}",
            )
        )
    return tuple(items)


def _was_resolved(link: LinkedLesion, uid: str, start: int) -> bool:
    return any(track.points[start] is not None for track in link.tracks if track.tracking_uid == uid)


def _exploratory(comparison: Comparison, rules: RecipRules) -> str:
    """Return why RECIP is used outside baseline to 8 to 16 weeks; empty inside."""
    span = f"{rules.earliest_weeks:g} to {rules.latest_weeks:g} weeks"
    if comparison.start != comparison.course.baseline(comparison.start):
        return f"RECIP 1.0 is defined from baseline to {span} later; {comparison.start_day} is not the baseline"
    weeks = comparison.days / 7
    if rules.earliest_weeks <= weeks <= rules.latest_weeks:
        return ""
    return f"RECIP 1.0 is defined for {span} after baseline; these are {weeks:.1f} weeks"
