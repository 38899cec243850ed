"""A wish, ``auto``, ``cpu`` or ``cuda``, to the device that a network runs on."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch

from psmacore.errors import UsageError

DEVICE_NAMES = ("auto", "cpu", "cuda")
_MIB = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeviceChoice:
    """A device, and in words what it is and why it was taken."""

    device: torch.device
    words: str


def choose_device(name: str) -> torch.device:
    """Return the device of a wish and log why; see :func:`explain_device`."""
    choice = explain_device(name)
    _log.info("%s", choice.words)
    return choice.device


def explain_device(name: str) -> DeviceChoice:
    """Return the device of a wish.

    ``auto`` takes the CUDA device with the most free memory, and the CPU where none answers; ``cuda`` takes
    the same device and nothing else.

    Raises
    ------
    UsageError
        If the wish is unknown, or ``cuda`` cannot be had.
    """
    if name not in DEVICE_NAMES:
        raise UsageError(f"device must be one of {', '.join(DEVICE_NAMES)}, not {name!r}")
    if name == "cpu":
        return DeviceChoice(torch.device("cpu"), f"CPU, {_threads()}: asked for")
    reason = _why_no_cuda()
    if not reason:
        device = _freest()
        free = free_memory_mib(device) or 0.0
        why = "asked for" if name == "cuda" else "the GPU with the most free memory"
        return DeviceChoice(device, f"{describe_device(device)}, {free:.0f} MiB free: {why}")
    if name == "cuda":
        raise UsageError(f"device cuda was asked for, but {reason}; take auto or cpu")
    return DeviceChoice(torch.device("cpu"), f"CPU, {_threads()}: {reason}")


def describe_device(device: torch.device) -> str:
    """Return the device in words, for results and model cards."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    return f"CPU, {_threads()}"


def free_memory_mib(device: torch.device) -> float | None:
    """Return the memory that is free on a CUDA device, in MiB; ``None`` for the CPU, whose pages may be swapped."""
    if device.type != "cuda":
        return None
    free_bytes, _total_bytes = torch.cuda.mem_get_info(device)
    return free_bytes / _MIB


def _why_no_cuda() -> str:
    """Return why CUDA cannot be used, in words; empty where it can."""
    if torch.version.cuda is None and torch.version.hip is None:
        return "this PyTorch was built without CUDA"
    if not torch.cuda.is_available():
        return "PyTorch finds no CUDA device"
    try:
        torch.ones(1, device=_freest()).add_(1).cpu()
    except RuntimeError as error:
        return f"the CUDA device does not answer: {str(error).splitlines()[0]}"
    return ""


def _freest() -> torch.device:
    devices = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    return max(devices, key=lambda device: free_memory_mib(device) or 0.0)


def _threads() -> str:
    count = torch.get_num_threads()
    return f"{count} thread{'' if count == 1 else 's'}"
