"""Models of a hospital, in folders of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from psmacore.registry.catalog import ModelFolder, find_model, open_model
from psmacore.registry.manifest import Manifest, Training
from psmacore.registry.read import write_manifest

PATIENTS = Training(data="three patients", licence="CC BY 4.0", is_simulated=False)
SIMULATED = Training(
    data="three simulated patients", licence="Apache-2.0", is_simulated=True, phantom_version="1", phantom_sha256="ab"
)
WriteModel = Callable[..., ModelFolder]


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hospital's models folder, empty."""
    folder = tmp_path / "models"
    monkeypatch.setenv("PSMA_MODELS", str(folder))
    return folder


@pytest.fixture
def a_manifest(models_folder: Path) -> Manifest:
    """The published lesion model for PSMA."""
    return find_model("lesion-unet-psma").manifest


@pytest.fixture
def write_model(models_folder: Path, a_manifest: Manifest) -> WriteModel:
    """Write a model into the hospital's folder; ``weights`` ``None`` leaves it a recipe."""

    def write(
        name: str = "lesion-unet-own",
        weights: bytes | None = b"weights",
        training: Training = PATIENTS,
        **changes: object,
    ) -> ModelFolder:
        digest = None if weights is None else sha256(weights).hexdigest()
        manifest = replace(a_manifest, name=name, weights_sha256=digest, training=training, **changes)  # type: ignore[arg-type]
        folder = models_folder / name
        write_manifest(manifest, folder)
        if weights is not None:
            (folder / "weights.safetensors").write_bytes(weights)
        return open_model(folder)

    return write
