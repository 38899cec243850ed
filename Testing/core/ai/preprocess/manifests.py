"""Manifests of small models, one for each way that inputs are made."""

from __future__ import annotations

from psmacore.registry.manifest import (
    Activation,
    Architecture,
    ChannelName,
    Grid,
    InputChannel,
    Manifest,
    Normalisation,
    OutputClass,
    Task,
    Validity,
)

PET = InputChannel(ChannelName.PET, "g/ml", Normalisation.CLIP_MIN_MAX, {"low": 0.0, "high": 15.0})
CT = InputChannel(ChannelName.CT, "HU", Normalisation.CLIP_MIN_MAX, {"low": -100.0, "high": 250.0})
PAIR = tuple(
    channel
    for pet, organs in (
        (ChannelName.FDG_PET, ChannelName.FDG_ORGANS),
        (ChannelName.PSMA_PET, ChannelName.PSMA_ORGANS),
    )
    for channel in (
        InputChannel(pet, "g/ml", Normalisation.THRESHOLD),
        InputChannel(organs, "label", Normalisation.DIVIDE, {"divisor": 117.0}),
    )
)
POSITIONS = tuple(
    InputChannel(name, "1", Normalisation.NONE)
    for name in (ChannelName.POSITION_K, ChannelName.POSITION_J, ChannelName.POSITION_I)
)
BACKGROUND = OutputClass(0, "background")


def a_manifest(
    task: Task,
    inputs: tuple[InputChannel, ...],
    outputs: tuple[OutputClass, ...],
    *,
    grid: Grid | None = None,
    activation: Activation = Activation.SOFTMAX,
    tracers: tuple[str, ...] = (),
) -> Manifest:
    return Manifest(
        name=f"small-{task}",
        version="1.0.0",
        family="small",
        task=task,
        architecture=Architecture("unet"),
        inputs=inputs,
        grid=grid or Grid(patch=(8, 8, 8)),
        outputs=outputs,
        activation=activation,
        validity=Validity(tracers=tracers),
        training=None,
        licence="Apache-2.0",
    )


def lesion_manifest(*tracers: str, patch: tuple[int, int, int] = (8, 8, 8)) -> Manifest:
    outputs = (BACKGROUND, OutputClass(1, "lesion"))
    return a_manifest(Task.LESIONS, (PET, CT), outputs, grid=Grid(patch=patch), tracers=tracers)


def paired_manifest(patch: tuple[int, int, int] = (8, 8, 8)) -> Manifest:
    outputs = (OutputClass(1, "fdg_lesion"), OutputClass(2, "psma_lesion"))
    return a_manifest(
        Task.PAIRED_LESIONS, PAIR, outputs, grid=Grid(patch=patch), activation=Activation.SIGMOID,
        tracers=("psma", "fdg"),
    )  # fmt: skip


def organ_manifest(*labels: int, spacing: tuple[float, float, float] | None = None) -> Manifest:
    outputs = (BACKGROUND, *(OutputClass(label, f"organ_{label}") for label in labels))
    return a_manifest(Task.ORGANS, (CT, *POSITIONS), outputs, grid=Grid((8, 8, 8), spacing_kji_mm=spacing))


def study_manifest(mean: float = 1.0, sd: float = 2.0) -> Manifest:
    pet = InputChannel(ChannelName.PET, "g/ml", Normalisation.Z_SCORE, {"mean": mean, "sd": sd})
    grid = Grid((16, 16, 16), resize_to=(16, 16, 16))
    return a_manifest(
        Task.CLASSIFICATION, (pet,), (OutputClass(1, "lesion_present"),), grid=grid, activation=Activation.SIGMOID
    )


def prostate_manifest(*names: str) -> Manifest:
    outputs = (BACKGROUND, *(OutputClass(number, name) for number, name in enumerate(names, 1)))
    return a_manifest(Task.PROSTATE, (CT,), outputs)
