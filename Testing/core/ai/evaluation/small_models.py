"""Real networks whose weights are all zero but the last bias: they answer the same at every voxel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from psmacore.ai.networks.build import network_of
from psmacore.ai.weights import save_weights
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
    Training,
    Validity,
)
from psmacore.registry.read import write_manifest

UNET = Architecture(
    "unet", {"spatial_dims": 3, "channels": (2, 4), "strides": (2,), "n_residual_units": 0, "norm": "instance"}
)
PET = InputChannel(ChannelName.PET, "g/ml", Normalisation.CLIP_MIN_MAX, {"low": 0.0, "high": 15.0})
CT = InputChannel(ChannelName.CT, "HU", Normalisation.CLIP_MIN_MAX, {"low": -100.0, "high": 250.0})
PAIR = tuple(
    channel
    for pet, organs in ((ChannelName.FDG_PET, ChannelName.FDG_ORGANS), (ChannelName.PSMA_PET, ChannelName.PSMA_ORGANS))
    for channel in (
        InputChannel(pet, "g/ml", Normalisation.THRESHOLD),
        InputChannel(organs, "label", Normalisation.DIVIDE, {"divisor": 117.0}),
    )
)
_BACKGROUND = OutputClass(0, "background")


def write_lesion_model(folder: Path, *, tracers: tuple[str, ...] = ("psma",), trained_on: str = "nothing") -> Path:
    """Write a model that takes every voxel for lesion, so that its mask is whatever reaches the threshold."""
    manifest = _manifest("all-hot", Task.LESIONS, (PET, CT), (_BACKGROUND, OutputClass(1, "lesion")))
    validity = Validity(tracers=tracers, is_thresholded=True)
    return _write(
        replace(manifest, validity=validity, family="lesion-unet", training=Training(trained_on, "Apache-2.0", False)),
        folder,
        bias=(-5.0, 5.0),
    )


def write_paired_model(folder: Path) -> Path:
    """Write a paired model that takes every voxel for FDG lesion and none for PSMA lesion."""
    outputs = (OutputClass(1, "fdg_lesion"), OutputClass(2, "psma_lesion"))
    manifest = _manifest("fdg-only", Task.PAIRED_LESIONS, PAIR, outputs)
    validity = Validity(tracers=("psma", "fdg"), is_thresholded=True)
    manifest = replace(manifest, validity=validity, activation=Activation.SIGMOID)
    return _write(manifest, folder, bias=(5.0, -5.0))


def write_organ_model(folder: Path) -> Path:
    """Write a model that takes every voxel for liver."""
    outputs = (_BACKGROUND, OutputClass(1, "spleen"), OutputClass(5, "liver"))
    manifest = replace(_manifest("all-liver", Task.ORGANS, (CT,), outputs), family="organ-unet")
    return _write(manifest, folder, bias=(-5.0, -5.0, 5.0))


def write_classifier(folder: Path, *, bias: float = 1.0) -> Path:
    """Write a classifier that answers ``sigmoid(bias)`` for every study."""
    pet = InputChannel(ChannelName.PET, "g/ml", Normalisation.Z_SCORE, {"mean": 1.0, "sd": 2.0})
    manifest = _manifest("always", Task.CLASSIFICATION, (pet,), (OutputClass(1, "lesion_present"),))
    manifest = replace(
        manifest,
        architecture=Architecture("cnn3d", {"channels": (2, 2, 2, 2), "n_hidden": 2}),
        grid=Grid(patch=(16, 16, 16), resize_to=(16, 16, 16), overlap=0.0),
        activation=Activation.SIGMOID,
        validity=Validity(tracers=("psma",)),
    )
    return _write(manifest, folder, bias=(bias,))


def _manifest(name: str, task: Task, inputs: tuple[InputChannel, ...], outputs: tuple[OutputClass, ...]) -> Manifest:
    return Manifest(
        name=name,
        version="1.0.0",
        family="small",
        task=task,
        architecture=UNET,
        inputs=inputs,
        grid=Grid(patch=(8, 16, 16)),
        outputs=outputs,
        activation=Activation.SOFTMAX,
        validity=Validity(),
        training=Training("nothing", "Apache-2.0", is_simulated=False),
        licence="Apache-2.0",
    )


def _write(manifest: Manifest, folder: Path, *, bias: tuple[float, ...]) -> Path:
    network = network_of(manifest)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        last = [parameter for parameter in network.parameters() if parameter.shape == (len(bias),)][-1]
        last.copy_(torch.tensor(bias))
    home = folder / manifest.name
    home.mkdir(parents=True)
    digest = save_weights(network, home / "weights.safetensors", half=False)
    write_manifest(replace(manifest, weights_sha256=digest), home)
    return home
