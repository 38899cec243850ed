"""A course asked for every response, with the readers' part in it (W49-W52, W89)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.errors import InputRefusedError, UsageError
from psmacore.longitudinal.response.assess import assess_course, assess_pair, usual_pairs
from psmacore.longitudinal.response.course import StudySupplement
from psmacore.model.assessments import Category, CategoryOverride, Comparable, Criterion, Severity
from psmacore.model.lesions import LesionState
from psmacore.model.readings import AssessmentConfirmation, Readings
from psmacore.model.repeatability import Metric
from psmacore.model.suv import SuvType
from psmacore.model.timepoint import SegmenterInfo
from psmacore.model.tracks import TrackState
from psmacore.suv.tracer import UNKNOWN
from Testing.core.longitudinal.response.courses import (
    BELOW,
    Seen,
    Unseen,
    clinical,
    make_course,
    study_uid,
    track_uid,
)
from Testing.timepoints import FDG

SHRUNK = {"L1": [100.0, 60.0], "L2": [20.0, 10.0]}
OF_PSMA = [Criterion.RECIP, Criterion.PPP, Criterion.PCWG3, Criterion.PSA50, Criterion.PCWG3_PSA]


def recip_of(course, start=0, end=1):
    return assess_pair(course, start, end)[0]


def test_from_baseline_every_criterion_of_psma_is_asked():
    found = assess_course(make_course(SHRUNK))
    assert [one.criterion for one in found] == OF_PSMA
    assert {(one.from_uid, one.to_uid) for one in found} == {(study_uid(0), study_uid(1))}
    recip = found[0]
    assert (recip.category, recip.psma_tv_change_pct, recip.new_lesions) == (Category.PR, -41.666666667, ())
    assert (recip.is_provisional, recip.is_exploratory, recip.confirmed_by) == (False, False, "Reader 1")


def test_without_clinical_data_the_criteria_that_need_them_say_so():
    reasons = {one.criterion: one.reason for one in assess_course(make_course(SHRUNK)) if one.category is None}
    assert reasons == {Criterion.PSA50: "clinical data missing", Criterion.PCWG3_PSA: "clinical data missing"}


def test_with_clinical_data_psa_stands_beside_the_images():
    given = clinical((0, 100.0), (42, 40.0), (84, 30.0), cycles=(7, 49))
    found = {one.criterion: one for one in assess_course(make_course(SHRUNK, clinical=given))}
    assert found[Criterion.PSA50].category is Category.REACHED
    assert (found[Criterion.PSA50].psma_tv_change_pct, found[Criterion.PSA50].is_provisional) == (-41.666666667, False)


def test_one_date_alone_has_no_response():
    assert assess_course(make_course({"L1": [5.0]}, days=(0,))) == ()
    assert assess_course(make_course({}, days=())) == ()


def test_every_date_is_held_against_baseline_and_the_date_before():
    course = make_course({"L1": [5.0] * 4}, days=(0, 84, 168, 252))
    assert usual_pairs(course) == ((0, 1), (0, 2), (1, 2), (0, 3), (2, 3))
    later = [one.criterion for one in assess_pair(course, 1, 2)]
    assert later == [Criterion.RECIP, Criterion.PPP, Criterion.PCWG3]


def test_each_tracer_has_its_own_baseline_and_a_change_of_tracer_is_said():
    course = make_course({"L1": [5.0] * 4}, days=(0, 1, 84, 85), changed={1: {"tracer": FDG}, 3: {"tracer": FDG}})
    assert usual_pairs(course) == ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3))
    (mixed,) = assess_pair(course, 0, 1)
    assert (mixed.criterion, mixed.category) == (Criterion.RECIP, None)
    assert "tracer differs: [68Ga]PSMA-11, [18F]FDG" in mixed.reason
    assert [one.criterion for one in assess_pair(course, 1, 3)] == [Criterion.PERCIST]


def other_segmenter(course):
    return {"segmenter": replace(course.timepoints[1].segmenter, name="mask")}


def other_threshold(course):
    return {"segmenter": SegmenterInfo("threshold", "0.1.0", None, 4.0, {"rule": "PSMA SUV 3"})}


@pytest.mark.parametrize(("change", "words"), [(other_segmenter, "segmenter"), (other_threshold, "threshold rule")])
def test_another_segmenter_or_threshold_rule_gives_no_category_with_the_reason(change, words):
    course = make_course(SHRUNK)
    changed = make_course(SHRUNK, changed={1: change(course)})
    for one in assess_pair(changed, 0, 1)[:3]:
        assert (one.category, one.psma_tv_change_pct, one.robustness) == (None, None, None)
        assert one.beyond_repeatability == ()
        assert f"{words} differs" in one.reason
        assert "measure both studies alike" in one.reason


def test_another_suv_type_gives_no_category_with_the_reason():
    course = make_course(SHRUNK, supplements=(StudySupplement(study_uid(1), SuvType.LBM),))
    assert recip_of(course).reason.startswith("SUV type differs: SUVbw, SUVlbm")


def test_a_warning_leaves_the_category_and_is_carried_along():
    other = replace(make_course(SHRUNK).timepoints[1].scanner, model="Other")
    recip = recip_of(make_course(SHRUNK, changed={1: {"scanner": other}}))
    assert recip.category is Category.PR
    assert [(one.kind, one.severity) for one in recip.findings] == [(Comparable.SCANNER, Severity.WARNS)]


def test_a_tracer_that_is_not_known_is_warned_of_and_asked_as_psma():
    """`compare --results` needs no tracer."""
    course = make_course(SHRUNK, changed={index: {"tracer": UNKNOWN} for index in (0, 1)})
    assert recip_of(course).category is Category.PR
    assert [one.kind for one in recip_of(course).findings] == [Comparable.UNKNOWN]


def test_unconfirmed_lesions_make_the_category_provisional_and_new_ones_count():
    new = Seen(30.0, state=LesionState.UNCONFIRMED, doubt="lay outside the first scan")
    recip = recip_of(make_course({"L1": [100.0, 100.0], "L2": [None, new]}))
    assert (recip.category, recip.new_lesions) == (Category.PD, (track_uid("L2"),))
    assert recip.provisional_reasons == (
        "new lesion not confirmed by a reader: L2",
        "1 of 2 lesions of 2026-03-30 not confirmed by a reader",
        "may not be new: L2 (lay outside the first scan)",
    )
    assert recip.confirmed_by is None


def test_a_lesion_that_returns_from_a_doubtful_absence_may_not_be_new():
    """Without images a lesion that is not segmented looks resolved, and may have been below the threshold."""
    absent = Unseen(track_state=TrackState.RESOLVED, doubt="without the images the uptake left is not known")
    recip = recip_of(make_course({"L1": [5.0, 5.0, 5.0], "L2": [2.0, absent, 2.0]}, days=(0, 84, 168)), 1, 2)
    assert recip.new_lesions == (track_uid("L2"),)
    assert recip.provisional_reasons == ("may not be new: L2 (without the images the uptake left is not known)",)


def test_an_empty_study_that_nobody_read_makes_the_category_provisional():
    recip = recip_of(make_course({"L1": [100.0, BELOW]}))
    assert recip.category is Category.PR
    assert "no lesion was found on 2026-03-30" in recip.provisional_reasons[0]


def test_zero_lesions_at_baseline_give_no_change_and_no_category():
    recip = recip_of(make_course({"L1": [None, 5.0]}))
    assert (recip.category, recip.psma_tv_change_pct, recip.is_provisional) == (None, None, False)
    assert recip.new_lesions == (track_uid("L1"),)


def test_recip_carries_every_metric_and_the_others_the_whole_body():
    recip, ppp, *_ = assess_pair(make_course(SHRUNK), 0, 1)
    assert sum(not one.metric.is_of_lesion for one in recip.beyond_repeatability) == 4
    assert sum(one.metric.is_of_lesion for one in recip.beyond_repeatability) == 2 * 5
    assert [one.metric for one in ppp.beyond_repeatability][:1] == [Metric.PSMA_TV]
    assert not any(one.metric.is_of_lesion for one in ppp.beyond_repeatability)


def an_override(category=Category.SD, computed=Category.PR, reader="Reader 2", reason="new lesion is a fracture"):
    return CategoryOverride(
        Criterion.RECIP, study_uid(0), study_uid(1), category, computed, reader, reason, "20260401100000"
    )


def test_an_override_stands_beside_the_computed_category():
    recip, ppp, *_ = assess_pair(make_course(SHRUNK, readings=Readings(overrides=(an_override(),))), 0, 1)
    assert (recip.category, recip.override, recip.is_override_outdated) == (Category.PR, an_override(), False)
    assert ppp.override is None


def test_the_last_override_counts_and_one_of_another_computed_category_is_outdated():
    readings = Readings(overrides=(an_override(), an_override(Category.PD, computed=Category.SD)))
    recip = recip_of(make_course(SHRUNK, readings=readings))
    assert (recip.override.category, recip.is_override_outdated) == (Category.PD, True)


@pytest.mark.parametrize("wrong", [{"reader": " "}, {"reason": ""}, {"category": Category.PMR}])
def test_an_override_needs_a_reader_a_reason_and_a_category_of_its_criterion(wrong):
    with pytest.raises(InputRefusedError, match=r"RECIP 1\.0"):
        an_override(**wrong)


def test_a_reader_may_confirm_an_assessment():
    confirmed = AssessmentConfirmation(Criterion.PPP, study_uid(0), study_uid(1), "Reader 3")
    recip, ppp, *_ = assess_pair(make_course(SHRUNK, readings=Readings(confirmations=(confirmed,))), 0, 1)
    assert (recip.confirmed_by, ppp.confirmed_by) == ("Reader 1", "Reader 3")


@pytest.mark.parametrize(("start", "end"), [(1, 0), (0, 0), (0, 2), (-1, 1)])
def test_a_pair_goes_from_an_earlier_to_a_later_time_point(start, end):
    with pytest.raises(UsageError, match="earlier to a later"):
        assess_pair(make_course(SHRUNK), start, end)


def test_two_studies_of_one_day_are_compared_with_a_warning():
    recip = recip_of(make_course(SHRUNK, days=(0, 0)))
    assert (recip.category, recip.is_exploratory) == (Category.PR, True)
    assert [one.kind for one in recip.findings] == [Comparable.DATE]
