"""Cases and their summary to the evaluation that is written, printed and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.evaluation import bootstrap
from psmacore.ai.evaluation.classification import ConfusionMatrix, RocCurve, roc_curve
from psmacore.ai.evaluation.figures import CaseResult, Figure
from psmacore.ai.evaluation.rules import Rule
from psmacore.ai.evaluation.summary import (
    Group,
    SizeGroup,
    Summary,
    answers,
    by_lesion_size,
    cases_by_lesion_size,
    cases_by_scan_range,
    cases_by_tracer,
    matrix_of,
    summarise,
    summarise_answers,
    summary_of,
)
from psmacore.registry.manifest import Manifest, Task


@dataclass(frozen=True)
class RuleReport:
    """One rule on the same cases.

    Parameters
    ----------
    structure : str
        ``lesion``, or the tracer of a paired model.
    summary : mapping of str to Summary
        DSC, FPV and FNV.
    margin : Summary
        The model's DSC minus the rule's, case by case.
    """

    structure: str
    rule: Rule
    summary: Mapping[str, Summary]
    margin: Summary

    @property
    def dsc(self) -> float:
        """Mean DSC, by which rules are ranked; NaN where no case has one."""
        return self.summary[Figure.DSC].mean


@dataclass(frozen=True)
class Answers:
    """A classifier's answers: matrix at the operating point, and the curve over all of them."""

    matrix: ConfusionMatrix
    roc: RocCurve


@dataclass(frozen=True)
class Evaluation:
    """A model measured on a data set.

    Parameters
    ----------
    model, version, weights_sha256 : str
        Which weights.
    data : str
        What they were measured on, in words.
    is_simulated : bool
        Whether any case was simulated: no such figure is clinical.
    cases : tuple of CaseResult
        In the data set's order.
    summary : mapping of str to Summary
        By the figure's name.
    sizes : tuple of SizeGroup
        The truth's lesions by size.
    groups : mapping of str to tuple of Group
        The cases' DSC by lesion size, scan range and tracer.
    rules : tuple of RuleReport
        By structure, then falling mean DSC; empty where none was asked for.
    answers : Answers or None
        Of a classifier.
    operating_point : float
        Probability from which on an output counted.
    device, commit : str
        Where it ran, and the software's commit.
    tolerance_mm : float
        Of DeepMind's surface DSC.
    postprocessing : str
        Of a paired model, in words.
    by_own_labels : bool
        An imported lesion model's own labels decided, in place of an operating point.
    warnings : tuple of str
        What the reader should know.
    """

    model: str
    version: str
    weights_sha256: str
    data: str
    is_simulated: bool
    cases: tuple[CaseResult, ...]
    summary: Mapping[str, Summary]
    sizes: tuple[SizeGroup, ...] = ()
    groups: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)
    rules: tuple[RuleReport, ...] = ()
    answers: Answers | None = None
    operating_point: float = 0.5
    device: str = ""
    commit: str = ""
    tolerance_mm: float = 0.0
    postprocessing: str = ""
    by_own_labels: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def best_rules(self) -> tuple[RuleReport, ...]:
        """Of each structure, the rule of threshold and predicted organs alone with the highest mean DSC on these cases.

        Empty where none was measured.
        """
        best: dict[str, RuleReport] = {}
        for report in self.rules:
            if report.rule.is_plain:
                best.setdefault(report.structure, report)
        return tuple(best.values())


