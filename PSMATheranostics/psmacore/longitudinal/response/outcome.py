"""What every criterion answers, and what makes any of their answers provisional."""

from __future__ import annotations

from dataclasses import dataclass

from psmacore.longitudinal.response.checks import study_day
from psmacore.longitudinal.response.course import Comparison
from psmacore.longitudinal.response.linking import is_there
from psmacore.model.assessments import Category, EvidenceItem
from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.timepoint import Timepoint

CLINICAL_DATA_MISSING = "clinical data missing"


@dataclass(frozen=True)
class Outcome:
    """A criterion's answer.

    Parameters
    ----------
    category : Category or None
        ``None`` where it cannot answer, with the reason.
    reason : str
        Empty where there is a category.
    evidence : tuple of EvidenceItem
        What it rests on.
    provisional : tuple of str
        What a reader must settle before it stands, beside what :func:`unread` finds.
    exploratory : str
        Why the rule is used outside what it is defined for; empty where it is not.
    """

    category: Category | None
    reason: str = ""
    evidence: tuple[EvidenceItem, ...] = ()
    provisional: tuple[str, ...] = ()
    exploratory: str = ""


def unread(comparison: Comparison) -> tuple[str, ...]:
    """Return why a category that counts lesions is provisional; empty where readers have settled all of them.

    Parameters
    ----------
    comparison : Comparison
        The two dates.

    Returns
    -------
    tuple of str
        Unconfirmed lesions (new ones first), uncertain links of new lesions, and studies without any lesion that
        nobody has looked at.
    """
    reasons = []
    unconfirmed = [link.name for link in comparison.new_links if _is_unconfirmed(link.after)]
    if unconfirmed:
        reasons.append(f"new lesion{_s(unconfirmed)} not confirmed by a reader: {', '.join(unconfirmed)}")
    for index in (comparison.start, comparison.end):
        n_open = sum(lesion.state is LesionState.UNCONFIRMED for lesion in comparison.course.counting(index))
        if n_open:
            n_all = len(comparison.course.counting(index))
            date = comparison.course.day(index)
            reasons.append(f"{n_open} of {n_all} lesions of {date} not confirmed by a reader")
    uncertain = [
        f"{link.name} ({point.reason})" if point.reason else link.name
        for link in comparison.new_links
        for track in link.tracks
        if track.tracking_uid in link.new
        for point in (track.points[comparison.start], track.points[comparison.end])
        if point is not None and point.is_uncertain
    ]
    if uncertain:
        reasons.append(f"may not be new: {', '.join(dict.fromkeys(uncertain))}")
    if not comparison.course.counting(comparison.end) and not is_background_confirmed(comparison):
        reasons.append(f"no lesion was found on {comparison.end_day}, and no reader has confirmed that")
    return tuple(reasons)


def is_background_confirmed(comparison: Comparison) -> bool:
    """Return whether a reader confirmed every track of the earlier date at local background in the later study.

    False where the earlier date has no track.
    """
    uid = comparison.later.study.uid
    confirmed = {one.track_uid for one in comparison.course.readings.background if one.study_uid == uid and one.reader}
    known = [link for link in comparison.links if link.is_known]
    return bool(known) and all(
        track.tracking_uid in confirmed
        for link in known
        for track in link.tracks
        if is_there(track.points[comparison.start])
    )


def no_totals(timepoint: Timepoint) -> str:
    """Return why a study's burden is not known; empty where it is."""
    if timepoint.totals is not None:
        return ""
    return (
        f"the tumour volume of {study_day(timepoint)} is not known: physiological uptake was not excluded, or lesions "
        "were not looked for"
    )


def missing_totals(comparison: Comparison) -> str:
    """Return why the burden of either date is not known; empty where both are."""
    return no_totals(comparison.earlier) or no_totals(comparison.later)


def _is_unconfirmed(lesions: tuple[Lesion, ...]) -> bool:
    return any(lesion.state is LesionState.UNCONFIRMED for lesion in lesions)


def _s(items: list[str]) -> str:
    return "" if len(items) == 1 else "s"
