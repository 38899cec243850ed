from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.sampling.settings import Augmentation, PatchRule, SamplingSettings  # noqa: E402
from psmacore.ai.training.gates import is_gated  # noqa: E402
from psmacore.ai.training.history import Validated  # noqa: E402
from psmacore.ai.training.parts import Limits  # noqa: E402
from psmacore.ai.training.recipe import (  # noqa: E402
    LossKind,
    LossSettings,
    Precision,
    ScheduleKind,
    ScheduleSettings,
    Selection,
    ValidationSettings,
)
from psmacore.errors import CancelledError  # noqa: E402
from psmacore.registry.manifest import Architecture, Manifest  # noqa: E402
from Testing.core.ai.training.trainers import (  # noqa: E402
    LESIONS,
    ORGANS,
    PAIRED,
    PROSTATE,
    PROSTATE_2D,
    SMALL,
    STUDY,
    Item,
    Scores,
    a_recipe,
    a_trainer,
    assert_equal_weights,
    quiet,
)


def studies() -> list[Item]:
    """Four volumes, two with a bright block."""
    found: list[Item] = []
    for number in range(4):
        image = 0.1 * torch.randn((1, 16, 16, 16), generator=torch.Generator().manual_seed(number))
        if number % 2:
            image[:, 4:12, 4:12, 4:12] += 3.0
        found.append({"image": image, "label": torch.tensor([float(number % 2)]), "gate_levels": None})
    return found


@pytest.mark.parametrize(
    ("manifest", "is_gated_loss", "n_steps"),
    [
        pytest.param(LESIONS, False, 60, id="lesions", marks=pytest.mark.slow),
        pytest.param(LESIONS, True, 20, id="lesions, gated"),
        pytest.param(PAIRED, True, 100, id="paired, supervised", marks=pytest.mark.slow),
        pytest.param(PROSTATE, False, 100, id="prostate", marks=pytest.mark.slow),
        pytest.param(PROSTATE_2D, False, 20, id="prostate, 2D"),
        pytest.param(ORGANS, False, 100, id="organs", marks=pytest.mark.slow),
    ],
)
def test_a_small_network_learns_one_case_by_heart(
    manifest: Manifest, is_gated_loss: bool, n_steps: int, a_case_of: Callable[[Manifest], Item], tmp_path: Path
) -> None:
    """W66, W67, W82, W83, D04: every kind of model can be trained."""
    recipe = a_recipe(
        manifest,
        epochs=2,
        steps_per_epoch=n_steps,
        loss=LossSettings(LossKind.DICE_CE, is_batch_dice=True, is_gated=is_gated_loss),
        schedule=ScheduleSettings(ScheduleKind.ONE_CYCLE),
        batch_size=8 if manifest is PROSTATE_2D else 2,
        sampling=SamplingSettings(PatchRule.BY_CLASS, patches_per_case=2),
        validation=ValidationSettings(Selection.VALIDATION_DSC, every=2),
    )
    trained = a_trainer(manifest, recipe, [a_case_of(manifest)], tmp_path).train(quiet)

    assert trained.best.validated is not None
    assert trained.best.validated.score > 0.9
    assert trained.history[-1].train_loss < 0.6 * trained.history[0].train_loss
    assert is_gated(manifest) == manifest.validity.is_thresholded


def test_a_classifier_learns_to_tell_studies_apart(tmp_path: Path) -> None:
    """W73, W74."""
    recipe = a_recipe(
        STUDY,
        epochs=12,
        batch_size=4,
        steps_per_epoch=None,
        sampling=SamplingSettings(PatchRule.WHOLE, patches_per_case=1, augmentation=Augmentation.TRIVIAL),
    )
    trained = a_trainer(STUDY, recipe, studies(), tmp_path).train(quiet)

    assert trained.best.validated is not None
    assert trained.best.validated.score == 1.0
    assert trained.best.validated.loss < 0.5 * trained.history[0].train_loss


def test_the_same_seed_gives_the_same_weights(a_case_of: Callable[[Manifest], Item], tmp_path: Path) -> None:
    recipe = a_recipe(LESIONS, epochs=1)
    runs = [a_trainer(LESIONS, recipe, [a_case_of(LESIONS)], tmp_path / name).train(quiet) for name in ("a", "b")]

    assert_equal_weights(runs[0].weights, runs[1].weights)


@pytest.mark.parametrize(
    ("schedule", "stops_at"), [(ScheduleKind.COSINE, 1), (ScheduleKind.ONE_CYCLE, 3), (ScheduleKind.PLATEAU, 7)]
)
def test_a_training_left_and_taken_up_equals_the_uninterrupted_one(
    schedule: ScheduleKind, stops_at: int, a_case_of: Callable[[Manifest], Item], tmp_path: Path
) -> None:
    """Bit for bit: weights, optimiser, rate, order and augmentation go on, dropout included."""
    manifest = replace(LESIONS, architecture=Architecture("unet", {**SMALL, "spatial_dims": 3, "dropout": 0.3}))
    sampling = SamplingSettings(PatchRule.BY_CLASS, patches_per_case=3, augmentation=Augmentation.TRIVIAL)
    recipe = a_recipe(manifest, epochs=2, schedule=ScheduleSettings(schedule), sampling=sampling)
    cases = [a_case_of(manifest)]
    whole = a_trainer(manifest, recipe, cases, tmp_path / "whole").train(quiet)

    with pytest.raises(CancelledError):
        a_trainer(manifest, recipe, cases, tmp_path / "cut").train(stopping_after(stops_at))
    torch.manual_seed(99)
    other = a_trainer(manifest, recipe, cases, tmp_path / "cut")
    was_there = other.resume()
    resumed = other.train(quiet)

    assert was_there
    assert_equal_weights(whole.weights, resumed.weights)
    assert [(one.train_loss, one.learning_rate) for one in resumed.history] == [
        (one.train_loss, one.learning_rate) for one in whole.history
    ]
    assert resumed.best.validated == whole.best.validated


