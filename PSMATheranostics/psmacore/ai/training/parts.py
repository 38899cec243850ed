"""What a training is made of, where it stands and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from psmacore.ai.training.batches import PatchTransform
from psmacore.ai.training.history import EpochRecord
from psmacore.ai.training.validate import Validator
from psmacore.pipeline.train_request import CHECKPOINT_MINUTES

Tell = Callable[[str, float], None]
Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Limits:
    """When a training ends or saves before its epochs do.

    Parameters
    ----------
    hours : float or None
        Of training in all, over every resumption; the learning rate reaches its end by then.
    checkpoint_every_s : float
        From one checkpoint to the next.
    """

    hours: float | None = None
    checkpoint_every_s: float = 60 * CHECKPOINT_MINUTES


@dataclass(frozen=True, eq=False)
class Parts:
    """What a training is made of.

    Parameters
    ----------
    network : torch.nn.Module
        On its device; trained in place.
    loss : torch.nn.Module
        Called with (output, label, gate or None).
    cases : sequence of mapping
        Prepared training cases.
    transform : PatchTransform
        Sampling and augmentation.
    validator : Validator
        Validation.
    gate_channels : tuple of int
        PET channels that gate the loss; empty where it is not gated.
    is_flat : bool
        Whether the network takes slices: patches have one, which is dropped.
    """

    network: nn.Module
    loss: nn.Module
    cases: Sequence[Mapping[str, Any]]
    transform: PatchTransform
    validator: Validator
    gate_channels: tuple[int, ...] = ()
    is_flat: bool = False


@dataclass
class State:
    """Where a training is: between two steps."""

    epoch: int = 1
    step: int = 0
    loss_sum: float = 0.0
    epoch_s: float = 0.0
    elapsed_s: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    best: Weights | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """The outcome: the weights kept, the epoch they are of, and the course; ``is_cut`` where the hours ran out."""

    weights: Weights
    best: EpochRecord
    history: tuple[EpochRecord, ...]
    elapsed_s: float
    is_cut: bool
