"""The 2+2 rule of PCWG3, adapted to PSMA PET (W89): Scher et al., J Clin Oncol 2016;34:1402."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.longitudinal.response.course import compare
from psmacore.longitudinal.response.pcwg3 import Pcwg3Rules, assess_pcwg3
from psmacore.model.assessments import Category
from Testing.core.longitudinal.response.courses import (
    GONE,
    NODE,
    PELVIC,
    make_course,
    make_pair,
    track_uid,
)
from Testing.timepoints import FDG, PSMA_11

RULES = Pcwg3Rules()
PD, PDU, NON = Category.PD, Category.PDU, Category.NON_CR_NON_PD


def appearing(days, counts, **more):
    """Return a course in which ``counts`` bone lesions appear at each date after the first and stay."""
    tracks = {"L0": [5.0] * len(days)}
    for index, count in enumerate(counts, 1):
        for number in range(count):
            tracks[f"L{index}{number}"] = [None] * index + [2.0] * (len(days) - index)
    return make_course(tracks, days=days, **more)


def outcome_at(course, end):
    return assess_pcwg3(compare(course, 0, end), RULES)


@pytest.mark.parametrize(
    ("days", "counts", "expected"),
    [
        ((0, 60, 102), (1, 0), (NON, NON)),
        ((0, 60, 102), (2, 0), (PDU, NON)),
        ((0, 60, 102), (2, 1), (PDU, NON)),
        ((0, 60, 102), (2, 2), (PDU, PD)),
        ((0, 60, 101), (2, 2), (PDU, PDU)),
        ((0, 60, 101, 150), (2, 2, 0), (PDU, PDU, PD)),
        ((0, 60, 102, 144), (1, 2, 0), (NON, PDU, PD)),
        ((0, 60, 102, 143), (1, 2, 0), (NON, PDU, PDU)),
        ((0, 60, 102, 144), (2, 0, 2), (PDU, NON, PDU)),
        ((0, 60, 102, 144, 200), (2, 0, 2, 0), (PDU, NON, PDU, PD)),
        ((0, 60, 102, 144, 186), (2, 2, 0, 0), (PDU, PD, PD, PD)),
    ],
)
def test_two_plus_two_over_the_course(days, counts, expected):
    """A flare of two at first; two more 6 weeks (42 days) later; later ones that persist for 6 weeks."""
    course = appearing(days, counts)
    assert tuple(outcome_at(course, end).category for end in range(1, len(days))) == expected


@pytest.mark.parametrize(
    ("days", "counts", "dated"), [((0, 60, 102), (2, 2), "2026-03-06"), ((0, 60, 102, 144), (1, 2, 0), "2026-04-17")]
)
def test_progression_is_dated_to_the_study_that_first_showed_it(days, counts, dated):
    notes = [item.note for item in outcome_at(appearing(days, counts), len(days) - 1).evidence]
    assert dated in notes


def test_late_new_lesions_that_vanish_are_no_progression():
    tracks = {"L0": [5.0] * 4, "L1": [None, None, 2.0, 2.0], "L2": [None, None, 2.0, GONE]}
    course = make_course(tracks, days=(0, 60, 102, 150))
    assert (outcome_at(course, 2).category, outcome_at(course, 3).category) == (PDU, NON)


@pytest.mark.parametrize("site", [NODE, PELVIC])
def test_only_bone_counts(site):
    pair = make_pair({"L0": [5.0, 5.0], "L1": [None, 2.0], "L2": [None, 2.0]}, sites={"L1": site, "L2": site})
    assert assess_pcwg3(pair, RULES).category is NON


def test_evidence_names_the_new_bone_lesions_and_what_is_left_out():
    evidence = outcome_at(appearing((0, 60, 102), (2, 2)), 2).evidence
    assert [item.lesions for item in evidence[:2]] == [
        (track_uid("L10"), track_uid("L11")),
        (track_uid("L20"), track_uid("L21")),
    ]
    assert "RECIST" in evidence[-1].note


@pytest.mark.parametrize(("day", "is_exploratory"), [(55, True), (56, False), (69, False), (70, True)])
def test_a_first_study_outside_week_8_and_9_is_exploratory(day, is_exploratory):
    assert bool(outcome_at(appearing((0, day), (0,)), 1).exploratory) is is_exploratory


def test_fdg_studies_in_between_are_passed_over():
    course = appearing((0, 60, 70, 102), (2, 0, 2), changed={2: {"tracer": FDG}})
    assert outcome_at(course, 3).category is PD


def test_a_study_in_between_that_was_measured_otherwise_gives_no_category():
    other = make_course({}).timepoints[0].segmenter
    course = appearing((0, 60, 102), (2, 2), changed={1: {"tracer": PSMA_11, "segmenter": replace(other, name="mask")}})
    outcome = outcome_at(course, 2)
    assert (outcome.category, "segmenter differs" in outcome.reason) == (None, True)
