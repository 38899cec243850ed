"""Prepared cases to the batches of an epoch, the same ones whenever the epoch is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

Item = Mapping[str, Any]


class PatchTransform(Protocol):
    """One prepared case to its patches, at random but the same under the same seed."""

    def set_random_state(self, seed: int | None = None) -> object:
        """Start the random numbers anew."""

    def __call__(self, item: Item, /) -> list[Item] | Item:
        """Return the patches, each with ``image`` (C, k, j, i) and ``label``."""


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's patches.

    Parameters
    ----------
    image : torch.Tensor
        ``(batch, C, k, j, i)``, float32.
    label : torch.Tensor
        ``(batch, 1 or n, k, j, i)``; for whole studies ``(batch, 1)``.
    gate_levels : torch.Tensor or None
        ``(batch, m)``, float32: normalised value of each gating channel's SUV threshold.
    """

    image: Tensor
    label: Tensor
    gate_levels: Tensor | None

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        levels = None if self.gate_levels is None else self.gate_levels.to(device, non_blocking=True)
        return Batch(self.image.to(device, non_blocking=True), self.label.to(device, non_blocking=True), levels)

    def flat(self) -> Batch:
        """Return patches of one slice as slices: ``(batch, C, j, i)``."""
        return Batch(self.image.squeeze(2), self.label.squeeze(2), self.gate_levels)

    def pin_memory(self) -> Batch:
        """Return the batch in page-locked memory; called by the ``DataLoader``."""
        levels = None if self.gate_levels is None else self.gate_levels.pin_memory()
        return Batch(self.image.pin_memory(), self.label.pin_memory(), levels)


@dataclass(frozen=True)
class Plan:
    """Order of an epoch: groups of cases whose patches are shuffled into batches.

    A case is read once for all of its patches, and a batch holds patches of several cases. All
    randomness comes from the seed, the epoch and the place in it, never from what was drawn before: an
    epoch can be entered anywhere.

    Parameters
    ----------
    n_cases, patches_per_case, batch_size : int
        Of the training.
    steps_per_epoch : int or None
        ``None`` visits every case once.
    seed : int
        The recipe's.
    """

    n_cases: int
    patches_per_case: int
    batch_size: int
    steps_per_epoch: int | None
    seed: int

    @property
    def n_steps(self) -> int:
        """Batches an epoch; the last may be smaller where every case is visited once."""
        if self.steps_per_epoch is not None:
            return self.steps_per_epoch
        full, rest = divmod(self.n_cases, self.batch_size)
        return full * self.patches_per_case + -(-rest * self.patches_per_case // self.batch_size)

    @property
    def n_groups(self) -> int:
        """Groups an epoch; one holds at most ``batch_size`` cases and gives ``patches_per_case`` batches."""
        return -(-self.n_steps // self.patches_per_case)

    def cases_of(self, epoch: int, group: int) -> list[int]:
        """Return the group's cases; an epoch that needs more than there are goes round again in a new order."""
        first, end = group * self.batch_size, (group + 1) * self.batch_size
        if self.steps_per_epoch is None:
            end = min(end, self.n_cases)
        return [self._case_at(epoch, place) for place in range(first, end)]

    def _case_at(self, epoch: int, place: int) -> int:
        turn, within = divmod(place, self.n_cases)
        return int(self.rng(epoch, 0, turn).permutation(self.n_cases)[within])

    def rng(self, *key: int) -> np.random.Generator:
        """Return random numbers of this key alone."""
        return np.random.default_rng((self.seed, *key))


class _Groups(Dataset[list[Batch]]):
    """The groups of one epoch, each as its batches."""

    def __init__(self, cases: Sequence[Item], transform: PatchTransform, plan: Plan, epoch: int) -> None:
        self._cases = cases
        self._transform = transform
        self._plan = plan
        self._epoch = epoch

    def __len__(self) -> int:
        return self._plan.n_groups

    def __getitem__(self, group: int) -> list[Batch]:
        plan = self._plan
        patches: list[Item] = []
        for place, case in enumerate(plan.cases_of(self._epoch, group)):
            seed = int(plan.rng(self._epoch, 1, group, place).integers(2**32))
            self._transform.set_random_state(seed=seed)
            found = self._transform(dict(self._cases[case]))
            patches += found if isinstance(found, list) else [found]
        order: NDArray[np.int64] = plan.rng(self._epoch, 2, group).permutation(len(patches))
        chosen = [patches[index] for index in order]
        size = plan.batch_size
        return [_batch(chosen[first : first + size]) for first in range(0, len(chosen), size)]


def batches(
    cases: Sequence[Item],
    transform: PatchTransform,
    plan: Plan,
    *,
    epoch: int,
    first_step: int = 0,
    n_workers: int = 0,
    is_pinned: bool = False,
) -> Iterator[Batch]:
    """Yield an epoch's batches from ``first_step`` on.

    Parameters
    ----------
    cases : sequence of mapping
        Prepared cases: ``image``, ``label`` and, where the loss is gated, ``gate_levels``.
    transform : PatchTransform
        Sampling and augmentation.
    plan : Plan
        Order and seeds.
    epoch : int
        Its number.
    first_step : int
        What was done already before a checkpoint.
    n_workers : int
        Processes that load ahead; 0 loads in this one.
    is_pinned : bool
        Whether the batches lie in page-locked memory, for a GPU.
    """
    first_group, skipped = divmod(first_step, plan.patches_per_case)
    loader: DataLoader[list[Batch]] = DataLoader(
        _Groups(cases, transform, plan, epoch),
        batch_size=None,
        sampler=range(first_group, plan.n_groups),
        num_workers=n_workers,
        pin_memory=is_pinned,
        collate_fn=_as_is,
        generator=torch.Generator(),  # else each epoch's start draws from the numbers that dropout uses
    )
    step = first_step
    for group in loader:
        for batch in group[skipped:]:
            if step == plan.n_steps:
                return
            yield batch
            step += 1
        skipped = 0


def _as_is(group: list[Batch]) -> list[Batch]:
    return group


def _batch(patches: Sequence[Item]) -> Batch:
    levels = [patch["gate_levels"] for patch in patches if patch.get("gate_levels") is not None]
    return Batch(
        image=torch.stack([_plain(patch["image"]).float() for patch in patches]),
        label=torch.stack([_plain(patch["label"]) for patch in patches]),
        gate_levels=torch.tensor(levels, dtype=torch.float32) if len(levels) == len(patches) else None,
    )


def _plain(values: object) -> Tensor:
    """Return a plain tensor: MONAI's carry their metadata along, which slows every operation."""
    as_tensor = getattr(values, "as_tensor", None)
    found = as_tensor() if as_tensor is not None else torch.as_tensor(values)
    return found if isinstance(found, Tensor) else torch.as_tensor(found)
