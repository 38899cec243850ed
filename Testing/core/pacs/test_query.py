"""Filters: what is asked of the server, and what is not believed of its answer."""

from __future__ import annotations

from datetime import date

import pytest

from psmacore.errors import UsageError
from psmacore.model.volumes import StudyRef
from psmacore.pacs.encoding import query_string
from psmacore.pacs.query import StudyQuery

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [(MARCH, APRIL, "20250301-20250401"), (MARCH, None, "20250301-"), (None, APRIL, "-20250401")],
)
def test_a_date_range_may_be_open_on_either_side(first: date | None, last: date | None, written: str) -> None:
    assert StudyQuery(date_from=first, date_to=last).filters() == {"StudyDate": written}


def test_an_empty_query_has_no_filter() -> None:
    assert StudyQuery().filters() == {}


def test_signs_that_a_url_cannot_hold_become_wildcards() -> None:
    assert StudyQuery(patient_name="Doe^Jürgen A*").filters() == {"PatientName": "Doe?J?rgen?A*"}


def test_a_name_that_was_loosened_is_matched_here_again() -> None:
    query = StudyQuery(patient_name="doe^j*")
    assert query.admits(StudyRef("1", patient_name="DOE^JOHN^^"))
    assert not query.admits(StudyRef("1", patient_name="DOEXJOHN"))


@pytest.mark.parametrize(
    ("query", "study"),
    [
        (StudyQuery(patient_id="12"), StudyRef("1", patient_id="120")),
        (StudyQuery(patient_id="1 2"), StudyRef("1", patient_id="1A2")),
        (StudyQuery(study_uid="1.2"), StudyRef("1.2.3")),
        (StudyQuery(date_from=APRIL), StudyRef("1", date="20250331")),
        (StudyQuery(date_to=MARCH), StudyRef("1", date="20250302")),
        (StudyQuery(modality="PT"), StudyRef("1", modalities=("CT", "SEG"))),
    ],
)
def test_a_study_that_does_not_match_is_not_admitted(query: StudyQuery, study: StudyRef) -> None:
    assert not query.admits(study)


@pytest.mark.parametrize(
    ("query", "study"),
    [
        (StudyQuery(patient_id="12"), StudyRef("1", patient_id="12")),
        (StudyQuery(patient_id="1*"), StudyRef("1", patient_id="120")),
        (StudyQuery(date_from=MARCH, date_to=APRIL), StudyRef("1", date="20250401")),
        (StudyQuery(date_from=MARCH), StudyRef("1")),
        (StudyQuery(modality="PT"), StudyRef("1")),
    ],
)
def test_a_study_that_matches_or_does_not_say_is_admitted(query: StudyQuery, study: StudyRef) -> None:
    assert query.admits(study)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UsageError, match="before it begins"):
        StudyQuery(date_from=APRIL, date_to=MARCH)


def test_a_backslash_is_no_list_of_patients() -> None:
    with pytest.raises(UsageError, match="backslash"):
        StudyQuery(patient_id="1\\2")


def test_the_query_string_keeps_wildcards_and_encodes_separators() -> None:
    assert query_string({"a": "x*?", "b": ["1", "&="], "limit": 5}) == "?a=x*?&b=1&b=%26%3D&limit=5"
    assert query_string({}) == ""
