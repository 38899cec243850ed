"""How a network is run: exact or fast, where, and in what batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import torch

from psmacore.errors import UsageError


class Mode(StrEnum):
    """Whether every logit counts to the last bit, or time does.

    ``EXACT``: single precision, and at every voxel of the gate the logits that MONAI's ``sliding_window_inference``
    gives with the same patch, overlap and batch. ``FAST``: the same windows in half precision where the device
    has instructions for it, in the memory layout and batch that suit it; single voxels at borders may differ.
    """

    EXACT = "exact"
    FAST = "fast"


@dataclass(frozen=True)
class InferenceSettings:
    """How a network is run.

    Parameters
    ----------
    device : torch.device
        Where the network runs; :func:`psmacore.ai.device.choose_device` knows which there are.
    batch : int or None
        Windows in one pass; ``None`` is 1 on the CPU and on a GPU 4, in fast mode 8. A batch of another size may
        change the last bits of the logits, so whoever compares with MONAI names the same one to both.
    compiled : bool
        Have ``torch.compile`` make the network's kernels in fast mode; worth its minutes only for many cases.
    mirror_axes : tuple of int
        Axes of ``(k, j, i)``, 0 to 2, along which windows are also run mirrored, in all combinations, and averaged.

    Raises
    ------
    UsageError
        If the batch is not positive, an axis is not 0, 1 or 2, or exact mode is to be compiled.
    """

    mode: Mode = Mode.EXACT
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    batch: int | None = None
    compiled: bool = False
    mirror_axes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.batch is not None and self.batch < 1:
            raise UsageError(f"a batch holds at least 1 window, not {self.batch}")
        if set(self.mirror_axes) - {0, 1, 2} or len(set(self.mirror_axes)) != len(self.mirror_axes):
            raise UsageError(f"mirror axes are of 0, 1 and 2, each once, not {self.mirror_axes}")
        if self.compiled and self.mode is Mode.EXACT:
            raise UsageError("a compiled network rounds otherwise: compile in fast mode only")

    @property
    def batch_size(self) -> int:
        """Windows in one pass."""
        if self.batch is not None:
            return self.batch
        if self.device.type != "cuda":
            return 1
        return 4 if self.mode is Mode.EXACT else 8
