"""What ``psma train`` refuses before any worker starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from psmacore.cli.main import main
from psmacore.errors import UsageError
from psmacore.pipeline.train_request import TrainRequest, checkpoints_folder


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("PSMA_MODELS", str(folder))
    return folder


def test_an_unknown_model_is_a_model_missing(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["train", "no-such-net", "--data", str(tmp_path), "--out", str(tmp_path / "out")])

    assert code == 5
    assert "no model is named 'no-such-net'; there are: deep-psma" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--data", "nowhere"], "--data: no such folder"),
        (["--data", ".", "--recipe", "nowhere"], "--recipe: no such file"),
        (["--data", ".", "--split", "nowhere"], "--split: no such file"),
        (["--data", ".", "--fold", "some"], "--fold must be a number or 'all', not 'some'"),
        (["--data", ".", "--epochs", "0"], "--epochs must be at least 1, not 0"),
        (["--data", ".", "--threads", "0"], "--threads must be at least 1, not 0"),
        (["--data", ".", "--max-hours", "0"], "--max-hours must be more than 0, not 0"),
        (["--data", ".", "--max-hours", "nan"], "--max-hours must be more than 0, not nan"),
        (["--data", ".", "--checkpoint-minutes", "-1"], "--checkpoint-minutes must not be negative: -1"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "study-cnn", *options]) == 2
    assert words in capsys.readouterr().err


def test_a_request_is_read_back_from_its_job(tmp_path: Path) -> None:
    request = TrainRequest(
        model="study-cnn", data=tmp_path, recipe=tmp_path / "r.json", split=tmp_path / "s.json",
        start="other", variant="code", epochs=3, fold="all", device="cpu", is_resumed=True, max_hours=1.5, threads=2,
        checkpoint_minutes=1.0,
    )  # fmt: skip

    assert TrainRequest.from_job(request.inputs(), request.parameters()) == request


@pytest.mark.parametrize(
    ("inputs", "parameters", "words"),
    [
        ({"model": "a"}, {}, "missing key data"),
        ({"model": "a", "data": "b", "more": 1}, {}, "unknown key more"),
        ({"model": "a", "data": "b"}, {"device": "tpu"}, "--device must be one of auto, cpu, cuda, not 'tpu'"),
        ({"model": "a", "data": "b"}, {"variant": "best"}, "--variant must be one of paper, code, own, not 'best'"),
        ({"model": "a", "data": "b"}, {"epochs": "many"}, "epochs: a number is needed, not 'many'"),
    ],
)
def test_a_wrong_job_is_refused(inputs: dict[str, object], parameters: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TrainRequest.from_job(inputs, parameters)


def test_an_unfinished_training_lies_beside_its_result() -> None:
    assert checkpoints_folder(Path("/models/net")) == Path("/models/net.checkpoints")
