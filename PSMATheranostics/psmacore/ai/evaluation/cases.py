"""A case that has been read to its figures, for each task that a model can have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.data.case import Case, ReferenceTracer
from psmacore.ai.evaluation.case_model import CaseModel
from psmacore.ai.evaluation.figures import CaseResult, Figure, StructureResult, measure_labels, measure_lesions
from psmacore.ai.evaluation.organs import organs_of
from psmacore.ai.evaluation.overlap import dsc, fnv_ml, fpv_ml, measure_overlap
from psmacore.ai.evaluation.paired import PairedCases
from psmacore.ai.evaluation.rules import OrganSource, Rule, RuleCase, rule_masks, suv_volume
from psmacore.ai.evaluation.summary import LESION
from psmacore.errors import InputRefusedError
from psmacore.lesions.scan_range import scan_range
from psmacore.lesions.thresholds import default_rule, resolve
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import OrganMap
from psmacore.registry.manifest import ChannelName, Task

Mask = NDArray[np.bool_]

_TRACERS = (
    (ReferenceTracer.FDG, ChannelName.FDG_PET),
    (ReferenceTracer.PSMA, ChannelName.PSMA_PET),
)


@dataclass(frozen=True, eq=False)
class LesionView:
    """The masks of one tracer on its native grid, for pictures and rules."""

    structure: str
    truth: Mask
    prediction: Mask
    suv: NDArray[np.float32]
    geometry: Geometry
    threshold_suv: float | None
    is_fdg: bool

    @property
    def tracer(self) -> str:
        """``fdg`` or ``psma``."""
        return (ReferenceTracer.FDG if self.is_fdg else ReferenceTracer.PSMA).value


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A case's figures, the masks behind them, and each rule's figures for the same case.

    Parameters
    ----------
    view : LesionView or None
        Of lesion models.
    rules : mapping of Rule to CaseResult
        DSC, FPV and FNV only; empty where rules were not asked for.
    """

    result: CaseResult
    view: LesionView | None = None
    rules: Mapping[Rule, CaseResult] = field(default_factory=dict)


class CaseEvaluator:
    """A model, and with rules an organ model, to the figures of case after case.

    Parameters
    ----------
    model : CaseModel
        What is measured.
    tolerance_mm : float
        Of DeepMind's surface DSC.
    organ_model : CaseModel or None
        Predicts organs: for the rules, and for an FDG threshold that no file states.
    with_rules : bool
        Measure the rules too; needs the organ model.
    paired : PairedCases or None
        Of a paired model: makes its lesions.
    with_trials : bool
        Also try every post-processing of a paired model.
    """

    def __init__(
        self,
        model: CaseModel,
        *,
        tolerance_mm: float,
        organ_model: CaseModel | None,
        with_rules: bool,
        paired: PairedCases | None = None,
        with_trials: bool = False,
    ) -> None:
        self._model = model
        self._organ_model = organ_model
        self._tolerance_mm = tolerance_mm
        self._with_rules = with_rules
        self._paired = paired
        self._with_trials = with_trials

    def evaluate(self, case: Case) -> Evaluated:
        """Return a case's figures.

        Raises
        ------
        InputRefusedError
            If the case has no truth for the model's task, or a threshold cannot be known.
        """
        started = time.perf_counter()
        task = self._model.manifest.task
        if task is Task.CLASSIFICATION:
            return self._study(case, started)
        if task in (Task.LESIONS, Task.PAIRED_LESIONS):
            return self._lesions(case, started)
        truth = _truth(case)
        labels = self._model.organ_labels(case.geometry, case.channels)
        seconds = time.perf_counter() - started
        structures = measure_labels(
            truth, labels, self._model.manifest.outputs, case.geometry, tolerance_mm=self._tolerance_mm
        )
        return Evaluated(_result(case, structures, seconds, case.ref.tracer))

    def _study(self, case: Case, started: float) -> Evaluated:
        if case.has_lesion is None:
            raise InputRefusedError(f"case {case.ref.case_id}: nothing says whether the study holds a lesion")
        probability = self._model.study_probability(case.geometry, case.channels)
        result = _result(case, (), time.perf_counter() - started, case.ref.tracer)
        return Evaluated(replace(result, is_positive=case.has_lesion, probability=probability))

    def _lesions(self, case: Case, started: float) -> Evaluated:
        organs = None if self._organ_model is None else organs_of(case, self._organ_model)
        started = time.perf_counter() if organs is not None else started
        thresholds = _thresholds(case, None if organs is None else organs[OrganSource.PREDICTED])
        prediction = self._predicted(case, thresholds)
        seconds = time.perf_counter() - started
        view = _view(case, prediction, thresholds)
        if self._paired is not None and self._with_trials:
            self._paired.try_all(case, view.truth)
        structure = measure_lesions(
            view.structure, view.truth, view.prediction, view.geometry, suv=view.suv, tolerance_mm=self._tolerance_mm
        )
        result = _result(case, (structure,), seconds, view.tracer)
        rules = _rules(case, view, organs) if self._with_rules and organs is not None else {}
        return Evaluated(result, view, rules)

    def _predicted(self, case: Case, thresholds_suv: Mapping[ChannelName, float]) -> Mask:
        if self._paired is not None:
            return self._paired.lesions(case)
        return self._model.lesion_mask(case.geometry, case.channels, thresholds_suv)


