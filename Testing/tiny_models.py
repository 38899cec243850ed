"""Models of a few hundred weights with a known answer, written where a hospital's models lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from psmacore.ai.networks.build import network_of
from psmacore.ai.weights import save_weights
from psmacore.registry.catalog import ModelFolder, find_model, open_model
from psmacore.registry.manifest import Architecture, Grid, Manifest, OutputClass, Training
from psmacore.registry.read import write_manifest

PATIENTS = Training(data="three patients", licence="CC BY 4.0", is_simulated=False)
SIMULATED = Training(
    data="three simulated patients", licence="Apache-2.0", is_simulated=True, phantom_version="1", phantom_sha256="ab"
)
_TINY_UNET = Architecture("dynunet", {"filters": (2, 2, 2), "strides": (1, 2, 2), "kernel_size": 3})
_TINY_CNN = Architecture("cnn3d", {"channels": (2, 2), "n_hidden": 2})
FAR = 8.0


def tiny_lesion_manifest(name: str = "lesion-unet-own") -> Manifest:
    """Return PET and CT to lesion, patches of 16 voxels, on the PET's own grid."""
    published = find_model("lesion-unet-psma").manifest
    return replace(published, name=name, architecture=_TINY_UNET, grid=Grid(patch=(8, 16, 16)), training=PATIENTS)


def tiny_organ_manifest(name: str = "organ-unet-own") -> Manifest:
    """Return CT to liver and bladder, on a grid of 10 mm."""
    published = find_model("organ-unet").manifest
    return replace(
        published,
        name=name,
        architecture=_TINY_UNET,
        grid=Grid(patch=(8, 8, 8), spacing_kji_mm=(10.0, 10.0, 10.0)),
        outputs=(OutputClass(0, "background"), OutputClass(5, "liver"), OutputClass(21, "urinary_bladder")),
        training=PATIENTS,
    )


def tiny_classifier_manifest(name: str = "study-cnn-own") -> Manifest:
    """Return PET to one logit, resized to 16 voxels a side."""
    published = find_model("study-cnn").manifest
    (pet,) = published.inputs
    return replace(
        published,
        name=name,
        architecture=_TINY_CNN,
        inputs=(replace(pet, parameters={"mean": 1.0, "sd": 2.0}),),
        grid=Grid(patch=(16, 16, 16), resize_to=(16, 16, 16), overlap=0.0),
        training=PATIENTS,
    )


def tiny_paired_manifest(name: str = "deep-psma-own") -> Manifest:
    """Return both tracers to both tracers' lesions."""
    published = find_model("deep-psma").manifest
    return replace(published, name=name, architecture=_TINY_UNET, grid=Grid(patch=(8, 16, 16)), training=PATIENTS)


def write_constant_model(folder: Path, manifest: Manifest, *logits: float) -> ModelFolder:
    """Write a model that answers the same logits at every voxel of every image.

    The last layer's weights are 0 and its biases the logits; what lies before it is random but runs.
    """
    torch.manual_seed(0)
    network = network_of(manifest)
    last = [part for part in network.modules() if isinstance(part, (torch.nn.Conv3d, torch.nn.Linear))][-1]
    assert last.bias is not None
    assert len(last.bias) == len(logits), "one logit for each output"
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor(logits))
    return _write(folder, manifest, network)


def write_random_model(folder: Path, manifest: Manifest, seed: int = 0) -> ModelFolder:
    """Write a model with random weights."""
    torch.manual_seed(seed)
    return _write(folder, manifest, network_of(manifest))


def _write(folder: Path, manifest: Manifest, network: torch.nn.Module) -> ModelFolder:
    here = folder / manifest.name
    here.mkdir(parents=True, exist_ok=True)
    digest = save_weights(network, here / "weights.safetensors", half=False)
    write_manifest(replace(manifest, weights_sha256=digest), here)
    return open_model(here)
