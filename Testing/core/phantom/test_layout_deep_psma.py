"""A simulated DEEP-PSMA case reads as the challenge's do, and its two tracers meet through rigid.tfm."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from psmacore.errors import CancelledError, UsageError
from psmacore.phantom.layout_common import CaseRequest
from psmacore.phantom.layout_deep_psma import write_deep_psma_case
from psmacore.phantom.version import phantom_sha256

TRACERS = ("PSMA", "FDG")
HIPS = (77, 78)


def marker_of(case: Path) -> dict:
    return json.loads((case / "simulated.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("tracer", TRACERS)
def test_files_types_and_grids_are_those_of_the_challenge(a_deep_psma_case: Path, tracer: str):
    """D01."""
    here = a_deep_psma_case / tracer
    names = {"CT.nii.gz", "PET.nii.gz", "TTB.nii.gz", "totseg_24.nii.gz", "threshold.json", "rigid.tfm"}
    assert {path.name for path in here.iterdir()} == names
    pet, ttb, ct, organs = (sitk.ReadImage(here / f"{name}.nii.gz") for name in ("PET", "TTB", "CT", "totseg_24"))
    assert (pet.GetSize(), pet.GetOrigin(), pet.GetSpacing()) == (ttb.GetSize(), ttb.GetOrigin(), ttb.GetSpacing())
    assert (ct.GetSize(), ct.GetOrigin(), ct.GetSpacing()) == (
        organs.GetSize(), organs.GetOrigin(), organs.GetSpacing(),
    )  # fmt: skip
    assert pet.GetPixelID() == sitk.sitkFloat32
    assert ct.GetPixelID() == sitk.sitkInt16
    assert {ttb.GetPixelID(), organs.GetPixelID()} == {sitk.sitkUInt8}


@pytest.mark.slow
def test_both_tracers_lie_on_grids_of_their_own(a_deep_psma_case: Path):
    grids = {sitk.ReadImage(a_deep_psma_case / tracer / "PET.nii.gz").GetSpacing() for tracer in TRACERS}
    assert len(grids) == 2


@pytest.mark.slow
@pytest.mark.parametrize("tracer", TRACERS)
def test_no_voxel_below_the_threshold_belongs_to_the_burden(a_deep_psma_case: Path, tracer: str):
    """D02: PSMA 3.0, FDG liver mean + 2 SD."""
    here = a_deep_psma_case / tracer
    threshold = json.loads((here / "threshold.json").read_text())["suv_threshold"]
    pet, ttb = (sitk.GetArrayFromImage(sitk.ReadImage(here / f"{name}.nii.gz")) for name in ("PET", "TTB"))
    assert ttb.any()
    assert pet[ttb > 0].min() >= threshold
    assert threshold == 3.0 if tracer == "PSMA" else 2.1 < threshold < 3.6


@pytest.mark.slow
@pytest.mark.parametrize("tracer", TRACERS)
def test_the_markers_lesions_add_up_to_the_burden(a_deep_psma_case: Path, tracer: str):
    study = marker_of(a_deep_psma_case)["studies"][tracer]
    image = sitk.ReadImage(a_deep_psma_case / tracer / "TTB.nii.gz")
    burden_ml = int(sitk.GetArrayFromImage(image).sum()) * float(np.prod(image.GetSpacing())) / 1000
    assert sum(lesion["volume_ml"] for lesion in study["lesions"]) == pytest.approx(burden_ml, rel=1e-4)
    assert study["burden_ml"] == pytest.approx(burden_ml, rel=1e-4)


@pytest.mark.slow
def test_a_lesions_centroid_in_one_tracer_lands_on_the_other_through_rigid_tfm(a_deep_psma_case: Path):
    """The folder's own image is the fixed one: its points go to the other tracer's."""
    studies = marker_of(a_deep_psma_case)["studies"]
    for own, other in (TRACERS, TRACERS[::-1]):
        transform = sitk.ReadTransform(a_deep_psma_case / own / "rigid.tfm")
        assert transform.GetName() == "Euler3DTransform"
        n_seen = 0
        for one, same in zip(studies[own]["lesions"], studies[other]["lesions"], strict=True):
            if min(one["n_voxels"], same["n_voxels"]) >= 4:
                gap = np.subtract(transform.TransformPoint(one["centroid_lps_mm"]), same["centroid_lps_mm"])
                assert np.linalg.norm(gap) < 4.0
                n_seen += 1
        assert n_seen >= 3


@pytest.mark.slow
def test_both_transforms_are_inverses_and_the_markers_matrix(a_deep_psma_case: Path):
    to_fdg, to_psma = (sitk.ReadTransform(a_deep_psma_case / tracer / "rigid.tfm") for tracer in TRACERS)
    matrix = np.array(marker_of(a_deep_psma_case)["fdg_lps_from_psma_lps"])
    for point in ([0.0, 0.0, -900.0], [120.0, -60.0, -200.0]):
        there = to_fdg.TransformPoint(point)
        assert there == pytest.approx((matrix @ [*point, 1.0])[:3], abs=1e-5)
        assert to_psma.TransformPoint(there) == pytest.approx(point, abs=1e-6)


@pytest.mark.slow
def test_resampling_through_rigid_tfm_lays_hip_on_hip_and_the_other_direction_does_not(a_deep_psma_case: Path):
    """D07: ``Resample(FDG, PSMA, PSMA/rigid.tfm)`` as the published loaders call it."""
    psma, fdg = (sitk.ReadImage(a_deep_psma_case / tracer / "totseg_24.nii.gz") for tracer in TRACERS)
    own = np.isin(sitk.GetArrayFromImage(psma), HIPS)

    def overlap(transform: sitk.Transform) -> float:
        moved = np.isin(sitk.GetArrayFromImage(sitk.Resample(fdg, psma, transform, sitk.sitkNearestNeighbor)), HIPS)
        return float(2 * np.count_nonzero(own & moved) / (own.sum() + moved.sum()))

    assert overlap(sitk.ReadTransform(a_deep_psma_case / "PSMA" / "rigid.tfm")) > 0.85
    assert overlap(sitk.ReadTransform(a_deep_psma_case / "FDG" / "rigid.tfm")) < 0.5


@pytest.mark.slow
def test_organ_labels_hold_what_psma_lights_up(a_deep_psma_case: Path):
    found = set(np.unique(sitk.GetArrayFromImage(sitk.ReadImage(a_deep_psma_case / "PSMA" / "totseg_24.nii.gz"))))
    assert {1, 2, 3, 5, 21, 22, 201, 202, 203, 204, 205, 206, 207, 208} <= found


@pytest.mark.slow
def test_every_case_says_that_it_is_simulated_and_by_which_phantom(a_deep_psma_case: Path):
    marker = marker_of(a_deep_psma_case)
    assert marker["simulated"] is True
    assert marker["seed"] == 21
    assert marker["phantom"]["sha256"] == phantom_sha256()


@pytest.mark.slow
def test_an_equal_case_is_kept_and_another_one_refused(a_deep_psma_case: Path):
    before = (a_deep_psma_case / "PSMA" / "PET.nii.gz").stat().st_mtime_ns
    write_deep_psma_case(a_deep_psma_case.parent, CaseRequest(21, n_lesions=9, quick=True))
    assert (a_deep_psma_case / "PSMA" / "PET.nii.gz").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="train_0021"):
        write_deep_psma_case(a_deep_psma_case.parent, CaseRequest(21, n_lesions=8, quick=True))


@pytest.mark.parametrize("tracer", ["PSMA", pytest.param("FDG", marks=pytest.mark.slow)])
def test_a_write_that_is_interrupted_before_a_tracer_leaves_nothing(tmp_path: Path, tracer: str):
    def stop(stage: str, fraction: float) -> None:
        if stage.startswith(tracer):
            raise CancelledError("stopped by the test")

    with pytest.raises(CancelledError):
        write_deep_psma_case(tmp_path, CaseRequest(3, n_lesions=0, quick=True), on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_fdg_is_refused_as_the_psma_tracer(tmp_path: Path):
    with pytest.raises(UsageError, match="fdg"):
        write_deep_psma_case(tmp_path, CaseRequest(3, tracer="fdg", quick=True))


@pytest.mark.slow
def test_a_rerun_of_a_case_writes_the_same_bytes(a_deep_psma_case: Path, tmp_path: Path):
    again = write_deep_psma_case(tmp_path, CaseRequest(21, n_lesions=9, quick=True)).parent
    for path in sorted(a_deep_psma_case.rglob("*")):
        if path.is_file():
            other = again / path.relative_to(a_deep_psma_case)
            assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest(), path.name


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(301, 307))
def test_cases_whose_number_of_lesions_is_drawn_show_disease_in_psma(seed: int, tmp_path: Path):
    """D03: lesions in all cases."""
    marker = marker_of(write_deep_psma_case(tmp_path, CaseRequest(seed, quick=True)).parent)
    assert sum(lesion["n_voxels"] > 0 for lesion in marker["studies"]["PSMA"]["lesions"]) >= 4
