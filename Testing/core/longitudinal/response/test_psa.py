"""PSA50 and PSA progression by PCWG3 (W89)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.longitudinal.response.psa import PsaRules, assess_psa50, assess_psa_progression
from psmacore.model.assessments import Category
from psmacore.model.clinical import Analyte, ClinicalCourse
from Testing.core.longitudinal.response.courses import clinical, make_pair

RULES = PsaRules()
REACHED, MISSED = Category.REACHED, Category.NOT_REACHED
YES, NO = Category.PROGRESSION, Category.NO_PROGRESSION


def psa50(given):
    return assess_psa50(make_pair({"L1": [5.0, 5.0]}, clinical=given), RULES)


def progression(given, days=(0, 168)):
    return assess_psa_progression(make_pair({"L1": [5.0, 5.0]}, days=days, clinical=given), RULES)


@pytest.mark.parametrize(
    ("psa", "category", "is_open"),
    [
        (((0, 20.0), (42, 10.0), (63, 9.0)), REACHED, False),
        (((0, 20.0), (42, 10.0), (62, 9.0)), REACHED, True),
        (((0, 20.0), (42, 10.0), (84, 15.0)), REACHED, True),
        (((0, 20.0), (42, 10.01)), MISSED, False),
        (((-7, 40.0), (0, 20.0), (42, 15.0)), MISSED, False),
        (((0, 20.0), (42, 15.0), (85, 5.0)), MISSED, False),
        (((0, 20.0), (84, 10.0), (105, 10.0)), REACHED, False),
    ],
)
def test_psa50_is_a_fall_by_half_confirmed_three_weeks_later(psa, category, is_open):
    """Between therapy and the study of day 84, from the last value before therapy; confirmation may come later."""
    outcome = psa50(clinical(*psa))
    assert (outcome.category, bool(outcome.provisional)) == (category, is_open)


def test_psa_before_the_first_cycle_is_the_baseline():
    """A value between the scan and the first cycle is nearer to the start of therapy."""
    psa = ((-3, 40.0), (10, 20.0), (40, 15.0))
    assert psa50(clinical(*psa, cycles=(14, 56))).category is MISSED
    assert psa50(clinical(*psa)).category is REACHED


@pytest.mark.parametrize(
    "given", [None, ClinicalCourse(), clinical((42, 5.0)), clinical((0, 5.0)), clinical((0, 5.0), (85, 2.0))]
)
def test_without_psa_on_both_sides_clinical_data_are_missing(given):
    outcome = psa50(given)
    assert (outcome.category, outcome.reason.startswith("clinical data missing")) == (None, True)


def test_a_baseline_below_detection_is_not_evaluable():
    given = clinical((0, 0.1), (42, 0.1))
    below = replace(given.labs[0], below_detection=(Analyte.PSA,))
    assert psa50(replace(given, labs=(below, given.labs[1]))).category is None
    assert psa50(clinical((0, 0.0), (42, 0.1))).category is None


@pytest.mark.parametrize(
    ("psa", "category", "is_open"),
    [
        (((0, 10.0), (84, 12.5), (105, 12.5)), YES, False),
        (((0, 10.0), (84, 12.5), (104, 12.5)), YES, True),
        (((0, 10.0), (84, 12.4), (105, 12.4)), NO, False),
        (((0, 4.0), (84, 5.9), (105, 5.9)), NO, False),
        (((0, 4.0), (84, 6.0), (105, 6.0)), YES, False),
        (((0, 10.0), (42, 2.0), (84, 4.0), (105, 4.1)), YES, False),
        (((0, 10.0), (83, 20.0), (84, 10.0)), NO, False),
        (((0, 10.0), (84, 13.0), (105, 9.0)), NO, False),
        (((0, 10.0), (84, 13.0), (95, 9.0), (105, 13.0)), YES, False),
        (((0, 10.0), (84, 13.0), (105, 9.0), (140, 13.0), (170, 14.0)), YES, False),
        (((0, 0.0), (84, 2.0), (105, 2.0)), YES, False),
        (((0, 10.0), (84, 13.0)), YES, True),
    ],
)
def test_psa_progression_by_25_percent_and_2_ng_per_ml_over_nadir_confirmed_three_weeks_later(psa, category, is_open):
    outcome = progression(clinical(*psa))
    assert (outcome.category, bool(outcome.provisional)) == (category, is_open)


def test_rises_of_the_first_twelve_weeks_are_ignored_and_said_to_be():
    outcome = progression(clinical((0, 10.0), (83, 50.0)))
    assert (outcome.category, "earlier rises are ignored" in outcome.reason) == (None, True)


def test_progression_is_dated_to_the_first_rise():
    outcome = progression(clinical((0, 10.0), (90, 13.0), (111, 14.0), (150, 20.0)))
    assert "dated to 2026-04-05" in outcome.evidence[0].note


def test_a_rise_after_the_study_is_not_part_of_it():
    assert progression(clinical((0, 10.0), (100, 10.0), (169, 30.0), (200, 30.0))).category is NO
