"""RECIP 1.0 by its table (W89): Gafita et al., JNM 2022;63:1651, as STANDARDS D.3 words it."""

from __future__ import annotations

import pytest

from psmacore.longitudinal.response.course import compare
from psmacore.longitudinal.response.recip import RecipRules, assess_recip, recip_category
from psmacore.model.assessments import Category
from psmacore.model.lesions import LesionState
from psmacore.model.readings import BackgroundConfirmation, Readings
from psmacore.model.tracks import TrackState
from Testing.core.longitudinal.response.courses import (
    BELOW,
    GONE,
    Seen,
    make_course,
    make_pair,
    study_uid,
    track_uid,
)

RULES = RecipRules()
CR, PR, SD, PD = Category.CR, Category.PR, Category.SD, Category.PD


@pytest.mark.parametrize(
    ("before_ml", "after_ml", "n_new", "expected"),
    [
        (100.0, 70.0, 0, PR),
        (100.0, 70.0, 1, SD),
        (100.0, 70.1, 0, SD),
        (100.0, 70.1, 1, SD),
        (100.0, 100.0, 0, SD),
        (100.0, 100.0, 1, SD),
        (100.0, 119.9, 0, SD),
        (100.0, 119.9, 1, SD),
        (100.0, 120.0, 0, SD),
        (100.0, 120.0, 1, PD),
        (0.0, 5.0, 0, None),
        (0.0, 5.0, 1, None),
    ],
)
def test_the_twelve_cells_of_recip(before_ml, after_ml, n_new, expected):
    """-30.0, -29.9, 0, +19.9, +20.0 % and baseline 0, each without and with a new lesion."""
    assert recip_category(before_ml, after_ml, n_new, rules=RULES) is expected


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.7, 1.1, 3.3, 1e-3, 1e4])
def test_a_change_at_a_limit_counts_whatever_the_floating_point_makes_of_it(scale):
    """0.7 / 1.0 is a fall of 30.000000000000004 or 29.999999999999996 %: rounded to 1e-9 before it is compared."""
    assert recip_category(10 * scale, 7 * scale, 0, rules=RULES) is PR
    assert recip_category(10 * scale, 12 * scale, 1, rules=RULES) is PD


def test_a_change_of_a_billionth_less_does_not_count():
    assert recip_category(100.0, 70.0 + 2e-9, 0, rules=RULES) is SD
    assert recip_category(100.0, 120.0 - 2e-9, 1, rules=RULES) is SD


def background(*names: str) -> Readings:
    return Readings(
        background=tuple(BackgroundConfirmation(track_uid(name), study_uid(1), "Reader 1") for name in names)
    )


def test_complete_response_needs_the_reader_for_every_baseline_track():
    """A track that merely fell below the threshold makes it PR (12 -> 2.8)."""
    tracks = {"L1": [Seen(20.0, suv_max=12.0), BELOW], "L2": [10.0, GONE]}
    for readings, expected in ((background(), PR), (background("L1"), PR), (background("L1", "L2"), CR)):
        assert assess_recip(make_pair(tracks, readings=readings), RULES).category is expected


def test_a_lesion_below_the_threshold_at_baseline_must_be_at_background_too():
    tracks = {"L1": [20.0, GONE], "L2": [BELOW, BELOW]}
    assert assess_recip(make_pair(tracks, readings=background("L1")), RULES).category is PR
    assert assess_recip(make_pair(tracks, readings=background("L1", "L2")), RULES).category is CR


def test_a_confirmation_of_another_study_is_none():
    other = Readings(background=(BackgroundConfirmation(track_uid("L1"), study_uid(0), "Reader 1"),))
    assert assess_recip(make_pair({"L1": [20.0, GONE]}, readings=other), RULES).category is PR


def test_a_new_lesion_beside_vanished_ones_is_stable_disease():
    pair = make_pair({"L1": [20.0, BELOW], "L2": [None, 1.0]}, readings=background("L1"))
    assert (pair.new_uids, assess_recip(pair, RULES).category) == ((track_uid("L2"),), SD)


def test_a_baseline_lesion_that_crosses_the_threshold_upwards_is_not_new():
    pair = make_pair({"L1": [10.0, 10.0], "L2": [BELOW, 5.0]})
    assert (pair.new_uids, assess_recip(pair, RULES).category) == ((), SD)


