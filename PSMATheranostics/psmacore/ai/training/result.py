"""A trained network to a model folder: weights, manifest, recipe as run, split, curves."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from psmacore.ai.data.splits import Split, write_splits
from psmacore.ai.training.fold import TrainedFold
from psmacore.ai.training.history import CSV_FILE, PNG_FILE, EpochRecord, draw_curves, write_csv
from psmacore.ai.training.recipe import TRAINING_FILE, Recipe, RecipeBook, write_recipes
from psmacore.ai.training.validate import StudyValidator, balanced_accuracy
from psmacore.ai.weights import save_weights
from psmacore.registry.card import CARD_FILE, refresh_card
from psmacore.registry.catalog import WEIGHTS_FILE
from psmacore.registry.manifest import Manifest, Metric, Training
from psmacore.registry.read import write_manifest
from psmacore.registry.reduce import SIMULATION_STATEMENT

logger = logging.getLogger(__name__)

SPLIT_FILE = "split.json"
_MANY_FIGURES = 24


def write_result(
    fold: TrainedFold,
    recipe: Recipe,
    split: Split,
    training: Training,
    folder: Path,
    *,
    name: str,
    card: Path | None = None,
) -> Manifest:
    """Write the model folder's files and return its manifest.

    Parameters
    ----------
    fold : TrainedFold
        Network with the weights kept.
    recipe : Recipe
        As run.
    training : Training
        What the manifest says of the data.
    folder : pathlib.Path
        Made where absent.
    name : str
        The model's name, for the manifest.
    card : pathlib.Path, optional
        The recipe's model card, whose words are kept and whose facts are renewed; none is written without one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = save_weights(fold.network, folder / WEIGHTS_FILE, half=recipe.is_stored_half)
    manifest = replace(
        fold.manifest,
        name=name,
        weights_sha256=digest,
        training=training,
        operating_point=_operating_point(fold),
        metrics=_metrics(fold.trained.best, split, training),
        costs=(),
        statement=SIMULATION_STATEMENT if training.is_simulated else fold.manifest.statement,
    )
    write_manifest(manifest, folder)
    if card is not None and card.is_file():
        shutil.copyfile(card, folder / CARD_FILE)
        refresh_card(manifest, folder)
    write_recipes(RecipeBook((recipe,)), folder / TRAINING_FILE)
    write_splits(folder / SPLIT_FILE, (split,))
    write_csv(fold.trained.history, folder / CSV_FILE)
    draw_curves(fold.trained.history, folder / PNG_FILE, title=f"{name}: {training.data}")
    return manifest


def _metrics(best: EpochRecord, split: Split, training: Training) -> tuple[Metric, ...]:
    """Return the validation's figures at the epoch kept; those that are undefined are left out."""
    if best.validated is None:
        return ()
    simulated = "simulated " if training.is_simulated else ""
    data = f"{len(split.validation)} {simulated}validation patients, used to select epoch {best.epoch}"
    figures = [("validation_score", best.validated.score), ("validation_loss", best.validated.loss)]
    figures += [(f"validation_{item.name}", item.value) for item in best.validated.watched[:_MANY_FIGURES]]
    return tuple(
        Metric(name, round(value, 6), "ml" if "_ml_" in name else "1", data)
        for name, value in figures
        if math.isfinite(value)
    )


def _operating_point(fold: TrainedFold) -> float:
    """Return the probability that a classifier's validation cases are best told apart at; else the manifest's own."""
    validator = fold.validator
    if not isinstance(validator, StudyValidator):
        return fold.manifest.operating_point
    validator(fold.network, _ignore)
    point = best_operating_point(validator.truth, validator.probabilities)
    logger.info("operating point %.3f: best balanced accuracy on the validation cases", point)
    return point


def best_operating_point(truth: Sequence[bool] | np.ndarray, probabilities: Sequence[float] | np.ndarray) -> float:
    """Return the threshold with the highest balanced accuracy, midway between the probabilities around it.

    0.5 where all cases are of one kind; of equal thresholds the one nearest to 0.5.
    """
    is_positive = np.asarray(truth, dtype=bool)
    found = np.asarray(probabilities, dtype=np.float64)
    if is_positive.all() or not is_positive.any():
        return 0.5
    levels = np.unique(found)
    candidates = [0.5, *((levels[1:] + levels[:-1]) / 2)]
    scores = [balanced_accuracy(is_positive, found >= level) for level in candidates]
    best = max(scores)
    return float(min((level for level, score in zip(candidates, scores, strict=True) if score == best), key=_from_half))


def _from_half(level: float) -> float:
    return abs(level - 0.5)


def _ignore(_done: float) -> None:
    return
