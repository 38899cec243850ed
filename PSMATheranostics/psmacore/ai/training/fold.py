"""One division of a data set's cases to one trained model folder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import torch

from psmacore.ai.data.case import CaseRef
from psmacore.ai.networks.build import is_2d, network_of
from psmacore.ai.sampling.training import training_transform
from psmacore.ai.training.cases import PreparedCases, as_recipe, with_measured_constants
from psmacore.ai.training.gates import is_gated, pet_channels
from psmacore.ai.training.loop import Trainer
from psmacore.ai.training.losses import build_loss
from psmacore.ai.training.numerics import Numerics
from psmacore.ai.training.parts import Limits, Parts, Tell, Trained
from psmacore.ai.training.predict import study_prediction, window_prediction
from psmacore.ai.training.recipe import LossKind, Recipe
from psmacore.ai.training.records import to_record
from psmacore.ai.training.validate import SegmentationValidator, StudyValidator, Validator
from psmacore.ai.weights import load_weights
from psmacore.errors import InputRefusedError, ModelUnfitError
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import Activation, Manifest, Task
from psmacore.registry.read import manifest_to_json

logger = logging.getLogger(__name__)

_PREPARING = 0.02  # of a training's progress, for reading the cases once


@dataclass(frozen=True)
class Place:
    """Where a training runs and keeps its state.

    Parameters
    ----------
    device : torch.device
        Of the network.
    checkpoints : pathlib.Path
        Folder of this training's checkpoints.
    cases : pathlib.Path
        Folder of prepared cases, shared by the folds.
    n_workers : int
        Processes that load ahead.
    is_resumed : bool
        Whether checkpoints are gone on from.
    start : ModelFolder or None
        Whose weights the network begins with; random ones if absent.
    """

    device: torch.device
    checkpoints: Path
    cases: Path
    n_workers: int = 0
    is_resumed: bool = False
    start: ModelFolder | None = None


@dataclass(frozen=True, eq=False)
class TrainedFold:
    """A trained network (with the weights kept), the manifest with measured constants, and the course."""

    network: torch.nn.Module
    manifest: Manifest
    trained: Trained
    validator: Validator


def train_fold(
    manifest: Manifest,
    recipe: Recipe,
    training: Sequence[CaseRef],
    validation: Sequence[CaseRef],
    *,
    place: Place,
    limits: Limits,
    tell: Tell,
) -> TrainedFold:
    """Train one network.

    Parameters
    ----------
    manifest : Manifest
        Architecture, inputs, grid, outputs; z-score constants are measured on the training cases (W72).
    recipe : Recipe
        How.
    training, validation : sequence of CaseRef
        Of different patients.
    tell : callable
        Told what is done and how far the training is.

    Raises
    ------
    InputRefusedError
        If a side has no case, the validation cases hold nothing to find, or a case cannot be read.
    ModelMissingError, ModelUnfitError
        If recipe and model do not fit each other, or the weights to start from are missing or of another network.
    TrainingError
        If the loss is not finite, memory runs out or a checkpoint is of another training.
    """
    _refuse_unfit(manifest, recipe)
    if not training or not validation:
        raise InputRefusedError(f"{len(training)} cases to train on and {len(validation)} to validate on are too few")
    tell("measure the training cases", 0.0)
    manifest = with_measured_constants(manifest, training)
    cases = PreparedCases(manifest, training, place.cases)
    watched = _watched(PreparedCases(manifest, validation, place.cases), recipe.validation.max_cases)
    _prepare(manifest, recipe, cases, watched, tell)
    torch.manual_seed(recipe.seed)
    network = network_of(manifest)
    if place.start is not None:
        load_weights(network, place.start)
    network.to(place.device)
    loss = build_loss(recipe.loss, manifest.activation, supervision_decay=recipe.supervision_decay).to(place.device)
    validator = _validator(manifest, recipe, watched, loss, place.device)
    parts = Parts(
        network=network,
        loss=loss,
        cases=cases,
        transform=training_transform(manifest, recipe.sampling),
        validator=validator,
        gate_channels=pet_channels(manifest) if recipe.loss.is_gated else (),
        is_flat=is_2d(manifest),
    )
    trainer = Trainer(
        parts,
        recipe,
        device=place.device,
        folder=place.checkpoints,
        identity=_identity(manifest, recipe, training, validation, place.start),
        limits=limits,
        n_workers=place.n_workers,
    )
    if place.is_resumed and trainer.resume():
        logger.info("the training goes on from its checkpoint")
    trained = trainer.train(lambda words, done: tell(words, _PREPARING + (1 - _PREPARING) * done))
    network.load_state_dict(dict(trained.weights))
    return TrainedFold(network.eval(), manifest, trained, validator)


def _refuse_unfit(manifest: Manifest, recipe: Recipe) -> None:
    """Refuse a recipe that does not belong to the model's task."""
    is_study = manifest.task is Task.CLASSIFICATION
    is_sigmoid = manifest.activation is Activation.SIGMOID
    if is_study != (recipe.loss.kind is LossKind.BCE) or (is_sigmoid and recipe.loss.kind is LossKind.CE):
        raise ModelUnfitError(f"{manifest.name} does {manifest.task}: a loss {recipe.loss.kind} does not belong to it")
    n_weights = len(recipe.loss.class_weights)
    if n_weights not in (0, len(manifest.outputs)):
        raise ModelUnfitError(f"{n_weights} class weights for the {len(manifest.outputs)} outputs of {manifest.name}")
    if recipe.loss.is_gated and not is_gated(manifest):
        raise ModelUnfitError(f"{manifest.name} is not ANDed with a threshold: its loss cannot be gated")


