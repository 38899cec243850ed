"""A network to one that computes as the mode asks: single precision to the bit, or what the device is fastest in."""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import cast

import torch
from torch import nn

from psmacore.ai.inference.settings import Mode

logger = logging.getLogger(__name__)

OnNotice = Callable[[str], None]


@contextlib.contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Within it a GPU computes in IEEE single precision with reproducible kernels; gradients are off.

    PyTorch lets cuDNN round convolutions to TF32 unless told otherwise.
    """
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
    ):
        yield


@contextlib.contextmanager
def fast_arithmetic(device: torch.device) -> Iterator[None]:
    """Within it convolutions run in half precision where the device has instructions for it; gradients are off."""
    dtype = fast_dtype(device)
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=True),
        torch.autocast(device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None),
    ):
        yield


def arithmetic_of(mode: Mode, device: torch.device) -> contextlib.AbstractContextManager[None]:
    """Return the context that a mode computes in."""
    return exact_arithmetic() if mode is Mode.EXACT else fast_arithmetic(device)


def fast_dtype(device: torch.device) -> torch.dtype | None:
    """Return the half-precision type that the device computes in, or ``None`` where single precision is as fast.

    float16 on a GPU, for its error is an eighth of bfloat16's; bfloat16 on a CPU with AVX512-BF16 or AMX.
    """
    if device.type == "cuda":
        return torch.float16
    capabilities = torch.cpu.get_capabilities()
    return torch.bfloat16 if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else None


def placed(network: nn.Module, device: torch.device, mode: Mode) -> nn.Module:
    """Return the network on the device, in the memory layout that suits it; the caller's own is left as it is.

    Channels last is for GPUs only: on a CPU oneDNN lays the data out itself.
    """
    here = next((parameter.device for parameter in network.parameters()), device)
    is_channels_last = mode is Mode.FAST and device.type == "cuda"
    is_there = here.type == device.type and device.index in (None, here.index)
    if is_there and not is_channels_last:
        return network
    copied = _copied(network, device)
    if is_channels_last:
        dimensions = {parameter.dim() for parameter in network.parameters()}
        layout = torch.channels_last_3d if 5 in dimensions else torch.channels_last
        copied = copied.to(memory_format=layout)  # type: ignore[call-overload]  # torch's stub lacks this overload
    return copied


def _copied(network: nn.Module, device: torch.device) -> nn.Module:
    """Return a copy on the device without a second one, for which there may be no memory, on the first."""
    memo: dict[int, object] = {
        id(one): nn.Parameter(one.detach().to(device, copy=True), requires_grad=one.requires_grad)
        for one in network.parameters()
    }
    memo.update({id(one): one.detach().to(device, copy=True) for one in network.buffers()})
    return copy.deepcopy(network, memo)


def compiled(network: nn.Module, example: torch.Tensor, on_notice: OnNotice) -> nn.Module:
    """Return the network compiled for windows as the example, or as it is where that cannot be done, saying so."""
    candidate = cast(nn.Module, torch.compile(network, dynamic=False))
    try:
        candidate(example)
    except (RuntimeError, OSError, ImportError) as error:  # no compiler, no Triton, or an operator that it cannot take
        if isinstance(error, torch.OutOfMemoryError):
            raise
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        on_notice(f"torch.compile does not work here, the network runs as it is: {first_line}")
        return network
    return candidate


def forward(network: nn.Module, windows: torch.Tensor, mirror_axes: tuple[int, ...], *, is_flat: bool) -> object:
    """Return the network's answer to ``(n, C, k, j, i)`` windows, averaged over the mirrored ones.

    Parameters
    ----------
    mirror_axes : tuple of int
        Of ``(k, j, i)``; none for the plain answer, whatever it is.
    is_flat : bool
        The network is two-dimensional and k is 1: it is given and gives ``(n, C, j, i)``.
    """
    answer = _straight(network, windows, is_flat=is_flat)
    if not mirror_axes or not isinstance(answer, torch.Tensor):
        return answer
    total, n = answer.float(), 1
    for size in range(1, len(mirror_axes) + 1):
        for axes in combinations(mirror_axes, size):
            flipped = [axis + 2 for axis in axes]
            mirrored = _straight(network, windows.flip(flipped), is_flat=is_flat)
            total, n = total + mirrored.float().flip(flipped), n + 1
    return total / n


def _straight(network: nn.Module, windows: torch.Tensor, *, is_flat: bool) -> torch.Tensor:
    answer: torch.Tensor = network(windows[:, :, 0] if is_flat else windows)
    return answer.unsqueeze(2) if is_flat and isinstance(answer, torch.Tensor) else answer
