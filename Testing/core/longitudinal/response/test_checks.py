"""What is no course of one patient is refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.errors import InputRefusedError
from psmacore.longitudinal.response.course import ResponseCourse
from psmacore.model.clinical import ClinicalCourse
from psmacore.model.readings import JoinedPatients, Readings
from psmacore.model.timepoint import Patient
from Testing.core.longitudinal.response.courses import make_course, study_uid

OWN_ID = "SIM-0042"
JOINED = Readings(joined=JoinedPatients((OWN_ID, "SIM-0043"), "Reader 1", "ID of the referring hospital"))


def with_patient(patient, **more):
    return make_course({"L1": [5.0, 5.0]}, changed={1: {"patient": patient}}, **more)


@pytest.mark.parametrize(
    ("patient", "attribute"),
    [
        (Patient("SIM-0043", "M", 1955), "Patient ID"),
        (Patient(OWN_ID, "M", 1956), "Birth Date"),
        (Patient(OWN_ID, "F", 1955), "Sex"),
    ],
)
def test_another_patient_is_refused_naming_the_study_and_not_the_patient(patient, attribute):
    """Errors are logged, and logs hold no patient IDs."""
    with pytest.raises(InputRefusedError, match=attribute) as refusal:
        with_patient(patient)
    assert study_uid(1) in str(refusal.value)
    assert "SIM-" not in str(refusal.value)


@pytest.mark.parametrize("patient", [Patient(OWN_ID, "O", 1955), Patient(OWN_ID, "", None)])
def test_a_missing_birth_year_or_sex_is_no_other_patient(patient):
    assert with_patient(patient).timepoints[1].patient is patient


def test_a_reader_may_join_the_ids_of_one_patient():
    assert with_patient(Patient("SIM-0043", "M", 1955), readings=JOINED).readings.joined.reader == "Reader 1"
    with pytest.raises(InputRefusedError, match="Patient ID"):
        with_patient(Patient("SIM-0044", "M", 1955), readings=JOINED)
    with pytest.raises(InputRefusedError, match="Birth Date"):
        with_patient(Patient(OWN_ID, "M", 1956), readings=JOINED)


@pytest.mark.parametrize(
    ("ids", "reader", "reason"),
    [(("A",), "R", "x"), (("A", "A"), "R", "x"), (("A", "B"), "", "x"), (("A", "B"), "R", " ")],
)
def test_joining_needs_two_ids_a_reader_and_a_reason(ids, reader, reason):
    with pytest.raises(InputRefusedError, match="joining patients"):
        JoinedPatients(ids, reader, reason)


def test_clinical_data_of_another_patient_are_refused():
    assert make_course({}, clinical=ClinicalCourse(patient_id=OWN_ID)).clinical is not None
    assert make_course({}, clinical=ClinicalCourse(patient_id="SIM-0043"), readings=JOINED).clinical is not None
    with pytest.raises(InputRefusedError, match="clinical data are of another patient"):
        make_course({}, clinical=ClinicalCourse(patient_id="SIM-0043"))


@pytest.mark.parametrize("date", ["", "2026-01-05", "20261305"])
def test_a_study_without_a_valid_date_is_refused(date):
    study = replace(make_course({}).timepoints[1].study, date=date)
    with pytest.raises(InputRefusedError, match=r"\(0008,0020\) Study Date"):
        make_course({}, changed={1: {"study": study}})


def test_time_points_out_of_order_are_refused():
    with pytest.raises(InputRefusedError, match="20260330 is followed by 20260105"):
        make_course({}, days=(84, 0))


def test_the_same_study_or_series_twice_is_refused():
    first = make_course({}).timepoints[0]
    with pytest.raises(InputRefusedError, match=f"{study_uid(0)} is given twice"):
        make_course({}, changed={1: {"study": first.study}})
    with pytest.raises(InputRefusedError, match="given twice"):
        make_course({}, changed={1: {"pet_series_uid": first.pet_series_uid}})


@pytest.mark.parametrize("volume_ml", [-1.0, float("nan"), float("inf")])
def test_a_volume_that_is_no_number_from_0_is_refused(volume_ml):
    with pytest.raises(InputRefusedError, match="must be 0 or more"):
        make_course({"L1": [5.0, volume_ml]})


def test_tracks_must_belong_to_the_time_points():
    course = make_course({"L1": [5.0, 5.0], "L2": [None, 2.0]})
    short = replace(course.tracks[0], points=course.tracks[0].points[:1])
    with pytest.raises(InputRefusedError, match="L1 has 1 points, the course has 2"):
        ResponseCourse(course.timepoints, (short, course.tracks[1]))
    with pytest.raises(InputRefusedError, match="is in no track: match the course"):
        ResponseCourse(course.timepoints, course.tracks[:1])
    bare = replace(course.timepoints[1], lesions=course.timepoints[1].lesions[:1])
    with pytest.raises(InputRefusedError, match=f"study {study_uid(1)} has none"):
        ResponseCourse((course.timepoints[0], bare), course.tracks)
