"""A PyTorch checkpoint to what it holds, read without PyTorch and without running what a pickle asks for."""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psmacore.errors import ModelUnfitError

_ALLOWED = frozenset(
    {
        "collections.OrderedDict",
        "collections.Counter",
        "_codecs.encode",
        "torch.device",
        "torch.Size",
        "torch.Tensor",
        "torch.nn.parameter.Parameter",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch.serialization._get_layout",
        # NumPy scalars, in which nnU-Net keeps its curves; by the names of NumPy 1 and 2
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.dtype",
    }
)
_ALLOWED_PATTERN = re.compile(r"torch\.(?:[A-Z][A-Za-z0-9]*Storage|u?int\d+|float\d+|bfloat16|complex\d+|bool)")
_REFUSED_OPCODES = frozenset(
    {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "NEXT_BUFFER", "READONLY_BUFFER"}
)
_PROGRAM_PARTS = ("/code/", "/constants.pkl", "/bytecode.pkl")
_MOST_PICKLE_BYTES = 1 << 28


@dataclass(frozen=True)
class CheckpointFacts:
    """What an nnU-Net checkpoint says of itself.

    Parameters
    ----------
    trainer, configuration : str
        Empty where it says nothing.
    shapes : mapping of str to tuple of int
        Of each tensor of the network, by its name.
    """

    trainer: str
    configuration: str
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def n_inputs(self) -> int | None:
        """Channels that the first convolution reads; ``None`` where there is none."""
        kernels = [shape for name, shape in self.shapes.items() if name.startswith("encoder.") and len(shape) >= 4]
        return kernels[0][1] if kernels else None

    @property
    def n_outputs(self) -> int | None:
        """Channels that the network's heads return; ``None`` where there are none."""
        heads = [shape[0] for name, shape in self.shapes.items() if name.startswith("decoder.seg_layers.")]
        return heads[-1] if heads else None


def read_facts(path: Path) -> CheckpointFacts:
    """Return what an nnU-Net checkpoint says of itself.

    The pickle's instructions are looked through first: only names that PyTorch's ``weights_only`` loader knows, and
    those of NumPy's scalars, may occur. What is then read makes inert records in their place.

    Raises
    ------
    ModelUnfitError
        If the file is no PyTorch archive, truncated, a program, or a pickle that could run code: never executed.
    """
    content = _pickle_of(path)
    check_pickle(content, path)
    try:
        record = _InertUnpickler(io.BytesIO(content)).load()
    except (pickle.UnpicklingError, EOFError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise ModelUnfitError(f"{path} is no checkpoint that can be read: {error}") from error
    if not isinstance(record, dict) or not isinstance(record.get("network_weights"), dict):
        raise ModelUnfitError(f"{path} is no nnU-Net v2 checkpoint: it holds no network_weights")
    arguments = record.get("init_args")
    configuration = arguments.get("configuration", "") if isinstance(arguments, dict) else ""
    weights = {
        _without_prefix(str(name)): tensor.shape
        for name, tensor in record["network_weights"].items()
        if isinstance(tensor, _Tensor)
    }
    return CheckpointFacts(str(record.get("trainer_name") or ""), str(configuration or ""), weights)


def check_pickle(content: bytes, path: Path) -> None:
    """Raise :class:`ModelUnfitError` where a pickle names what could run code; it is read, never executed."""
    try:
        for opcode, argument, _position in pickletools.genops(content):
            if opcode.name in _REFUSED_OPCODES:
                raise ModelUnfitError(_refusal(path, opcode.name))
            if opcode.name == "GLOBAL":
                name = str(argument).replace(" ", ".")
                if name not in _ALLOWED and not _ALLOWED_PATTERN.fullmatch(name):
                    raise ModelUnfitError(_refusal(path, name))
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise ModelUnfitError(f"{path} holds a damaged pickle: {error}") from error


def _refusal(path: Path, name: str) -> str:
    return f"{path} is a pickle that could run code ({name}); it was refused and not executed"


def _pickle_of(path: Path) -> bytes:
    """Return the one pickle of a PyTorch archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            program = [name for name in names if any(part in f"/{name}" for part in _PROGRAM_PARTS)]
            if program:
                raise ModelUnfitError(f"{path} holds a program ({program[0]}), not weights alone; it was refused")
            pickles = [name for name in names if name.endswith("data.pkl")]
            if len(pickles) != 1 or archive.getinfo(pickles[0]).file_size > _MOST_PICKLE_BYTES:
                raise ModelUnfitError(f"{path} is no PyTorch checkpoint: {len(pickles)} data.pkl in the archive")
            return archive.read(pickles[0])
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelUnfitError(
            f"{path} is truncated, or no PyTorch archive ({error}); bare pickles are refused and not executed"
        ) from error
    except OSError as error:
        raise ModelUnfitError(f"{path} cannot be read: {error}") from error


def _without_prefix(name: str) -> str:
    return name.removeprefix("module.").removeprefix("_orig_mod.")


class _Inert(dict[Any, Any]):
    """Stands for whatever a pickle builds; holds items where it is a dictionary."""

    def __init__(self, *_arguments: object) -> None:
        super().__init__()

    def __setstate__(self, _state: object) -> None:
        return


@dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]


def _tensor(_storage: object, _offset: object, size: tuple[int, ...], *_others: object) -> _Tensor:
    return _Tensor(tuple(int(n) for n in size))


def _parameter(tensor: object, *_others: object) -> object:
    return tensor


class _InertUnpickler(pickle.Unpickler):
    """Reads a looked-through pickle; every name in it means one of the inert records above."""

    def find_class(self, module: str, name: str) -> Any:
        if name.startswith("_rebuild_tensor"):
            return _tensor
        return _parameter if name.startswith("_rebuild_parameter") else _Inert

    def persistent_load(self, _pid: object) -> object:
        return None
