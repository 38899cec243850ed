"""Network weights to and from files, never through a pickle that could run code."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, is_zipfile

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from psmacore.errors import ModelUnfitError
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.verify import check_digest, weights_of

SAFETENSORS = ".safetensors"
_TORCH = (".pt", ".pth")


def load_weights(network: nn.Module, model: ModelFolder) -> None:
    """Load a model's weights into its network, in the network's own precision and on its own device.

    The bytes are read once, compared with the manifest's checksum, and only then interpreted.

    Raises
    ------
    ModelMissingError
        If the model is a recipe, or its weights are not there.
    ModelUnfitError
        If the checksum differs, the file is no weights file, tensors are missing, unknown, of another shape or
        not finite. A pickle is refused and never executed.
    """
    path = weights_of(model)
    content = path.read_bytes()
    check_digest(model, sha256(content).hexdigest())
    try:
        _fill(network, _tensors(content, path.suffix))
    except ModelUnfitError as error:
        raise ModelUnfitError(f"model {model.manifest.name}, {path.name}: {error}") from error


def save_weights(network: nn.Module, path: Path, *, half: bool) -> str:
    """Write a network's weights as safetensors, aside first and then renamed; return the file's SHA-256.

    A tensor that the network knows by several names is written once. With ``half``, kernels (two and more
    dimensions) are stored in half precision unless it cannot hold one of their values; biases and the
    statistics of normalisation stay as they are, for their small values would be lost and cost next to nothing.

    Raises
    ------
    ModelUnfitError
        If the path does not end in ``.safetensors``, or a weight is not finite.
    """
    if path.suffix != SAFETENSORS:
        raise ModelUnfitError(f"{path.name}: weights are written as {SAFETENSORS} only")
    tensors = {name: _stored(name, tensor, half=half) for name, tensor in _own_tensors(network).items()}
    content = safetensors.torch.save(tensors, metadata={"format": "pt"})
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{os.getpid()}_{path.name}")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return sha256(content).hexdigest()


def _own_tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the tensors of a state once each, by the first of their names."""
    own: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, tensor in network.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            own[name] = tensor
    return own


def _stored(name: str, tensor: torch.Tensor, *, half: bool) -> torch.Tensor:
    value = tensor.detach().cpu().contiguous()
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise ModelUnfitError(f"weight {name} is not finite")
    if half and value.is_floating_point() and value.ndim > 1:
        halved = value.to(torch.float16)
        if bool(torch.isfinite(halved).all()):
            return halved
    return value


def _tensors(content: bytes, suffix: str) -> Mapping[str, torch.Tensor]:
    """Return the tensors of a weights file by name."""
    if suffix == SAFETENSORS:
        try:
            return safetensors.torch.load(content)
        except (SafetensorError, KeyError, ValueError) as error:
            raise ModelUnfitError(f"is no safetensors file: {error}") from error
    if suffix not in _TORCH:
        raise ModelUnfitError(f"weights are read from {SAFETENSORS}, {' and '.join(_TORCH)} only, not {suffix!r}")
    if not is_zipfile(io.BytesIO(content)):
        raise ModelUnfitError("is no file of tensors but a bare pickle, if anything; it was refused and not executed")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelUnfitError("is a pickle that could run code; it was refused and not executed") from error
    except (RuntimeError, EOFError, BadZipFile, ValueError, KeyError) as error:
        raise ModelUnfitError(f"is no file of tensors: {error}") from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(one, torch.Tensor) for one in state.values()):
        raise ModelUnfitError("holds something other than tensors by name")
    return state


def _fill(network: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Copy tensors into a network, each by any of the names that the network knows it by."""
    first_name: dict[int, str] = {}
    name_of = {
        name: first_name.setdefault(id(tensor), name) for name, tensor in network.state_dict(keep_vars=True).items()
    }
    unknown = sorted(name for name in tensors if name not in name_of)
    given = {name_of[name]: tensor for name, tensor in tensors.items() if name in name_of}
    own = _own_tensors(network)
    missing = [name for name in own if name not in given]
    if missing or unknown:
        raise ModelUnfitError(f"missing tensors: {_some(missing)}; unknown tensors: {_some(unknown)}")
    for name in own:
        tensor = given[name]
        if tensor.shape != own[name].shape:
            raise ModelUnfitError(
                f"{name} is {tuple(tensor.shape)}, but the network of the manifest needs {tuple(own[name].shape)}"
            )
        if tensor.is_floating_point() != own[name].is_floating_point():
            raise ModelUnfitError(f"{name} is {tensor.dtype}, but the network needs {own[name].dtype}")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelUnfitError(f"{name} is not finite")
    with torch.no_grad():
        for name, tensor in given.items():
            own[name].copy_(tensor)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5]) or "none"
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
