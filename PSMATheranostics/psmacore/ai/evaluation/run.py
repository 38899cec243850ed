"""A request to evaluate to the evaluation in its folder: cases read, predicted, measured, summarised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from psmacore.ai.data.case import Case, CaseRef, Layout, ReferenceTracer
from psmacore.ai.data.open_data import find_cases, load_case
from psmacore.ai.data.splits import cases_of, read_splits
from psmacore.ai.deep_psma.operating_points import OperatingPoint, choose_points, point_for, write_points
from psmacore.ai.deep_psma.postprocess import Growth
from psmacore.ai.evaluation.case_model import CaseModel, case_model
from psmacore.ai.evaluation.cases import CaseEvaluator, Evaluated
from psmacore.ai.evaluation.cautions import seen_warnings, weights_warnings
from psmacore.ai.evaluation.error_mip import error_mip
from psmacore.ai.evaluation.figures import CaseResult, Figure
from psmacore.ai.evaluation.paired import PairedCases, write_trials
from psmacore.ai.evaluation.predict import NetworkOnCases
from psmacore.ai.evaluation.records import write_evaluation
from psmacore.ai.evaluation.report import Evaluation, evaluation_of
from psmacore.ai.evaluation.rules import Rule
from psmacore.ai.inference.ahead import loaded_ahead
from psmacore.ai.segmenters.choosing import operating_point
from psmacore.ai.segmenters.deep_psma import growth_of
from psmacore.ai.segmenters.organ_unet import ORGAN_FAMILY
from psmacore.ai.segmenters.running import Machine, RunningModel, TakeTurn
from psmacore.ai.training.origin import describe_training
from psmacore.ai.training.result import SPLIT_FILE
from psmacore.errors import InputRefusedError, UsageError
from psmacore.pipeline.evaluate_request import EvaluateRequest
from psmacore.pipeline.model_names import ENSEMBLE_SEPARATOR
from psmacore.pipeline.request import ModelOptions
from psmacore.pipeline.software import this_software
from psmacore.registry.catalog import ModelFolder, choose_model, find_model, open_model
from psmacore.registry.manifest import Manifest, Task
from psmacore.registry.read import MANIFEST_FILE
from psmacore.report.mip import encode_png

PICTURES = "error_mips"
_LESION_TASKS = (Task.LESIONS, Task.PAIRED_LESIONS)
_SHOWN = 5
_IN_TITLE = (("DSC", Figure.DSC, ""), ("FPV", Figure.FPV_ML, " ml"), ("FNV", Figure.FNV_ML, " ml"))

OnProgress = Callable[[str, float], None]


def evaluate(
    request: EvaluateRequest, folder: Path, *, on_progress: OnProgress, take_turn: TakeTurn | None = None
) -> Evaluation:
    """Evaluate a model and write evaluation.json, tables, report and error pictures into ``folder``.

    Parameters
    ----------
    request : EvaluateRequest
        What to evaluate.
    folder : pathlib.Path
        An existing folder.
    on_progress : callable
        Told the stage and the part of the whole that is done, 0 to 1.
    take_turn : callable, optional
        Waits for the GPU.

    Raises
    ------
    UsageError
        If rules are asked of a model that finds no lesions, or a case is named that is not there.
    InputRefusedError
        If the data holds no case for the model, or a case cannot be measured; the case is named.
    ModelError
        If weights are missing or unfit.
    """
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    model = _model(request.model.partition(ENSEMBLE_SEPARATOR)[0])
    manifest = model.manifest
    if request.with_rules and manifest.task not in _LESION_TASKS:
        raise UsageError(f"--rule compares lesions; {manifest.name} does {manifest.task.value}")
    ways = _ways(request, model)
    point = operating_point(manifest, request.operating_point) if ways is None else ways.point.probability
    refs = _chosen(request, model)
    progress = _Progress(on_progress, len(refs))
    options = ModelOptions(device=request.device, is_fast=request.is_fast, allow_simulation_weights=True)
    machine = Machine(options, on_progress=progress.within)
    if take_turn is not None:
        machine.take_turn = take_turn
    organ_model = _organ_model(request, manifest, refs)
    running, paired = _opened(request, model, machine, ways)
    evaluator = CaseEvaluator(
        running,
        tolerance_mm=request.tolerance_mm,
        organ_model=None if organ_model is None else case_model(organ_model, machine),
        with_rules=request.with_rules,
        paired=paired,
        with_trials=request.chooses_points,
    )
    results, rules = _measured(refs, manifest, evaluator, folder / PICTURES, progress)
    origin = describe_training(request.data, refs, licence="")
    evaluation = evaluation_of(
        replace(manifest, operating_point=point),
        results,
        rules,
        data=origin.data,
        is_simulated=origin.is_simulated,
        device=running.use.device,
        commit=this_software().commit,
        tolerance_mm=request.tolerance_mm,
        postprocessing="" if ways is None else ways.words,
        by_own_labels=running.uses_own_labels,
        warnings=(
            *_ensemble_words(request),
            *running.warnings,
            *seen_warnings(model, refs, origin),
            *weights_warnings(model, origin, organ_model),
        ),
    )
    write_evaluation(evaluation, folder)
    if paired is not None and request.chooses_points:
        write_trials(paired.trials, folder)
        write_points(choose_points(paired.trials), model, data=origin.data)
    on_progress("written", 1.0)
    return evaluation


def _measured(
    refs: Sequence[CaseRef], manifest: Manifest, evaluator: CaseEvaluator, pictures: Path, progress: _Progress
) -> tuple[list[CaseResult], dict[Rule, list[CaseResult]]]:
    """Return every case's result, and that of each rule; draw the error pictures on the way."""
    results: list[CaseResult] = []
    rules: dict[Rule, list[CaseResult]] = {}
    for number, case in enumerate(loaded_ahead(refs, partial(_loaded, manifest=manifest))):
        progress.start(number)
        with _naming(case.ref):
            evaluated = evaluator.evaluate(case)
        results.append(evaluated.result)
        for rule, result in evaluated.rules.items():
            rules.setdefault(rule, []).append(result)
        _draw(evaluated, pictures, number)
    return results, rules


