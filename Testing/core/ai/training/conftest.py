"""Small prepared cases in memory, a small data set on disk, and networks that learn them in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import nibabel
import numpy as np
import pytest

from psmacore.registry.manifest import Manifest
from Testing.core.ai.data.folders import a_deep_psma_case


@pytest.fixture(autouse=True)
def _one_thread(torch_or_skip: ModuleType) -> None:
    """Every test here runs networks."""


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hospital's models folder, empty."""
    folder = tmp_path / "models"
    monkeypatch.setenv("PSMA_MODELS", str(folder))
    return folder


@pytest.fixture
def a_data_set(tmp_path: Path) -> Path:
    """Five patients with both tracers, in the layout of DEEP-PSMA."""
    folder = tmp_path / "data"
    for number in range(5):
        case = folder / f"train_{number:04d}"
        a_deep_psma_case(case)
        for tracer in ("PSMA", "FDG"):
            warm(case / tracer / "PET.nii.gz", 0.1 * number)
    return folder


def warm(path: Path, by_suv: float) -> None:
    """Add to every voxel, so that no two patients are alike."""
    image = nibabel.load(path)
    values = np.asarray(image.dataobj, np.float32) + np.float32(by_suv)
    nibabel.save(nibabel.Nifti1Image(values, image.affine), path)


@pytest.fixture
def a_case_of() -> Callable[[Manifest], dict[str, object]]:
    """Make a prepared case of a model: a bright block of each output in noise, 12 x 16 x 16 voxels."""
    return make_case


def make_case(manifest: Manifest, seed: int = 0) -> dict[str, object]:
    import torch

    from psmacore.ai.training.gates import is_gated, pet_channels
    from psmacore.registry.manifest import Activation

    rng = np.random.default_rng(seed)
    image = rng.normal(-0.5, 0.1, (len(manifest.inputs), 12, 16, 16)).astype(np.float32)
    is_softmax = manifest.activation is Activation.SOFTMAX
    n_outputs = len(manifest.outputs)
    label = np.zeros((1 if is_softmax else n_outputs, 12, 16, 16), np.uint8)
    for output in range(1 if is_softmax else 0, n_outputs):
        step, width = (5, 5) if is_softmax else (3, 6)  # blocks of overlapping outputs overlap
        start = 1 + step * ((output - 1) % 3)
        block = np.s_[2:9, start : start + width, 4:12]
        label[(0, *block) if is_softmax else (output, *block)] = output if is_softmax else 1
        image[(slice(None), *block)] += 1.0 + output
    return {
        "image": torch.from_numpy(image),
        "label": torch.from_numpy(label),
        "gate_levels": [0.0] * len(pet_channels(manifest)) if is_gated(manifest) else None,
        "voxel_ml": 0.008,
        "tracer": "psma",
    }
