"""A folder to the nnU-Net v2 results in it: plans, dataset.json and the folds' checkpoints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psmacore.errors import ModelMissingError, ModelUnfitError, UsageError
from psmacore.registry.nnunet_plans import Configuration, read_configuration
from psmacore.registry.torch_archive import CheckpointFacts, read_facts

DATASET_FILE = "dataset.json"
PLANS_FILE = "plans.json"
_PLANS_PATTERN = re.compile(r"(?:.*plans.*)\.json", re.IGNORECASE)
_FOLD_PREFIX = "fold_"
_ALL = "all"
_CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
_DEEPEST = 3  # results / dataset / trainer__plans__configuration
_MOST_JSON_BYTES = 1 << 26


@dataclass(frozen=True)
class Fold:
    """One trained network: ``0`` to ``4`` or ``all``, its checkpoint, and what that says of itself."""

    name: str
    checkpoint: Path
    facts: CheckpointFacts


@dataclass(frozen=True)
class NnunetResult:
    """One trained configuration.

    Parameters
    ----------
    plans_path, dataset_path : pathlib.Path
        Where its two JSON files lie.
    dataset_name : str
        As the plans name it, ``Dataset291_TotalSegmentator_part1_organs_1559subj``.
    dataset : mapping
        dataset.json.
    configuration : Configuration
        What the plans say of it.
    trainer : str
        Class that trained it; empty where nothing says so.
    folds : tuple of Fold
        At least one; the mean of their logits is the result.
    """

    plans_path: Path
    dataset_path: Path
    dataset_name: str
    dataset: Mapping[str, Any]
    configuration: Configuration
    trainer: str
    folds: tuple[Fold, ...]

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Of the input channels, in order."""
        names = self.dataset.get("channel_names", self.dataset.get("modality"))
        if not isinstance(names, dict) or not names:
            raise ModelUnfitError(f"{self.dataset_path}: channel_names is missing")
        return tuple(str(names[key]) for key in sorted(names, key=int))

    @property
    def labels(self) -> Mapping[str, int | tuple[int, ...]]:
        """Each label's number by its name, the background's too; of a region the numbers that it unites."""
        labels = self.dataset.get("labels")
        if not isinstance(labels, dict) or not labels:
            raise ModelUnfitError(f"{self.dataset_path}: labels is missing")
        return {str(name): _number(number, self.dataset_path) for name, number in labels.items()}


def find_results(
    folder: Path, *, configuration: str | None, folds: Sequence[str] | None, checkpoint: str | None
) -> tuple[NnunetResult, ...]:
    """Return every nnU-Net v2 result in a folder, down to ``results/Dataset/Trainer__Plans__configuration``.

    Parameters
    ----------
    folder : pathlib.Path
        A result itself, a data set's folder, or one of several data sets. Plans, dataset.json and the fold folders
        lie side by side; a checkpoint may lie beside them in place of fold folders.
    configuration : str or None
        Wanted where several were trained, for example ``3d_fullres``.
    folds : sequence of str or None
        Wanted; all that there are if ``None``, without ``all`` where there are others.
    checkpoint : str or None
        ``final`` or ``best``; if ``None`` ``final`` where all folds have it.

    Raises
    ------
    UsageError
        If the folder is none, or a fold or configuration that is asked for is not there.
    ModelMissingError
        If there is no result, or a fold has no checkpoint.
    ModelUnfitError
        If a file is damaged, or a checkpoint could run code: it is never executed.
    """
    if not folder.is_dir():
        hint = ": unpack it first" if folder.is_file() else ""
        raise UsageError(f"{folder} is no folder{hint}")
    places = [
        place for place in _places(folder, _DEEPEST) if configuration in (None, _named(place)[1] or configuration)
    ]
    if not places:
        raise ModelMissingError(
            f"{folder} holds no nnU-Net v2 result: plans.json, dataset.json and fold_*/checkpoint_final.pth together"
            + (f", trained as {configuration}" if configuration else "")
        )
    return tuple(_read(place, configuration, folds, checkpoint) for place in places)


def _places(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / DATASET_FILE).is_file() and _plans_in(folder):
        yield folder
        return
    if depth == 0:
        return
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.is_symlink():
            yield from _places(child, depth - 1)


