"""A wish, ``auto``, ``cpu`` or ``cuda``, to the identity of the GPU that jobs queue for."""

from __future__ import annotations

import torch

from psmacore.ai.device import explain_device


def identity_of(device: torch.device) -> str | None:
    """Return what names a GPU on this machine whatever ``CUDA_VISIBLE_DEVICES`` says; ``None`` for the CPU."""
    return None if device.type != "cuda" else str(torch.cuda.get_device_properties(device).uuid)


def wanted_gpu(wish: str) -> str | None:
    """Return the identity of the GPU that a wish is answered with; ``None`` where that is the CPU.

    Raises
    ------
    UsageError
        If ``cuda`` is wished for and cannot be had.
    """
    return identity_of(explain_device(wish).device)
