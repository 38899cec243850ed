"""The lesions of all dates of a course to the links between them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from psmacore.longitudinal.cover import Cover, Explanation
from psmacore.longitudinal.dated import DatedLesions, require_order_of_date
from psmacore.longitudinal.explaining import Followed, explanations
from psmacore.longitudinal.extents import extent_of
from psmacore.longitudinal.likelihood import Placed, SiteAgreement, site_agreement
from psmacore.longitudinal.links import Link, Links, Spot
from psmacore.model.lesions import Lesion, LesionState

RIVAL_WITHIN = 3.0
"""Natural logarithm of the ratio of two likelihoods, 20 to 1, below which the better one leaves doubt (our own)."""

logger = logging.getLogger(__name__)


def takes_part(lesion: Lesion) -> bool:
    """Return whether a lesion is matched: it counts, or it is known to lie below the threshold."""
    return lesion.state.counts or lesion.state is LesionState.BELOW_THRESHOLD


def placed_lesions(study: DatedLesions) -> dict[str, Placed]:
    """Return the lesions that are matched with their extents in the common frame, by tracking UID."""
    return {
        lesion.tracking_uid: Placed(lesion, extent_of(lesion, study)) for lesion in study.lesions if takes_part(lesion)
    }


def link_lesions(studies: Sequence[DatedLesions]) -> Links:
    """Link the lesions of each date to those seen before, at whatever date that was.

    For each date the explanations of its lesions and of all those followed until then are weighed by distance
    against registration error and change of size, by volume and by site; the cheapest set of them is taken as a
    whole (:class:`psmacore.longitudinal.cover.Cover`). No date changes what was found for the dates before it.

    Parameters
    ----------
    studies : sequence of DatedLesions
        In order of date. None, one, and dates without lesions give no links.

    Raises
    ------
    InputRefusedError
        If the studies are not in order of date.

    References
    ----------
    Santoro-Fernandes et al., Phys Med Biol 2021 (PMC11329192) and Huff et al., Phys Med Biol 2023;68:175031:
    registration, dilation, assignment. Merges and splits are weighed in the assignment here, not after it.
    """
    require_order_of_date(studies)
    found = _Findings()
    followed: list[Followed] = []
    for date, study in enumerate(studies):
        spots = {Spot(date, uid): placed for uid, placed in placed_lesions(study).items()}
        followed = _next_date(followed, spots, date, found)
    n_doubts = len(found.new_doubts) + len(found.gone_doubts) + sum(bool(link.doubt) for link in found.links)
    logger.info("%s dates: %s links of lesions, %s doubts", len(studies), len(found.links), n_doubts)
    return Links(tuple(found.links), found.new_doubts, found.gone_doubts)


class _Findings:
    """What the dates until now gave."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.new_doubts: dict[Spot, str] = {}
        self.gone_doubts: dict[tuple[Spot, int], str] = {}


def _next_date(
    followed: Sequence[Followed], spots: Mapping[Spot, Placed], date: int, found: _Findings
) -> list[Followed]:
    """Explain one date, and return the lesions as they were last seen, those of this date first."""
    names, later = list(spots), list(spots.values())
    cover = Cover(explanations(followed, later), len(followed), len(later))
    seen: list[Followed] = []
    unseen: list[Followed] = []
    for one in sorted(cover.chosen, key=lambda chosen: (chosen.later, chosen.earlier)):
        doubt = _doubt(one, cover.rival(one, RIVAL_WITHIN), followed, later) if date else ""
        before, after = [followed[number] for number in one.earlier], [names[number] for number in one.later]
        found.links += [Link(item.spot, spot, doubt) for spot in after for item in before]
        if not after:
            unseen.append(Followed(before[0].lesion, before[0].extent, before[0].spot, is_gap=True))
        if doubt and not after:
            found.gone_doubts[before[0].spot, date] = doubt
        if doubt and not before:
            found.new_doubts[after[0]] = doubt
        seen += [_as_seen(spot, spots[spot], before) for spot in after]
    return seen + unseen


def _as_seen(spot: Spot, placed: Placed, before: Sequence[Followed]) -> Followed:
    """Return a lesion to be followed; one that fell below the threshold is looked for where it was last seen whole."""
    if placed.lesion.state.counts:
        return Followed(placed.lesion, placed.extent, spot)
    whole = before[0] if before else placed
    return Followed(whole.lesion, whole.extent, spot, is_gap=True)


def _doubt(
    one: Explanation, rival: Sequence[Explanation], followed: Sequence[Followed], later: Sequence[Placed]
) -> str:
    """Return why a reader should look: the sites differ, or another explanation is nearly as good; else empty."""
    reasons = []
    if len(one.earlier) == len(one.later) == 1:
        before, after = followed[one.earlier[0]].lesion, later[one.later[0]].lesion
        if site_agreement(before, after) is SiteAgreement.OTHER:
            reasons.append(f"the site was {before.site.meaning} and is {after.site.meaning}")
    if rival:
        reasons.append(f"nearly as likely: {_in_words(_stepping_in(one, rival), followed, later)}")
    return "; ".join(reasons)


def _stepping_in(one: Explanation, rival: Sequence[Explanation]) -> Explanation:
    """Return the explanation that would hold the same later lesion, or the same earlier one."""
    for other in rival:
        if set(other.later) & set(one.later):
            return other
    return next(other for other in rival if set(other.earlier) & set(one.earlier))


def _in_words(one: Explanation, followed: Sequence[Followed], later: Sequence[Placed]) -> str:
    before = " and ".join(_name(followed[number].lesion) for number in one.earlier)
    after = " and ".join(_name(later[number].lesion) for number in one.later)
    if not before:
        return f"{after} is new"
    if not after:
        return f"{before} is gone"
    if len(one.earlier) > 1:
        return f"{before} merged into {after}"
    if len(one.later) > 1:
        return f"{before} split into {after}"
    return f"{before} became {after}"


def _name(lesion: Lesion) -> str:
    return f"{lesion.tracking_id} ({lesion.site.meaning})"