def stopping_after(n_calls: int) -> Callable[[str, float], None]:
    n_left = [n_calls]

    def tell(_words: str, _done: float) -> None:
        n_left[0] -= 1
        if n_left[0] == 0:
            raise CancelledError("ended in a test")

    return tell


def test_without_a_checkpoint_there_is_nothing_to_take_up(
    a_case_of: Callable[[Manifest], Item], tmp_path: Path
) -> None:
    assert not a_trainer(LESIONS, a_recipe(LESIONS), [a_case_of(LESIONS)], tmp_path).resume()


def test_checkpoints_are_written_as_often_as_asked(a_case_of: Callable[[Manifest], Item], tmp_path: Path) -> None:
    recipe = a_recipe(LESIONS, epochs=1)
    written: list[float] = []

    def watch(_words: str, _done: float) -> None:
        path = tmp_path / "checkpoint.pt"
        written.append(path.stat().st_mtime_ns if path.exists() else 0)

    a_trainer(LESIONS, recipe, [a_case_of(LESIONS)], tmp_path, limits=Limits(checkpoint_every_s=0.0)).train(watch)

    assert len(set(written)) >= 4


@pytest.mark.parametrize(
    ("selection", "expected"), [(Selection.VALIDATION_DSC, 2), (Selection.VALIDATION_LOSS, 3)], ids=str
)
def test_the_weights_of_the_best_validation_are_kept(
    selection: Selection, expected: int, a_case_of: Callable[[Manifest], Item], tmp_path: Path
) -> None:
    """W67, W83: DSC on the validation cases; D15: the validation loss."""
    recipe = a_recipe(LESIONS, epochs=4, steps_per_epoch=1, validation=ValidationSettings(selection))
    scores = Scores(
        Validated(0.5, float("nan")), Validated(0.4, 0.8), Validated(0.3, 0.7), Validated(float("nan"), 0.8)
    )
    states: list[dict[str, Any]] = []
    trainer = a_trainer(LESIONS, recipe, [a_case_of(LESIONS)], tmp_path, validator=scores)
    network = trainer._parts.network

    def watch(words: str, _done: float) -> None:
        if "validation" in words:
            states.append({name: value.clone() for name, value in network.state_dict().items()})

    trained = trainer.train(watch)

    assert trained.best.epoch == expected
    assert_equal_weights(trained.weights, states[expected - 1])


def test_validation_comes_every_so_many_epochs_and_at_the_end(
    a_case_of: Callable[[Manifest], Item], tmp_path: Path
) -> None:
    """D14: every 5 epochs in the released code."""
    settings = ValidationSettings(Selection.VALIDATION_DSC, every=2)
    recipe = a_recipe(LESIONS, epochs=5, steps_per_epoch=1, validation=settings)
    scores = Scores(*(Validated(0.5, 0.5) for _ in range(3)))

    trained = a_trainer(LESIONS, recipe, [a_case_of(LESIONS)], tmp_path, validator=scores).train(quiet)

    assert [record.validated is not None for record in trained.history] == [False, True, False, True, True]


def test_hours_end_a_training_with_its_rate_run_down(a_case_of: Callable[[Manifest], Item], tmp_path: Path) -> None:
    recipe = a_recipe(LESIONS, epochs=10_000, schedule=ScheduleSettings(ScheduleKind.ONE_CYCLE))
    fractions: list[float] = []

    trainer = a_trainer(LESIONS, recipe, [a_case_of(LESIONS)], tmp_path, limits=Limits(hours=2 / 3600))
    trained = trainer.train(lambda _words, done: fractions.append(done))

    assert trained.is_cut
    assert trained.history[-1].validated is not None
    assert trained.history[-1].learning_rate < 0.6 * recipe.optimiser.learning_rate
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0


def test_words_say_where_the_training_is_and_how_long_it_takes(
    a_case_of: Callable[[Manifest], Item], tmp_path: Path
) -> None:
    said: list[str] = []

    a_trainer(LESIONS, a_recipe(LESIONS), [a_case_of(LESIONS)], tmp_path).train(lambda words, _done: said.append(words))

    assert any(words.startswith("epoch 1 of 2, step 3 of 4: loss ") and words.endswith(" left") for words in said)
    assert any(words.startswith("epoch 2 of 2") and ", score " in words for words in said)


def test_a_network_learns_in_bfloat16_too(a_case_of: Callable[[Manifest], Item], tmp_path: Path) -> None:
    """D14: bf16 mixed in the released code; weights stay float32."""
    recipe = a_recipe(LESIONS, epochs=1, steps_per_epoch=25, precision=Precision.BF16)

    trained = a_trainer(LESIONS, recipe, [a_case_of(LESIONS)], tmp_path).train(quiet)

    assert {value.dtype for value in trained.weights.values()} == {torch.float32}
    assert trained.best.validated is not None
    assert trained.best.validated.score > 0.7
