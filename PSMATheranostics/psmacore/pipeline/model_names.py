"""A name from the user to what the models of that name do, without their weights."""

from __future__ import annotations

from psmacore.errors import ModelMissingError, ModelUnfitError, UsageError
from psmacore.pipeline.request import DEFAULT_SEGMENTER, NO_MODEL, AnalyseRequest
from psmacore.registry.catalog import broken_models, list_models
from psmacore.registry.manifest import Task

LESION_TASKS = frozenset({Task.LESIONS, Task.PAIRED_LESIONS})
ENSEMBLE_SEPARATOR = ","
"""Between the names of an ensemble's folds (D23)."""


def task_of(name: str) -> Task:
    """Return what the models of a name do: one model's own name, a family's, or the names of an ensemble's folds.

    Raises
    ------
    ModelMissingError
        If there is none; the message lists what there is.
    ModelUnfitError
        If several are named that are no folds of paired lesion models.
    """
    names = name.split(ENSEMBLE_SEPARATOR)
    tasks = {_task_of_one(one) for one in names}
    if len(names) > 1 and tasks != {Task.PAIRED_LESIONS}:
        raise ModelUnfitError(f"{name}: an ensemble is made of {Task.PAIRED_LESIONS} models alone")
    return tasks.pop()


def _task_of_one(name: str) -> Task:
    models = list_models()
    for model in models:
        if name in (model.manifest.name, model.manifest.family):
            return model.manifest.task
    for broken in broken_models():
        if broken.name == name:
            raise ModelUnfitError(f"model {name!r}: {broken.reason}")
    known = sorted({model.manifest.family for model in models})
    raise ModelMissingError(
        f"no segmenter is named {name!r}, nor a model or family; there are: {', '.join([DEFAULT_SEGMENTER, *known])}"
    )


def check_names(request: AnalyseRequest) -> None:
    """Refuse names that no model has, and models that do something else than what they are named for.

    Raises
    ------
    ModelMissingError
        If no model or family has a name.
    ModelUnfitError
        If its models do something else, or read two tracers and no companion is named.
    UsageError
        If a model's name carries a rule, as only ``threshold`` does, or a companion or a post-processing is named
        for a model of one study.
    """
    if request.draws_with_model:
        head, colon, _ = request.segmenter.partition(":")
        if colon:
            raise UsageError(f"--segmenter {request.segmenter}: only threshold takes a rule; see --operating-point")
        _check_companion(request, head, _require(head, LESION_TASKS))
    if request.models.organ_model not in (None, NO_MODEL):
        _require(str(request.models.organ_model), frozenset({Task.ORGANS}))
    if request.models.classifier not in (None, NO_MODEL):
        _require(str(request.models.classifier), frozenset({Task.CLASSIFICATION}))


def _require(name: str, tasks: frozenset[Task]) -> Task:
    task = task_of(name)
    if task not in tasks:
        wanted = " or ".join(words_of(one) for one in sorted(tasks))
        raise ModelUnfitError(f"{name} is made for {words_of(task)}, not for {wanted}")
    return task


def words_of(task: Task) -> str:
    """Return a task in plain words."""
    return task.value.replace("_", " ")


def _check_companion(request: AnalyseRequest, name: str, task: Task) -> None:
    if task is Task.PAIRED_LESIONS and not request.has_companion:
        raise ModelUnfitError(no_companion(name))
    if task is not Task.PAIRED_LESIONS and request.has_companion:
        raise UsageError(f"--companion: segmenter {name!r} reads one study only")
    options = request.models
    of_pairs = (options.postprocessing, options.growth_mm, options.no_growth_organs)
    if task is not Task.PAIRED_LESIONS and any(option is not None for option in of_pairs):
        raise UsageError(f"--postprocessing and growth are for models that read both tracers, not for {name}")


def no_companion(name: str) -> str:
    """Return why a model of paired lesions is refused for one study, and what such a study uses."""
    return (
        f"{name} reads PSMA and FDG of one patient together: name the other study with --companion. "
        "A study with one tracer alone uses --segmenter lesion-unet"
    )
