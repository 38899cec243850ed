"""``psma analyse`` on good input: what it says, what it writes, and that nothing else stays (W07, W62)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pydicom
import pytest

from psmacore.pipeline.results import SCHEMA_FILE
from Testing.core.cli import simulated_study
from Testing.core.cli.conftest import AnalysedStudy
from Testing.core.cli.psma_process import everything_below, psma
from Testing.core.cli.simulated_study import BIRTH_DATE, LESION_VOXELS, NAME, PATIENT_ID, VOXEL_ML, SimulatedStudy


def results_of(run: AnalysedStudy) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run.folder / "results.json").read_text(encoding="utf-8"))
    return record


def test_json_on_stdout_is_results_json_and_fits_the_schema(without_organs: AnalysedStudy) -> None:
    assert without_organs.outcome.code == 0, without_organs.outcome.err
    answer = without_organs.outcome.json
    jsonschema.validate(answer, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert answer == results_of(without_organs)


def test_without_an_organ_map_there_are_candidates_and_no_totals(without_organs: AnalysedStudy) -> None:
    results = results_of(without_organs)
    assert {lesion["state"] for lesion in results["lesions"]} == {"candidate"}
    assert [lesion["suv_max"] for lesion in results["lesions"]] == pytest.approx([8.0, 9.0, 6.0], rel=1e-3)
    assert results["totals"] is None
    assert [one for one in results["warnings"] if "physiological uptake not excluded" in one] != []


def test_a_warning_is_given_once(without_organs: AnalysedStudy) -> None:
    about_physiology = [one for one in results_of(without_organs)["warnings"] if "physiological" in one]
    assert len(about_physiology) == 1


def test_with_an_organ_map_the_bladder_is_set_aside_and_totals_are_given(with_organs: AnalysedStudy) -> None:
    assert with_organs.outcome.code == 0, with_organs.outcome.err
    results = results_of(with_organs)
    counted = [lesion for lesion in results["lesions"] if lesion["state"] == "unconfirmed"]
    excluded = [lesion for lesion in results["lesions"] if lesion["state"] == "excluded_candidate"]
    assert [lesion["voxels"] for lesion in counted] == [LESION_VOXELS, LESION_VOXELS]
    assert [lesion["site"]["meaning"] for lesion in excluded] == ["Urinary bladder"]
    assert results["totals"]["n_lesions"] == 2
    assert results["totals"]["psma_tv_ml"] == pytest.approx(2 * LESION_VOXELS * VOXEL_ML, rel=1e-6)
    assert results["totals"]["suv_max"] == pytest.approx(9.0 * 120 / 80, rel=1e-3)
    assert f"2 lesions, PSMA-TV {2 * LESION_VOXELS * VOXEL_ML:.2f} ml" in with_organs.outcome.out
    assert str(with_organs.folder) in with_organs.outcome.out


def test_an_override_is_recorded_in_results_and_report_objects(with_organs: AnalysedStudy) -> None:
    (override,) = results_of(with_organs)["suv"]["overrides"]
    assert (override["key"], override["value"]) == ("weight_kg", "120")
    assert float(override["old_value"]) == 80.0
    report = pydicom.dcmread(with_organs.folder / "sr.dcm")
    texts = [str(element.value) for element in report.iterall() if element.keyword == "TextValue"]
    assert [text for text in texts if "weight_kg" in text and "120" in text and "80" in text] != []


def test_the_folder_holds_what_results_names_and_nothing_else(
    without_organs: AnalysedStudy, with_organs: AnalysedStudy
) -> None:
    for run in (without_organs, with_organs):
        files = results_of(run)["files"]
        assert None not in files.values()
        assert everything_below(run.folder.parent) == {
            "result",
            *(f"result/{name}" for name in (*files.values(), "results.json", "job.json")),
        }


def test_every_object_is_readable_and_the_report_is_there(with_organs: AnalysedStudy) -> None:
    objects = sorted(with_organs.folder.glob("*.dcm"))
    assert len(objects) == 7
    for path in objects:
        dataset = pydicom.dcmread(path)
        assert dataset.PatientID == PATIENT_ID
        assert dataset.StudyInstanceUID == results_of(with_organs)["study"]["uid"]
    assert (with_organs.folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert "</html>" in (with_organs.folder / "report.html").read_text(encoding="utf-8")


def test_no_path_log_or_record_tells_who_the_patient_is(
    without_organs: AnalysedStudy, with_organs: AnalysedStudy
) -> None:
    """W07: results.json alone holds the patient's ID, at its one place."""
    for run in (without_organs, with_organs):
        results = results_of(run)
        assert results["patient"].pop("id") == PATIENT_ID
        told = [
            " ".join(everything_below(run.folder.parent)),
            run.outcome.err,
            (run.folder / "job.json").read_text(encoding="utf-8"),
            json.dumps(results, ensure_ascii=False),
        ]
        for secret in (NAME, PATIENT_ID, BIRTH_DATE):
            assert [text for text in told if secret.casefold() in text.casefold()] == []


@pytest.mark.parametrize("kind", ["contours", "all contours", "label map", "segment"])
@pytest.mark.slow
def test_a_readers_delineation_is_measured_instead(
    kind: str, a_study: SimulatedStudy, with_organs: AnalysedStudy, tmp_path: Path
) -> None:
    """W62: the same three voxels a side, whichever form the delineation comes in."""
    structures = simulated_study.write_structure_set(tmp_path / "rs.dcm", a_study)
    seg = pydicom.dcmread(with_organs.folder / "seg.dcm")
    mask = {
        "contours": f"{structures}:hot: first",
        "all contours": structures,
        "label map": simulated_study.write_mask(tmp_path / "mask.nii.gz", a_study),
        "segment": f"{with_organs.folder / 'seg.dcm'}:{seg.SegmentSequence[0].SegmentLabel}",
    }[kind]
    outcome = psma("analyse", "--dicom", a_study.folder, "--mask", mask, "--out", tmp_path / "result", "--json")
    assert outcome.code == 0, outcome.err
    lesions = outcome.json["lesions"]
    assert [lesion["voxels"] for lesion in lesions] == [LESION_VOXELS] * (2 if kind == "all contours" else 1)
    assert lesions[0]["suv_max"] == pytest.approx(9.0, rel=1e-3)
    assert outcome.json["segmenter"]["name"] == "mask"
    assert outcome.json["totals"]["n_lesions"] == len(lesions)


@pytest.mark.slow
def test_a_second_run_replaces_the_first_as_a_whole(a_study: SimulatedStudy, tmp_path: Path) -> None:
    command = ("analyse", "--dicom", a_study.folder, "--out", tmp_path / "result", "--json")
    first, second = psma(*command), psma(*command, "--segmenter", "threshold:psma_fixed=7")
    assert (first.code, second.code) == (0, 0)
    assert len(second.json["lesions"]) == 2
    kept = json.loads((tmp_path / "result" / "results.json").read_text(encoding="utf-8"))
    assert kept == second.json
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
