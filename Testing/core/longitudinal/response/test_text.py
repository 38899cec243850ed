"""An assessment in words: one wording for report, panel and RIS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.longitudinal.response.assess import assess_pair
from psmacore.longitudinal.response.text import as_text, change_words, evidence_words, percent_words
from psmacore.model.assessments import Category, CategoryOverride, Criterion, EvidenceItem
from psmacore.model.lesions import LesionState
from psmacore.model.readings import Readings
from psmacore.model.repeatability import Metric, MetricChange, RepeatabilityLimit
from Testing.core.longitudinal.response.courses import Seen, clinical, make_course, study_uid

LIMIT = RepeatabilityLimit(Metric.PSMA_TV, 17.0, "test-retest")


def words_of(tracks, **more):
    return {one.criterion: as_text(one) for one in assess_pair(make_course(tracks, **more), 0, 1)}


@pytest.mark.parametrize(
    ("change_pct", "expected"),
    [
        (21.0, "+21 %, 4 points outside the 17 % limit"),
        (-42.0, "-42 %, 25 points outside the 17 % limit"),
        (-18.0, "-18 %, 1 point outside the 17 % limit"),
        (-17.01, "-17 %, less than 0.1 points outside the 17 % limit"),
        (18.2, "+18.2 %, at the edge of the 17 % limit"),
        (12.34, "+12.3 %, within the 17 % limit"),
        (-17.0, "-17 %, within the 17 % limit"),
        (0.0, "0 %, within the 17 % limit"),
    ],
)
def test_a_change_is_told_beside_its_limit(change_pct, expected):
    assert change_words(MetricChange(Metric.PSMA_TV, (), 100, 100 + change_pct, change_pct, LIMIT)) == expected


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        (-29.96, -30.0, "-29.96 %"),
        (-30.0, -30.0, "-30 %"),
        (-29.9, -30.0, "-29.9 %"),
        (19.999999, 20.0, "+19.999999 %"),
        (-29.96, None, "-30 %"),
        (0.04, None, "0 %"),
        (-0.04, None, "0 %"),
        (1234.56, None, "+1234.6 %"),
    ],
)
def test_rounding_never_moves_a_change_across_its_limit(value, limit, expected):
    assert percent_words(value, limit) == expected


def test_a_partial_response_reads_in_one_line():
    assert words_of({"L1": [60.0, 35.0], "L2": [60.0, 35.0]})[Criterion.RECIP] == (
        "RECIP 1.0, 2026-01-05 to 2026-03-30: PR. PSMA-TV -41.7 %, 24.7 points outside the 17 % limit. No new lesion. "
        "Confirmed by Reader 1."
    )


def test_marks_reasons_and_what_the_category_hangs_on_are_told():
    new = Seen(30.0, state=LesionState.UNCONFIRMED)
    words = words_of({"L1": [100.0, 92.0], "L2": [None, new]}, days=(0, 140))[Criterion.RECIP]
    assert words.startswith("RECIP 1.0, 2026-01-05 to 2026-05-25: PD, provisional, exploratory. PSMA-TV +22 %")
    for part in (
        "+22 %, 5 points outside the 17 % limit.",
        "1 new lesion.",
        "Provisional: new lesion not confirmed by a reader: L2.",
        "Exploratory: RECIP 1.0 is defined for 8 to 16 weeks after baseline; these are 20.0 weeks.",
        "Near a limit: 2 points from +20 %.",
        "Hangs on L2: SD without it.",
    ):
        assert part in words


def test_a_change_just_short_of_a_limit_is_not_rounded_onto_it():
    """-29.96 % is stable disease, and must not be printed as -30 %."""
    words = words_of({"L1": [100.0, 70.04]})[Criterion.RECIP]
    assert "SD. PSMA-TV -29.96 %" in words


def test_no_category_tells_the_reason():
    assert words_of({"L1": [None, 5.0]})[Criterion.RECIP].startswith(
        "RECIP 1.0, 2026-01-05 to 2026-03-30: no category, not evaluable: the PSMA-TV of 2026-01-05 is 0 ml"
    )
    assert "no category, clinical data missing" in words_of({"L1": [5.0, 5.0]})[Criterion.PSA50]


def test_psa_is_told_with_its_values():
    words = words_of({"L1": [5.0, 5.0]}, clinical=clinical((0, 40.0), (42, 10.0), (84, 12.0)))
    assert words[Criterion.PSA50] == (
        "PSA50, 2026-01-05 to 2026-03-30: reached. best PSA change: -75 % (limit -50 %), met; 40 ng/ml on 2026-01-05, "
        "lowest 10 ng/ml on 2026-02-16."
    )


def test_the_physicians_category_stands_beside_the_computed_one():
    override = CategoryOverride(
        Criterion.RECIP, study_uid(0), study_uid(1), Category.SD, Category.PD, "Reader 2", "flare", "20260401100000"
    )
    words = words_of({"L1": [60.0, 35.0], "L2": [60.0, 35.0]}, readings=Readings(overrides=(override,)))
    assert ": PR. " in words[Criterion.RECIP]
    assert "Reader 2 states SD: flare. That was said when PD was computed." in words[Criterion.RECIP]


def test_warnings_come_along():
    scanner = make_course({}).timepoints[1].scanner
    changed = {1: {"scanner": replace(scanner, model="Other")}}
    words = words_of({"L1": [5.0, 5.0]}, changed=changed)
    assert "Warning: scanner differs: SIMULATED Phantom scanner, SIMULATED Other." in words[Criterion.RECIP]


def test_unconfirmed_progression_of_pcwg3_is_spelt_out_and_adapted():
    words = words_of({"L1": [5.0, 5.0], "L2": [None, 1.0], "L3": [None, 1.0]})[Criterion.PCWG3]
    assert words.startswith("PCWG3 (adapted), 2026-01-05 to 2026-03-30: PDu (unconfirmed progression)")


def test_evidence_is_told_with_limit_and_note():
    item = EvidenceItem("fall of PSMA-TV", -29.96, "%", -30.0, False, note="100 ml before")
    assert evidence_words(item) == "fall of PSMA-TV: -29.96 % (limit -30 %), not met; 100 ml before"
    assert evidence_words(EvidenceItem("new lesions", 2, "", 1, True)) == "new lesions: 2 (limit 1), met"
    assert evidence_words(EvidenceItem("bone only", None, note="no CT")) == "bone only; no CT"