def evaluation_of(
    manifest: Manifest,
    cases: Sequence[CaseResult],
    rules: Mapping[Rule, Sequence[CaseResult]],
    *,
    data: str,
    is_simulated: bool,
    device: str = "",
    commit: str = "",
    tolerance_mm: float = 0.0,
    postprocessing: str = "",
    by_own_labels: bool = False,
    warnings: tuple[str, ...] = (),
) -> Evaluation:
    """Summarise the cases of a model and of the rules.

    Parameters
    ----------
    manifest : Manifest
        The model's.
    cases : sequence of CaseResult
        At least one.
    rules : mapping of Rule to sequence of CaseResult
        The same cases, in the same order, by rule; empty where rules were not asked for.
    """
    is_study = manifest.task is Task.CLASSIFICATION
    has_lesions = manifest.task in (Task.LESIONS, Task.PAIRED_LESIONS)
    groups = {
        "scan_range": cases_by_scan_range(cases),
        "tracer": cases_by_tracer(cases),
        "mean_lesion_size": cases_by_lesion_size(cases),
    }
    return Evaluation(
        model=manifest.name,
        version=manifest.version,
        weights_sha256=manifest.weights_sha256 or "",
        data=data,
        is_simulated=is_simulated,
        cases=tuple(cases),
        summary=summarise_answers(cases, manifest.operating_point) if is_study else summarise(cases),
        sizes=by_lesion_size(cases) if has_lesions else (),
        groups={} if is_study else groups,
        rules=_ranked(cases, rules),
        answers=_answers(cases, manifest.operating_point) if is_study else None,
        operating_point=manifest.operating_point,
        device=device,
        commit=commit,
        tolerance_mm=tolerance_mm,
        postprocessing=postprocessing,
        by_own_labels=by_own_labels,
        warnings=warnings,
    )


def method_words(evaluation: Evaluation) -> tuple[str, ...]:
    """Return how the figures were made, in sentences."""
    sentences = [
        f"ci95: percentile bootstrap of the mean, {bootstrap.N_RESAMPLES} resamples of patients, "
        f"seed {bootstrap.SEED}; null with fewer than two patients.",
    ]
    if evaluation.answers is not None:
        return (*sentences, f"A study at or above {evaluation.operating_point:g} counts as positive.")
    sentences.append(f"surface_dsc_at_tolerance: by surface area within {evaluation.tolerance_mm:g} mm.")
    if evaluation.postprocessing:
        sentences.append(
            f"Post-processing: {evaluation.postprocessing}; a voxel counts from probability "
            f"{evaluation.operating_point:g} and its tracer's SUV threshold on."
        )
    if evaluation.by_own_labels:
        sentences.append("A voxel counts where the model's own labels say lesion and the PET reaches its threshold.")
    if evaluation.sizes:
        sentences += [
            "fpv_ml, fnv_ml: volume of 18-connected components without any overlap; a case without true lesions has "
            "fpv_ml alone.",
            "surface_dsc: surface voxels that truth and prediction share; surface_dsc_released: as the challenge's "
            "released code rounds it.",
        ]
    return tuple(sentences)


def _ranked(cases: Sequence[CaseResult], rules: Mapping[Rule, Sequence[CaseResult]]) -> tuple[RuleReport, ...]:
    structures = dict.fromkeys(case.structures[0].structure for case in cases) if rules else {}
    reports = []
    for structure in structures:
        places = [place for place, case in enumerate(cases) if case.structures[0].structure == structure]
        own = [cases[place] for place in places]
        found = [
            _rule_report(structure, rule, own, [results[place] for place in places]) for rule, results in rules.items()
        ]
        reports += sorted(found, key=lambda report: -np.nan_to_num(report.dsc, nan=-1.0))
    return tuple(reports)


def _rule_report(structure: str, rule: Rule, own: Sequence[CaseResult], ruled: Sequence[CaseResult]) -> RuleReport:
    patients = [case.patient_id for case in own]
    summary = {figure.value: summary_of(_values(ruled, figure), patients) for figure in _RULE_FIGURES}
    margin = summary_of(_values(own, Figure.DSC) - _values(ruled, Figure.DSC), patients)
    return RuleReport(structure, rule, summary, margin)


def _values(cases: Sequence[CaseResult], figure: Figure) -> NDArray[np.float64]:
    return np.array([case.structures[0].figures[figure] for case in cases], dtype=np.float64)


_RULE_FIGURES = (Figure.DSC, Figure.FPV_ML, Figure.FNV_ML)


def _answers(cases: Sequence[CaseResult], operating_point: float) -> Answers:
    truth, probability, _ = answers(cases)
    return Answers(matrix_of(cases, operating_point), roc_curve(truth, probability))