@dataclass(frozen=True)
class _Ways:
    """How a paired model's output becomes lesions."""

    point: OperatingPoint
    growth: Growth

    @property
    def words(self) -> str:
        """For the report."""
        name = self.point.postprocessing.value
        return f"{name}, grown by {self.growth.radius_mm:g} mm" if self.point.postprocessing.is_grown else name


def _ways(request: EvaluateRequest, model: ModelFolder) -> _Ways | None:
    """Return how a paired model's output becomes lesions; ``None`` for other models, which must not be asked."""
    options = request.pair_options
    if model.manifest.task is Task.PAIRED_LESIONS:
        return _Ways(point_for(model, options), growth_of(options))
    if request.chooses_points or options.postprocessing is not None or options.growth_mm is not None:
        raise UsageError(f"post-processing is for models that read both tracers, not for {model.manifest.name}")
    return None


def _opened(
    request: EvaluateRequest, model: ModelFolder, machine: Machine, ways: _Ways | None
) -> tuple[CaseModel, PairedCases | None]:
    """Return the model ready to run and, of a paired one, that with the further folds of an ensemble (D23)."""
    if ways is None:
        wanted = request.operating_point
        point = None if wanted is None else operating_point(model.manifest, wanted)
        return case_model(model, machine, operating_point=point), None
    names = request.model.split(ENSEMBLE_SEPARATOR)[1:]
    folds = [RunningModel(one, machine) for one in (model, *map(_model, names))]
    return NetworkOnCases(folds[0], ways.point.probability), PairedCases(folds, ways.point, ways.growth)


