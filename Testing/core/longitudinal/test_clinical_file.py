"""Clinical files as users write them, right and wrong (issue 6, clinical data)."""

from __future__ import annotations

import json
from datetime import date

import pytest

from psmacore.errors import InputRefusedError
from psmacore.longitudinal.clinical_file import clinical_of, clinical_record, read_clinical_file
from psmacore.model.clinical import Analyte, ClinicalCourse, LabResult, MedicationChange, TherapyCycle

COURSE = ClinicalCourse(
    (
        TherapyCycle(date(2026, 1, 12), 7.4, "[177Lu]Lu-PSMA-617"),
        TherapyCycle(date(2026, 2, 23), 7.2, "[177Lu]Lu-PSMA-617"),
    ),
    (
        LabResult(date(2026, 1, 5), 84.0, 120.0, 240.0, 11.5, 78.0),
        LabResult(date(2026, 2, 16), psa_ng_ml=0.01, below_detection=(Analyte.PSA,)),
    ),
    (MedicationChange(date(2026, 1, 20), "Enzalutamide", "stopped"),),
    "SIM-0042",
)
RECORD = {
    "patient_id": "SIM-0042",
    "cycles": [
        {"date": "2026-02-23", "activity_gbq": 7.2, "agent": "[177Lu]Lu-PSMA-617"},
        {"date": "20260112", "activity_gbq": 7.4, "agent": "[177Lu]Lu-PSMA-617"},
    ],
    "labs": [
        {"date": "2026-02-16", "psa": "<0.01"},
        {"date": "2026-01-05", "psa": 84, "alp": 120, "ldh": 240, "hb": 11.5, "egfr": 78},
    ],
    "medication changes": [{"date": "2026-01-20", "medication": "Enzalutamide", "change": "stopped"}],
}
TABLE = """date;activity_gbq;agent;PSA;ALP;LDH;Hb;eGFR;medication;change;patient_id
2026-01-05;;;84;120;240;11.5;78;;;SIM-0042
2026-01-12;7.4;[177Lu]Lu-PSMA-617;;;;;;;;SIM-0042
2026-01-20;;;;;;;;Enzalutamide;stopped;
;;;;;;;;;;
2026-02-16;;;<0.01;;;;;;;SIM-0042
2026-02-23;7.2;[177Lu]Lu-PSMA-617;;;;;;;;SIM-0042
"""


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def test_json_and_csv_give_the_same_course_in_order_of_date(written):
    assert read_clinical_file(written("course.json", RECORD)) == COURSE
    assert read_clinical_file(written("course.csv", TABLE)) == COURSE


def test_csv_of_a_spreadsheet_with_byte_order_mark_commas_and_crlf_is_read(written):
    rows = ["\ufeffDate,PSA,Medication,Change", '2026-01-05,84,"Docetaxel, weekly",begun', ""]
    read = read_clinical_file(written("course.CSV", "\r\n".join(rows)))
    assert read.medication_changes == (MedicationChange(date(2026, 1, 5), "Docetaxel, weekly", "begun"),)
    assert read.labs == (LabResult(date(2026, 1, 5), 84.0),)


def test_a_record_reads_back_equal():
    assert clinical_of(json.loads(json.dumps(clinical_record(COURSE)))) == COURSE
    assert clinical_of(clinical_record(ClinicalCourse())) == ClinicalCourse()


@pytest.mark.parametrize(
    ("column", "cell", "analyte", "expected"),
    [
        ("psa_ug_l", 12.0, Analyte.PSA, 12.0),
        ("alp_ukat_l", 2.0, Analyte.ALP, 120.0),
        ("ldh_ukat_l", 4.0, Analyte.LDH, 240.0),
        ("hb_g_l", 132, Analyte.HB, 13.2),
        ("hb_mmol_l", 8.2, Analyte.HB, 13.213),
        ("egfr_ml_min_173m2", 60, Analyte.EGFR, 60.0),
    ],
)
def test_the_unit_in_the_name_is_turned_into_the_models(column, cell, analyte, expected):
    (lab,) = clinical_of({"labs": [{"date": "2026-01-05", column: cell}]}).labs
    assert lab.value(analyte) == pytest.approx(expected, rel=1e-4)


def test_an_activity_may_be_given_in_mbq():
    assert clinical_of({"cycles": [{"date": "2026-01-05", "activity_mbq": 7400}]}).cycles[0].activity_gbq == 7.4


def test_values_of_one_day_stand_together():
    entries = [{"date": "2026-01-05", "psa": 84}, {"date": "2026-01-05", "hb": 11}, {"date": "2026-01-05", "psa": 84.0}]
    assert clinical_of({"labs": entries}).labs == (LabResult(date(2026, 1, 5), 84.0, hb_g_dl=11.0),)