def _view(case: Case, prediction: Mask, thresholds_suv: Mapping[ChannelName, float]) -> LesionView:
    """Return truth and prediction of the case's own tracer: in a pair, the one whose native grid the case lies on."""
    truth = _truth(case)
    if case.ref.reference is None:
        channel, number, structure, truths = ChannelName.PET, 0, LESION, [truth > 0]
        is_fdg = case.ref.tracer == ReferenceTracer.FDG
    else:
        number = next(place for place, (tracer, _) in enumerate(_TRACERS) if tracer is case.ref.reference)
        channel, structure, truths = _TRACERS[number][1], case.ref.reference.value, list(truth > 0)
        is_fdg = case.ref.reference is ReferenceTracer.FDG
    return LesionView(
        structure=structure,
        truth=np.asarray(truths[number], dtype=np.bool_),
        prediction=prediction,
        suv=case.channels[channel],
        geometry=case.geometry,
        threshold_suv=thresholds_suv.get(channel),
        is_fdg=is_fdg,
    )


def _thresholds(case: Case, organs: OrganMap | None) -> dict[ChannelName, float]:
    """Return the SUV thresholds: as stated, else PSMA 3.0 and for FDG the liver's (D02); none where nothing tells."""
    stated = dict(case.thresholds_suv)
    if case.ref.reference is not None or ChannelName.PET in stated:
        return stated
    is_fdg = case.ref.tracer == ReferenceTracer.FDG
    if is_fdg and organs is None:
        return stated
    suv = suv_volume(case.channels[ChannelName.PET], case.geometry)
    return {**stated, ChannelName.PET: resolve(default_rule(is_fdg), suv, organs).suv}


def _rules(case: Case, view: LesionView, organs: Mapping[OrganSource, OrganMap]) -> dict[Rule, CaseResult]:
    if view.threshold_suv is None:
        raise InputRefusedError(f"case {case.ref.case_id}: nothing states the threshold that the rules need")
    found = {}
    for rule, mask in rule_masks(RuleCase(view.suv, view.geometry, view.threshold_suv, organs, view.is_fdg)):
        counts = measure_overlap(view.truth, mask, voxel_ml=view.geometry.voxel_volume_ml)
        figures = {Figure.DSC: dsc(counts), Figure.FPV_ML: fpv_ml(counts), Figure.FNV_ML: fnv_ml(counts)}
        structure = StructureResult(
            view.structure, counts.n_true * counts.voxel_ml, counts.n_predicted * counts.voxel_ml, figures
        )
        found[rule] = _result(case, (structure,), float("nan"), view.tracer)
    return found


def _truth(case: Case) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if case.target is None:
        raise InputRefusedError(f"case {case.ref.case_id} has no truth to compare with")
    return case.target


def _result(case: Case, structures: tuple[StructureResult, ...], seconds: float, tracer: str) -> CaseResult:
    return CaseResult(
        case_id=case.ref.case_id,
        patient_id=case.ref.patient_id,
        tracer=tracer,
        scan_range=scan_range(case.geometry).value,
        structures=structures,
        seconds=seconds,
    )