def _ensemble_words(request: EvaluateRequest) -> tuple[str, ...]:
    names = [Path(name).name for name in request.model.split(ENSEMBLE_SEPARATOR)]
    return (f"mean logits of {len(names)} folds: {', '.join(names)}",) if len(names) > 1 else ()


class _Progress:
    """The part of a model's run that is done to that of the whole evaluation."""

    def __init__(self, on_progress: OnProgress, n_cases: int) -> None:
        self._on_progress = on_progress
        self._n_cases = n_cases
        self._number = 0

    def start(self, number: int) -> None:
        """Tell that case ``number``, from 0, begins."""
        self._number = number
        self._tell(0.0)

    def within(self, _stage: str, fraction: float) -> None:
        """Tell how much of a model's run on the case is done."""
        self._tell(fraction)

    def _tell(self, fraction: float) -> None:
        words = f"case {self._number + 1} of {self._n_cases}"
        self._on_progress(words, (self._number + fraction) / self._n_cases)


def _loaded(ref: CaseRef, manifest: Manifest) -> Case:
    with _naming(ref):
        return load_case(ref, manifest)


@contextmanager
def _naming(ref: CaseRef) -> Iterator[None]:
    """Say which case an input was refused of."""
    try:
        yield
    except InputRefusedError as error:
        raise InputRefusedError(f"case {ref.case_id}: {error}") from error


def _draw(evaluated: Evaluated, folder: Path, number: int) -> None:
    view = evaluated.view
    if view is None:
        return
    figures = evaluated.result.structures[0].figures
    words = (f"{name} {figures[figure]:.2f}{unit}" for name, figure, unit in _IN_TITLE)
    picture = error_mip(
        view.suv, view.truth, view.prediction, view.geometry, title=f"{evaluated.result.case_id}: {', '.join(words)}"
    )
    folder.mkdir(exist_ok=True)
    (folder / f"{number + 1:03}_{view.structure}.png").write_bytes(encode_png(picture))


def _chosen(request: EvaluateRequest, model: ModelFolder) -> tuple[CaseRef, ...]:
    """Return the cases that were asked for, by identifier or by split."""
    refs = find_cases(request.data, model.manifest)
    if request.split is not None:
        path = request.split_file or model.folder / SPLIT_FILE
        if not path.is_file():
            raise UsageError(f"--split: there is no {path.name} beside the weights; name one with --split-file")
        chosen = cases_of(refs, getattr(read_splits(path, refs)[0], request.split))
        if not chosen:
            raise InputRefusedError(f"{path.name} has no patient for {request.split}")
        return chosen
    if not request.cases:
        return refs
    unknown = set(request.cases) - {name for ref in refs for name in (ref.case_id, ref.patient_id)}
    if unknown:
        known = ", ".join(ref.case_id for ref in refs[:_SHOWN])
        raise UsageError(f"--cases: no case is named {sorted(unknown)[0]!r}; there are {len(refs)}, such as {known}")
    return tuple(ref for ref in refs if {ref.case_id, ref.patient_id} & set(request.cases))


def _model(name: str) -> ModelFolder:
    """Return the model of a name, or of a folder that holds a manifest."""
    folder = Path(name).expanduser()
    return open_model(folder.absolute()) if (folder / MANIFEST_FILE).is_file() else find_model(name)


def _organ_model(request: EvaluateRequest, manifest: Manifest, refs: Sequence[CaseRef]) -> ModelFolder | None:
    """Return the organ model where rules, or FDG thresholds that no file states, need one."""
    if manifest.task not in _LESION_TASKS:
        return None
    if request.organ_model is not None:
        return _model(request.organ_model)
    lacks_threshold = manifest.validity.is_thresholded and any(
        ref.layout is Layout.AUTOPET and ref.tracer == ReferenceTracer.FDG for ref in refs
    )
    if request.with_rules or lacks_threshold:
        return choose_model(ORGAN_FAMILY, None, allow_simulation=True)
    return None
