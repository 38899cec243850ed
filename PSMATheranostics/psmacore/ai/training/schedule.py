"""How far a training is to its learning rate."""

from __future__ import annotations

import math

import torch
from torch import nn

from psmacore.ai.training.recipe import OptimiserKind, OptimiserSettings, ScheduleKind, ScheduleSettings

_STARTS_AT = 0.04  # of the peak rate, as torch's OneCycleLR divides by 25


def build_optimiser(network: nn.Module, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """Return the optimiser of all of the network's parameters."""
    kind = torch.optim.Adam if settings.kind is OptimiserKind.ADAM else torch.optim.AdamW
    return kind(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)


def rate_factor(settings: ScheduleSettings, progress: float) -> float:
    """Return what the recipe's learning rate is multiplied with.

    Parameters
    ----------
    settings : ScheduleSettings
        A plateau's factor is not a matter of progress: 1 here.
    progress : float
        0 at the start, 1 at the end, of the epochs or of the hours given, whichever is further.

    References
    ----------
    Cosine: Loshchilov and Hutter, SGDR, 2017, without restarts (D14). Polynomial: ``(1 - p) ** power`` (D14, released
    code). One cycle: Smith and Topin, Super-Convergence, 2018, in torch's form with cosine arms.
    """
    at = min(max(progress, 0.0), 1.0)
    match settings.kind:
        case ScheduleKind.COSINE:
            return _falling(at)
        case ScheduleKind.POLYNOMIAL:
            return float((1.0 - at) ** settings.power)
        case ScheduleKind.ONE_CYCLE:
            if at < settings.warm_up:
                return _STARTS_AT + (1.0 - _STARTS_AT) * (1.0 - _falling(at / settings.warm_up))
            return _falling((at - settings.warm_up) / (1.0 - settings.warm_up))
        case _:
            return 1.0


def _falling(at: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * at))


class LearningRate:
    """Sets an optimiser's rate from a training's progress, or from its validation loss.

    Parameters
    ----------
    optimiser : torch.optim.Optimizer
        Whose rate it is.
    base : float
        The recipe's learning rate.
    settings : ScheduleSettings
        Its course.
    """

    def __init__(self, optimiser: torch.optim.Optimizer, base: float, settings: ScheduleSettings) -> None:
        self._optimiser = optimiser
        self._base = base
        self._settings = settings
        self._plateau = (
            torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimiser, factor=settings.plateau_factor, patience=settings.plateau_patience
            )
            if settings.kind is ScheduleKind.PLATEAU
            else None
        )

    @property
    def is_per_step(self) -> bool:
        """Whether the rate moves with every step, not with every epoch."""
        return self._settings.kind is ScheduleKind.ONE_CYCLE

    @property
    def value(self) -> float:
        """The rate in force."""
        return float(self._optimiser.param_groups[0]["lr"])

    def follow(self, progress: float) -> None:
        """Set the rate of that progress; a plateau schedule leaves it."""
        if self._plateau is None:
            for group in self._optimiser.param_groups:
                group["lr"] = self._base * rate_factor(self._settings, progress)

    def validated(self, loss: float) -> None:
        """Take note of a validation's loss."""
        if self._plateau is not None:
            self._plateau.step(loss)

    def state(self) -> dict[str, object]:
        """Return what :meth:`restore` needs; the rate itself is in the optimiser's state."""
        return {} if self._plateau is None else dict(self._plateau.state_dict())

    def restore(self, state: dict[str, object]) -> None:
        """Go on where :meth:`state` was taken."""
        if self._plateau is not None:
            self._plateau.load_state_dict(state)
