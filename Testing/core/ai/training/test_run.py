from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.networks.build import network_of  # noqa: E402
from psmacore.ai.sampling.settings import PatchRule, SamplingSettings  # noqa: E402
from psmacore.ai.training.recipe import (  # noqa: E402
    TRAINING_FILE,
    LossKind,
    LossSettings,
    OptimiserSettings,
    Recipe,
    RecipeBook,
    Selection,
    ValidationSettings,
    Variant,
    read_recipes,
    write_recipes,
)
from psmacore.ai.training.run import Trainings, run_training  # noqa: E402
from psmacore.ai.weights import load_weights  # noqa: E402
from psmacore.errors import (  # noqa: E402
    CancelledError,
    InputRefusedError,
    ModelMissingError,
    ModelUnfitError,
    TrainingError,
    UsageError,
)
from psmacore.locks import try_own  # noqa: E402
from psmacore.pipeline.train_request import TrainRequest  # noqa: E402
from psmacore.registry.catalog import find_model, open_model  # noqa: E402
from psmacore.registry.manifest import Manifest  # noqa: E402
from psmacore.registry.read import write_manifest  # noqa: E402
from psmacore.registry.verify import verify  # noqa: E402
from Testing.tiny_models import tiny_classifier_manifest, tiny_lesion_manifest, tiny_paired_manifest  # noqa: E402

NAME = "tiny"


def a_recipe(**changes: Any) -> Recipe:
    recipe = Recipe(
        variant=Variant.OWN,
        source="a test",
        epochs=2,
        batch_size=2,
        loss=LossSettings(LossKind.DICE_CE),
        optimiser=OptimiserSettings(1e-2),
        validation=ValidationSettings(Selection.VALIDATION_DSC),
        sampling=SamplingSettings(PatchRule.TUMOUR_PHYSIOLOGICAL, patches_per_case=1),
        steps_per_epoch=1,
    )
    return replace(recipe, **changes)


def offer(models_folder: Path, manifest: Manifest, *recipes: Recipe) -> None:
    named = replace(manifest, name=NAME, training=None)
    write_manifest(named, models_folder / NAME)
    write_recipes(RecipeBook(recipes or (a_recipe(),)), models_folder / NAME / TRAINING_FILE)


def train(data: Path, out: Path, *, tell: Callable[[str, float], None] | None = None, **options: Any) -> Trainings:
    request = TrainRequest(model=NAME, data=data, device="cpu", **options)
    out.mkdir(exist_ok=True)
    checkpoints = out.with_name("checkpoints")
    return run_training(
        request, out, checkpoints, device=torch.device("cpu"), tell=tell or (lambda _words, _done: None)
    )


def test_a_training_leaves_a_model_that_verifies_and_loads(
    models_folder: Path, a_data_set: Path, tmp_path: Path
) -> None:
    offer(models_folder, tiny_paired_manifest())
    fractions: list[float] = []

    done = train(a_data_set, tmp_path / NAME, tell=lambda _words, part: fractions.append(part))

    model = open_model(tmp_path / NAME)
    assert done.manifests == (model.manifest,)
    verify(model)
    load_weights(network_of(model.manifest), model)
    assert {path.name for path in (tmp_path / NAME).iterdir()} == {
        "curves.csv", "curves.png", "manifest.json", "split.json", "training.json", "training.log",
        "weights.safetensors",
    }  # fmt: skip
    assert model.manifest.training is not None
    assert model.manifest.training.data.startswith("6 cases of 3 patients in the layout of DEEP-PSMA")
    assert {metric.name for metric in model.manifest.metrics} >= {"validation_score", "validation_loss"}
    assert read_recipes(tmp_path / NAME / TRAINING_FILE).recipes == (a_recipe(),)
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0
    assert not list((tmp_path / "checkpoints").glob("cases/*"))


