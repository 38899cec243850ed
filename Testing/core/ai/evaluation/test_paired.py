"""Cases of both tracers to figures of each, with the post-processing and the points that were asked for."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.data.case import ReferenceTracer
from psmacore.ai.data.open_data import find_cases, load_case
from psmacore.ai.deep_psma.operating_points import OperatingPoint, read_points
from psmacore.ai.deep_psma.postprocess import Growth
from psmacore.ai.evaluation.paired import PairedCases
from psmacore.ai.evaluation.run import evaluate
from psmacore.ai.segmenters.running import Machine, RunningModel
from psmacore.errors import UsageError
from psmacore.pipeline.evaluate_request import EvaluateRequest
from psmacore.pipeline.request import ModelOptions, Postprocessing, Purpose
from psmacore.registry.catalog import open_model
from psmacore.registry.manifest import ChannelName, Grid
from Testing.core.ai.data.folders import a_deep_psma_case
from Testing.tiny_models import (
    FAR,
    tiny_lesion_manifest,
    tiny_paired_manifest,
    write_constant_model,
    write_random_model,
)

PETS = {ReferenceTracer.FDG: ChannelName.FDG_PET, ReferenceTracer.PSMA: ChannelName.PSMA_PET}


@pytest.fixture(autouse=True)
def _one_thread(torch_or_skip: ModuleType) -> None:
    """Every test here runs networks."""


@pytest.fixture
def a_deep_psma_folder(tmp_path: Path) -> Path:
    a_deep_psma_case(tmp_path / "data" / "train_0001")
    return tmp_path / "data"


@pytest.fixture
def small_windows() -> Grid:
    return Grid(patch=(8, 8, 8), overlap=0.25)


def request_of(folder: Path, model: Path, **changes: object) -> EvaluateRequest:
    return EvaluateRequest(str(model), folder, device="cpu", **changes)  # type: ignore[arg-type]


def silent(_stage: str, _fraction: float) -> None:
    """Progress that nobody looks at."""


def test_each_case_is_measured_on_its_own_tracers_grid(a_deep_psma_folder: Path, tmp_path: Path) -> None:
    """D17, D21: a model that sees lesion everywhere leaves what reaches the tracer's threshold."""
    model = write_constant_model(tmp_path / "models", tiny_paired_manifest(), FAR, FAR)
    paired = PairedCases(
        [RunningModel(model, Machine(ModelOptions(device="cpu")))],
        OperatingPoint(0.5, Postprocessing.BOTHWAYS),
        Growth(),
    )
    for ref in find_cases(a_deep_psma_folder, model.manifest):
        assert ref.reference is not None
        case, pet = load_case(ref, model.manifest), PETS[ref.reference]
        expected = case.channels[pet] >= np.float32(case.thresholds_suv[pet])
        assert np.array_equal(paired.lesions(case), expected)


def test_one_way_after_both_ways_is_one_way(a_deep_psma_folder: Path, tmp_path: Path, small_windows: Grid) -> None:
    """What was predicted for both ways serves one way too, so that all are tried for the time of one."""
    manifest = replace(tiny_paired_manifest(), grid=small_windows)
    running = RunningModel(
        write_random_model(tmp_path / "models", manifest, seed=2), Machine(ModelOptions(device="cpu"))
    )
    point = OperatingPoint(0.5, Postprocessing.SINGLE)
    fresh, used = (PairedCases([running], point, Growth()) for _ in range(2))
    for ref in find_cases(a_deep_psma_folder, manifest):
        assert ref.reference is not None
        case = load_case(ref, manifest)
        assert case.target is not None
        used.try_all(case, case.target[0 if ref.reference is ReferenceTracer.FDG else 1] > 0)
        assert np.array_equal(fresh.lesions(case), used.lesions(case))
    assert {len(trial.dsc) for trial in used.trials} == {2}
    assert {trial.postprocessing for trial in used.trials} == set(Postprocessing)


