from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from psmacore.ai.sampling.settings import Augmentation, PatchRule
from psmacore.ai.training.recipe import (
    TRAINING_FILE,
    CrossEntropy,
    LossKind,
    LossSettings,
    OptimiserKind,
    OptimiserSettings,
    Precision,
    Recipe,
    RecipeBook,
    ScheduleKind,
    Selection,
    ValidationSettings,
    Variant,
    read_recipes,
    write_recipes,
)
from psmacore.errors import ModelMissingError, ModelUnfitError, UsageError
from psmacore.registry.catalog import shipped_models_folder


def shipped(name: str, variant: Variant | None = None) -> Recipe:
    return read_recipes(shipped_models_folder() / name / TRAINING_FILE).recipe(variant)


def a_recipe() -> Recipe:
    return Recipe(
        variant=Variant.OWN,
        source="a test",
        epochs=2,
        batch_size=1,
        loss=LossSettings(LossKind.DICE, class_weights=(1.0, 2.0)),
        optimiser=OptimiserSettings(1e-3),
        validation=ValidationSettings(Selection.VALIDATION_DSC, max_cases=3),
    )


@pytest.mark.parametrize("name", ["prostate-unet2d", "prostate-unet3d", "prostate-attention-unet"])
def test_prostate_recipes_are_the_papers(name: str) -> None:
    """W65, W67."""
    recipe = shipped(name)

    assert recipe.variant is Variant.PAPER
    assert recipe.loss.kind is LossKind.DICE
    assert (recipe.optimiser.kind, recipe.optimiser.learning_rate) == (OptimiserKind.ADAM, 1e-4)
    assert (recipe.epochs, recipe.schedule.kind) == (600, ScheduleKind.CONSTANT)
    assert recipe.validation.selection is Selection.VALIDATION_DSC
    assert recipe.sampling.rule is PatchRule.POSITIVE_NEGATIVE
    assert recipe.sampling.patches_per_case == (16 if name.endswith("2d") else 4)


@pytest.mark.parametrize("name", ["study-cnn", "study-resnet50"])
def test_classifier_recipes_are_the_papers(name: str) -> None:
    """W72-W74."""
    recipe = shipped(name)

    assert recipe.loss.kind is LossKind.BCE
    assert (recipe.optimiser.kind, recipe.optimiser.learning_rate) == (OptimiserKind.ADAM, 1e-4)
    assert recipe.schedule.kind is ScheduleKind.PLATEAU
    assert recipe.validation.selection is Selection.VALIDATION_LOSS
    assert recipe.sampling.rule is PatchRule.WHOLE


@pytest.mark.parametrize("name", ["lesion-unet-psma", "lesion-unet-fdg"])
def test_lesion_recipes_are_the_papers(name: str) -> None:
    """W81, W83."""
    recipe = shipped(name)

    assert recipe.loss.kind is LossKind.DICE
    assert (recipe.optimiser.kind, recipe.optimiser.learning_rate) == (OptimiserKind.ADAM, 1e-4)
    assert (recipe.batch_size, recipe.epochs, recipe.schedule.kind) == (4, 500, ScheduleKind.CONSTANT)
    assert recipe.validation.selection is Selection.VALIDATION_DSC
    assert (recipe.sampling.rule, recipe.sampling.patches_per_case) == (PatchRule.POSITIVE_NEGATIVE, 4)


@pytest.mark.parametrize("variant", [Variant.PAPER, Variant.CODE])
def test_both_deep_psma_recipes_share_what_report_and_code_agree_on(variant: Variant) -> None:
    """D04, D06, D11, D12, D14, D15."""
    recipe = shipped("deep-psma", variant)

    assert recipe.variant is variant
    assert recipe.loss.kind is LossKind.DICE_CE
    assert (recipe.loss.is_squared, recipe.loss.smooth_numerator, recipe.loss.smooth_denominator) == (True, 0.0, 1e-5)
    assert (recipe.optimiser.kind, recipe.optimiser.learning_rate) == (OptimiserKind.ADAM, 2e-4)
    assert (recipe.epochs, recipe.batch_size, recipe.supervision_decay) == (500, 4, 0.5)
    assert recipe.validation.selection is Selection.VALIDATION_LOSS
    assert (recipe.sampling.rule, recipe.sampling.tumour_probability) == (PatchRule.TUMOUR_PHYSIOLOGICAL, 2 / 3)
    assert recipe.sampling.augmentation is Augmentation.TRIVIAL
    assert (recipe.sampling.rotation_deg, recipe.sampling.scale, recipe.sampling.flip_axes) == (
        10,
        (0.9, 1.4),
        (0, 1, 2),
    )
    assert not recipe.sampling.has_channel_drop
    assert not recipe.sampling.has_gamma_masks


