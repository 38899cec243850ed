"""A name from the user and a study to the one model that may be run on it."""

from __future__ import annotations

import math

from psmacore.errors import ModelMissingError, ModelUnfitError
from psmacore.lesions.scan_range import ScanRange, scan_range
from psmacore.model.codes import Code
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.model_names import words_of
from psmacore.pipeline.request import Purpose
from psmacore.registry.catalog import ModelFolder, choose_model, find_model, list_models, serves_tracer
from psmacore.registry.manifest import Manifest, Task
from psmacore.suv.tracer import is_fdg, is_psma, known_tracer


def choose(name: str, task: Task, images: StudyImages, *, allow_simulation: bool) -> ModelFolder:
    """Return the model of a name or family that may be run on a study.

    Weights that know simulated patients only are taken for simulated studies, and for real ones where the user
    allowed it.

    Parameters
    ----------
    name : str
        Of one model, or of a family, of which the best that fits is taken.
    task : Task
        What the model must do.

    Raises
    ------
    ModelMissingError
        If there is none with weights that may be used.
    ModelUnfitError
        If the model does something else, or is not meant for the study's tracer (W87).
    """
    is_allowed = allow_simulation or images.is_simulated
    of_family = [model.manifest for model in list_models() if model.manifest.family == name]
    if not of_family:
        model = find_model(name)
        _require(model, task, images, is_simulation_allowed=is_allowed)
        return model
    if of_family[0].task is not task:
        raise ModelUnfitError(f"{name} is made for {words_of(of_family[0].task)}, not for {words_of(task)}")
    if not any(manifest.validity.tracers for manifest in of_family):
        return choose_model(name, None, allow_simulation=is_allowed)
    names = tracer_names(images.tracer)
    if not any(serves(manifest, images.tracer) for manifest in of_family):
        raise ModelUnfitError(_wrong_tracer(name, of_family, images.tracer))
    fitting = next(one for one in names if any(serves_tracer(manifest, one) for manifest in of_family))
    return choose_model(name, fitting, allow_simulation=is_allowed)


def serves(manifest: Manifest, tracer: Code) -> bool:
    """Return whether a model may be used on images of a tracer (W87); one that reads no PET may always."""
    if not manifest.validity.tracers:
        return True
    return any(serves_tracer(manifest, one) for one in tracer_names(tracer))


def tracer_names(tracer: Code) -> tuple[str, ...]:
    """Return what manifests call a tracer, the narrowest first: ``18f-psma-1007`` and ``psma``; empty if unknown."""
    known = known_tracer(tracer)
    own = () if known is None else (known.name,)
    group = ("psma",) if is_psma(tracer) else ("fdg",) if is_fdg(tracer) else ()
    return tuple(dict.fromkeys((*own, *group)))


def range_warnings(model: ModelFolder, images: StudyImages) -> tuple[str, ...]:
    """Warn where a study's scan range is none that the model was trained on (W86)."""
    allowed = model.manifest.validity.scan_ranges
    found = scan_range(images.suv.geometry, images.organs)
    if not allowed or found in allowed or (found is ScanRange.WHOLE_BODY and ScanRange.SKULL_TO_THIGH in allowed):
        return ()
    words = " or ".join(one.replace("_", " ") for one in allowed)
    return (f"{model.manifest.name} was trained on scans of {words}, this is {found.replace('_', ' ')}",)


def operating_point(manifest: Manifest, wanted: str | None) -> float:
    """Return the probability at or above which a model's output counts.

    Parameters
    ----------
    wanted : str or None
        A probability, or a purpose (D25), whose point the manifest states as the figure
        ``operating_point_screening`` or ``operating_point_burden``; ``None``, and ``burden`` where nothing is
        stated for it, take the model's own.

    Raises
    ------
    ModelUnfitError
        If the manifest states no point for screening.
    """
    if wanted is None:
        return manifest.operating_point
    if wanted not in set(Purpose):
        return float(wanted)
    stated = {metric.name: metric.value for metric in manifest.metrics}
    point = stated.get(f"operating_point_{wanted}", manifest.operating_point if wanted == Purpose.BURDEN else math.nan)
    if not 0.0 < point <= 1.0:
        raise ModelUnfitError(
            f"{manifest.name} states no operating point for {wanted}: name a probability, its own is "
            f"{manifest.operating_point:g}"
        )
    return point


def _require(model: ModelFolder, task: Task, images: StudyImages, *, is_simulation_allowed: bool) -> None:
    manifest = model.manifest
    if manifest.task is not task:
        raise ModelUnfitError(f"{manifest.name} is made for {words_of(manifest.task)}, not for {words_of(task)}")
    if not serves(manifest, images.tracer):
        raise ModelUnfitError(_wrong_tracer(manifest.name, [manifest], images.tracer))
    if not model.has_weights:
        raise ModelMissingError(f"{manifest.name} has no weights in {model.folder}: train it, or import a model")
    if model.is_simulation_trained and not is_simulation_allowed:
        raise ModelMissingError(
            f"the weights of {manifest.name} know simulated patients only and are not for clinical use: name another "
            "model, or allow them with --allow-simulation-weights"
        )


def _wrong_tracer(name: str, manifests: list[Manifest], tracer: Code) -> str:
    allowed = sorted({one for manifest in manifests for one in manifest.validity.tracers})
    return (
        f"{name} may be used on {' and '.join(allowed)} PET, not on {tracer.meaning!r} "
        "(W87: read from the Radiopharmaceutical Information Sequence; --override tracer=NAME corrects it)"
    )