def test_a_model_that_has_weights_is_trained_anew(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    offer(models_folder, tiny_paired_manifest())
    first = train(a_data_set, tmp_path / "first").manifests[0]
    shutil.copytree(tmp_path / "first", models_folder / NAME, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "checkpoints")
    assert find_model(NAME).manifest.weights_sha256 == first.weights_sha256

    again = train(a_data_set, tmp_path / NAME).manifests[0]

    assert again == first


@pytest.mark.parametrize("by_name", [True, False])
def test_weights_are_trained_further(models_folder: Path, a_data_set: Path, tmp_path: Path, by_name: bool) -> None:
    """With a rate of zero the network stays what it began as: the other model's weights."""
    offer(models_folder, tiny_paired_manifest())
    before = train(a_data_set, tmp_path / "before").manifests[0]
    shutil.copytree(tmp_path / "before", models_folder / NAME, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "checkpoints")
    still = a_recipe(optimiser=OptimiserSettings(0.0), epochs=1, seed=5)
    write_recipes(RecipeBook((still,)), models_folder / NAME / TRAINING_FILE)
    start = NAME if by_name else str(tmp_path / "before")

    (after,) = train(a_data_set, tmp_path / NAME, start=start).manifests

    assert after.weights_sha256 == before.weights_sha256
    assert after.training is not None
    assert after.training.data.endswith(
        f"; began with the weights of tiny 1.0.0 ({before.weights_sha256}), trained on: {before.training.data}"
        if before.training is not None
        else "?"
    )


def test_weights_of_another_network_are_no_start(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    offer(models_folder, tiny_paired_manifest())
    train(a_data_set, tmp_path / "paired")
    shutil.rmtree(tmp_path / "checkpoints")
    offer(models_folder, tiny_lesion_manifest())

    with pytest.raises(ModelUnfitError, match=r"unknown tensors: input_block\.conv3"):
        train(a_data_set, tmp_path / NAME, start=str(tmp_path / "paired"))


def test_a_recipe_is_no_start(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    offer(models_folder, tiny_lesion_manifest())

    with pytest.raises(ModelMissingError, match=NAME):
        train(a_data_set, tmp_path / NAME, start=NAME)


def test_no_patient_is_on_two_sides(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    """D07, W70: both copies of a case go together."""
    offer(models_folder, tiny_paired_manifest())
    train(a_data_set, tmp_path / NAME)

    (fold,) = json.loads((tmp_path / NAME / "split.json").read_text())["folds"]

    sides = [set(fold[side]) for side in ("train", "validation", "test")]
    assert [len(side) for side in sides] == [3, 1, 1]
    assert len(set.union(*sides)) == 5


@pytest.mark.slow
def test_all_folds_give_a_weights_file_each(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    """D16."""
    offer(models_folder, tiny_lesion_manifest(), a_recipe(steps_per_epoch=None))
    done = train(a_data_set, tmp_path / "folds", fold="all", epochs=1)

    assert len({manifest.weights_sha256 for manifest in done.manifests}) == 5
    held_out = []
    for number, folder in enumerate(done.folders):
        assert folder.name == f"{NAME}-fold{number}"
        verify(open_model(folder))
        (fold,) = json.loads((folder / "split.json").read_text())["folds"]
        held_out += fold["validation"]
    assert sorted(held_out) == [f"train_{number:04d}" for number in range(5)]
    assert len(json.loads((tmp_path / "folds" / "cross_validation.json").read_text())["folds"]) == 5


def test_one_fold_validates_on_its_own_patients(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    offer(models_folder, tiny_lesion_manifest())
    train(a_data_set, tmp_path / NAME, fold=3, epochs=1)

    (fold,) = json.loads((tmp_path / NAME / "split.json").read_text())["folds"]

    assert (len(fold["train"]), len(fold["validation"]), fold["test"]) == (4, 1, [])


def test_a_split_file_wins(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    offer(models_folder, tiny_lesion_manifest())
    patients = [f"train_{number:04d}" for number in range(5)]
    fold = {"train": patients[:1], "validation": patients[1:2], "test": patients[2:]}
    (tmp_path / "own.json").write_text(json.dumps({"schema": "psma-splits/1", "folds": [fold]}))

    train(a_data_set, tmp_path / NAME, split=tmp_path / "own.json", epochs=1)

    assert json.loads((tmp_path / NAME / "split.json").read_text())["folds"] == [fold]


def test_a_classifier_is_given_constants_and_an_operating_point(
    models_folder: Path, a_data_set: Path, tmp_path: Path
) -> None:
    """W72, W74."""
    (pet,) = tiny_classifier_manifest().inputs
    manifest = replace(tiny_classifier_manifest(), inputs=(replace(pet, parameters={}),))
    recipe = a_recipe(
        loss=LossSettings(LossKind.BCE),
        validation=ValidationSettings(Selection.VALIDATION_LOSS),
        sampling=SamplingSettings(PatchRule.WHOLE, patches_per_case=1),
    )
    offer(models_folder, manifest, recipe)

    (trained,) = train(a_data_set, tmp_path / NAME).manifests

    assert set(trained.inputs[0].parameters) == {"mean", "sd"}
    assert trained.inputs[0].parameters["sd"] > 0
    assert 0 < trained.operating_point < 1


def test_the_variant_that_was_run_is_recorded(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    """D14."""
    code = a_recipe(variant=Variant.CODE, optimiser=OptimiserSettings(1e-2, weight_decay=1e-5), epochs=1)
    offer(models_folder, tiny_lesion_manifest(), a_recipe(variant=Variant.PAPER), code)

    train(a_data_set, tmp_path / NAME, variant="code")

    assert read_recipes(tmp_path / NAME / TRAINING_FILE).recipes == (code,)


def test_an_unfinished_training_is_gone_on_from_only_when_asked(
    models_folder: Path, a_data_set: Path, tmp_path: Path
) -> None:
    offer(models_folder, tiny_lesion_manifest())
    train(a_data_set, tmp_path / "start", epochs=1)
    shutil.rmtree(tmp_path / "checkpoints")
    a_start = str(tmp_path / "start")

    def ending(words: str, _done: float) -> None:
        if words.startswith("epoch 2"):
            raise CancelledError("ended in a test")

    with pytest.raises(CancelledError):
        train(a_data_set, tmp_path / NAME, tell=ending)
    with pytest.raises(UsageError, match=r"an unfinished training lies in .*--resume"):
        train(a_data_set, tmp_path / NAME)
    with pytest.raises(TrainingError, match="made with another start"):
        train(a_data_set, tmp_path / NAME, is_resumed=True, start=a_start)
    resumed = train(a_data_set, tmp_path / NAME, is_resumed=True)
    whole_out = tmp_path / "other" / NAME
    whole_out.parent.mkdir()
    whole = train(a_data_set, whole_out)

    assert resumed.manifests[0].weights_sha256 == whole.manifests[0].weights_sha256


def test_two_trainings_into_one_folder_do_not_meet(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    offer(models_folder, tiny_lesion_manifest())
    (tmp_path / "checkpoints").mkdir()
    lock = try_own(tmp_path / "checkpoints" / "lock")
    assert lock is not None

    with pytest.raises(UsageError, match="another process trains in"):
        train(a_data_set, tmp_path / NAME)
    lock.release()


def test_an_unknown_model_is_missing(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="no model is named 'tiny'"):
        train(a_data_set, tmp_path / NAME)


def test_a_folder_without_cases_is_refused(models_folder: Path, tmp_path: Path) -> None:
    offer(models_folder, tiny_lesion_manifest())
    (tmp_path / "empty").mkdir()

    with pytest.raises(InputRefusedError, match="no data set of a known layout"):
        train(tmp_path / "empty", tmp_path / NAME)


def test_a_fold_that_there_is_not_is_refused(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    offer(models_folder, tiny_lesion_manifest())

    with pytest.raises(UsageError, match="--fold 5: there are folds 0 to 4, or all"):
        train(a_data_set, tmp_path / NAME, fold=5)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (LossSettings(LossKind.BCE), "a loss bce does not belong to it"),
        (LossSettings(LossKind.DICE, class_weights=(1.0,)), "1 class weights for the 2 outputs"),
    ],
)
def test_a_recipe_that_is_not_the_models_is_refused(
    loss: LossSettings, words: str, models_folder: Path, a_data_set: Path, tmp_path: Path
) -> None:
    offer(models_folder, tiny_lesion_manifest(), a_recipe(loss=loss))

    with pytest.raises(ModelUnfitError, match=words):
        train(a_data_set, tmp_path / NAME)


def test_a_gated_loss_needs_a_thresholded_model(models_folder: Path, a_data_set: Path, tmp_path: Path) -> None:
    manifest = tiny_lesion_manifest()
    free = replace(manifest, validity=replace(manifest.validity, is_thresholded=False))
    offer(models_folder, free, a_recipe(loss=LossSettings(LossKind.DICE, is_gated=True)))

    with pytest.raises(ModelUnfitError, match="its loss cannot be gated"):
        train(a_data_set, tmp_path / NAME)


def test_a_gated_loss_needs_thresholds_in_the_data(
    models_folder: Path, a_data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psmacore.ai.training import cases

    monkeypatch.setattr(cases, "_gate_levels", lambda _manifest, _case: None)
    offer(models_folder, tiny_lesion_manifest(), a_recipe(loss=LossSettings(LossKind.DICE, is_gated=True)))

    with pytest.raises(InputRefusedError, match="which this data set does not state"):
        train(a_data_set, tmp_path / NAME)


def test_validation_cases_without_anything_to_find_are_refused_at_once(
    models_folder: Path, a_data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psmacore.ai.training import cases

    def without_lesions(*arguments: Any) -> Any:
        case = load(*arguments)
        assert case.target is not None
        return replace(case, target=0 * case.target)

    load = cases.load_case
    monkeypatch.setattr(cases, "load_case", without_lesions)
    offer(models_folder, tiny_lesion_manifest())

    with pytest.raises(InputRefusedError, match="none of the 1 validation cases holds anything for tiny"):
        train(a_data_set, tmp_path / NAME)
