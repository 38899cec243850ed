"""A small nnU-Net, trained here by nnU-Net itself, is imported and run through the worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("torch")
pytest.importorskip("nnunetv2")

from psmacore.ai.preprocess.grid import to_image
from psmacore.ai.segmenters.nnunet_running import RunningNnunet
from psmacore.ai.segmenters.running import Machine
from psmacore.model.geometry import Geometry
from psmacore.pipeline.request import ModelOptions
from psmacore.registry.catalog import find_model
from Testing.core.cli.psma_process import environment, psma
from Testing.core.worker.conftest import say_simulated, write_pet_ct
from Testing.nnunet_training import SHAPE, SPACING_IJK_MM, simulated_patient, train_small_nnunet

pytestmark = pytest.mark.slow
COMMAND = "from nnunetv2.inference.predict_from_raw_data import predict_entry_point_modelfolder as go; go()"


@pytest.fixture(scope="module")
def a_trained_result(tmp_path_factory: pytest.TempPathFactory, torch_or_skip: ModuleType) -> Iterator[Path]:
    """Two folds of one epoch each."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield train_small_nnunet(tmp_path_factory.mktemp("nnunet"), monkeypatch, folds=(0, 1))


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hospital's models folder, empty."""
    folder = tmp_path / "models"
    monkeypatch.setenv("PSMA_MODELS", str(folder))
    return folder


def imported(result: Path, models: Path) -> str:
    """Import as a user does; return the model's checksum."""
    outcome = psma(
        "models", "import", result, "--name", "own-nnunet", "--task", "lesions", "--tracer", "psma",
        "--licence", "Apache-2.0", "--simulated", "--json", PSMA_MODELS=str(models),
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert outcome.json["task"] == "lesion_segmentation"
    assert outcome.json["is_simulation_trained"] is True
    verified = psma("models", "verify", "own-nnunet", PSMA_MODELS=str(models))
    assert (verified.code, verified.out) == (0, "own-nnunet: verified\n")
    return str(outcome.json["weights_sha256"])


def test_masks_are_those_of_nnunets_own_command(a_trained_result: Path, models_folder: Path, tmp_path: Path) -> None:
    imported(a_trained_result, models_folder)
    grid = Geometry.from_axes(shape=SHAPE, origin_lps_mm=(5.0, -30.0, 100.0), spacing_ijk_mm=SPACING_IJK_MM)
    ct, pet, lesions = simulated_patient(77)
    running = RunningNnunet(find_model("own-nnunet"), Machine(ModelOptions(device="cpu")))
    images = np.stack((ct, pet))
    ((_part, ours),) = running.each(
        lambda predictor, follow: predictor.label(images, grid, on_window=follow), stage="", fractions=(0.0, 1.0)
    )
    (tmp_path / "in").mkdir()
    for channel, values in enumerate(images):
        sitk.WriteImage(to_image(values, grid), str(tmp_path / "in" / f"case_000{channel}.nii.gz"))
    folders = {f"nnUNet_{name}": os.devnull for name in ("raw", "preprocessed", "results")}
    subprocess.run(
        [
            sys.executable, "-c", COMMAND, "-i", str(tmp_path / "in"), "-o", str(tmp_path / "out"),
            "-m", str(a_trained_result), "-f", "0", "1", "-device", "cpu", "-npp", "1", "-nps", "1",
        ],
        env=environment({**folders, "OMP_NUM_THREADS": "1"}),
        check=True,
        capture_output=True,
        timeout=600,
    )  # fmt: skip
    theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out" / "case.nii.gz")))
    np.testing.assert_array_equal(ours.labels, theirs)
    overlap = 2 * np.count_nonzero((theirs == 1) & (lesions == 1)) / np.count_nonzero(np.stack((theirs, lesions)))
    assert overlap > 0.5, "it learned something"


def test_the_worker_runs_it_on_a_study(a_trained_result: Path, models_folder: Path, tmp_path: Path) -> None:
    """Both hot lesions, from DICOM to results.json, with the model's checksum in them."""
    digest = imported(a_trained_result, models_folder)
    study = write_pet_ct(tmp_path / "study", say_simulated)
    outcome = psma(
        "analyse", "--dicom", study.folder, "--out", tmp_path / "result", "--json", "--segmenter", "own-nnunet",
        "--organ-model", "none", "--classifier", "none", "--device", "cpu",
        PSMA_MODELS=str(models_folder), OMP_NUM_THREADS="1",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    results = outcome.json
    (use,) = results["models"]
    assert (use["name"], use["weights_sha256"]) == ("own-nnunet", digest)
    assert use["is_trained_on_simulation"] is True
    assert results["segmenter"]["name"] == "own-nnunet"
    assert results["segmenter"]["parameters"]["mirroring"] is True
    counted = [lesion for lesion in results["lesions"] if lesion["state"] == "unconfirmed"]
    assert {round(lesion["suv_max"]) for lesion in counted} >= {6, 9}


def test_an_evil_checkpoint_ends_with_5_and_is_never_executed(
    a_trained_result: Path, models_folder: Path, tmp_path: Path
) -> None:
    import pickle
    import shutil
    import zipfile

    copy = tmp_path / "copy"
    shutil.copytree(a_trained_result, copy)
    trap = tmp_path / "trap"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(trap),)

    with zipfile.ZipFile(copy / "fold_1" / "checkpoint_final.pth", "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({"network_weights": {}, "x": Evil()}, protocol=2))
    outcome = psma("models", "import", copy, "--licence", "x", "--task", "lesions", PSMA_MODELS=str(models_folder))
    assert outcome.code == 5
    assert "could run code (posix.mkdir)" in outcome.err
    assert not trap.exists()
    unsaid = psma("models", "import", a_trained_result, PSMA_MODELS=str(models_folder))
    assert unsaid.code == 2
    assert "--task organs or lesions" in unsaid.err
