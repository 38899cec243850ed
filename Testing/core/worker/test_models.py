"""``psma analyse`` with trained models as a user runs it: results, provenance, watermark, refusals, kills."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pydicom
import pytest

pytest.importorskip("torch")

from psmacore.errors import ModelUnfitError
from psmacore.jobs.job import Job, JobKind
from psmacore.jobs.worker_side import EventWriter
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.pipeline.publish import publish_results
from psmacore.pipeline.request import AnalyseRequest, ModelOptions
from psmacore.worker.__main__ import work
from Testing.core.cli.psma_process import assert_refused, everything_below, is_alive, psma, running_psma, wait_until
from Testing.core.worker.conftest import Analyse, PetCt
from Testing.tiny_models import (
    FAR,
    SIMULATED,
    tiny_classifier_manifest,
    tiny_lesion_manifest,
    tiny_organ_manifest,
    tiny_paired_manifest,
    write_constant_model,
)

SURE = (-FAR, FAR)


def descriptions(folder: Path) -> list[str]:
    return [str(pydicom.dcmread(path, stop_before_pixels=True).SeriesDescription) for path in folder.glob("*.dcm")]


def analysed_here(request: AnalyseRequest, folder: Path) -> tuple[dict[str, Any], str]:
    """Do a job as the worker does it, in this process; return its results and its events."""
    events = io.BytesIO()
    job = Job(JobKind.ANALYSE, request.inputs(), request.parameters(), folder)
    work(job, folder, EventWriter(job.job, events))
    return json.loads((folder / "results.json").read_text(encoding="utf-8")), events.getvalue().decode()


def test_every_result_names_the_models_that_took_part(
    a_simulated_study: PetCt, models_folder: Path, tmp_path: Path, torch_or_skip: ModuleType
) -> None:
    """W60: model, version, hash and device in results, report, SEG and log."""
    organs = write_constant_model(models_folder, tiny_organ_manifest(), FAR, -FAR, -FAR)
    lesions = write_constant_model(models_folder, replace(tiny_lesion_manifest(), training=SIMULATED), *SURE)
    results, told = analysed_here(
        AnalyseRequest(
            dicom=a_simulated_study.folder,
            segmenter="lesion-unet",
            models=ModelOptions(device="cpu", classifier="none"),
        ),
        tmp_path,
    )
    assert [use["name"] for use in results["models"]] == ["organ-unet-own", "lesion-unet-own"]
    shas = [organs.manifest.weights_sha256, lesions.manifest.weights_sha256]
    assert [use["weights_sha256"] for use in results["models"]] == shas
    assert results["models"][1]["is_trained_on_simulation"] is True
    assert results["is_simulated"] is True
    assert results["segmenter"]["weights_sha256"] == shas[1]
    assert results["totals"]["n_lesions"] == 3
    assert all(lesion["confidence"] > 0.99 for lesion in results["lesions"])
    folder = tmp_path
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "SIMULATED DATA" in report
    assert str(shas[0])[:12] in report
    assert all(one.startswith("AI, unconfirmed") for one in descriptions(folder))
    algorithm = pydicom.dcmread(folder / "seg.dcm").SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert algorithm.AlgorithmName == "lesion-unet-own"
    assert all(str(sha) in told for sha in shas)


@pytest.mark.slow
def test_simulation_weights_on_real_images_watermark_everything_and_are_never_published(
    a_real_study: PetCt, models_folder: Path, tmp_path: Path, torch_or_skip: ModuleType
) -> None:
    """DESIGN, "No clinical data can be shipped"."""
    write_constant_model(models_folder, replace(tiny_lesion_manifest(), training=SIMULATED), *SURE)
    folder, options = tmp_path / "result", ModelOptions(device="cpu", allow_simulation_weights=True)
    folder.mkdir()
    analysed_here(AnalyseRequest(dicom=a_real_study.folder, segmenter="lesion-unet", models=options), folder)
    assert "AI TRAINED ON SIMULATION" in (folder / "report.html").read_text(encoding="utf-8")
    assert all(one.startswith("NOT CLINICAL") for one in descriptions(folder))
    with pytest.raises(ModelUnfitError, match="not published"):
        publish_results(folder, DicomWebPacs("http://127.0.0.1:1/dicom-web"))


@pytest.mark.slow
def test_a_normal_study_has_whole_results_without_lesions(
    a_real_study: PetCt, models_folder: Path, tmp_path: Path, torch_or_skip: ModuleType
) -> None:
    """W60: the gate, in results and report."""
    write_constant_model(models_folder, tiny_classifier_manifest(), -2.0)
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    folder = tmp_path / "result"
    folder.mkdir()
    request = AnalyseRequest(dicom=a_real_study.folder, segmenter="lesion-unet", models=ModelOptions(device="cpu"))
    results, _ = analysed_here(request, folder)
    assert results["lesions"] == []
    assert results["totals"] is None
    assert results["classification"]["has_stopped_segmentation"] is True
    assert results["segmenter"]["name"] == "not-segmented"
    assert results["files"]["seg"] is None
    assert "lesions were not looked for" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["altered", "pickle", "absent", "paired", "unknown", "tracer", "simulation"])
def test_a_model_that_cannot_be_used_is_exit_code_5_and_leaves_nothing(
    analyse: Analyse, a_real_study: PetCt, models_folder: Path, tmp_path: Path, fault: str
) -> None:
    model = write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    write_constant_model(models_folder, tiny_paired_manifest(), 0.0, 0.0)
    weights, options, words = model.weights_path, ["--segmenter", "lesion-unet-own"], "lesion-unet-own"
    if fault == "altered":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    elif fault == "pickle":
        weights.unlink()
        (weights.parent / "weights.pt").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    elif fault == "absent":
        weights.unlink()
    elif fault == "paired":
        options, words = ["--segmenter", "deep-psma"], "--companion"
    elif fault == "unknown":
        options, words = ["--segmenter", "lesion-unit"], "lesion-unit"
    elif fault == "simulation":
        write_constant_model(models_folder, replace(tiny_lesion_manifest(), training=SIMULATED), *SURE)
        words = "--allow-simulation-weights"
    else:
        options, words = [*options, "--override", "tracer=18f-fdg"], "[18F]FDG"
    assert_refused(analyse(a_real_study, *options, "--device", "cpu"), 5, words)
    assert not (tmp_path / "out").exists()
    assert not Path("pwned").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the worker in /proc")
@pytest.mark.parametrize("end", ["the worker is killed", "the command is cancelled"])
def test_what_ends_while_pytorch_is_at_work_leaves_nothing_and_starts_again(
    a_real_study: PetCt, models_folder: Path, tmp_path: Path, end: str
) -> None:
    """A library may swallow a signal while it is imported: the launcher then ends the worker for good."""
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    parent = tmp_path / "out"
    parent.mkdir()
    options = ("--segmenter", "lesion-unet", "--device", "cpu")
    command = ("analyse", "--dicom", a_real_study.folder, "--out", parent / "result", *options)
    with running_psma(*command, PSMA_MODELS=str(models_folder), OMP_NUM_THREADS="1") as running:
        worker = running.worker_pid()
        wait_until(lambda: "libtorch" in Path(f"/proc/{worker}/maps").read_text(), seconds=100)
        if end == "the worker is killed":
            os.kill(worker, signal.SIGKILL)
        else:
            running.signal(signal.SIGTERM)
        outcome = running.outcome()
    assert outcome.code == (1 if end == "the worker is killed" else 130), outcome.err
    assert not is_alive(worker)
    assert everything_below(parent) == set()
    assert psma(*command, PSMA_MODELS=str(models_folder)).code == 0
    assert json.loads((parent / "result" / "results.json").read_text(encoding="utf-8"))["totals"]["n_lesions"] == 3