@pytest.mark.parametrize("state", [LesionState.REJECTED, LesionState.CANDIDATE, LesionState.EXCLUDED_CANDIDATE])
def test_a_new_lesion_that_does_not_count_is_no_new_lesion(state):
    pair = make_pair({"L1": [10.0, 13.0], "L2": [None, Seen(5.0, state=state)]})
    assert (pair.new_uids, assess_recip(pair, RULES).category) == ((), SD)


def test_lesions_that_split_merge_or_return_are_told_from_new_ones():
    """W50: a part that came off is no new lesion; one that had resolved is."""
    split = make_pair(
        {"L1": [10.0, 7.0], "L2": [None, Seen(6.0, track_state=TrackState.SPLIT)]}, split_from={"L2": "L1"}
    )
    merged = make_pair({"L1": [5.0, Seen(13.0, track_state=TrackState.MERGED)], "L2": [5.0, Seen(13.0, same_as="L1")]})
    course = make_course({"L1": [5.0, 5.0, 5.0], "L2": [2.0, GONE, 2.0]}, days=(0, 84, 168))
    returned = compare(course, 1, 2)
    assert (split.new_uids, merged.new_uids, returned.new_uids) == ((), (), (track_uid("L2"),))
    assert [assess_recip(pair, RULES).category for pair in (split, merged, returned)] == [SD, SD, PD]


def test_a_part_that_came_off_a_new_lesion_is_new():
    """Both are without an equivalent at the first date."""
    course = make_course(
        {"L1": [5.0, 5.0, 5.0], "L2": [None, 3.0, 2.0], "L3": [None, None, Seen(2.0, track_state=TrackState.SPLIT)]},
        days=(0, 56, 112),
        split_from={"L3": "L2"},
    )
    assert compare(course, 0, 2).new_uids == (track_uid("L2"), track_uid("L3"))
    assert compare(course, 1, 2).new_uids == ()


def test_new_lesions_that_merged_are_one():
    course = make_course(
        {"L1": [5.0, 5.0, 5.0], "L2": [None, 3.0, 8.0], "L3": [None, 3.0, Seen(8.0, same_as="L2")]}, days=(0, 56, 112)
    )
    assert compare(course, 0, 1).new_uids == (track_uid("L2"), track_uid("L3"))
    assert compare(course, 0, 2).new_uids == (track_uid("L2"),)


@pytest.mark.parametrize(
    ("days", "is_exploratory"), [(55, True), (56, False), (84, False), (112, False), (113, True), (0, True)]
)
def test_recip_outside_8_to_16_weeks_is_exploratory(days, is_exploratory):
    outcome = assess_recip(make_pair({"L1": [10.0, 10.0]}, days=(0, days)), RULES)
    assert bool(outcome.exploratory) is is_exploratory
    assert outcome.category is SD


def test_recip_between_later_dates_is_exploratory_unless_the_reader_names_the_baseline():
    tracks, days = {"L1": [10.0, 10.0, 10.0]}, (0, 28, 112)
    named = Readings(baseline_study_uid=study_uid(1))
    assert "not the baseline" in assess_recip(compare(make_course(tracks, days=days), 1, 2), RULES).exploratory
    assert not assess_recip(compare(make_course(tracks, days=days, readings=named), 1, 2), RULES).exploratory


def test_without_lesions_at_baseline_there_is_no_category_but_the_new_lesions_are_told():
    outcome = assess_recip(make_pair({"L1": [None, 4.0]}), RULES)
    assert outcome.category is None
    assert "not evaluable" in outcome.reason
    assert [item.lesions for item in outcome.evidence if item.name == "new lesions"] == [(track_uid("L1"),)]


def test_without_totals_there_is_no_category():
    """Totals are absent where physiological uptake was not excluded."""
    outcome = assess_recip(make_pair({"L1": [4.0, 4.0]}, changed={1: {"totals": None}}), RULES)
    assert outcome.category is None
    assert "2026-03-30" in outcome.reason


def test_evidence_gives_values_limits_and_margins():
    items = {item.name: item for item in assess_recip(make_pair({"L1": [100.0, 58.0]}), RULES).evidence}
    fall = items["fall of PSMA-TV"]
    assert (fall.value, fall.limit, fall.margin, fall.is_met) == (-42.0, -30.0, -12.0, True)
    assert not items["rise of PSMA-TV"].is_met
