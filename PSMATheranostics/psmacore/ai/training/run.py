"""A training request's model and data to a model folder, or to one a fold."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from psmacore.ai.data.case import CaseRef
from psmacore.ai.data.open_data import find_cases
from psmacore.ai.data.splits import (
    W61_COUNTS,
    W70_PARTS,
    Split,
    cases_of,
    five_folds,
    published_folds,
    read_splits,
    split_by_patient,
)
from psmacore.ai.training.cross_validation import write_summary
from psmacore.ai.training.fold import Place, telling, train_fold
from psmacore.ai.training.origin import describe_training, trained_further
from psmacore.ai.training.parts import Limits, Tell
from psmacore.ai.training.recipe import TRAINING_FILE, Recipe, Variant, read_recipes
from psmacore.ai.training.result import write_result
from psmacore.errors import UsageError
from psmacore.locks import try_own
from psmacore.pipeline.train_request import ALL_FOLDS, TrainRequest
from psmacore.registry.card import CARD_FILE
from psmacore.registry.catalog import ModelFolder, find_model, open_model
from psmacore.registry.manifest import Manifest, Task

logger = logging.getLogger(__name__)

LOG_FILE = "training.log"
_LOCK_FILE = "lock"
_CASES = "cases"


@dataclass(frozen=True)
class Trainings:
    """The models that a run wrote, in the order of their folds; one without cross-validation."""

    manifests: tuple[Manifest, ...]
    folders: tuple[Path, ...]
    is_cut: bool


def run_training(
    request: TrainRequest, folder: Path, checkpoints: Path, *, device: torch.device, tell: Tell
) -> Trainings:
    """Train what a request asks for.

    Parameters
    ----------
    request : TrainRequest
        Model, data, recipe, folds.
    folder : pathlib.Path
        Of the results: a model folder; with all folds, a folder of model folders and their summary.
    checkpoints : pathlib.Path
        Of the state that a killed training goes on from; outlives this process. Prepared cases in it are removed
        at the end, checkpoints are the caller's to remove once the results are safe.
    device : torch.device
        Where networks are trained.
    tell : callable
        Told what is done, in words with the time left, and the part that is done.

    Raises
    ------
    UsageError
        If another process trains into the same folder, there are checkpoints and the request does not go on from
        them, or the recipe lacks the variant.
    InputRefusedError, ModelError, TrainingError
        See :func:`psmacore.ai.training.fold.train_fold`.
    """
    model = find_model(request.model)
    start = None if request.start is None else _start_of(request.start)
    recipe = chosen_recipe(request, model.folder)
    refs = find_cases(request.data, model.manifest)
    splits = chosen_splits(request, model.manifest, refs, seed=recipe.seed)
    has_checkpoints = checkpoints.is_dir() and any(checkpoints.rglob("checkpoint.pt"))
    if has_checkpoints and not request.is_resumed:
        raise UsageError(f"an unfinished training lies in {checkpoints}: go on with --resume, or remove that folder")
    checkpoints.mkdir(parents=True, exist_ok=True)
    lock = try_own(checkpoints / _LOCK_FILE)
    if lock is None:
        raise UsageError(f"another process trains in {checkpoints}")
    log = _log_to(checkpoints / LOG_FILE)
    try:
        plan = _Plan(request, model, start, recipe, refs, splits, folder, checkpoints)
        done = _train_all(plan, device, tell)
    finally:
        logging.getLogger(__package__).removeHandler(log)
        log.close()
        lock.release()
    shutil.copyfile(checkpoints / LOG_FILE, folder / LOG_FILE)
    shutil.rmtree(checkpoints / _CASES, ignore_errors=True)
    return done


def _start_of(model: str) -> ModelFolder:
    """Return the model to start from, which lies in a folder or goes by a name."""
    return open_model(Path(model)) if Path(model).is_dir() else find_model(model)


def chosen_recipe(request: TrainRequest, model_folder: Path) -> Recipe:
    """Return the request's recipe: its file or the model's own, its variant, its epochs."""
    path = request.recipe or model_folder / TRAINING_FILE
    recipe = read_recipes(path).recipe(None if request.variant is None else Variant(request.variant))
    return recipe if request.epochs is None else replace(recipe, epochs=request.epochs)


def chosen_splits(
    request: TrainRequest, manifest: Manifest, refs: Sequence[CaseRef], *, seed: int
) -> tuple[Split, ...]:
    """Return the division of the patients, one for each network to train.

    A split file wins; else five folds are the data set's own or made by patient (D16), and a single
    division is 80/10/10 (W70), of 129 prostate CT 98/15/16 (W61).
    """
    if request.fold is None:
        if request.split is not None:
            return read_splits(request.split, refs)[:1]
        parts = W61_COUNTS if manifest.task is Task.PROSTATE else W70_PARTS
        return (split_by_patient(refs, parts=parts, seed=seed),)
    if request.split is not None:
        folds = read_splits(request.split, refs)
    else:
        folds = published_folds(request.data, refs) or five_folds(refs, seed=seed)
    if request.fold == ALL_FOLDS:
        return folds
    if not 0 <= int(request.fold) < len(folds):
        raise UsageError(f"--fold {request.fold}: there are folds 0 to {len(folds) - 1}, or all")
    return (folds[int(request.fold)],)


@dataclass(frozen=True)
class _Plan:
    """All that a run was asked for and found."""

    request: TrainRequest
    model: ModelFolder
    start: ModelFolder | None
    recipe: Recipe
    refs: Sequence[CaseRef]
    splits: Sequence[Split]
    folder: Path
    checkpoints: Path

    @property
    def is_cross_validation(self) -> bool:
        return self.request.fold == ALL_FOLDS

    @property
    def limits(self) -> Limits:
        hours = self.request.max_hours
        return Limits(
            hours=None if hours is None else hours / len(self.splits),
            checkpoint_every_s=60 * self.request.checkpoint_minutes,
        )


def _train_all(plan: _Plan, device: torch.device, tell: Tell) -> Trainings:
    manifests, folders, is_cut = [], [], False
    for number in range(len(plan.splits)):
        manifest, folder, is_this_cut = _train_one(plan, number, device, tell)
        manifests.append(manifest)
        folders.append(folder)
        is_cut = is_cut or is_this_cut
    if plan.is_cross_validation:
        write_summary(manifests, plan.folder)
    return Trainings(tuple(manifests), tuple(folders), is_cut)


def _train_one(plan: _Plan, number: int, device: torch.device, tell: Tell) -> tuple[Manifest, Path, bool]:
    """Train on one split; return manifest, folder, and whether the hours ran out."""
    recipe_manifest, split, n_all = plan.model.manifest, plan.splits[number], len(plan.splits)
    name, folder, prefix = recipe_manifest.name, plan.folder, ""
    if plan.is_cross_validation:
        name = f"{name}-fold{number}"
        folder, prefix = plan.folder / name, f"fold {number}: "
    training = cases_of(plan.refs, split.train)
    origin = describe_training(plan.request.data, training, licence=recipe_manifest.licence)
    if plan.start is not None:
        origin = trained_further(origin, plan.start.manifest)
    fold = train_fold(
        recipe_manifest,
        plan.recipe,
        training,
        cases_of(plan.refs, split.validation),
        place=Place(
            device=device,
            checkpoints=plan.checkpoints / name,
            cases=plan.checkpoints / _CASES,
            n_workers=_n_workers(device),
            is_resumed=plan.request.is_resumed,
            start=plan.start,
        ),
        limits=plan.limits,
        tell=telling(tell, prefix, number / n_all, (number + 1) / n_all),
    )
    card = plan.model.folder / CARD_FILE
    manifest = write_result(fold, plan.recipe, split, origin, folder, name=name, card=card)
    return manifest, folder, fold.trained.is_cut


def _n_workers(device: torch.device) -> int:
    """Return how many processes load ahead: none on the CPU, whose cores the network needs itself."""
    return 0 if device.type == "cpu" else min(8, max(1, torch.get_num_threads() - 1))


def _log_to(path: Path) -> logging.Handler:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    rooms = logging.getLogger(__package__)
    rooms.setLevel(logging.INFO)
    rooms.addHandler(handler)
    return handler
