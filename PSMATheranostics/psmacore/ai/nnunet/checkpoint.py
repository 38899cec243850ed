"""An nnU-Net checkpoint's bytes to the weights of its network, never through a pickle that could run code."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from zipfile import BadZipFile

import numpy as np
import torch

from psmacore.errors import ModelUnfitError
from psmacore.registry.nnunet_publishers import LESIONTRACER_ORGAN_HEAD

# nnU-Net keeps its curves as NumPy scalars, which NumPy 1 and 2 call by different names.
_SCALAR = cast("Callable[..., Any]", np.float64(0).__reduce__()[0])
_NUMPY: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(code)) for code in ("f2", "f4", "f8", "i4", "i8", "u1", "?")),
]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What of a checkpoint a prediction needs.

    Parameters
    ----------
    weights : dict of str to torch.Tensor
        By the names of the network that the plans describe.
    mirror_axes : tuple of int or None
        Along which the model was trained to be mirrored.
    trainer : str
        Class that trained it.
    """

    weights: dict[str, torch.Tensor]
    mirror_axes: tuple[int, ...] | None
    trainer: str


def read_checkpoint(content: bytes, name: str) -> Checkpoint:
    """Return the weights and what they were trained for; the optimiser's state is dropped.

    Parameters
    ----------
    content : bytes
        Of the file, whose checksum was compared.
    name : str
        For messages.

    Raises
    ------
    ModelUnfitError
        If it is no archive of tensors, or holds weights that are not finite.
    """
    try:
        with torch.serialization.safe_globals(_NUMPY):
            record = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelUnfitError(f"{name} is a pickle that could run code; it was refused and not executed") from error
    except (RuntimeError, EOFError, BadZipFile, ValueError, KeyError) as error:
        raise ModelUnfitError(f"{name} is no checkpoint that can be read: {error}") from error
    weights = record.get("network_weights") if isinstance(record, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(one, torch.Tensor) for one in weights.values()):
        raise ModelUnfitError(f"{name} is no nnU-Net v2 checkpoint: it holds no network_weights")
    axes = record.get("inference_allowed_mirroring_axes")
    return Checkpoint(
        _of_network(weights, name),
        None if axes is None else tuple(int(axis) for axis in axes),
        str(record.get("trainer_name", "")),
    )


def _of_network(weights: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """Return the tensors by the names of a network that was neither compiled nor distributed, without organ heads."""
    own: dict[str, torch.Tensor] = {}
    for key, tensor in weights.items():
        if LESIONTRACER_ORGAN_HEAD in f".{key}":
            continue
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelUnfitError(f"{name}: {key} is not finite")
        own[key.removeprefix("module.").removeprefix("_orig_mod.")] = tensor
    return own
