"""``psma train`` with its real worker: killed, cancelled, gone on from; what it says and what it leaves."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.sampling.settings import Augmentation, PatchRule, SamplingSettings  # noqa: E402
from psmacore.ai.training.recipe import (  # noqa: E402
    TRAINING_FILE,
    LossKind,
    LossSettings,
    OptimiserSettings,
    Recipe,
    RecipeBook,
    ScheduleKind,
    ScheduleSettings,
    Selection,
    ValidationSettings,
    Variant,
    write_recipes,
)
from psmacore.registry.catalog import open_model  # noqa: E402
from psmacore.registry.read import write_manifest  # noqa: E402
from psmacore.registry.verify import verify  # noqa: E402
from Testing.core.ai.data.folders import a_deep_psma_case  # noqa: E402
from Testing.core.cli.psma_process import (  # noqa: E402
    Outcome,
    Running,
    assert_refused,
    everything_below,
    psma,
    running_psma,
    wait_until,
)
from Testing.tiny_models import tiny_lesion_manifest  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for the worker in /proc"),
]

NAME = "tiny-lesions"
RECIPE = Recipe(
    variant=Variant.OWN,
    source="a test",
    epochs=4,
    batch_size=2,
    loss=LossSettings(LossKind.DICE_CE),
    optimiser=OptimiserSettings(1e-2),
    schedule=ScheduleSettings(ScheduleKind.COSINE),
    validation=ValidationSettings(Selection.VALIDATION_DSC),
    sampling=SamplingSettings(PatchRule.TUMOUR_PHYSIOLOGICAL, patches_per_case=1, augmentation=Augmentation.TRIVIAL),
    steps_per_epoch=10,
)


@pytest.fixture(scope="module")
def a_data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for number in range(3):
        a_deep_psma_case(folder / f"train_{number:04d}")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models")
    manifest = replace(tiny_lesion_manifest(NAME), training=None)
    write_manifest(manifest, folder / NAME)
    write_recipes(RecipeBook((RECIPE,)), folder / NAME / TRAINING_FILE)
    return str(folder)


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    folder = tmp_path / "parent"
    folder.mkdir()
    return folder


def arguments(data: Path, out: Path, *more: str) -> tuple[object, ...]:
    return ("train", NAME, "--data", data, "--out", out, "--device", "cpu", "--threads", "1", *more)


def train(data: Path, out: Path, models: str, *more: str) -> Outcome:
    return psma(*arguments(data, out, *more), PSMA_MODELS=models)


@pytest.fixture
def a_training(a_data_set: Path, models: str, parent: Path) -> Iterator[Running]:
    """A training that writes a checkpoint after every step, in the middle of its epochs."""
    command = arguments(a_data_set, parent / NAME, "--checkpoint-minutes", "0")
    with running_psma(*command, PSMA_MODELS=models) as running:
        wait_until(lambda: any(parent.glob("*.checkpoints/*/checkpoint.pt")), seconds=200)
        yield running


def test_a_killed_training_goes_on_to_the_weights_of_an_uninterrupted_one(
    a_training: Running, a_data_set: Path, models: str, parent: Path, tmp_path: Path
) -> None:
    os.kill(a_training.worker_pid(), signal.SIGKILL)
    assert_refused(a_training.outcome(), 1, "the worker was killed by signal 9 (SIGKILL)")
    assert [path.name for path in parent.iterdir()] == [f"{NAME}.checkpoints"]

    refused = train(a_data_set, parent / NAME, models)
    resumed = train(a_data_set, parent / NAME, models, "--resume", "--json")
    whole = train(a_data_set, tmp_path / "whole" / NAME, models, "--json")

    assert_refused(refused, 2, "an unfinished training lies in", "--resume")
    assert resumed.code == 0, resumed.err
    assert weights_of(resumed) == weights_of(whole)
    assert "the training goes on from its checkpoint" in resumed.err
    assert [path.name for path in parent.iterdir()] == [NAME]
    model = open_model(parent / NAME)
    verify(model)
    assert model.manifest.weights_sha256 == weights_of(resumed)


def weights_of(outcome: Outcome) -> Any:
    (model,) = outcome.json["models"]
    return model["weights_sha256"]


def test_a_cancelled_training_leaves_where_it_was(a_data_set: Path, models: str, parent: Path) -> None:
    """No checkpoint was due yet: it is written because the training was asked to end."""
    with running_psma(*arguments(a_data_set, parent / NAME, "--epochs", "1000"), PSMA_MODELS=models) as running:
        wait_until(lambda: any(parent.glob("*.checkpoints/training.log")), seconds=200)
        log = parent / f"{NAME}.checkpoints" / "training.log"
        wait_until(lambda: "epoch 1:" in log.read_text(), seconds=200)
        running.signal(signal.SIGTERM)
        outcome = running.outcome()

    assert outcome.code == 130, outcome.err
    assert "--resume goes on" in outcome.err
    assert (parent / f"{NAME}.checkpoints" / NAME / "checkpoint.pt").is_file()
    assert not (parent / NAME).exists()
    assert not list(parent.glob("*.partial-*"))


def test_a_folder_without_cases_is_input_refused(models: str, parent: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    outcome = train(tmp_path / "empty", parent / NAME, models)

    assert outcome.code == 3, outcome.err
    assert "no data set of a known layout" in outcome.err
    assert everything_below(parent) == set()


def test_an_ended_training_says_what_it_found(a_data_set: Path, models: str, parent: Path) -> None:
    outcome = train(a_data_set, parent / NAME, models, "--epochs", "1", "--max-hours", "1")

    assert outcome.code == 0, outcome.err
    assert f"{NAME}: validation score " in outcome.out
    assert "train: epoch 1: training loss" in outcome.err
    assert not (parent / f"{NAME}.checkpoints").exists()
