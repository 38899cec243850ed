"""New and rising lesions with clinical data to PSMA PET progression as Fanti and colleagues proposed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from psmacore.lesions.site_codes import SiteGroup, group_of
from psmacore.longitudinal.response.course import Comparison, percent_change
from psmacore.longitudinal.response.linking import LinkedLesion
from psmacore.longitudinal.response.outcome import CLINICAL_DATA_MISSING, Outcome, missing_totals
from psmacore.longitudinal.response.psa import PsaRules, nadir_before
from psmacore.longitudinal.response.recip import refuse_other_tracer
from psmacore.model.assessments import Category, EvidenceItem
from psmacore.model.clinical import Analyte
from psmacore.model.lesions import Lesion

_DISTANT = frozenset((SiteGroup.OTHER_NODE, SiteGroup.BONE, SiteGroup.OTHER_ORGAN))


@dataclass(frozen=True)
class PppRules:
    """The numbers of PSMA PET progression.

    Parameters
    ----------
    n_new_distant : int
        New distant lesions that are progression by themselves.
    rise_pct : float
        Rise in volume or SUVmax of a known lesion that counts with clinical support.
    confirmed_within_days : int
        Time in which biopsy or imaging should confirm what needs support: about 3 months.
    lab_window_days : int
        How far from the study a PSA value may lie to speak for it; a convention of this product.
    psa : PsaRules
        How far PSA must lie above its nadir to be laboratory support.

    References
    ----------
    Fanti et al., JNM 2020;61:678, and the consensus of PMC7835167.
    """

    n_new_distant: int = 2
    rise_pct: float = 30.0
    confirmed_within_days: int = 92
    lab_window_days: int = 28
    psa: PsaRules = field(default_factory=PsaRules)


@dataclass(frozen=True)
class _Rise:
    link: LinkedLesion
    what: str
    change_pct: float


def assess_ppp(comparison: Comparison, rules: PppRules) -> Outcome:
    """Return PSMA PET progression between two dates.

    Two new distant lesions are progression. One new lesion, or a known one that rose by 30 % in volume or SUVmax, is
    progression where clinical data support it, provisional until biopsy or imaging confirms it.

    Returns
    -------
    Outcome
        ``clinical data missing`` where the answer hangs on them. No category for a tracer other than PSMA ligands or
        without totals.
    """
    refusal = refuse_other_tracer(comparison, "PSMA PET progression") or missing_totals(comparison)
    if refusal:
        return Outcome(None, refusal)
    distant = tuple(link for link in comparison.new_links if any(is_distant(lesion) for lesion in link.after))
    rises = [rise for link in comparison.links if (rise := _rise(link)) and rise.change_pct >= rules.rise_pct]
    evidence = (*_new_items(comparison, distant, rules), _rise_item(rises, rules))
    if len(distant) >= rules.n_new_distant:
        return Outcome(Category.PROGRESSION, "", evidence)
    if not comparison.new_links and not rises:
        return Outcome(Category.NO_PROGRESSION, "", evidence, _unknown_rises(comparison))
    support = _support(comparison, rules)
    if support is None:
        words = "one new lesion" if comparison.new_links else "a rise of known lesions"
        return Outcome(
            None,
            f"{CLINICAL_DATA_MISSING}: {words} is progression only with clinical or laboratory support around "
            f"{comparison.end_day}",
            evidence,
        )
    if not support.is_met:
        return Outcome(Category.NO_PROGRESSION, "", (*evidence, support))
    return Outcome(Category.PROGRESSION, "", (*evidence, support), _unconfirmed(comparison, rules))


def is_distant(lesion: Lesion) -> bool:
    """Return whether a lesion lies outside prostate and pelvic nodes: PROMISE's miM1, else by its site."""
    if lesion.mi_tnm:
        return lesion.mi_tnm.startswith("miM1")
    return group_of(lesion.site) in _DISTANT


