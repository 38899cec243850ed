"""PSMA PET progression (Fanti 2020) as STANDARDS D.3 words it (W89)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from psmacore.longitudinal.response.ppp import PppRules, assess_ppp, is_distant
from psmacore.model.assessments import Category
from psmacore.model.readings import ClinicalSupport, ProgressionConfirmation, Readings
from psmacore.model.tracks import TrackState
from Testing.core.longitudinal.response.courses import (
    BASELINE,
    BONE,
    GLAND,
    HEPATIC,
    NODE,
    PELVIC,
    Seen,
    Unseen,
    clinical,
    make_pair,
    study_uid,
    track_uid,
)
from Testing.timepoints import make_lesion

RULES = PppRules()
YES, NO = Category.PROGRESSION, Category.NO_PROGRESSION
RISING = clinical((0, 10.0), (84, 13.0))
STABLE = clinical((0, 10.0), (84, 10.0))


def test_two_new_distant_lesions_are_progression_without_clinical_data():
    outcome = assess_ppp(make_pair({"L1": [5.0, 5.0], "L2": [None, 1.0], "L3": [None, 1.0]}), RULES)
    assert (outcome.category, outcome.provisional) == (YES, ())


@pytest.mark.parametrize("place", [GLAND, PELVIC])
def test_two_new_local_lesions_need_support(place):
    tracks = {"L1": [5.0, 5.0], "L2": [None, 1.0], "L3": [None, 1.0]}
    outcome = assess_ppp(make_pair(tracks, sites={"L2": place, "L3": place}), RULES)
    assert (outcome.category, outcome.reason.split(":")[0]) == (None, "clinical data missing")


@pytest.mark.parametrize(
    ("tracks", "given", "expected"),
    [
        ({"L1": [5.0, 5.0], "L2": [None, 1.0]}, None, None),
        ({"L1": [5.0, 5.0], "L2": [None, 1.0]}, STABLE, NO),
        ({"L1": [5.0, 5.0], "L2": [None, 1.0]}, RISING, YES),
        ({"L1": [5.0, 6.5]}, None, None),
        ({"L1": [5.0, 6.5]}, STABLE, NO),
        ({"L1": [5.0, 6.5]}, RISING, YES),
        ({"L1": [5.0, 6.49]}, RISING, NO),
        ({"L1": [5.0, 6.49]}, None, NO),
        ({"L1": [5.0, 5.0]}, None, NO),
        ({"L1": [5.0, Seen(5.0, suv_max=15.6)]}, RISING, YES),
        ({"L1": [5.0, Seen(5.0, suv_max=15.5)]}, RISING, NO),
    ],
)
def test_one_new_lesion_or_a_rise_of_30_percent_counts_with_laboratory_support(tracks, given, expected):
    """Rise in volume (5 -> 6.5 ml) or SUVmax (12 -> 15.6), with and without PSA."""
    assert assess_ppp(make_pair(tracks, clinical=given), RULES).category is expected


@pytest.mark.parametrize(
    ("psa", "expected"),
    [
        (((0, 10.0), (84, 12.5)), YES),
        (((0, 10.0), (84, 12.4)), NO),
        (((0, 4.0), (84, 5.9)), NO),
        (((0, 4.0), (84, 6.0)), YES),
        (((0, 10.0), (40, 4.0), (84, 9.0)), YES),
        (((0, 10.0), (112, 13.0)), YES),
        (((0, 10.0), (113, 13.0)), None),
        (((84, 13.0),), None),
    ],
)
def test_psa_supports_by_25_percent_and_2_ng_per_ml_above_its_nadir_within_28_days(psa, expected):
    outcome = assess_ppp(make_pair({"L1": [5.0, 5.0], "L2": [None, 1.0]}, clinical=clinical(*psa)), RULES)
    assert outcome.category is expected


@pytest.mark.parametrize(("is_supporting", "expected"), [(True, YES), (False, NO)])
def test_a_readers_judgement_of_the_clinic_comes_before_psa(is_supporting, expected):
    readings = Readings(supports=(ClinicalSupport(study_uid(1), is_supporting, "Reader 1", "bone pain"),))
    given = STABLE if is_supporting else RISING
    outcome = assess_ppp(make_pair({"L1": [5.0, 5.0], "L2": [None, 1.0]}, clinical=given, readings=readings), RULES)
    assert outcome.category is expected


@pytest.mark.parametrize(("days", "is_open"), [(-1, True), (0, False), (92, False), (93, True)])
def test_supported_progression_is_provisional_until_confirmed_within_three_months(days, is_open):
    confirmed = ProgressionConfirmation(study_uid(1), BASELINE + timedelta(84 + days), "biopsy", "Reader 1")
    readings = Readings(progression_confirmations=(confirmed,))
    outcome = assess_ppp(make_pair({"L1": [5.0, 9.0]}, clinical=RISING, readings=readings), RULES)
    assert (outcome.category, bool(outcome.provisional)) == (YES, is_open)


def test_lesions_that_merged_rise_only_by_what_they_are_together():
    """4 + 5 -> 10 ml is 11 %, though either track alone more than doubled."""
    merged = Seen(10.0, track_state=TrackState.MERGED)
    pair = make_pair({"L1": [4.0, merged], "L2": [5.0, Seen(10.0, same_as="L1")]}, clinical=RISING)
    assert assess_ppp(pair, RULES).category is NO


def test_a_lesion_from_below_the_threshold_rises_by_its_uptake():
    measured = make_pair({"L1": [5.0, 5.0], "L2": [Unseen(suv_max=2.8), 1.0]}, clinical=RISING)
    unmeasured = make_pair({"L1": [5.0, 5.0], "L2": [Unseen(), 1.0]}, clinical=RISING)
    assert assess_ppp(measured, RULES).category is YES
    open_question = assess_ppp(unmeasured, RULES)
    assert open_question.category is NO
    assert "unknown amount: L2" in open_question.provisional[0]


def test_evidence_names_the_lesions():
    outcome = assess_ppp(make_pair({"L1": [5.0, 9.0], "L2": [None, 1.0]}, clinical=RISING), RULES)
    assert [item.lesions for item in outcome.evidence[:2]] == [(track_uid("L2"),), (track_uid("L1"),)]
    assert outcome.evidence[1].value == pytest.approx(80.0)


@pytest.mark.parametrize(
    ("site", "expected"), [(BONE, True), (NODE, True), (HEPATIC, True), (PELVIC, False), (GLAND, False)]
)
def test_distant_is_what_promise_calls_m1(site, expected):
    lesion = replace(make_lesion(1), site=site, mi_tnm=None)
    assert is_distant(lesion) is expected
    assert is_distant(replace(lesion, mi_tnm="miM1a")) is True
    assert is_distant(replace(lesion, mi_tnm="miN2")) is False
