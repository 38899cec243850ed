"""A request to evaluate to the evaluation in its folder: cases read, predicted, measured, summarised."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from psmacore.ai.data.case import CaseRef, Layout, ReferenceTracer
from psmacore.ai.data.open_data import find_cases, load_case
from psmacore.ai.data.splits import cases_of, read_splits
from psmacore.ai.deep_psma.operating_points import OperatingPoint, choose_points, point_for, write_points
from psmacore.ai.deep_psma.postprocess import Growth
from psmacore.ai.evaluation.cases import CaseEvaluator, Evaluated
from psmacore.ai.evaluation.error_mip import error_mip
from psmacore.ai.evaluation.figures import CaseResult, Figure
from psmacore.ai.evaluation.paired import PairedCases, write_trials
from psmacore.ai.evaluation.records import write_evaluation
from psmacore.ai.evaluation.report import Evaluation, evaluation_of
from psmacore.ai.evaluation.rules import Rule
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
from psmacore.registry.manifest import Manifest, Task, Training
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
    running = RunningModel(model, machine)
    paired = None if ways is None else PairedCases([running, *_others(request, machine)], ways.point, ways.growth)
    evaluator = CaseEvaluator(
        running,
        operating_point=point,
        tolerance_mm=request.tolerance_mm,
        organ_model=None if organ_model is None else RunningModel(organ_model, machine),
        with_rules=request.with_rules,
        paired=paired,
        with_trials=request.chooses_points,
    )
    results, rules = [], dict[Rule, list[CaseResult]]()
    for number, ref in enumerate(refs):
        progress.start(number)
        evaluated = _evaluated(ref, manifest, evaluator)
        results.append(evaluated.result)
        for rule, result in evaluated.rules.items():
            rules.setdefault(rule, []).append(result)
        _draw(evaluated, folder / PICTURES, number)
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
        warnings=(
            *_ensemble_words(request),
            *running.warnings,
            *_seen(model, refs, origin),
            *_warnings(model, origin, organ_model),
        ),
    )
    write_evaluation(evaluation, folder)
    if paired is not None and request.chooses_points:
        write_trials(paired.trials, folder)
        write_points(choose_points(paired.trials), model, data=origin.data)
    on_progress("written", 1.0)
    return evaluation


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


def _others(request: EvaluateRequest, machine: Machine) -> list[RunningModel]:
    """Return the further folds of an ensemble (D23)."""
    return [RunningModel(_model(name), machine) for name in request.model.split(ENSEMBLE_SEPARATOR)[1:]]


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


def _evaluated(ref: CaseRef, manifest: Manifest, evaluator: CaseEvaluator) -> Evaluated:
    try:
        return evaluator.evaluate(load_case(ref, manifest))
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


def _seen(model: ModelFolder, refs: Sequence[CaseRef], data: Training) -> tuple[str, ...]:
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


def _warnings(model: ModelFolder, data: Training, organ_model: ModelFolder | None) -> tuple[str, ...]:
    """Return what the reader should know of the weights beside the data."""
    found = []
    trained = model.manifest.training
    if trained is not None and trained.is_simulated and not data.is_simulated:
        found.append("the weights know simulated patients only; they are not for clinical use")
    both_simulated = trained is not None and trained.is_simulated and data.is_simulated
    if trained is not None and both_simulated and trained.phantom_sha256 != data.phantom_sha256:
        found.append("weights and data come from different versions of the phantom")
    if organ_model is not None:
        found.append(f"organs for rules and FDG thresholds: {organ_model.manifest.name} {organ_model.manifest.version}")
    return tuple(found)
