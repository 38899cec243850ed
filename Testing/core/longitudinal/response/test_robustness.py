"""Whether a category hangs on one lesion or on the threshold."""

from __future__ import annotations

from functools import partial

import pytest

from psmacore.longitudinal.response.course import StudySupplement, VolumeAtThreshold
from psmacore.longitudinal.response.pcwg3 import Pcwg3Rules, assess_pcwg3
from psmacore.longitudinal.response.recip import RecipRules, assess_recip
from psmacore.longitudinal.response.robustness import robustness_of
from psmacore.model.assessments import Category
from psmacore.model.tracks import TrackState
from Testing.core.longitudinal.response.courses import Seen, make_pair, study_uid, track_uid

RULES = RecipRules()
RECIP = partial(assess_recip, rules=RULES)


def robustness(pair):
    return robustness_of(pair, RECIP(pair).category, RECIP, RULES)


def test_the_one_new_lesion_that_makes_progression_is_named():
    found = robustness(make_pair({"L1": [50.0, 65.0], "L2": [50.0, 65.0], "L3": [None, 5.0]}))
    assert [(one.tracks, one.name, one.category) for one in found.changes_without] == [
        ((track_uid("L3"),), "L3", Category.SD)
    ]


def test_of_two_new_lesions_neither_carries_the_category():
    pair = make_pair({"L1": [50.0, 65.0], "L2": [50.0, 65.0], "L3": [None, 5.0], "L4": [None, 5.0]})
    assert robustness(pair).changes_without == ()


def test_the_one_lesion_whose_shrinking_makes_a_response_is_named():
    """100 + 20 -> 50 + 20 is -42 %; without the first it is 0 %, without the second -50 %."""
    found = robustness(make_pair({"L1": [100.0, 50.0], "L2": [20.0, 20.0]}))
    assert [(one.name, one.category) for one in found.changes_without] == [("L1", Category.SD)]


def test_the_only_lesion_is_not_left_out_but_the_only_one_of_baseline_is():
    assert robustness(make_pair({"L1": [10.0, 10.0]})).changes_without == ()
    found = robustness(make_pair({"L1": [10.0, 10.0], "L2": [None, 1.0]}))
    assert [(one.name, one.category) for one in found.changes_without] == [("L1", None)]


def test_merged_lesions_are_left_out_together():
    merged = Seen(10.0, track_state=TrackState.MERGED)
    pair = make_pair({"L1": [10.0, merged], "L2": [10.0, Seen(10.0, same_as="L1")], "L3": [2.0, 2.0]})
    assert [(one.name, one.category) for one in robustness(pair).changes_without] == [("L1 + L2", Category.SD)]


@pytest.mark.parametrize(
    ("after_ml", "nearest", "margin", "is_near"),
    [(65.1, -30.0, 4.9, True), (65.0, -30.0, 5.0, False), (74.9, -30.0, 4.9, True), (116.0, 20.0, 4.0, True)],
)
def test_a_change_within_5_points_of_a_limit_is_flagged(after_ml, nearest, margin, is_near):
    """Must reach: courses whose true change lies nearer than 5 points to a limit are flagged."""
    found = robustness(make_pair({"L1": [100.0, after_ml]}))
    assert (found.nearest_limit_pct, found.margin_points, found.is_near_limit) == (nearest, margin, is_near)


def test_other_thresholds_are_asked_where_both_studies_have_volumes_for_them():
    volumes = (VolumeAtThreshold(3.0, 100.0), VolumeAtThreshold(4.0, 80.0)), (VolumeAtThreshold(4.0, 60.0),)
    given = tuple(StudySupplement(study_uid(index), volumes=one) for index, one in enumerate(volumes))
    found = robustness(make_pair({"L1": [100.0, 65.0]}, supplements=given))
    assert [(one.threshold_suv, one.psma_tv_change_pct, one.category) for one in found.at_thresholds] == [
        (4.0, -25.0, Category.SD)
    ]


def test_a_bone_lesion_that_carries_pcwg3_is_named_and_volume_limits_are_not():
    rule = partial(assess_pcwg3, rules=Pcwg3Rules())
    pair = make_pair({"L1": [5.0, 5.0], "L2": [None, 1.0], "L3": [None, 1.0]})
    found = robustness_of(pair, Category.PDU, rule, None)
    assert [one.name for one in found.changes_without] == ["L2", "L3"]
    assert (found.nearest_limit_pct, found.at_thresholds) == (None, ())
