"""A failure to get memory to the next smaller way of running the same network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from psmacore.ai.inference.windows import Shape

_SMALLEST_SIDE = 32
_LEVELS_DIVIDE = 16


@dataclass(frozen=True)
class Attempt:
    """One way to run a network: where, how many windows at once, and how large they are."""

    device: torch.device
    batch: int
    patch: Shape

    @property
    def is_flat(self) -> bool:
        """Whether a window is one slice, for a two-dimensional network."""
        return self.patch[0] == 1

    def __str__(self) -> str:
        return f"{self.batch} windows of {' x '.join(map(str, self.patch))} voxels on {self.device}"


def attempts(device: torch.device, batch: int, patch: Shape) -> Iterator[Attempt]:
    """Yield ways to run a network, each needing less memory of the device than the one before.

    First the batch is halved down to one window, then the longest side of the patch that stays at or above 32 voxels
    and a multiple of 16; a GPU is then followed by the CPU with the patch as it was. A smaller batch
    may change the last bits of the logits; a smaller patch changes what the network sees.
    """
    while batch > 1:
        yield Attempt(device, batch, patch)
        batch //= 2
    smaller: Shape | None = patch
    while smaller is not None:
        yield Attempt(device, 1, smaller)
        smaller = _halved(smaller)
    if device.type != "cpu":
        yield from attempts(torch.device("cpu"), 1, patch)


def _halved(patch: Shape) -> Shape | None:
    """Return the patch with its longest side halved that can be: networks of five levels need multiples of 16."""
    able = [side for side in patch if side // 2 >= _SMALLEST_SIDE and side % (2 * _LEVELS_DIVIDE) == 0]
    if not able:
        return None
    sides = list(patch)
    sides[sides.index(max(able))] = max(able) // 2
    return sides[0], sides[1], sides[2]


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the error says that memory ran out, on whatever device.

    PyTorch raises ``torch.OutOfMemoryError`` for a GPU but a plain ``RuntimeError`` where the CPU's allocator fails.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator: can't allocate memory" in str(error)


def fits_on(device: torch.device, n_bytes: int) -> bool:
    """Return whether that many bytes leave a GPU at least half of the memory that is free now; always on the CPU."""
    if device.type != "cuda":
        return True
    free, _total = torch.cuda.mem_get_info(device)
    return 2 * n_bytes <= free