def test_deep_psma_recipes_name_where_report_and_code_differ() -> None:
    """D14: cosine in the report, and by default; PolynomialLR, weight decay and bf16 in the released code."""
    paper, code = shipped("deep-psma"), shipped("deep-psma", Variant.CODE)

    assert (paper.variant, code.variant) == (Variant.PAPER, Variant.CODE)
    assert (paper.schedule.kind, code.schedule.kind) == (ScheduleKind.COSINE, ScheduleKind.POLYNOMIAL)
    assert (paper.optimiser.weight_decay, code.optimiser.weight_decay) == (0.0, 1e-5)
    assert (code.schedule.power, code.precision, code.validation.every) == (0.9, Precision.BF16, 5)
    assert (paper.loss.cross_entropy, code.loss.cross_entropy) == (CrossEntropy.BINARY, CrossEntropy.CATEGORICAL)


def test_every_shipped_model_has_a_recipe_that_reads() -> None:
    folders = [path.parent for path in shipped_models_folder().glob("*/manifest.json")]

    assert len(folders) >= 9
    assert all(read_recipes(folder / TRAINING_FILE).recipes for folder in folders)


def test_a_recipe_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    book = RecipeBook((a_recipe(), replace(a_recipe(), variant=Variant.CODE, steps_per_epoch=4)))

    assert read_recipes(write_recipes(book, tmp_path / TRAINING_FILE)) == book


def test_a_variant_that_a_model_lacks_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"code: this model's training\.json has paper"):
        shipped("study-cnn", Variant.CODE)


def test_a_folder_without_a_recipe_cannot_train(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"has no training.json"):
        read_recipes(tmp_path / TRAINING_FILE)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("epochs", 0, "epochs must be at least 1"),
        ("epochs", "many", "epochs: int is needed, not 'many'"),
        ("epochs", True, "epochs: int is needed, not True"),
        ("variant", "best", "variant: one of paper, code, own, not 'best'"),
        ("optimiser", {"learning_rate": 1e-3, "momentum": 1}, "optimiser: unknown key momentum"),
        ("optimiser", {}, "optimiser: missing key learning_rate"),
        ("loss", [], "loss: an object is needed"),
        ("loss", {"kind": "dice_ce", "voxel_step": 2}, "voxel_step must be 1 or, of a loss ce, more; not 2"),
        ("loss", {"kind": "ce", "voxel_step": 0}, "voxel_step must be 1 or, of a loss ce, more; not 0"),
        ("sampling", {"scale": [1.0]}, "scale: 2 values are needed, not 1"),
        ("sampling", {"tumour_probability": 2}, "tumour_probability must lie in 0 to 1"),
        ("validation", {"selection": "validation_dsc", "every": 0}, "every 0 epochs is never"),
        ("steps_per_epoch", 0, "steps_per_epoch must be at least 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(tmp_path: Path, key: str, value: object, words: str) -> None:
    path = write_recipes(RecipeBook((a_recipe(),)), tmp_path / TRAINING_FILE)
    record = json.loads(path.read_text())
    record["recipes"][0][key] = value
    path.write_text(json.dumps(record))

    with pytest.raises(ModelUnfitError, match=words):
        read_recipes(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ('{"schema": "psma-training/2", "recipes": []}', "schema must be psma-training/1"),
        ('{"schema": "psma-training/1", "recipes": []}', "no recipe"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / TRAINING_FILE).write_text(text)

    with pytest.raises(ModelUnfitError, match=words):
        read_recipes(tmp_path / TRAINING_FILE)
