"""Figures of single cases to those of a whole data set: mean, median, interval, by lesion size and scan range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.evaluation.bootstrap import Interval, mean_interval, pooled_interval
from psmacore.ai.evaluation.classification import ConfusionMatrix, area_under_roc, confusion_matrix
from psmacore.ai.evaluation.figures import CaseResult, Figure, LesionFound

LESION = "lesion"
SIZE_EDGES_ML = (1.0, 5.0, 20.0)
_ROUNDING = 1e-6  # a volume on an edge stays there whatever the last bit of the voxel size
SIZE_NAMES = ("< 1 ml", "1 to < 5 ml", "5 to < 20 ml", ">= 20 ml")

# Structures that the goals name together; both sides count alike.
ORGAN_GROUPS: Mapping[str, tuple[str, ...]] = {
    "kidneys": ("kidney_left", "kidney_right"),
    "parotids": ("parotid_gland_left", "parotid_gland_right"),
    "femoral_heads": ("femoral_head_left", "femoral_head_right"),
    "bladder": ("urinary_bladder",),
}


@dataclass(frozen=True)
class Summary:
    """One figure over the cases.

    Parameters
    ----------
    mean, median : float
        Over the ``n`` cases that have the figure; NaN where none has. A figure of all cases together, such as
        accuracy, has one value: both are it.
    ci95 : tuple of float or None
        95 % bootstrap interval of the mean, patients drawn; ``None`` with fewer than two patients.
    """

    mean: float
    median: float
    ci95: Interval | None
    n: int


@dataclass(frozen=True)
class Group:
    """Cases that are alike: how many, and their DSC."""

    name: str
    n_cases: int
    dsc: Summary


@dataclass(frozen=True)
class SizeGroup:
    """Lesions of the truth of one size: how many, how many were touched, and how much of them was found."""

    name: str
    n_lesions: int
    n_found: int
    part_found: float

    @property
    def sensitivity(self) -> float:
        """Part of the lesions that the prediction touches; NaN where there are none."""
        return self.n_found / self.n_lesions if self.n_lesions else float("nan")


def summarise(cases: Sequence[CaseResult]) -> Mapping[str, Summary]:
    """Return every figure over all cases, by name.

    A single lesion structure's figures have plain names (``dsc``); those of several structures carry theirs
    (``psma_dsc``, ``liver_dsc``), and ``dsc`` is then the mean over a case's structures. Kidneys, parotids and
    femoral heads also count as one: the mean of both sides.

    Returns
    -------
    mapping of str to Summary
        Empty without cases.
    """
    patients = [case.patient_id for case in cases]
    return {name: summary_of(values, patients) for name, values in case_figures(cases).items()}


def case_figures(cases: Sequence[CaseResult]) -> Mapping[str, NDArray[np.float64]]:
    """Return every figure by name, one value a case, ``(n,)``; NaN where a case has none."""
    rows = [figures_of(case) for case in cases]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: np.array([row.get(name, np.nan) for row in rows], dtype=np.float64) for name in names}


def figures_of(case: CaseResult) -> dict[str, float]:
    """Return the figures of one case by name, as :func:`summarise` names them."""
    by_name = {structure.structure: structure.figures for structure in case.structures}
    if set(by_name) == {LESION}:
        return {str(figure): value for figure, value in by_name[LESION].items()}
    found: dict[str, float] = {}
    if by_name:
        found[Figure.DSC.value] = _mean([figures[Figure.DSC] for figures in by_name.values()])
    for group, members in ORGAN_GROUPS.items():
        scores = [by_name[member][Figure.DSC] for member in members if member in by_name]
        if scores:
            found[f"{group}_{Figure.DSC}"] = _mean(scores)
    for name, figures in by_name.items():
        found.update({f"{name}_{figure}": value for figure, value in figures.items()})
    return found


def summary_of(values: NDArray[np.float64], patients: Sequence[str]) -> Summary:
    """Return mean, median and interval of one figure, ``(n,)``, cases without it left out."""
    known = values[~np.isnan(values)]
    if not known.size:
        return Summary(float("nan"), float("nan"), None, 0)
    return Summary(float(known.mean()), float(np.median(known)), mean_interval(values, patients), int(known.size))


def by_lesion_size(cases: Sequence[CaseResult]) -> tuple[SizeGroup, ...]:
    """Return the lesions of the truth in four sizes: below 1, 5 and 20 ml, and larger."""
    lesions = [lesion for case in cases for structure in case.structures for lesion in structure.lesions]
    groups = []
    for number, name in enumerate(SIZE_NAMES):
        inside = [lesion for lesion in lesions if _size(lesion.volume_ml) == number]
        groups.append(_size_group(name, inside))
    return tuple(groups)


def cases_by_lesion_size(cases: Sequence[CaseResult]) -> tuple[Group, ...]:
    """Return the cases' DSC by the mean volume of their lesions: small and scattered, or large and few (W85)."""
    sizes = [_mean([lesion.volume_ml for item in case.structures for lesion in item.lesions]) for case in cases]
    keys = ["" if np.isnan(size) else SIZE_NAMES[_size(size)] for size in sizes]
    return _groups(cases, keys, SIZE_NAMES)