def _plans_in(folder: Path) -> list[Path]:
    if (folder / PLANS_FILE).is_file():
        return [folder / PLANS_FILE]
    return sorted(path for path in folder.glob("*.json") if _PLANS_PATTERN.fullmatch(path.name))


def _named(place: Path) -> tuple[str, str]:
    """Return trainer and configuration where a folder's name tells them."""
    parts = place.name.split("__")
    return (parts[0], parts[2]) if len(parts) == 3 else ("", "")


def _read(
    place: Path, wanted_configuration: str | None, wanted_folds: Sequence[str] | None, kind: str | None
) -> NnunetResult:
    plans_paths = _plans_in(place)
    if len(plans_paths) > 1:
        raise ModelUnfitError(f"{place} holds several plans: {', '.join(path.name for path in plans_paths)}")
    plans = read_json(plans_paths[0])
    dataset = read_json(place / DATASET_FILE)
    folds = _folds(place, wanted_folds, kind)
    trainer, configuration = _named(place)
    facts = folds[0].facts
    _refuse_conflicts(place, folds, configuration)
    name = facts.configuration or configuration or wanted_configuration
    return NnunetResult(
        plans_path=plans_paths[0],
        dataset_path=place / DATASET_FILE,
        dataset_name=str(plans.get("dataset_name", "")),
        dataset=dataset,
        configuration=read_configuration(plans, name, plans_paths[0]),
        trainer=facts.trainer or trainer,
        folds=folds,
    )


def _folds(place: Path, wanted: Sequence[str] | None, kind: str | None) -> tuple[Fold, ...]:
    found = {
        path.name.removeprefix(_FOLD_PREFIX): path for path in sorted(place.glob(f"{_FOLD_PREFIX}*")) if path.is_dir()
    }
    if not found and any((place / name).is_file() for name in _CHECKPOINTS):
        found = {_ALL: place}
    if not found:
        raise ModelMissingError(f"{place} holds no fold: fold_0 to fold_4 or fold_all are missing")
    if wanted is not None:
        missing = [name for name in wanted if name not in found]
        if missing:
            raise UsageError(f"{place} has no fold {', '.join(missing)}; it has: {', '.join(found)}")
        found = {name: found[name] for name in wanted}
    elif len(found) > 1:
        found.pop(_ALL, None)
    names = _CHECKPOINTS if kind is None else (f"checkpoint_{kind}.pth",)
    common = [name for name in names if all((path / name).is_file() for path in found.values())]
    if not common:
        lacking = [path.name for path in found.values() if not any((path / name).is_file() for name in names)]
        where = f"{', '.join(lacking)} of {place}: no {' or '.join(names)}"
        raise ModelMissingError(
            where if lacking else f"{place}: some folds have a final checkpoint only, others a best"
        )
    return tuple(Fold(name, path / common[0], read_facts(path / common[0])) for name, path in found.items())


def _refuse_conflicts(place: Path, folds: tuple[Fold, ...], configuration: str) -> None:
    """Raise where folds are of different networks, or the folder's name says otherwise than they do."""
    first = folds[0].facts
    for fold in folds[1:]:
        if (fold.facts.trainer, fold.facts.configuration) != (first.trainer, first.configuration):
            raise ModelUnfitError(f"{place}: fold {fold.name} was trained otherwise than fold {folds[0].name}")
        if fold.facts.shapes != first.shapes:
            raise ModelUnfitError(f"{place}: fold {fold.name} is another network than fold {folds[0].name}")
    if configuration and first.configuration and configuration != first.configuration:
        raise ModelUnfitError(f"{place} is named {configuration}, but its checkpoints say {first.configuration}")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file; raise :class:`ModelUnfitError` where it holds none."""
    try:
        if path.stat().st_size > _MOST_JSON_BYTES:
            raise ModelUnfitError(f"{path} is too large for what it should hold")
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnfitError(f"{path} is no JSON that can be read: {error}") from error
    if not isinstance(record, dict):
        raise ModelUnfitError(f"{path} holds no JSON object")
    return record


def _number(value: object, path: Path) -> int | tuple[int, ...]:
    if isinstance(value, int):
        return value
    if isinstance(value, list) and value and all(isinstance(one, int) for one in value):
        return tuple(value)
    raise ModelUnfitError(f"{path}: a label is a number or a list of numbers, not {value!r}")
