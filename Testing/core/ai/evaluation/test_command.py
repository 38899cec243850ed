from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from psmacore.errors import UsageError
from psmacore.pipeline.evaluate_request import EvaluateRequest
from Testing.core.ai.evaluation import small_models

ROOT = Path(__file__).resolve().parents[4]


def psma(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own; the model runs in the worker that it starts."""
    path = os.pathsep.join([str(ROOT / "PSMATheranostics"), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", "psmacore", "evaluate", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )


@pytest.mark.slow
def test_evaluation_in_the_worker_prints_one_json_object(deep_psma_data, tmp_path):
    """DESIGN.md, evaluate --json."""
    model = small_models.write_lesion_model(tmp_path)
    done = psma(str(model), "--data", str(deep_psma_data), "--json", "--device", "cpu", "--threads", "1")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert {"model", "data", "n_cases", "cases", "summary"} <= set(record)
    assert record["summary"]["dsc"]["mean"] == pytest.approx(40 / 88)


@pytest.mark.slow
def test_data_without_cases_is_refused_with_exit_3_and_nothing_is_left(tmp_path):
    model = small_models.write_lesion_model(tmp_path)
    (tmp_path / "data").mkdir()
    done = psma(str(model), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"))
    assert done.returncode == 3
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_request_survives_job_json(tmp_path):
    request = EvaluateRequest(
        "a", tmp_path, split="test", split_file=tmp_path / "s.json", with_rules=True, organ_model="b", is_fast=True,
        operating_point="0.3", tolerance_mm=2.0, threads=3, device="cpu",
    )  # fmt: skip
    record = json.loads(json.dumps([request.inputs(), request.parameters()]))
    assert EvaluateRequest.from_job(*record) == request


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "tpu"},
        {"split": "all"},
        {"tolerance_mm": -1.0},
        {"threads": 0},
        {"operating_point": "2"},
        {"split": "test", "cases": ("a",)},
        {"split_file": Path("s.json")},
    ],
)
def test_values_out_of_range_are_refused(wrong, tmp_path):
    with pytest.raises(UsageError):
        EvaluateRequest("a", tmp_path, **wrong)


def test_unknown_keys_of_a_job_are_refused(tmp_path):
    with pytest.raises(UsageError, match="nonsense"):
        EvaluateRequest.from_job({"model": "a", "data": str(tmp_path)}, {"nonsense": 1})
    with pytest.raises(UsageError, match="data"):
        EvaluateRequest.from_job({"model": "a"}, {})
