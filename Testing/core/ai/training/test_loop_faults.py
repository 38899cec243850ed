from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.training.history import Validated  # noqa: E402
from psmacore.ai.training.recipe import (  # noqa: E402
    OptimiserSettings,
)
from psmacore.errors import TrainingError  # noqa: E402
from psmacore.registry.manifest import Manifest  # noqa: E402
from Testing.core.ai.training.trainers import (  # noqa: E402
    LESIONS,
    Item,
    Scores,
    a_recipe,
    a_trainer,
    quiet,
)


def test_another_trainings_checkpoint_is_refused_by_name(a_case_of: Callable[[Manifest], Item], tmp_path: Path) -> None:
    cases = [a_case_of(LESIONS)]
    a_trainer(LESIONS, a_recipe(LESIONS), cases, tmp_path).save()

    with pytest.raises(TrainingError, match="made with another recipe;"):
        a_trainer(LESIONS, a_recipe(LESIONS, seed=1), cases, tmp_path).resume()


def test_a_full_disk_does_not_end_a_training(
    a_case_of: Callable[[Manifest], Item],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("psmacore.ai.training.loop.save_checkpoint", full)
    with caplog.at_level(logging.WARNING):
        trained = a_trainer(LESIONS, a_recipe(LESIONS, epochs=1), [a_case_of(LESIONS)], tmp_path).train(quiet)

    assert trained.best.epoch == 1
    assert "No space left on device" in caplog.text


def test_a_training_that_never_had_a_score_is_refused(a_case_of: Callable[[Manifest], Item], tmp_path: Path) -> None:
    scores = Scores(Validated(0.5, float("nan")))
    trainer = a_trainer(LESIONS, a_recipe(LESIONS, epochs=1), [a_case_of(LESIONS)], tmp_path, validator=scores)

    with pytest.raises(TrainingError, match="no validation gave a score"):
        trainer.train(quiet)


def test_a_loss_that_is_no_number_is_named(a_case_of: Callable[[Manifest], Item], tmp_path: Path) -> None:
    recipe = a_recipe(LESIONS, optimiser=OptimiserSettings(1e30))

    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) at epoch \d+, step \d+, learning rate 1e\+30"):
        a_trainer(LESIONS, recipe, [a_case_of(LESIONS)], tmp_path).train(quiet)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
    ids=["GPU", "CPU", "Python"],
)
def test_memory_that_runs_out_is_named_with_what_to_do(
    error: Exception, a_case_of: Callable[[Manifest], Item], tmp_path: Path
) -> None:
    recipe, cases = a_recipe(LESIONS), [a_case_of(LESIONS)]
    trainer = a_trainer(LESIONS, recipe, cases, tmp_path)
    trainer._parts.network.register_forward_pre_hook(raising(error))

    with pytest.raises(TrainingError, match=r"2 patches of \(8, 8, 8\) voxels: set batch_size"):
        trainer.train(quiet)


def test_another_error_of_the_network_stays_itself(a_case_of: Callable[[Manifest], Item], tmp_path: Path) -> None:
    trainer = a_trainer(LESIONS, a_recipe(LESIONS), [a_case_of(LESIONS)], tmp_path)
    trainer._parts.network.register_forward_pre_hook(raising(RuntimeError("shapes differ")))

    with pytest.raises(RuntimeError, match="shapes differ"):
        trainer.train(quiet)


def raising(error: Exception) -> Callable[..., None]:
    def hook(*_arguments: object) -> None:
        raise error

    return hook
