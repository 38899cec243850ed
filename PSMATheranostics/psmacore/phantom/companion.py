"""A PSMA course to the same man's FDG studies: the same tumours with their own uptake, days apart, elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from scipy.special import ndtri

from psmacore.errors import UsageError
from psmacore.model.geometry import FloatArray
from psmacore.phantom.acquisition import FULL_COMPANION, QUICK_COMPANION, Acquisition
from psmacore.phantom.anatomy import build_anatomy
from psmacore.phantom.course import CoursePlan, companion_key, size_rule
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.lesion_course import Fate, as_tissue, radius_of
from psmacore.phantom.lesion_plan import LesionState, PlannedLesion, draw_lobes, find_place, stratified
from psmacore.phantom.lesion_sites import LesionKind
from psmacore.phantom.scanner import rigid_move
from psmacore.phantom.shapes import Float64
from psmacore.phantom.tissue import Region
from psmacore.phantom.uptake import FACTS, Tracer, suv_range

FDG_NEGATIVE_SHARE = 0.2
DISCORDANT_SHARE = 0.15
MOST_DISCORDANT = 8
_NEGATIVE_SUV = (0.5, 1.6)
_FDG_SUV = (2.0, 25.0)
# PSMA-negative disease: share by kind, visceral more often than elsewhere.
_DISCORDANT_KINDS = {LesionKind.BONE: 0.35, LesionKind.NODE: 0.35, LesionKind.LIVER: 0.20, LesionKind.LUNG: 0.10}
_DAYS_APART = (2, 14)


def plan_pair(plan: CoursePlan) -> tuple[CoursePlan, CoursePlan]:
    """Return a PSMA course and its FDG companion, date by date, with the same tumours under the same ids.

    The FDG image shows the PSMA lesions with an SUVmax that is log-normal around 5 within 2 to 25 (table of typical
    uptake) and rises with their size; the lowest fifth take up next to nothing (FDG-negative). Beside them lie
    discordant lesions, about 15 in 100 PSMA lesions, that FDG shows and PSMA does not: they are added to the PSMA
    course too, whose CT shows them and whose PET hardly does; its other lesions, its grids, noise and organs stay.
    The FDG study is 2 to 14 days apart, with other bladder filling, table position, scanner grid and breathing.

    Raises
    ------
    UsageError
        If the course is one of FDG, or itself a companion.
    """
    if not plan.tracer.is_psma or plan.companion_to is not None:
        raise UsageError(f"an FDG companion belongs to a PSMA course, not to one of {plan.tracer}")
    discordant = _discordant(plan)
    psma = replace(plan, lesions=(*plan.lesions, *(_with_suv(one, _negative_suv(plan, one)) for one in discordant)))
    return psma, _companion_of(plan, (*_shared(plan), *discordant))


def plan_companion(plan: CoursePlan) -> CoursePlan:
    """Return the FDG companion of a PSMA course; see :func:`plan_pair`."""
    return plan_pair(plan)[1]


def companion_from_lps(plan: CoursePlan, companion: CoursePlan, date_index: int) -> FloatArray:
    """Return the rigid transform, 4 x 4, from one date's world to the world of that date's companion study."""
    return np.asarray(companion.lps_from_body[date_index] @ plan.body_from_lps(date_index), dtype=np.float64)


def _companion_of(plan: CoursePlan, lesions: tuple[PlannedLesion, ...]) -> CoursePlan:
    dates = range(plan.n_timepoints)
    return CoursePlan(
        seed=plan.seed,
        tracer=Tracer.FDG,
        quick=plan.quick,
        anatomies=tuple(build_anatomy(plan.seed, date_index=companion_key(n)) for n in dates),
        acquisitions=tuple(_acquisition(plan, n) for n in dates),
        lps_from_body=tuple(_position(plan, n) for n in dates),
        lesions=lesions,
        companion_to=plan.tracer,
    )


def _acquisition(plan: CoursePlan, date_index: int) -> Acquisition:
    rng, other = random_stream(plan.seed, "companion acquisition", date_index), plan.acquisitions[date_index]
    facts = FACTS[Tracer.FDG]
    days = int(rng.integers(_DAYS_APART[0], _DAYS_APART[1] + 1)) * (1 if rng.random() < 0.5 else -1)
    morning = other.injected_at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
    injected = morning + timedelta(hours=int(rng.integers(8, 13)), minutes=int(rng.integers(0, 60)))
    scan = injected + timedelta(seconds=round(60 * float(rng.uniform(*facts.uptake_min))))
    weight = round(other.weight_kg + float(rng.uniform(-0.6, 0.6)), 1)
    return replace(
        other,
        tracer=Tracer.FDG,
        study_at=scan - timedelta(seconds=240),
        injected_at=injected,
        scan_at=scan,
        weight_kg=weight,
        activity_bq=float(round(facts.activity_bq_per_kg * weight * float(rng.uniform(0.88, 1.12)), -4)),
        bed_s=float(rng.choice([120, 150, 180])),
    )


def _position(plan: CoursePlan, date_index: int) -> FloatArray:
    rng = random_stream(plan.seed, "companion position", date_index)
    move = rigid_move(rng, shift_mm=(8.0, 6.0, 20.0), turn_deg=1.6)
    move[1, 3] += 26.0
    move[2, 3] -= 930.0
    return move


def _shared(plan: CoursePlan) -> tuple[PlannedLesion, ...]:
    """Return the PSMA lesions with their FDG uptake, which follows the PSMA uptake from date to date."""
    rng, n = random_stream(plan.seed, "companion lesions"), len(plan.lesions)
    first = [next(state for state in one.states if state is not None) for one in plan.lesions]
    by_size = np.argsort(np.argsort([state.size_ml for state in first]))
    size: Float64 = ndtri((by_size + 0.5) / max(n, 1))
    other: Float64 = ndtri(np.clip(stratified(n, rng), 1e-4, 1 - 1e-4))
    suv = np.clip(5.0 * np.exp(0.6 * (0.5 * size + np.sqrt(0.75) * other)), *_FDG_SUV)
    n_negative = min(int(FDG_NEGATIVE_SHARE * n + rng.uniform()), max(n - 1, 0))
    negative = np.argsort(suv)[:n_negative]
    suv[negative] = rng.uniform(*_NEGATIVE_SUV, size=n_negative)
    liver = 1.7 * suv_range(Region.LIVER, Tracer.FDG)[1]
    result = []
    for number, (lesion, state) in enumerate(zip(plan.lesions, first, strict=True)):
        level = float(suv[number])
        if lesion.kind is LesionKind.LIVER and number not in negative:
            level = max(level, liver)
        result.append(_with_suv(lesion, level / state.suv_max))
    return tuple(result)


def _with_suv(lesion: PlannedLesion, factor: float) -> PlannedLesion:
    """Return a lesion whose SUVmax is multiplied on every date, to at most 25."""
    states = tuple(
        None if state is None else replace(state, suv_max=min(state.suv_max * factor, _FDG_SUV[1]))
        for state in lesion.states
    )
    return replace(lesion, states=states)


def _negative_suv(plan: CoursePlan, lesion: PlannedLesion) -> float:
    """Return the factor from a discordant lesion's FDG uptake to its PSMA uptake."""
    state = lesion.states[0]
    rng = random_stream(plan.seed, "discordant in PSMA", lesion.id)
    return float(rng.uniform(*_NEGATIVE_SUV)) / (state.suv_max if state is not None else 1.0)


