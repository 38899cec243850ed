"""Only the weights that a manifest names pass."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from psmacore.errors import ModelMissingError, ModelUnfitError
from psmacore.registry.catalog import find_model
from psmacore.registry.digest_list import sha256_of
from psmacore.registry.read import write_manifest
from psmacore.registry.verify import verify, weights_of
from Testing.core.registry.conftest import WriteModel


def test_weights_as_named_pass(write_model: WriteModel) -> None:
    model = write_model()
    verify(model)
    assert weights_of(model).read_bytes() == b"weights"


def test_a_recipe_passes_and_has_no_weights(write_model: WriteModel) -> None:
    model = write_model(weights=None)
    verify(model)
    with pytest.raises(ModelMissingError, match="is a recipe without weights: train it"):
        weights_of(model)


def test_one_altered_byte_is_found(write_model: WriteModel) -> None:
    model = write_model(weights=bytes(3_000_000))
    content = bytearray(model.weights_path.read_bytes())
    content[-1] = 1
    model.weights_path.write_bytes(content)
    with pytest.raises(ModelUnfitError, match=r"weights\.safetensors was altered: sha256 [0-9a-f]{64}, but"):
        verify(model)


def test_missing_weights_are_told(write_model: WriteModel) -> None:
    model = write_model()
    model.weights_path.unlink()
    with pytest.raises(ModelMissingError, match="its weights are missing"):
        verify(model)


def test_weights_that_no_manifest_names_are_refused(write_model: WriteModel) -> None:
    model = write_model(weights=None)
    model.weights_path.write_bytes(b"from somewhere")
    with pytest.raises(ModelUnfitError, match="the manifest names no weights"):
        verify(model)


def test_a_link_out_of_the_folder_is_refused(write_model: WriteModel, tmp_path: Path) -> None:
    model = write_model()
    outside = tmp_path / "elsewhere.safetensors"
    model.weights_path.rename(outside)
    model.weights_path.symlink_to(outside)
    with pytest.raises(ModelUnfitError, match="leads out of the model's folder"):
        verify(model)


def test_a_file_that_is_not_opened_is_named(write_model: WriteModel) -> None:
    model = write_model()
    model.weights_path.rename(model.folder / "weights.pkl")
    with pytest.raises(ModelUnfitError, match=r"weights\.pkl is not opened"):
        weights_of(model)


def test_a_manifest_that_changed_since_is_found(write_model: WriteModel) -> None:
    model = write_model()
    write_manifest(replace(model.manifest, operating_point=0.1), model.folder)
    with pytest.raises(ModelUnfitError, match="changed since"):
        verify(model)
    verify(find_model(model.manifest.name))


def test_the_digest_is_sha256_of_the_whole_file(tmp_path: Path) -> None:
    content = b"psma" * 1_000_000
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == sha256(content).hexdigest()
