"""A course on disk is complete or absent, the same in every run, and holds the contract's truth.json."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from psmacore.cli import phantom
from psmacore.errors import CancelledError, UsageError
from psmacore.phantom.course import plan_course
from psmacore.phantom.version import phantom_stamp
from psmacore.phantom.write import write_course


def test_truth_json_has_the_contracts_fields(its_truth):
    assert {"patient_id", "seed", "timepoints"} <= set(its_truth)
    timepoint = its_truth["timepoints"][0]
    assert {"study_uid", "pet_uid", "ct_uid", "lesions", "organs", "transform"} <= set(timepoint)
    for lesion in timepoint["lesions"]:
        assert {"id", "fate", "kind", "centroid_lps_mm", "volume_ml", "suv_max", "mask"} <= set(lesion)


def test_masks_on_disk_give_the_volumes_and_centroids_of_truth_json(a_written_course, its_truth):
    for lesion in its_truth["timepoints"][0]["lesions"]:
        image = nibabel.load(a_written_course / lesion["mask"])
        voxels = np.argwhere(np.asarray(image.dataobj) == lesion["label"])
        voxel_ml = abs(np.linalg.det(image.affine[:3, :3])) / 1000
        assert len(voxels) * voxel_ml == pytest.approx(lesion["volume_ml"], rel=1e-4)
        ras = nibabel.affines.apply_affine(image.affine, voxels).mean(axis=0)
        assert ras * [-1, -1, 1] == pytest.approx(lesion["centroid_lps_mm"], abs=0.01)


def test_uids_of_truth_json_are_those_of_the_files(a_written_course, its_truth):
    timepoint = its_truth["timepoints"][0]
    for kind, key in (("pet", "pet_uid"), ("ct", "ct_uid"), ("seg", "seg_uid")):
        ds = pydicom.dcmread(a_written_course / "tp1" / kind / "0001.dcm", stop_before_pixels=True)
        assert (ds.StudyInstanceUID, ds.SeriesInstanceUID) == (timepoint["study_uid"], timepoint[key])


def test_no_path_and_no_truth_holds_the_patients_name(a_written_course):
    assert "^" not in (a_written_course / "truth.json").read_text()
    assert not any("PHANTOM" in str(path.relative_to(a_written_course)) for path in a_written_course.rglob("*"))


def test_cancelled_writing_leaves_nothing_behind(tmp_path: Path):
    def stop(stage: str, fraction: float) -> None:
        raise CancelledError("stopped by the test")

    with pytest.raises(CancelledError):
        write_course(tmp_path / "patient", 3, n_timepoints=1, quick=True, on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_complete_course_is_kept_and_another_one_refused(a_written_course):
    before = (a_written_course / "tp1" / "pet" / "0001.dcm").stat().st_mtime_ns
    write_course(a_written_course, 5, n_timepoints=1, vendor="ge", quick=True)
    assert (a_written_course / "tp1" / "pet" / "0001.dcm").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="already holds"):
        write_course(a_written_course, 6, n_timepoints=1, vendor="ge", quick=True)


def test_unknown_vendor_is_refused_by_name(tmp_path: Path):
    with pytest.raises(UsageError, match="acme"):
        write_course(tmp_path / "patient", 3, vendor="acme")


@pytest.mark.slow
def test_a_rerun_writes_the_same_bytes(a_written_course, tmp_path: Path):
    write_course(tmp_path / "again", 5, n_timepoints=1, vendor="ge", quick=True)
    for path in sorted(a_written_course.rglob("*")):
        if path.is_file():
            other = tmp_path / "again" / path.relative_to(a_written_course)
            assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest(), path.name


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 13))
def test_every_quick_seed_reaches_what_the_demo_promises(seed: int):
    from psmacore.phantom.course import simulate_timepoint

    plan = plan_course(seed, quick=True)
    for number in range(3):
        seen = [lesion for lesion in simulate_timepoint(plan, number).lesions if lesion.volume_ml > 0]
        wet = [one for one in seen if any("bladder" in organ or "ureter" in organ for organ in one.touches)]
        assert len(seen) >= 5
        assert len(wet) >= 2


def test_truth_json_names_the_phantom_that_wrote_it(its_truth):
    assert its_truth["phantom"] == phantom_stamp()


def test_fdg_is_refused_a_companion_and_nothing_is_left(tmp_path: Path):
    with pytest.raises(UsageError, match="fdg"):
        write_course(tmp_path / "patient", 3, tracer="fdg", n_lesions=0, quick=True, companion=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_companion_is_a_study_of_its_own_beside_the_same_psma_study(a_written_course, its_truth, tmp_path: Path):
    write_course(tmp_path / "pair", 5, n_timepoints=1, vendor="ge", quick=True, companion=True)
    truth = json.loads((tmp_path / "pair" / "truth.json").read_text())
    (timepoint,), (alone,) = truth["timepoints"], its_truth["timepoints"]
    other = timepoint["companion"]
    assert other["folder"] == "tp1-fdg"
    assert timepoint["study_uid"] == alone["study_uid"] != other["study_uid"]
    assert set(alone) | {"companion"} == set(timepoint)
    assert set(other) == set(alone)
    headers = [
        pydicom.dcmread(tmp_path / "pair" / name / "pet" / "0001.dcm", stop_before_pixels=True)
        for name in ("tp1", "tp1-fdg")
    ]
    assert headers[0].PatientID == headers[1].PatientID
    assert headers[0].FrameOfReferenceUID != headers[1].FrameOfReferenceUID
    assert headers[1].StudyInstanceUID == other["study_uid"]
    matrix = np.array(other["transform"])
    seen = [
        np.linalg.norm((matrix @ [*one["centroid_lps_mm"], 1.0])[:3] - same["centroid_lps_mm"])
        for one, same in zip(timepoint["lesions"], other["lesions"], strict=True)
        if min(one["n_voxels"], same["n_voxels"]) >= 4
    ]
    assert len(seen) >= 3
    assert max(seen) < 4.0


@pytest.mark.parametrize(
    "words",
    [
        ["--negatives", "0.5"],
        ["--form", "tree"],
        ["--layout", "deep-psma", "--companion"],
        ["--layout", "autopet", "--vendor", "ge"],
        ["--layout", "prostate-ct", "--timepoints", "2"],
        ["--patients", "0"],
    ],
)
def test_options_of_another_layout_are_refused(tmp_path: Path, words: list[str]):
    parser = argparse.ArgumentParser()
    phantom.add_parser(parser.add_subparsers())
    with pytest.raises(UsageError, match=words[-1] if words[0] == "--patients" else "belongs to"):
        phantom.run(parser.parse_args(["phantom", "--out", str(tmp_path / "out"), *words]))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["deep-psma", "autopet", "prostate-ct"])
def test_a_layout_is_written_through_the_command(tmp_path: Path, capsys, layout: str):
    parser = argparse.ArgumentParser()
    phantom.add_parser(parser.add_subparsers())
    words = ["phantom", "--out", str(tmp_path), "--seed", "31", "--layout", layout, "--quick", "--lesions", "3"]
    assert phantom.run(parser.parse_args([*words, "--json"])) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["layout"] == layout
    (patient,) = printed["patients"]
    assert patient["seed"] == 31
    assert json.loads(Path(patient["truth"]).read_text())["simulated"] is True


@pytest.mark.slow
def test_patients_get_a_folder_each_through_the_command(tmp_path: Path, capsys):
    parser = argparse.ArgumentParser()
    phantom.add_parser(parser.add_subparsers())
    words = ["phantom", "--out", str(tmp_path), "--seed", "21", "--patients", "2", "--timepoints", "1", "--quick"]
    assert phantom.run(parser.parse_args([*words, "--lesions", "6", "--json"])) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [item["seed"] for item in printed["patients"]] == [21, 22]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-0021", "seed-0022"]