def _rise(link: LinkedLesion) -> _Rise | None:
    """Return the larger change of a known lesion's volume and SUVmax; ``None`` where neither can be told."""
    if link.new or not link.is_known or not link.after:
        return None
    earlier_suv = [lesion.suv_max for lesion in link.before]
    earlier_suv = earlier_suv or [point.suv_max for point in link.start_points if point.suv_max is not None]
    changes = [
        ("volume", percent_change(link.before_ml, link.after_ml)),
        ("SUVmax", percent_change(max(earlier_suv, default=0.0), max(lesion.suv_max for lesion in link.after))),
    ]
    return max(
        (_Rise(link, what, change) for what, change in changes if change is not None),
        key=lambda rise: rise.change_pct,
        default=None,
    )


def _unknown_rises(comparison: Comparison) -> tuple[str, ...]:
    """Return which known lesions rose above the threshold from an uptake that nobody measured."""
    names = [
        link.name for link in comparison.links if link.after and link.is_known and not link.new and _rise(link) is None
    ]
    return (f"risen above the threshold by an unknown amount: {', '.join(names)}",) if names else ()


def _new_items(comparison: Comparison, distant: tuple[LinkedLesion, ...], rules: PppRules) -> tuple[EvidenceItem, ...]:
    n, uids = len(distant), tuple(uid for link in distant for uid in link.new)
    names = ", ".join(link.name for link in distant)
    items = [EvidenceItem("new distant lesions", n, "", rules.n_new_distant, n >= rules.n_new_distant, uids, names)]
    others = [link for link in comparison.new_links if link not in distant]
    if others:
        uids = tuple(uid for link in others for uid in link.new)
        names = ", ".join(f"{link.name} ({link.after[0].site.meaning})" for link in others)
        items.append(EvidenceItem("other new lesions", len(others), lesions=uids, note=names))
    return tuple(items)


def _rise_item(rises: list[_Rise], rules: PppRules) -> EvidenceItem:
    if not rises:
        return EvidenceItem("largest rise of a known lesion", None, "%", rules.rise_pct, False, note="none reaches it")
    largest = max(rises, key=lambda rise: rise.change_pct)
    uids = tuple(uid for rise in rises for uid in rise.link.track_uids)
    note = f"{largest.what} of {largest.link.name}; {len(rises)} in all"
    return EvidenceItem("largest rise of a known lesion", largest.change_pct, "%", rules.rise_pct, True, uids, note)


def _support(comparison: Comparison, rules: PppRules) -> EvidenceItem | None:
    """Return whether a reader or PSA speaks for progression; ``None`` where neither is at hand."""
    stated = [one for one in comparison.course.readings.supports if one.study_uid == comparison.later.study.uid]
    if stated:
        words = f"{stated[-1].reader}: {stated[-1].reason}"
        return EvidenceItem("clinical support", None, is_met=stated[-1].is_supporting, note=words)
    clinical = comparison.course.clinical
    day = comparison.end_day
    window = timedelta(days=rules.lab_window_days)
    series = () if clinical is None else clinical.series(Analyte.PSA)
    since = [one for one in series if one.date >= comparison.start_day - window]
    near = [one for one in since if abs(one.date - day) <= window]
    if not near:
        return None
    now = min(near, key=lambda one: (abs(one.date - day), one.date))
    nadir = nadir_before(now, since)
    if nadir is now:
        return None
    return EvidenceItem(
        "laboratory support: PSA above its nadir",
        percent_change(nadir.value, now.value),
        "%",
        rules.psa.rise_pct,
        rules.psa.is_rise(nadir.value, now.value),
        note=f"{nadir.value:g} ng/ml on {nadir.date}, {now.value:g} ng/ml on {now.date}; "
        f"+{rules.psa.rise_ng_ml:g} ng/ml needed",
    )


def _unconfirmed(comparison: Comparison, rules: PppRules) -> tuple[str, ...]:
    """Return that biopsy or imaging must still confirm progression; empty where it has."""
    day = comparison.end_day
    for one in comparison.course.readings.progression_confirmations:
        days = (one.date - day).days
        if one.study_uid == comparison.later.study.uid and 0 <= days <= rules.confirmed_within_days:
            return ()
    return (f"to be confirmed by biopsy or imaging within {rules.confirmed_within_days} days",)
