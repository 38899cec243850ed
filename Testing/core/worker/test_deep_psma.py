"""``psma analyse --companion`` with a paired model as a user runs it: both studies, one worker, one result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from pydicom.dataset import Dataset

from Testing.core.cli.psma_process import assert_refused
from Testing.core.cli.simulated_study import LESION_VOXELS, VOXEL_ML
from Testing.core.worker.conftest import Analyse, PetCt, write_pet_ct
from Testing.tiny_models import FAR, tiny_organ_manifest, tiny_paired_manifest, write_constant_model

BLADDER_VOXELS = 3 * 5 * 5
LESIONS_ML = (2 * LESION_VOXELS + BLADDER_VOXELS) * VOXEL_ML


def say_fdg(one: Dataset, _k: int) -> None:
    """Give a PET another tracer."""
    if one.Modality == "PT":
        drug = one.RadiopharmaceuticalInformationSequence[0]
        drug.Radiopharmaceutical = "Fluorodeoxyglucose"
        nuclide = drug.RadionuclideCodeSequence[0]
        nuclide.CodeValue, nuclide.CodeMeaning = "77613002", "18F"
        drug.RadionuclideHalfLife = "6586.2"


@pytest.fixture
def an_fdg_companion(a_real_study: PetCt, tmp_path: Path) -> PetCt:
    """The same uptake as FDG, in the study's frame of reference, as after one visit to the scanner."""
    frame = a_real_study.pet.series.frame_of_reference_uid
    return write_pet_ct(tmp_path / "fdg", say_fdg, frame_of_reference_uid=frame)


@pytest.mark.slow
def test_a_pair_is_analysed_in_the_worker(
    analyse: Analyse, a_real_study: PetCt, an_fdg_companion: PetCt, models_folder: Path, tmp_path: Path
) -> None:
    """D01, D05, D21: organs of both studies by the organ model, lesions by the paired one."""
    write_constant_model(models_folder, tiny_organ_manifest(), -FAR, FAR, -FAR)
    model = write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    options = ("--segmenter", "deep-psma", "--device", "cpu", "--classifier", "none")
    outcome = analyse(a_real_study, *options, "--companion", an_fdg_companion.folder)
    assert outcome.code == 0, outcome.err
    results = outcome.json
    assert results["tracer"]["name"] != "FDG"
    assert results["totals"]["psma_tv_ml"] == pytest.approx(LESIONS_ML, rel=1e-4)
    assert results["segmenter"]["weights_sha256"] == model.manifest.weights_sha256
    parameters = results["segmenter"]["parameters"]
    assert parameters["companion_tracer"] == "fdg"
    assert parameters["companion_volume_ml"] > 0
    assert parameters["companion_registration"] == "same (0020,0052) Frame of Reference UID"
    assert parameters["postprocessing"] == "bothways"
    assert [use["name"] for use in results["models"]] == ["organ-unet-own", "organ-unet-own", "deep-psma-own"]
    assert [words for words in results["warnings"] if "ml of FDG disease" in words] != []
    folder = tmp_path / "out" / "result"
    assert json.loads((folder / "results.json").read_text(encoding="utf-8")) == results
    assert "deep-psma-own" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_companion_of_the_same_tracer_is_refused_and_leaves_nothing(
    analyse: Analyse, a_real_study: PetCt, models_folder: Path, tmp_path: Path
) -> None:
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    other = write_pet_ct(tmp_path / "other")
    outcome = analyse(a_real_study, "--segmenter", "deep-psma", "--device", "cpu", "--companion", other.folder)
    assert_refused(outcome, 3, "the other tracer of PSMA and FDG")
    assert not (tmp_path / "out").exists()
