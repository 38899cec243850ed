"""Small models of every task, and trainings of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from psmacore.ai.networks.build import is_2d, network_of
from psmacore.ai.sampling.settings import PatchRule, SamplingSettings
from psmacore.ai.sampling.training import training_transform
from psmacore.ai.training.gates import pet_channels
from psmacore.ai.training.history import Validated
from psmacore.ai.training.loop import Trainer
from psmacore.ai.training.losses import build_loss
from psmacore.ai.training.numerics import Numerics
from psmacore.ai.training.parts import Limits, Parts
from psmacore.ai.training.predict import study_prediction, window_prediction
from psmacore.ai.training.recipe import (
    LossKind,
    LossSettings,
    OptimiserSettings,
    Recipe,
    Selection,
    ValidationSettings,
    Variant,
)
from psmacore.ai.training.validate import SegmentationValidator, StudyValidator, Validator
from psmacore.registry.manifest import Architecture, Grid, Manifest, Task
from Testing.core.ai.preprocess.manifests import (
    lesion_manifest,
    organ_manifest,
    paired_manifest,
    prostate_manifest,
    study_manifest,
)

CPU = torch.device("cpu")
SMALL = {"channels": (6, 12), "strides": (2,), "n_residual_units": 1, "norm": "instance"}
Item = Mapping[str, Any]


def small(manifest: Manifest, *, patch: tuple[int, int, int] = (8, 8, 8), spatial_dims: int = 3) -> Manifest:
    architecture = Architecture("unet", {**SMALL, "spatial_dims": spatial_dims})
    return replace(manifest, architecture=architecture, grid=Grid(patch=patch, overlap=0.0))


def thresholded(manifest: Manifest) -> Manifest:
    return replace(manifest, validity=replace(manifest.validity, is_thresholded=True))


def supervised(manifest: Manifest) -> Manifest:
    parameters = {"filters": (6, 12, 12), "strides": (1, 2, 2), "n_heads": 1}
    return replace(manifest, architecture=Architecture("dynunet", parameters))


LESIONS = small(thresholded(lesion_manifest("psma")))
PAIRED = supervised(small(thresholded(paired_manifest())))
PROSTATE = small(prostate_manifest("prostate", "bladder"))
PROSTATE_2D = small(prostate_manifest("prostate", "bladder"), patch=(1, 16, 16), spatial_dims=2)
ORGANS = small(organ_manifest(5, 21))
STUDY = replace(study_manifest(), architecture=Architecture("cnn3d", {"channels": (4, 8), "n_hidden": 4}))


def a_recipe(manifest: Manifest, **changes: Any) -> Recipe:
    is_study = manifest.task is Task.CLASSIFICATION
    kind = LossKind.BCE if is_study else LossKind.DICE_CE
    recipe = Recipe(
        variant=Variant.OWN,
        source="a test",
        epochs=2,
        batch_size=2,
        loss=LossSettings(kind, is_batch_dice=True),
        optimiser=OptimiserSettings(2e-2),
        validation=ValidationSettings(Selection.VALIDATION_LOSS if is_study else Selection.VALIDATION_DSC),
        sampling=SamplingSettings(PatchRule.WHOLE if is_study else PatchRule.BY_CLASS, patches_per_case=2),
        steps_per_epoch=4,
    )
    return replace(recipe, **changes)


def parts_of(manifest: Manifest, recipe: Recipe, cases: list[Item], validator: Validator | None = None) -> Parts:
    torch.manual_seed(recipe.seed)
    loss = build_loss(recipe.loss, manifest.activation, supervision_decay=recipe.supervision_decay)
    is_closed = recipe.loss.is_gated
    if validator is None and manifest.task is Task.CLASSIFICATION:
        predict = study_prediction(Numerics(recipe.precision, CPU), CPU)
        validator = StudyValidator(manifest, cases, loss, predict, CPU)
    elif validator is None:
        predict = window_prediction(manifest, manifest.grid, CPU)
        validator = SegmentationValidator(manifest, cases, loss, predict, CPU, is_gated=is_closed)
    return Parts(
        network=network_of(manifest),
        loss=loss,
        cases=cases,
        transform=training_transform(manifest, recipe.sampling),
        validator=validator,
        gate_channels=pet_channels(manifest) if is_closed else (),
        is_flat=is_2d(manifest),
    )


def a_trainer(
    manifest: Manifest,
    recipe: Recipe,
    cases: list[Item],
    folder: Path,
    *,
    validator: Validator | None = None,
    limits: Limits | None = None,
) -> Trainer:
    return Trainer(
        parts_of(manifest, recipe, cases, validator),
        recipe,
        device=CPU,
        folder=folder,
        identity={"recipe": str(recipe), "model": manifest.name},
        limits=limits or Limits(),
    )


def quiet(_words: str, _done: float) -> None:
    return


def assert_equal_weights(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    assert set(one) == set(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


class Scores:
    """Validations with given figures, one after the other."""

    def __init__(self, *validated: Validated) -> None:
        self._left = list(validated)

    def __call__(self, _network: torch.nn.Module, on_case: Callable[[float], None]) -> Validated:
        on_case(1.0)
        return self._left.pop(0)
