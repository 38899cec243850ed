"""An image in memory to batches of windows on the device, the next one on its way while the network is busy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from psmacore.ai.inference.windows import WindowPlan


@dataclass(frozen=True)
class Batch:
    """Windows on the device, ``(n, C, k, j, i)``, and their numbers; a number that repeats fills the batch up."""

    numbers: Sequence[int]
    windows: torch.Tensor


def feed(image: torch.Tensor, plan: WindowPlan, batches: Sequence[list[int]], device: torch.device) -> Iterator[Batch]:
    """Yield the windows of each batch on the device.

    Parameters
    ----------
    image : torch.Tensor
        ``(C, k, j, i)``, the plan's box of the padded image, on the CPU or already on the device.
    batches : sequence of list of int
        Numbers of the windows of each batch.
    """
    if image.device.type == device.type:
        for numbers in batches:
            yield Batch(numbers, _gathered(image, plan, numbers))
    elif batches:
        yield from _streamed(image, plan, batches, device)


def _gathered(image: torch.Tensor, plan: WindowPlan, numbers: Sequence[int]) -> torch.Tensor:
    if len(numbers) == 1:
        return image[(slice(None), *plan.window(numbers[0]))][None]
    return torch.stack([image[(slice(None), *plan.window(number))] for number in numbers])


def _streamed(
    image: torch.Tensor, plan: WindowPlan, batches: Sequence[list[int]], device: torch.device
) -> Iterator[Batch]:
    """Copy each batch through pinned memory on a stream of its own, one batch ahead of the network."""
    copying = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def sent(numbers: list[int]) -> tuple[Batch, torch.cuda.Event]:
        pinned = _gathered(image, plan, numbers).contiguous().pin_memory()
        with torch.cuda.stream(copying):
            windows = pinned.to(device, non_blocking=True)  # PyTorch keeps the pinned block until the copy has ended
            arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            arrived.record(copying)
        return Batch(numbers, windows), arrived

    waiting = [sent(numbers) for numbers in batches[:1]]
    for following in [*batches[1:], None]:
        batch, arrived = waiting.pop()
        if following is not None:
            waiting.append(sent(following))
        computing = torch.cuda.current_stream(device)
        computing.wait_event(arrived)
        batch.windows.record_stream(computing)
        yield batch