def cases_by_scan_range(cases: Sequence[CaseResult]) -> tuple[Group, ...]:
    """Return the cases' DSC by scan range (W85, W86)."""
    keys = [case.scan_range for case in cases]
    return _groups(cases, keys, tuple(sorted(set(keys))))


def cases_by_tracer(cases: Sequence[CaseResult]) -> tuple[Group, ...]:
    """Return the cases' DSC by tracer."""
    keys = [case.tracer for case in cases]
    return _groups(cases, keys, tuple(sorted(set(keys))))


def summarise_answers(cases: Sequence[CaseResult], operating_point: float) -> Mapping[str, Summary]:
    """Return a classifier's figures: accuracy, balanced accuracy, precision, recall, specificity, F1, AUC.

    Parameters
    ----------
    cases : sequence of CaseResult
        With truth and probability.
    operating_point : float
        A study at or above counts as positive.
    """
    truth, probability, patients = answers(cases)
    matrix = confusion_matrix(truth, probability, operating_point)
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1")
    found = {}
    for name in names:

        def figure(drawn: NDArray[np.intp], name: str = name) -> float:
            return float(getattr(confusion_matrix(truth[drawn], probability[drawn], operating_point), name))

        found[name] = _pooled(float(getattr(matrix, name)), pooled_interval(figure, patients), len(truth))
    area = area_under_roc(truth, probability)
    interval = pooled_interval(lambda drawn: area_under_roc(truth[drawn], probability[drawn]), patients)
    found["auc"] = _pooled(area, interval, len(truth))
    return found


def answers(cases: Sequence[CaseResult]) -> tuple[NDArray[np.bool_], NDArray[np.float64], list[str]]:
    """Return truth and probability, ``(n,)`` each, and the patients of the cases that a classifier answered."""
    known = [case for case in cases if case.is_positive is not None and case.probability is not None]
    truth = np.array([case.is_positive for case in known], dtype=np.bool_)
    probability = np.array([case.probability for case in known], dtype=np.float64)
    return truth, probability, [case.patient_id for case in known]


def matrix_of(cases: Sequence[CaseResult], operating_point: float) -> ConfusionMatrix:
    """Return the confusion matrix of the cases that a classifier answered."""
    truth, probability, _ = answers(cases)
    return confusion_matrix(truth, probability, operating_point)


def _pooled(value: float, interval: Interval | None, n: int) -> Summary:
    return Summary(value, value, interval, n)


def _size(volume_ml: float) -> int:
    return int(np.searchsorted(SIZE_EDGES_ML, volume_ml * (1 + _ROUNDING), side="right"))


def _size_group(name: str, lesions: list[LesionFound]) -> SizeGroup:
    n_found = sum(lesion.part_found > 0 for lesion in lesions)
    return SizeGroup(name, len(lesions), n_found, _mean([lesion.part_found for lesion in lesions]))


def _groups(cases: Sequence[CaseResult], keys: Sequence[str], names: Sequence[str]) -> tuple[Group, ...]:
    groups = []
    for name in names:
        inside = [case for case, key in zip(cases, keys, strict=True) if key == name]
        if inside and name:
            scores = np.array([_mean([item.figures[Figure.DSC] for item in case.structures]) for case in inside])
            groups.append(Group(name, len(inside), summary_of(scores, [case.patient_id for case in inside])))
    return tuple(groups)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