def test_a_series_leaves_out_days_without_the_value():
    values = COURSE.series(Analyte.PSA)
    assert [(one.date, one.value, one.is_below_detection) for one in values] == [
        (date(2026, 1, 5), 84.0, False),
        (date(2026, 2, 16), 0.01, True),
    ]
    assert len(COURSE.series(Analyte.HB)) == 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("date,psa\n2026-01-05,12\n2026-02-05,abc\n", "row 3, column psa: 'abc' is no number"),
        ("date,psa\n05.01.2026,12\n", "row 2, column date: '05.01.2026' is no date"),
        ("date,psa\n2026-02-30,12\n", "row 2, column date: '2026-02-30' is no date of the calendar"),
        ("date;psa\n2026-01-05;12,5\n", "row 2, column psa: '12,5' has a comma"),
        ("date,hb\n2026-01-05,132\n", "row 2, column hb: '132' gives 132 g/dl, credible are 2 to 25"),
        ("date,activity_gbq\n2026-01-05,7400\n", "row 2, column activity_gbq: '7400' gives 7400 GBq"),
        ("date,psa\n2026-01-05,-1\n", "row 2, column psa: '-1' gives -1 ng/ml"),
        ("date,psa\n2026-01-05,nan\n", "row 2, column psa: 'nan' gives nan"),
        ("date,psa\n,12\n", "row 2: the date is missing"),
        ("date,psa\n2026-01-05\n", "row 2: has 1 cells, row 1 names 2 columns"),
        ("date,psa\n2026-01-05,\n", "row 2: holds a date and nothing else"),
        ("date,PSA value\n2026-01-05,12\n", "row 1: 'psa_value' is not known; known are date, activity_gbq"),
        ("psa\n12\n", "row 1: must name each column once and date among them"),
        ("date,psa,PSA\n2026-01-05,1,1\n", "row 1: must name each column once"),
        ("date,psa,psa_ug_l\n2026-01-05,1,2\n", "row 2, column psa_ug_l: psa is given twice"),
        ("date,psa\n2026-01-05,1\n2026-01-05,2\n", "row 3, column psa: 2 ng/ml, but 1 was given for the same day"),
        ("date,activity_gbq\n2026-01-05,<7\n", "row 2, column activity: an activity is a number"),
        ("date,psa,patient_id\n2026-01-05,1,A\n2026-01-06,1,B\n", "row 3, column patient_id: is another patient"),
        ('date,psa\n2026-01-05,"1\n', "is no CSV"),
        ("date,psa\n", "holds no cycle, no laboratory value and no medication change"),
        ("", "row 1: must name each column once"),
    ],
)
def test_a_broken_table_is_refused_naming_row_column_and_value(written, table, words):
    with pytest.raises(InputRefusedError) as refusal:
        read_clinical_file(written("course.csv", table))
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ('{"labs": [', "course.json is no JSON: Expecting value: line 1"),
        ([], "clinical data must be an object with cycles, labs, medication_changes, not []"),
        ({"lab": []}, "clinical data: 'lab' is not known"),
        ({"labs": {}}, "labs: must be a list"),
        ({"labs": [3]}, "labs[0]: must be an object"),
        ({"labs": [{"date": "2026-01-05", "psa": True}]}, "labs[0].psa: True is no number"),
        ({"labs": [{"date": "2026-01-05", "psa": [1]}]}, "labs[0].psa: [1] is no number"),
        ({"labs": [{"date": "2026-01-05", "agent": "x"}]}, "labs[0]: 'agent' is not known"),
        ({"labs": [{"date": 20260105, "psa": 1}]}, "labs[0].date: 20260105 is no date"),
        ({"cycles": [{"date": "2026-01-05", "agent": 617}]}, "cycles[0].agent: 617 is not text"),
        ({"cycles": [{"activity_gbq": 7.4}]}, "cycles[0]: the date is missing"),
        ('{"labs": [{"date": "2026-01-05", "psa": NaN}]}', "labs[0].psa: nan gives nan ng/ml"),
        ({}, "holds no cycle"),
    ],
)
def test_a_broken_record_is_refused_naming_entry_key_and_value(written, record, words):
    with pytest.raises(InputRefusedError) as refusal:
        read_clinical_file(written("course.json", record))
    assert words in str(refusal.value)


def test_other_files_are_refused(written, tmp_path):
    with pytest.raises(InputRefusedError, match=r"known are \.json and \.csv, not '\.xlsx'"):
        read_clinical_file(written("course.xlsx", "PK"))
    with pytest.raises(InputRefusedError, match=r"none\.csv cannot be read"):
        read_clinical_file(tmp_path / "none.csv")
    latin = tmp_path / "latin.csv"
    latin.write_bytes("date,change\n2026-01-05,Spülung\n".encode("latin-1"))
    with pytest.raises(InputRefusedError, match="cannot be read as UTF-8 text"):
        read_clinical_file(latin)
