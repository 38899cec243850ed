"""An FDG companion shows the same man's tumours with their own uptake, days apart and rigidly elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.errors import UsageError
from psmacore.phantom.companion import companion_from_lps, plan_companion, plan_pair
from psmacore.phantom.course import CoursePlan, plan_course, simulate_timepoint
from psmacore.phantom.decoys import DecoyKind
from psmacore.phantom.uptake import Tracer

Pair = tuple[CoursePlan, CoursePlan]


@pytest.fixture(scope="module")
def a_plan() -> CoursePlan:
    return plan_course(7, n_timepoints=2, n_lesions=40, quick=True)


@pytest.fixture(scope="module")
def a_pair(a_plan: CoursePlan) -> Pair:
    return plan_pair(a_plan)


def first_suv(plan: CoursePlan) -> np.ndarray:
    return np.array([next(state for state in one.states if state is not None).suv_max for one in plan.lesions])


def test_both_courses_hold_the_same_tumours_under_the_same_ids(a_pair: Pair):
    for psma, fdg in zip(a_pair[0].lesions, a_pair[1].lesions, strict=True):
        assert (psma.id, psma.kind, psma.site, psma.lobes) == (fdg.id, fdg.kind, fdg.site, fdg.lobes)
        for one, other in zip(psma.states, fdg.states, strict=True):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                assert (one.size_ml, one.centre_mm) == (other.size_ml, other.centre_mm)


def test_psma_lesions_stay_and_discordant_ones_are_added_behind_them(a_plan: CoursePlan, a_pair: Pair):
    n = len(a_plan.lesions)
    assert a_pair[0].lesions[:n] == a_plan.lesions
    assert len(a_pair[0].lesions) > n
    assert first_suv(a_pair[0])[n:].max() < 2.0
    assert first_suv(a_pair[1])[n:].min() >= 3.0


def test_a_fifth_of_the_psma_lesions_is_fdg_negative_and_the_others_take_up_about_five(
    a_plan: CoursePlan, a_pair: Pair
):
    """STANDARDS, typical uptake: FDG lesions SUVmax median 5, 2 to 25, some FDG-negative."""
    suv = first_suv(a_pair[1])[: len(a_plan.lesions)]
    negative = suv < 2.0
    assert 0.15 < negative.mean() < 0.28
    assert 4.0 < np.median(suv) < 6.5
    assert suv.max() <= 25.0


def test_fdg_uptake_follows_the_psma_uptake_to_the_next_date(a_plan: CoursePlan, a_pair: Pair):
    for number, lesion in enumerate(a_plan.lesions):
        first, second = lesion.states
        if first is None or second is None or second.size_ml == 0:
            continue
        fdg_first, fdg_second = a_pair[1].lesions[number].states
        if fdg_first is None or fdg_second is None or max(fdg_first.suv_max, fdg_second.suv_max) >= 25.0:
            continue
        assert fdg_second.suv_max / fdg_first.suv_max == pytest.approx(second.suv_max / first.suv_max)


def test_the_companion_is_two_to_fourteen_days_apart_and_the_same_man(a_pair: Pair):
    for one, other in zip(a_pair[0].acquisitions, a_pair[1].acquisitions, strict=True):
        assert 2 <= abs((other.study_at.date() - one.study_at.date()).days) <= 14
        assert (one.born_on, one.height_m) == (other.born_on, other.height_m)
        assert abs(one.weight_kg - other.weight_kg) < 1.0
        assert other.tracer is Tracer.FDG


def test_the_way_between_both_studies_is_rigid_and_not_the_identity(a_pair: Pair):
    matrix = companion_from_lps(*a_pair, 1)
    assert matrix[:3, :3] @ matrix[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
    assert np.linalg.norm(matrix - np.eye(4)) > 1.0


@pytest.mark.slow
def test_the_healing_fracture_is_at_the_same_ribs_in_both_studies():
    psma, fdg = plan_pair(plan_course(21, n_timepoints=1, n_lesions=1, quick=True))
    broken = [
        [decoy.site for decoy in simulate_timepoint(plan, 0).decoys if decoy.kind is DecoyKind.FRACTURE]
        for plan in (psma, fdg)
    ]
    assert broken[0] == broken[1]
    assert len(broken[0]) == 2


def test_the_same_seed_plans_the_same_companion(a_plan: CoursePlan, a_pair: Pair):
    again = plan_companion(a_plan)
    assert again.lesions == a_pair[1].lesions
    assert again.acquisitions == a_pair[1].acquisitions
    assert np.array_equal(again.lps_from_body, a_pair[1].lps_from_body)


def test_a_man_without_lesions_has_none_in_fdg_either():
    psma, fdg = plan_pair(plan_course(3, n_timepoints=1, n_lesions=0, quick=True))
    assert psma.lesions == fdg.lesions == ()


def test_fdg_has_no_companion():
    with pytest.raises(UsageError, match="fdg"):
        plan_pair(plan_course(3, n_timepoints=1, n_lesions=0, tracer="fdg", quick=True))