def test_the_best_points_are_written_beside_the_weights(a_deep_psma_folder: Path, tmp_path: Path) -> None:
    """D24, D25: chosen on named validation cases, then used."""
    model = write_constant_model(tmp_path / "models", tiny_paired_manifest(), 0.6, 0.6)
    first, second = tmp_path / "chosen", tmp_path / "used"
    first.mkdir()
    second.mkdir()
    chosen = request_of(a_deep_psma_folder, model.folder, cases=("train_0001",), chooses_points=True)
    evaluate(chosen, first, on_progress=silent)
    points = read_points(open_model(model.folder))
    assert set(points) == {Purpose.SCREENING, Purpose.BURDEN}
    assert points[Purpose.BURDEN].mean_dsc is not None
    with (first / "trials.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 4 * 7
    assert max(float(row["mean_dsc"]) for row in rows) == pytest.approx(points[Purpose.BURDEN].mean_dsc, abs=1e-5)
    found = evaluate(request_of(a_deep_psma_folder, model.folder, operating_point="burden"), second, on_progress=silent)
    assert found.summary["dsc"].mean == pytest.approx(points[Purpose.BURDEN].mean_dsc, abs=1e-6)
    assert {"psma_dsc", "fdg_dsc", "psma_fpv_ml", "fdg_delta_mtv_percent"} <= set(found.summary)


def test_results_name_the_post_processing(a_deep_psma_folder: Path, tmp_path: Path) -> None:
    """D18 to D22."""
    model = write_constant_model(tmp_path / "models", tiny_paired_manifest(), FAR, FAR)
    out = tmp_path / "out"
    out.mkdir()
    request = request_of(a_deep_psma_folder, model.folder, postprocessing=Postprocessing.SINGLE_PLUS, growth_mm=7.0)
    evaluate(request, out, on_progress=silent)
    assert (
        json.loads((out / "evaluation.json").read_text(encoding="utf-8"))["postprocessing"] == "single+, grown by 7 mm"
    )
    assert "Post-processing: single+, grown by 7 mm" in (out / "report.md").read_text(encoding="utf-8")


def test_folds_named_together_are_measured_as_an_ensemble(a_deep_psma_folder: Path, tmp_path: Path) -> None:
    """D23: logits 3 and -1 have mean 1, and the second fold alone finds nothing."""
    folds = [
        write_constant_model(tmp_path / "models", tiny_paired_manifest(f"fold{number}"), logit, logit)
        for number, logit in enumerate((3.0, -1.0))
    ]
    both, alone = tmp_path / "both", tmp_path / "alone"
    both.mkdir()
    alone.mkdir()
    names = ",".join(str(fold.folder) for fold in folds)
    found = evaluate(request_of(a_deep_psma_folder, Path(names)), both, on_progress=silent)
    assert found.summary["psma_dsc"].mean > 0
    assert "mean logits of 2 folds: fold0, fold1" in found.warnings
    nothing = evaluate(request_of(a_deep_psma_folder, folds[1].folder), alone, on_progress=silent)
    assert nothing.summary["psma_dsc"].mean == 0


def test_points_are_chosen_on_validation_alone(a_deep_psma_folder: Path) -> None:
    """D24: not on the cases that the figures are for."""
    with pytest.raises(UsageError, match="--split validation"):
        request_of(a_deep_psma_folder, Path("deep-psma"), chooses_points=True)
    with pytest.raises(UsageError, match="--split validation"):
        request_of(a_deep_psma_folder, Path("deep-psma"), split="test", chooses_points=True)


def test_other_models_have_no_such_post_processing(a_deep_psma_folder: Path, tmp_path: Path) -> None:
    model = write_constant_model(tmp_path / "models", tiny_lesion_manifest(), 0.0, 0.0)
    request = request_of(a_deep_psma_folder, model.folder, postprocessing=Postprocessing.SINGLE)
    with pytest.raises(UsageError, match="both tracers"):
        evaluate(request, tmp_path, on_progress=silent)


def test_what_is_asked_for_reaches_the_worker(a_deep_psma_folder: Path) -> None:
    request = request_of(
        a_deep_psma_folder, Path("deep-psma"), postprocessing=Postprocessing.SINGLE_PLUS, growth_mm=7.0,
        cases=("train_0001",), chooses_points=True,
    )  # fmt: skip
    sent = json.loads(json.dumps([request.inputs(), request.parameters()]))
    assert EvaluateRequest.from_job(*sent) == request
