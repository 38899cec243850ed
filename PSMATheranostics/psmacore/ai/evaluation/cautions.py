"""Weights and the data that they are measured on to what the reader of the figures should know."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from psmacore.ai.data.case import CaseRef
from psmacore.ai.training.result import SPLIT_FILE
from psmacore.errors import InputRefusedError
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import Training


def seen_warnings(model: ModelFolder, refs: Sequence[CaseRef], data: Training) -> tuple[str, ...]:
    """Warn of patients that the weights were trained or selected on.

    They are known by the split file beside the weights, and by the seeds that manifest and data name.
    """
    patients = {ref.patient_id for ref in refs}
    found = []
    parts = _split_patients(model.folder / SPLIT_FILE)
    n_trained, n_selected = (len(patients & parts[part]) for part in ("train", "validation"))
    if n_trained or n_selected:
        found.append(
            f"of {len(patients)} patients the weights were trained on {n_trained} and selected on {n_selected}"
        )
    shared = _seeds("" if model.manifest.training is None else model.manifest.training.data) & _seeds(data.data)
    if shared:
        found.append(f"the weights know {len(shared)} of the simulated patients, such as seed {min(shared)}")
    return tuple(f"{words}: these figures say nothing of other patients" for words in found)


def _split_patients(path: Path) -> dict[str, set[str]]:
    """Return the patients of a split file's parts, all folds together; none where there is no such file."""
    parts = ("train", "validation")
    if not path.is_file():
        return {part: set() for part in parts}
    try:
        folds = json.loads(path.read_text(encoding="utf-8"))["folds"]
        return {part: {one for fold in folds for one in fold[part]} for part in parts}
    except (ValueError, KeyError, TypeError) as error:
        raise InputRefusedError(f"{path.name} beside the weights cannot be read: {error!r}") from error


def _seeds(words: str) -> set[int]:
    """Return the seeds that an account of simulated cases names: ``simulated, seeds 1-3, 7, layout ...``."""
    named = re.search(r"\bseeds ((?:\d+(?:-\d+)?(?:, )?)+)", words)
    ranges = re.findall(r"(\d+)(?:-(\d+))?", named[1]) if named else []
    return {seed for first, last in ranges for seed in range(int(first), int(last or first) + 1)}


def weights_warnings(model: ModelFolder, data: Training, organ_model: ModelFolder | None) -> tuple[str, ...]:
    """Return what the reader should know of the weights beside the data."""
    found = []
    trained = model.manifest.training
    if trained is not None and trained.is_simulated and not data.is_simulated:
        found.append("the weights know simulated patients only; they are not for clinical use")
    both_simulated = trained is not None and trained.is_simulated and data.is_simulated
    stated = {data.phantom_sha256, "" if trained is None else trained.phantom_sha256} - {""}
    if both_simulated and len(stated) > 1:
        found.append("weights and data come from different versions of the phantom")
    if organ_model is not None:
        found.append(f"organs for rules and FDG thresholds: {organ_model.manifest.name} {organ_model.manifest.version}")
    return tuple(found)