def _watched(cases: PreparedCases, max_cases: int | None) -> PreparedCases:
    """Return the cases to validate on: all, or the first of them, those with something to find first."""
    if max_cases is None or len(cases) <= max_cases:
        return cases
    has_truth = [bool(case["label"].any()) for case in cases]
    order = sorted(range(len(cases)), key=lambda index: not has_truth[index])
    if cases[0]["label"].ndim == 1:  # a classifier needs both kinds
        with_lesion = [index for index in order if has_truth[index]]
        without = [index for index in order if not has_truth[index]]
        order = [index for pair in zip(with_lesion, without, strict=False) for index in pair]
    return cases.chosen(sorted(order[:max_cases]))


def _prepare(
    manifest: Manifest, recipe: Recipe, training: PreparedCases, validation: PreparedCases, tell: Tell
) -> None:
    """Read every case once, so that a broken one is named now and not after hours."""
    n_all = len(training) + len(validation)
    has_truth = False
    for done, case in enumerate(chain(training, validation), start=1):
        tell(f"case {done} of {n_all} is ready", _PREPARING * done / n_all)
        if recipe.loss.is_gated and case["gate_levels"] is None:
            raise InputRefusedError("the loss is gated by the SUV threshold, which this data set does not state")
        if done > len(training):
            has_truth = has_truth or bool(case["label"].any())
    if not has_truth:
        raise InputRefusedError(f"none of the {len(validation)} validation cases holds anything for {manifest.name}")


def _validator(
    manifest: Manifest, recipe: Recipe, cases: PreparedCases, loss: torch.nn.Module, device: torch.device
) -> Validator:
    if manifest.task is Task.CLASSIFICATION:
        return StudyValidator(
            manifest, cases, loss, study_prediction(Numerics(recipe.precision, device), device), device
        )
    overlap = recipe.validation.overlap
    grid = replace(
        manifest.grid,
        patch=recipe.sampling.patch or manifest.grid.patch,
        overlap=manifest.grid.overlap if overlap is None else overlap,
    )
    predict = window_prediction(manifest, grid, device)
    return SegmentationValidator(manifest, cases, loss, predict, device, is_gated=recipe.loss.is_gated)


def _identity(
    manifest: Manifest,
    recipe: Recipe,
    training: Sequence[CaseRef],
    validation: Sequence[CaseRef],
    start: ModelFolder | None,
) -> dict[str, str]:
    """Return what a checkpoint must agree with, so that going on equals never having stopped."""
    listed = "\n".join(f"{ref.case_id}|{ref.reference}" for ref in (*training, *validation))
    return {
        "recipe": json.dumps(to_record(recipe), sort_keys=True),
        "model": manifest_to_json(as_recipe(manifest)),
        "list of cases": hashlib.sha256(listed.encode()).hexdigest(),
        "start": "random" if start is None else str(start.manifest.weights_sha256),
    }


def telling(tell: Tell, prefix: str, first: float, last: float) -> Callable[[str, float], None]:
    """Return a ``tell`` for a part of the work that runs from ``first`` to ``last`` of the whole."""
    return lambda words, done: tell(f"{prefix}{words}", first + (last - first) * done)
