"""PERCIST 1.0 on FDG, every value as SUL (W89): Wahl et al., JNM 2009;50:122S, as STANDARDS D.3 words it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from psmacore.longitudinal.response.percist import PercistRules, assess_percist
from psmacore.model.assessments import Category
from psmacore.model.lesions import ReferenceRegion
from psmacore.model.readings import BackgroundConfirmation, Readings
from psmacore.model.suv import SuvFactors
from Testing.core.longitudinal.response.courses import (
    HEPATIC,
    NODE,
    PELVIC,
    Seen,
    Unseen,
    make_pair,
    study_uid,
    track_uid,
)
from Testing.timepoints import FDG, make_derivation

RULES = PercistRules()
LBM = 0.5
CMR, PMR, SMD, PMD = Category.CMR, Category.PMR, Category.SMD, Category.PMD


def an_fdg_study(
    *,
    liver: float | None = 1.6,
    blood_pool: float | None = 1.2,
    uptake_min: float | None = 60.0,
    lbm: float | None = LBM,
) -> dict[str, Any]:
    """Return an FDG study with a liver given as SUL, SD 0.2, and SUL = SUVbw / 2."""
    regions = [
        ReferenceRegion(name, value / LBM, 0.2 / LBM, 100)
        for name, value in (("liver", liver), ("blood_pool", blood_pool))
        if value is not None
    ]
    factors = SuvFactors(1.0, lbm, lbm, lbm, None, None)
    suv = replace(make_derivation(), factors=factors, uptake_min=uptake_min)
    return {"tracer": FDG, "suv": suv, "reference_regions": tuple(regions)}


def hot(sul_peak: float, volume_ml: float = 10.0) -> Seen:
    """Return a lesion with a SULpeak and a SULmean of half of it."""
    return Seen(volume_ml, suv_max=sul_peak * 2.4, suv_peak=sul_peak / LBM, suv_mean=sul_peak / LBM / 2)


def assess(tracks, *, before=None, after=None, **more):
    studies = {0: an_fdg_study(**(before or {})), 1: an_fdg_study(**(after or {}))}
    return assess_percist(make_pair(tracks, changed=studies, **more), RULES)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (10.0, 7.0, PMR),
        (10.0, 7.01, SMD),
        (2.9, 2.1, SMD),
        (3.0, 2.1, PMR),
        (10.0, 13.0, SMD),
        (10.0, 13.01, PMD),
        (10.0, 10.0, SMD),
    ],
)
def test_sulpeak_of_the_hottest_lesion_decides(before, after, expected):
    """Down 30 % and 0.8 units: partial response. Up by more than 30 % and more than 0.8: progression."""
    assert assess({"L1": [hot(before), hot(after)], "L2": [hot(1.7), hot(1.7)]}).category is expected


@pytest.mark.parametrize(("before", "after", "expected"), [(2.81, 3.62, SMD), (2.81, 3.7, PMD), (2.81, 3.6, SMD)])
def test_a_rise_needs_both_percent_and_units(before, after, expected):
    """2.81 -> 3.62 is +28.8 %, +0.81; -> 3.70 is +31.7 %, +0.89; -> 3.60 is +0.79."""
    assert assess({"L1": [hot(before), hot(after)]}).category is expected


def test_the_hottest_lesion_may_be_another_one_each_time():
    assert assess({"L1": [hot(10.0), hot(3.0)], "L2": [hot(4.0), hot(6.9)]}).category is PMR


def test_a_new_lesion_is_progression_whatever_the_hottest_does():
    assert assess({"L1": [hot(10.0), hot(3.0)], "L2": [None, hot(2.0)]}).category is PMD


@pytest.mark.parametrize(("ml", "peak", "expected"), [(17.5, 10.0, SMD), (17.6, 10.0, PMD), (40.0, 9.9, SMD)])
def test_glycolysis_up_by_more_than_75_percent_is_progression_unless_sulpeak_declined(ml, peak, expected):
    assert assess({"L1": [hot(10.0), hot(peak, ml)]}).category is expected


def test_glycolysis_sums_five_lesions_two_of_an_organ():
    """Seven lesions of which the third bone lesion, the third node and the sixth by heat are left out."""
    tracks = {f"B{n}": [hot(10.0 - n, 2.0), hot(10.0 - n, 2.0)] for n in range(3)}
    tracks |= {f"N{n}": [hot(6.0 - n, 2.0), hot(6.0 - n, 2.0)] for n in range(3)}
    tracks |= {"H": [hot(3.0, 2.0), hot(3.0, 2.0)], "G": [hot(2.0, 2.0), hot(2.0, 2.0)]}
    sites = {"N0": NODE, "N1": PELVIC, "N2": NODE, "H": HEPATIC}
    items = {item.name: item for item in assess(tracks, sites=sites).evidence}
    expected = sum(2.0 * peak / 2 for peak in (10.0, 9.0, 6.0, 5.0, 3.0))
    assert items["TLG of the 5 hottest lesions"].note.startswith(f"{expected:.1f} and")


def test_complete_response_is_below_the_liver_and_confirmed_by_the_reader():
    seen = Readings(background=(BackgroundConfirmation(track_uid("L1"), study_uid(1), "Reader 1"),))
    for left, readings, expected in (
        (Unseen(suv_peak=1.5 / LBM), Readings(), PMR),
        (Unseen(suv_peak=1.5 / LBM), seen, CMR),
        (Unseen(suv_peak=1.6 / LBM), seen, PMR),
        (Unseen(), seen, CMR),
        (Unseen(), Readings(), None),
    ):
        assert assess({"L1": [hot(10.0), left]}, readings=readings).category is expected


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {"liver": 1.91}, "liver SUL"),
        ({"liver": 1.0}, {"liver": 1.21}, "liver SUL"),
        ({}, {"uptake_min": 75.1}, "uptake times"),
        ({"lbm": None}, {}, "no SUL"),
        ({"liver": None, "blood_pool": None}, {}, "neither liver nor blood pool"),
    ],
)
def test_studies_that_percist_does_not_compare_give_no_category(before, after, words):
    """Liver within 20 % and 0.3 units, uptake times within 15 min, height and sex for SUL."""
    outcome = assess({"L1": [hot(10.0), hot(7.0)]}, before=before, after=after)
    assert outcome.category is None
    assert words in outcome.reason


@pytest.mark.parametrize(
    ("before", "after"), [({}, {"liver": 1.9}), ({"liver": 1.0}, {"liver": 1.2}), ({}, {"uptake_min": 75.0})]
)
def test_studies_at_the_limits_are_compared(before, after):
    assert assess({"L1": [hot(10.0), hot(7.0)]}, before=before, after=after).category is PMR


@pytest.mark.parametrize(("peak", "expected"), [(2.79, None), (2.8, PMR)])
def test_a_baseline_lesion_is_measurable_from_one_and_a_half_livers_and_two_sd(peak, expected):
    """1.5 x 1.6 + 2 x 0.2 = 2.8."""
    assert assess({"L1": [hot(peak), hot(1.0)]}).category is expected


@pytest.mark.parametrize(("peak", "expected"), [(2.79, None), (2.81, PMR)])
def test_without_a_liver_the_blood_pool_decides_and_the_category_is_provisional(peak, expected):
    """2 x 1.2 + 2 x 0.2 = 2.8."""
    outcome = assess({"L1": [hot(peak), hot(1.0)]}, before={"liver": None}, after={"liver": None})
    assert outcome.category is expected
    assert not expected or "liver was not measured" in outcome.provisional[0]


def test_without_a_lesion_at_baseline_there_is_nothing_to_measure():
    outcome = assess({})
    assert outcome.category is None
    assert "no lesion on 2026-01-05" in outcome.reason


def test_percist_is_not_used_on_psma():
    outcome = assess_percist(make_pair({"L1": [5.0, 5.0]}), RULES)
    assert (outcome.category, "used on FDG" in outcome.reason) == (None, True)
