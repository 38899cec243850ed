"""A manifest to the assurance that its parts hold together, or the name of the part that does not."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from psmacore.errors import ModelUnfitError
from psmacore.registry.manifest import Activation, ChannelName, Grid, InputChannel, Manifest, Normalisation, Task

NAME_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")

_UNITS = {
    ChannelName.PET: "g/ml",
    ChannelName.FDG_PET: "g/ml",
    ChannelName.PSMA_PET: "g/ml",
    ChannelName.CT: "HU",
    ChannelName.FDG_ORGANS: "label",
    ChannelName.PSMA_ORGANS: "label",
    ChannelName.POSITION_K: "1",
    ChannelName.POSITION_J: "1",
    ChannelName.POSITION_I: "1",
}
_PARAMETERS = {
    Normalisation.NONE: frozenset[str](),
    Normalisation.THRESHOLD: frozenset[str](),
    Normalisation.CLIP_MIN_MAX: frozenset({"low", "high"}),
    Normalisation.Z_SCORE: frozenset({"mean", "sd"}),
    Normalisation.DIVIDE: frozenset({"divisor"}),
}
_SINGLE_PET = frozenset({ChannelName.PET})
_PAIRED_PET = frozenset({ChannelName.FDG_PET, ChannelName.PSMA_PET})
_PAIRED = _PAIRED_PET | {ChannelName.FDG_ORGANS, ChannelName.PSMA_ORGANS}


def check_manifest(manifest: Manifest) -> None:
    """Check what a JSON Schema cannot say.

    Raises
    ------
    ModelUnfitError
        Naming the first part that does not hold, and the value met.
    """
    if not NAME_PATTERN.fullmatch(manifest.name):
        raise ModelUnfitError(
            f"name: 1 to 64 of a-z, 0-9, '.', '_', '-', first and last a letter or digit, not {manifest.name!r}"
        )
    if manifest.weights_sha256 is not None and not SHA256_PATTERN.fullmatch(manifest.weights_sha256):
        raise ModelUnfitError(f"weights_sha256: 64 hexadecimal digits in lower case, not {manifest.weights_sha256!r}")
    if not 0.0 <= manifest.operating_point <= 1.0:
        raise ModelUnfitError(f"operating_point: a probability from 0 to 1, not {manifest.operating_point!r}")
    _check_inputs(manifest)
    _check_grid(manifest.grid)
    _check_outputs(manifest)
    _check_figures(manifest)
    if manifest.weights_sha256 is not None and manifest.training is None:
        raise ModelUnfitError("training: a model with weights must say what it was trained on")
    if manifest.validity.is_thresholded and manifest.task not in (Task.LESIONS, Task.PAIRED_LESIONS):
        raise ModelUnfitError(f"validity/is_thresholded: only lesions have an SUV threshold, not {manifest.task}")


def _check_inputs(manifest: Manifest) -> None:
    names = [channel.name for channel in manifest.inputs]
    if not names:
        raise ModelUnfitError("inputs: at least one channel is needed")
    _refuse_repeats("inputs", names)
    for channel in manifest.inputs:
        _check_channel(channel, may_be_measured=manifest.weights_sha256 is None)
    images = {name for name in names if not name.startswith("position_")}
    if not images:
        raise ModelUnfitError("inputs: positions alone are no image")
    if images & _SINGLE_PET and images & _PAIRED:
        raise ModelUnfitError(
            f"inputs: {ChannelName.PET} is one tracer's, and the others are a pair's: {_list(images)}"
        )
    is_paired = manifest.task is Task.PAIRED_LESIONS
    if is_paired and not images >= _PAIRED_PET:
        raise ModelUnfitError(f"inputs: {manifest.task} needs {_list(_PAIRED_PET)}, not {_list(images)}")
    if not is_paired and images & _PAIRED:
        raise ModelUnfitError(f"inputs: {manifest.task} reads one study and cannot use {_list(images & _PAIRED)}")
    if images & (_SINGLE_PET | _PAIRED_PET) and not manifest.validity.tracers:
        raise ModelUnfitError("validity/tracers: a model that reads PET must name the tracers it may be used on")


def _check_channel(channel: InputChannel, *, may_be_measured: bool) -> None:
    where = f"inputs/{channel.name}"
    if channel.unit != _UNITS[channel.name]:
        raise ModelUnfitError(f"{where}/unit: {_UNITS[channel.name]!r} is needed, not {channel.unit!r}")
    needed, given = _PARAMETERS[channel.normalisation], frozenset(channel.parameters)
    is_unmeasured = may_be_measured and channel.normalisation is Normalisation.Z_SCORE and not given
    if given != needed and not is_unmeasured:
        raise ModelUnfitError(
            f"{where}/parameters: {channel.normalisation} needs {_list(needed) or 'none'}, not {_list(given) or 'none'}"
        )
    for name, value in channel.parameters.items():
        if not math.isfinite(value):
            raise ModelUnfitError(f"{where}/parameters/{name}: {value!r} is not finite")
    if channel.normalisation is Normalisation.CLIP_MIN_MAX and channel.parameters["low"] >= channel.parameters["high"]:
        raise ModelUnfitError(
            f"{where}/parameters: low {channel.parameters['low']:g} must lie below high {channel.parameters['high']:g}"
        )
    for name in ("sd", "divisor"):
        if name in channel.parameters and channel.parameters[name] <= 0:
            raise ModelUnfitError(f"{where}/parameters/{name}: must be above 0, not {channel.parameters[name]:g}")
    if channel.normalisation is Normalisation.THRESHOLD and channel.unit != "g/ml":
        raise ModelUnfitError(f"{where}/normalisation: only PET has an SUV threshold")


def _check_grid(grid: Grid) -> None:
    if min(grid.patch) < 1:
        raise ModelUnfitError(f"grid/patch: sizes must be 1 or more, not {grid.patch}")
    if not 0.0 <= grid.overlap < 1.0:
        raise ModelUnfitError(f"grid/overlap: a fraction from 0 to below 1, not {grid.overlap!r}")
    if grid.spacing_kji_mm is not None and grid.resize_to is not None:
        raise ModelUnfitError("grid: spacing_kji_mm and resize_to exclude each other")
    if grid.spacing_kji_mm is not None and not all(math.isfinite(mm) and mm > 0 for mm in grid.spacing_kji_mm):
        raise ModelUnfitError(f"grid/spacing_kji_mm: sizes must be above 0 mm, not {grid.spacing_kji_mm}")
    if grid.resize_to is not None and min(grid.resize_to) < 1:
        raise ModelUnfitError(f"grid/resize_to: sizes must be 1 or more, not {grid.resize_to}")


def _check_outputs(manifest: Manifest) -> None:
    outputs = manifest.outputs
    if not outputs:
        raise ModelUnfitError("outputs: at least one channel is needed")
    _refuse_repeats("outputs", [output.label for output in outputs])
    _refuse_repeats("outputs", [output.name for output in outputs])
    is_softmax = manifest.activation is Activation.SOFTMAX
    if is_softmax and (len(outputs) < 2 or outputs[0].label != 0):
        raise ModelUnfitError("outputs: softmax needs the background, label 0, first and at least one class beside it")
    if not is_softmax and any(output.label == 0 for output in outputs):
        raise ModelUnfitError("outputs: sigmoid has no background, so no output may be label 0")
    if manifest.task is Task.CLASSIFICATION and (is_softmax or len(outputs) != 1):
        raise ModelUnfitError(
            f"outputs: {manifest.task} has one sigmoid output, not {len(outputs)} of {manifest.activation}"
        )
    if manifest.task is Task.PAIRED_LESIONS and (is_softmax or len(outputs) != 2):
        raise ModelUnfitError(f"outputs: {manifest.task} has two sigmoid outputs, FDG and PSMA, which may overlap")


def _check_figures(manifest: Manifest) -> None:
    for metric in manifest.metrics:
        if not math.isfinite(metric.value):
            raise ModelUnfitError(f"metrics/{metric.name}: {metric.value!r} is not finite")
    for cost in manifest.costs:
        if not all(math.isfinite(value) and value >= 0 for value in (cost.seconds, cost.memory_mib)):
            raise ModelUnfitError(f"costs/{cost.device}: seconds and memory_mib must be 0 or more")


def _refuse_repeats(where: str, values: Collection[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise ModelUnfitError(f"{where}: {value!r} is named twice")
        seen.add(value)


def _list(values: Collection[str]) -> str:
    return ", ".join(sorted(map(str, values)))
