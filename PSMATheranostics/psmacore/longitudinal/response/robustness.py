"""A category to whether one lesion or the threshold carries it."""

from __future__ import annotations

from collections.abc import Callable

from psmacore.longitudinal.response.course import Comparison, percent_change
from psmacore.longitudinal.response.outcome import Outcome, is_background_confirmed
from psmacore.longitudinal.response.recip import RecipRules, recip_category
from psmacore.model.assessments import AtThreshold, Category, LeftOut, Robustness

NEAR_POINTS = 5.0
"""Points of per cent around a limit within which a measured volume may lie on the other side of it."""

_SAME_SUV = 1e-6


def robustness_of(
    comparison: Comparison, category: Category, assess: Callable[[Comparison], Outcome], recip: RecipRules | None
) -> Robustness:
    """Return what a category hangs on.

    Parameters
    ----------
    comparison : Comparison
        The two dates.
    category : Category
        As computed.
    assess : callable
        The criterion, asked again without each lesion.
    recip : RecipRules or None
        RECIP's limits for a category of RECIP, whose volume and threshold can be looked at; ``None`` for others.

    Returns
    -------
    Robustness
        A lesion that merged or split is left out as one, the only lesion never: nothing is left to judge.
    """
    changes = []
    present = [link for link in comparison.links if link.before or link.after]
    for link in present if len(present) > 1 else ():
        other = assess(comparison.without(link)).category
        if other is not category:
            changes.append(LeftOut(link.track_uids, link.name, other))
    nearest, margin = _nearest(comparison.change_pct, recip)
    is_near = margin is not None and margin < NEAR_POINTS
    return Robustness(nearest, margin, is_near, tuple(changes), _at_thresholds(comparison, recip))


def _nearest(change_pct: float | None, recip: RecipRules | None) -> tuple[float | None, float | None]:
    """Return the limit that lies nearest to a change, and the distance to it."""
    if change_pct is None or recip is None:
        return None, None
    nearest = min((-recip.decrease_pct, recip.increase_pct), key=lambda limit: abs(change_pct - limit))
    return nearest, round(abs(change_pct - nearest), 9)


def _at_thresholds(comparison: Comparison, recip: RecipRules | None) -> tuple[AtThreshold, ...]:
    """Return RECIP with the volumes at each threshold that was given for both studies."""
    if recip is None:
        return ()
    earlier, later = (comparison.course.supplement(index).volumes for index in (comparison.start, comparison.end))
    return tuple(
        AtThreshold(
            before.threshold_suv,
            percent_change(before.psma_tv_ml, after.psma_tv_ml),
            recip_category(
                before.psma_tv_ml,
                after.psma_tv_ml,
                len(comparison.new_uids),
                is_background_confirmed=is_background_confirmed(comparison),
                rules=recip,
            ),
        )
        for before in earlier
        for after in later
        if abs(before.threshold_suv - after.threshold_suv) <= _SAME_SUV
    )
