"""A simulated pelvic CT and its structure set read back as CT in HU and structures of the true volume."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from psmacore.dicom.read_ct import read_ct_series
from psmacore.dicom.read_rtstruct import list_rois, read_roi_mask
from psmacore.errors import CancelledError, UsageError
from psmacore.phantom.layout_common import CaseRequest
from psmacore.phantom.layout_prostate_ct import write_prostate_ct_case

NAMES = ("Prostate", "Bladder", "Rectum", "Femoral_Head_L", "Femoral_Head_R")


@pytest.fixture(scope="module")
def its_structure_set(a_prostate_case: Path) -> Path:
    return next(a_prostate_case.rglob("1-1.dcm"))


@pytest.fixture(scope="module")
def its_ct(a_prostate_case: Path):
    return read_ct_series(sorted(a_prostate_case.rglob("1-0*.dcm")))


@pytest.fixture(scope="module")
def its_masks(its_structure_set: Path, its_ct) -> dict[str, np.ndarray]:
    return {name: read_roi_mask(its_structure_set, name, its_ct.geometry) for name in list_rois(its_structure_set)}


def test_the_five_structures_of_the_collection_are_named(its_structure_set: Path):
    """W61."""
    assert list_rois(its_structure_set) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_contours_read_back_to_the_true_volume(a_prostate_case: Path, its_masks, its_ct, name: str):
    """W62, within 3 %."""
    true_ml = json.loads((a_prostate_case / "simulated.json").read_text())["volumes_ml"][name]
    volume_ml = np.count_nonzero(its_masks[name]) * its_ct.geometry.voxel_volume_ml
    assert volume_ml == pytest.approx(true_ml, rel=0.03)
    assert {"Prostate": 15, "Bladder": 60, "Rectum": 35}.get(name, 40) < true_ml < 300


def test_a_femoral_head_has_the_volume_of_its_ball(a_prostate_case: Path, its_masks, its_ct):
    """The analytic truth: an ellipsoid of 24 mm half axes times the man's build."""
    from psmacore.phantom.anatomy import build_anatomy

    scale = build_anatomy(5).frame.scale
    ball_ml = 4 / 3 * np.pi * float(np.prod(24.0 * scale)) / 1000
    volume_ml = np.count_nonzero(its_masks["Femoral_Head_L"]) * its_ct.geometry.voxel_volume_ml
    assert volume_ml == pytest.approx(ball_ml, rel=0.03)


@pytest.mark.parametrize(("name", "hu"), [("Prostate", 35), ("Bladder", 5)])
def test_contours_enclose_what_the_ct_shows(its_ct, its_masks, name: str, hu: float):
    assert its_ct.values[its_masks[name]].mean() == pytest.approx(hu, abs=8)


def test_structures_share_no_voxel(its_masks):
    assert np.sum(list(its_masks.values()), axis=0).max() == 1


def test_left_is_on_the_patients_left(its_ct, its_masks):
    left, right = (
        its_ct.geometry.lps_of_kji(np.argwhere(its_masks[f"Femoral_Head_{side}"])).mean(axis=0) for side in "LR"
    )
    assert left[0] > 60 > -60 > right[0]


def test_every_object_says_that_it_is_simulated(a_prostate_case: Path, its_structure_set: Path):
    header = pydicom.dcmread(its_structure_set)
    assert "Simulated" in header.PatientComments
    assert str(header.PatientName).startswith("PHANTOM")
    assert header.ApprovalStatus == "UNAPPROVED"
    ct = pydicom.dcmread(next(a_prostate_case.rglob("1-001.dcm")), stop_before_pixels=True)
    assert ct.StudyInstanceUID == header.StudyInstanceUID
    assert ct.BodyPartExamined == "PELVIS"


def test_a_case_that_is_interrupted_leaves_nothing(tmp_path: Path):
    def stop(stage: str, fraction: float) -> None:
        if stage == "contours":
            raise CancelledError("stopped by the test")

    with pytest.raises(CancelledError):
        write_prostate_ct_case(tmp_path, CaseRequest(6, quick=True), on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_tracer_is_refused_where_there_is_no_pet(tmp_path: Path):
    with pytest.raises(UsageError, match="fdg"):
        write_prostate_ct_case(tmp_path, CaseRequest(6, tracer="fdg", quick=True))


def test_the_structure_set_passes_dciodvfy(its_structure_set: Path, dicom3tools):
    run = subprocess.run(["dciodvfy", "-new", str(its_structure_set)], capture_output=True, text=True, check=False)
    assert "Error" not in run.stdout + run.stderr