def _discordant(plan: CoursePlan) -> tuple[PlannedLesion, ...]:
    """Return the lesions that FDG alone shows, with their FDG uptake; present and stable on all dates."""
    rng = random_stream(plan.seed, "discordant lesions")
    n = min(int(rng.binomial(len(plan.lesions), DISCORDANT_SHARE)), MOST_DISCORDANT)
    rule = size_rule(plan.seed, Tracer.FDG, QUICK_COMPANION if plan.quick else FULL_COMPANION)
    kinds, shares = list(_DISCORDANT_KINDS), list(_DISCORDANT_KINDS.values())
    found: list[PlannedLesion] = []
    for _ in range(n):
        kind = kinds[int(rng.choice(len(kinds), p=shares))]
        shown = float(np.clip(1.5 * np.exp(1.0 * rng.normal()), 0.5, 30.0))
        suv = float(np.clip(6.0 * np.exp(0.5 * rng.normal()), 4.5, _FDG_SUV[1]))
        _, tissue_ml, suv = as_tissue((Fate.BASELINE, shown, suv), rule)
        radius = radius_of(tissue_ml)
        place = find_place(plan.anatomies[0], kind, radius, None, (*plan.lesions, *found), rng)
        if place is None:
            continue
        x, y, z = (float(value) for value in place.centre_mm)
        states = tuple(
            LesionState(Fate.BASELINE if n == 0 else Fate.STABLE, tissue_ml, suv, (x, y, z))
            for n in range(plan.n_timepoints)
        )
        number = len(plan.lesions) + len(found) + 1
        found.append(PlannedLesion(number, kind, place.site, None, draw_lobes(shown, rng), states))
    return tuple(found)
