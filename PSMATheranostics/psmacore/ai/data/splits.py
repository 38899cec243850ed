"""The patients of a data set to the parts that a model is trained, validated and tested on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psmacore.ai.data.case import CaseRef
from psmacore.errors import InputRefusedError, UsageError

SCHEMA = "psma-splits/1"
N_FOLDS = 5
W70_PARTS = (80, 10, 10)
"""Train, validation and test of FDG-PET-CT-Lesions, in percent."""
W61_COUNTS = (98, 15, 16)
"""Train, validation and test of 129 prostate CT; the paper calls them 80, 10 and 10 %, they are 76, 12 and 12 %."""

_NNUNET_SPLITS = "splits_final.json"
_PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Patients by part; no patient is in two.

    Parameters
    ----------
    train, validation, test : tuple of str
        Patient ids as the data set names them, sorted; ``test`` is empty in cross-validation.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for name in _PARTS:
            for patient in getattr(self, name):
                if patient in seen:
                    where = "twice in" if seen[patient] == name else f"in {seen[patient]} and"
                    raise InputRefusedError(f"a patient of the split is {where} {name}: parts must not share patients")
                seen[patient] = name

    @property
    def patients(self) -> frozenset[str]:
        """All patients of the split."""
        return frozenset((*self.train, *self.validation, *self.test))


def split_by_patient(refs: Iterable[CaseRef], *, parts: Sequence[int] = W70_PARTS, seed: int = 0) -> Split:
    """Return one split in the given proportions.

    Patients are ordered by a hash of seed and id, so that the split depends on neither the file system nor a
    library's random numbers. ``parts`` that sum to the number of patients are met exactly (W61); else each of
    validation and test has its share rounded, at least one patient where there are three or more.

    Raises
    ------
    UsageError
        If there are fewer than two patients.
    """
    patients = _shuffled(refs, seed)
    if len(patients) < 2:
        raise UsageError(f"a split needs two patients at least, the data has {len(patients)}")
    total = sum(parts)
    least = 1 if len(patients) >= len(parts) else 0
    n_test = max(least, round(len(patients) * parts[2] / total))
    n_validation = max(1, round(len(patients) * parts[1] / total))
    n_train = len(patients) - n_test - n_validation
    return Split(
        tuple(sorted(patients[:n_train])),
        tuple(sorted(patients[n_train : n_train + n_validation])),
        tuple(sorted(patients[n_train + n_validation :])),
    )


def five_folds(refs: Iterable[CaseRef], *, seed: int = 0) -> tuple[Split, ...]:
    """Return five splits; every patient is validated on once, both copies of a case together (D07, D16).

    Raises
    ------
    UsageError
        If there are fewer than five patients.
    """
    patients = _shuffled(refs, seed)
    if len(patients) < N_FOLDS:
        raise UsageError(f"{N_FOLDS} folds need as many patients, the data has {len(patients)}")
    held = [frozenset(patients[fold::N_FOLDS]) for fold in range(N_FOLDS)]
    return tuple(Split(tuple(sorted(set(patients) - out)), tuple(sorted(out))) for out in held)


def cases_of(refs: Iterable[CaseRef], patients: Iterable[str]) -> tuple[CaseRef, ...]:
    """Return the cases of those patients, in the order of ``refs``."""
    wanted = frozenset(patients)
    return tuple(ref for ref in refs if ref.patient_id in wanted)


def published_folds(folder: Path, refs: Iterable[CaseRef]) -> tuple[Split, ...] | None:
    """Return the folds that a data set brings as nnU-Net's ``splits_final.json`` (autoPET III), or ``None``.

    The file lists cases; those not in ``refs`` (the other tracer's) are passed over.

    Raises
    ------
    InputRefusedError
        If the file is malformed, or a fold has a patient on both sides.
    """
    path = folder / _NNUNET_SPLITS
    if not path.is_file():
        return None
    patient_of = {ref.case_id: ref.patient_id for ref in refs}
    record = _read(path)
    if not isinstance(record, list) or not all(isinstance(fold, Mapping) for fold in record):
        raise InputRefusedError(f"{path.name} is no list of folds")

    def patients(fold: Mapping[str, Any], part: str) -> tuple[str, ...]:
        cases = fold.get(part)
        if not isinstance(cases, list):
            raise InputRefusedError(f"{path.name}: a fold has no list {part!r}")
        return tuple(sorted({patient_of[case] for case in cases if case in patient_of}))

    return tuple(Split(patients(fold, "train"), patients(fold, "val")) for fold in record)


def write_splits(path: Path, splits: Sequence[Split]) -> Path:
    """Write a split file, JSON, and return its path; equal input gives equal bytes."""
    record = {"schema": SCHEMA, "folds": [{name: list(getattr(split, name)) for name in _PARTS} for split in splits]}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


def read_splits(path: Path, refs: Iterable[CaseRef]) -> tuple[Split, ...]:
    """Return the splits of a file, for the data at hand.

    Raises
    ------
    InputRefusedError
        If the file is missing or malformed, has a patient on two sides, or one that is not in the data, or does
        not speak of one that is.
    """
    record = _read(path)
    if not isinstance(record, Mapping) or record.get("schema") != SCHEMA or not isinstance(record.get("folds"), list):
        raise InputRefusedError(f"{path.name} is no split file of schema {SCHEMA}")
    splits = tuple(_split(fold, path.name) for fold in record["folds"])
    if not splits:
        raise InputRefusedError(f"{path.name} has no fold")
    there = {ref.patient_id for ref in refs}
    for number, split in enumerate(splits):
        unknown, untold = split.patients - there, there - split.patients
        if unknown or untold:
            raise InputRefusedError(
                f"{path.name} is of other data: fold {number} names {len(unknown)} patients that the data lacks, "
                f"and does not name {len(untold)} that it has"
            )
    return splits


def _split(fold: object, where: str) -> Split:
    if not isinstance(fold, Mapping) or set(fold) != set(_PARTS):
        raise InputRefusedError(f"{where}: a fold has exactly {', '.join(_PARTS)}")
    if not all(isinstance(fold[name], list) and all(isinstance(one, str) for one in fold[name]) for name in _PARTS):
        raise InputRefusedError(f"{where}: parts of a fold are lists of patients")
    return Split(*(tuple(sorted(fold[name])) for name in _PARTS))


def _shuffled(refs: Iterable[CaseRef], seed: int) -> list[str]:
    patients = {ref.patient_id for ref in refs}
    return sorted(patients, key=lambda patient: hashlib.sha256(f"{seed}:{patient}".encode()).hexdigest())


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputRefusedError(f"{path.name} cannot be read as a split file: {error}") from error
