"""A model folder to the assurance that its weights are the ones that its manifest names."""

from __future__ import annotations

from pathlib import Path

from psmacore.errors import ModelMissingError, ModelUnfitError
from psmacore.registry.catalog import ModelFolder, open_model
from psmacore.registry.digest_list import LIST_FILE, check_listed, sha256_of


def verify(model: ModelFolder) -> None:
    """Check a model's folder: manifest, weights' place and checksum; of an imported model those of all its files.

    A recipe (``weights_sha256`` ``None``) passes where no weights lie beside it.

    Raises
    ------
    ModelMissingError
        If the manifest names weights that are not there.
    ModelUnfitError
        If the manifest was changed since, the weights have another checksum, lie outside the folder
        behind a link, or are not named by the manifest at all.
    """
    if open_model(model.folder).manifest != model.manifest:
        raise ModelUnfitError(f"{model.folder}: the manifest was changed since it was read")
    check_place(model)
    expected = model.manifest.weights_sha256
    if expected is None:
        if model.weights_path.exists():
            raise ModelUnfitError(
                f"{model.weights_path}: the manifest names no weights (weights_sha256 is null), so these are unknown"
            )
        return
    path = weights_of(model)
    check_digest(model, sha256_of(path))
    if path.name == LIST_FILE:
        check_listed(path)


def weights_of(model: ModelFolder) -> Path:
    """Return the weights file.

    Raises
    ------
    ModelMissingError
        If the model is a recipe, or its weights are not there.
    ModelUnfitError
        If weights of another kind lie there, such as a pickle, or they are a link that leads elsewhere.
    """
    name = model.manifest.name
    if model.manifest.weights_sha256 is None:
        raise ModelMissingError(
            f"model {name} is a recipe without weights: train it with `psma train {name} --data DIR`"
        )
    if not model.weights_path.is_file():
        for other in sorted(model.folder.glob("weights.*")):
            raise ModelUnfitError(
                f"model {name}: {other.name} is not opened: weights are read from .safetensors, .pt and .pth only"
            )
        raise ModelMissingError(f"model {name}: its weights are missing, {model.weights_path}")
    check_place(model)
    return model.weights_path


def check_place(model: ModelFolder) -> None:
    """Raise :class:`ModelUnfitError` where the weights are a link that leads out of the model's folder."""
    path = model.weights_path
    if not path.resolve().is_relative_to(model.folder.resolve()):
        raise ModelUnfitError(f"{path} leads out of the model's folder, to {path.resolve()}")


def check_digest(model: ModelFolder, met: str) -> None:
    """Raise :class:`ModelUnfitError` where ``met`` is not the checksum that the manifest names."""
    expected = model.manifest.weights_sha256
    if met != expected:
        raise ModelUnfitError(
            f"model {model.manifest.name}: {model.weights_path.name} was altered: sha256 {met}, "
            f"but the manifest names {expected}"
        )
