"""Logits and truth to the number that training makes small."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.losses.dice import DiceLoss
from torch import Tensor, nn
from torch.nn import functional

from psmacore.ai.training.recipe import CrossEntropy, LossKind, LossSettings
from psmacore.registry.manifest import Activation

_CLOSED = -30.0  # a logit whose probability is 1e-13


class SegmentationLoss(nn.Module):
    """Dice loss, with or without cross-entropy, of one map of logits.

    Parameters
    ----------
    settings : LossSettings
        Its constants.
    activation : Activation
        ``SOFTMAX`` where each voxel has one class, ``SIGMOID`` where outputs overlap.

    References
    ----------
    MONAI ``DiceLoss``; rows W67, W83, D06 of the requirements.
    """

    def __init__(self, settings: LossSettings, activation: Activation) -> None:
        super().__init__()
        self._settings = settings
        self._is_softmax = activation is Activation.SOFTMAX
        weights = torch.tensor(settings.class_weights) if settings.class_weights else None
        self.register_buffer("_weights", weights, persistent=False)
        skips_first = self._is_softmax and not settings.include_background
        self._first = 1 if skips_first else 0
        self._dice = DiceLoss(
            include_background=not skips_first,
            softmax=self._is_softmax,
            sigmoid=not self._is_softmax,
            squared_pred=settings.is_squared,
            smooth_nr=settings.smooth_numerator,
            smooth_dr=settings.smooth_denominator,
            batch=settings.is_batch_dice,
            reduction="none" if settings.is_present_only else "mean",
            weight=None if weights is None else weights[1:] if skips_first else weights,
        )

    def forward(self, logits: Tensor, target: Tensor, gate: Tensor | None = None) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        logits : torch.Tensor
            ``(batch, n, k, j, i)`` (a 2D network: without ``k``), any float.
        target : torch.Tensor
            Class indices ``(batch, 1, …)`` for a softmax, binary maps ``(batch, n, …)`` for sigmoids.
        gate : torch.Tensor, optional
            Boolean, ``(batch, 1, …)`` or ``(batch, n, …)``. Where it is false, nothing counts.
        """
        logits = logits.float()
        truth = self._maps(target, logits)
        if gate is not None:
            logits, truth = self._close(logits, truth, gate)
        loss = self._dice_part(logits, truth)
        if self._settings.kind is LossKind.DICE_CE:
            loss = loss + self._cross_entropy(logits, truth, gate)
        return loss

    def _dice_part(self, logits: Tensor, truth: Tensor) -> Tensor:
        loss: Tensor = self._dice(logits, truth)
        if not self._settings.is_present_only:
            return loss
        is_present = truth[:, self._first :].flatten(2).any(dim=2)  # (batch, outputs)
        if self._settings.is_batch_dice:
            is_present = is_present.any(dim=0)
        terms = loss.reshape(is_present.shape) * is_present
        return terms.sum() / is_present.sum().clamp(min=1)

    def _maps(self, target: Tensor, logits: Tensor) -> Tensor:
        if not self._is_softmax:
            return target.to(logits.dtype)
        maps = functional.one_hot(target[:, 0].long(), logits.shape[1])
        return maps.movedim(-1, 1).to(logits.dtype)

    def _close(self, logits: Tensor, truth: Tensor, gate: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and truth that are background, and agree, outside the gate."""
        outside = ~gate.expand_as(logits)
        closed = torch.full_like(logits, _CLOSED)
        background = torch.zeros_like(truth)
        if self._is_softmax:
            closed[:, 0] = 0.0
            background[:, 0] = 1.0
        return torch.where(outside, closed, logits), torch.where(outside, background, truth)

    def _cross_entropy(self, logits: Tensor, truth: Tensor, gate: Tensor | None) -> Tensor:
        weights = self._buffers["_weights"]
        if self._is_softmax or self._settings.cross_entropy is CrossEntropy.CATEGORICAL:
            each = functional.cross_entropy(logits, truth, weight=weights, reduction="none").unsqueeze(1)
        else:
            shape = (1, -1, *(1,) * (logits.ndim - 2))
            positive = None if weights is None else weights.view(shape)
            each = functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=positive, reduction="none")
        if gate is None:
            return each.mean()
        inside = gate.any(dim=1, keepdim=True) if each.shape[1] == 1 else gate.expand_as(each)
        return (each * inside).sum() / inside.sum().clamp(min=1)


class ClassLoss(nn.Module):
    """Cross-entropy of exclusive classes, averaged over voxels.

    Parameters
    ----------
    class_weights : sequence of float
        Multiply each class's part; empty for none.
    voxel_step : int
        Only every so many voxels along each axis count, from a start that is drawn at random at each call.
    """

    def __init__(self, class_weights: Sequence[float], voxel_step: int = 1) -> None:
        super().__init__()
        self._step = voxel_step
        self.register_buffer("_weights", torch.tensor(class_weights) if class_weights else None, persistent=False)

    def forward(self, logits: Tensor, target: Tensor, gate: Tensor | None = None) -> Tensor:
        """Return the loss of ``(batch, n, k, j, i)`` against class indices ``(batch, 1, k, j, i)``, inside ``gate``."""
        if self._step > 1:
            first = torch.randint(self._step, (target.ndim - 2,)).tolist()
            kept = (slice(None), slice(None), *(slice(start, None, self._step) for start in first))
            logits, target, gate = logits[kept], target[kept], None if gate is None else gate[kept]
        truth = target[:, 0].long()
        if gate is not None:
            truth = torch.where(gate.any(dim=1), truth, -100)
        return functional.cross_entropy(logits.float(), truth, weight=self._buffers["_weights"])


class DeeplySupervised(nn.Module):
    """A loss over a network's heads: ``decay ** depth`` each, divided by the sum of these weights.

    Parameters
    ----------
    loss : torch.nn.Module
        Of one head.
    decay : float
        0.5 in the released DEEP-PSMA code (row D04), which divides by the sum as well.
    """

    def __init__(self, loss: nn.Module, decay: float) -> None:
        super().__init__()
        self._loss = loss
        self._decay = decay

    def forward(self, outputs: Tensor | Sequence[Tensor], target: Tensor, gate: Tensor | None = None) -> Tensor:
        """Return the loss of one map of logits or of several, the finest first.

        Parameters
        ----------
        outputs : torch.Tensor or sequence of torch.Tensor
            One tensor, or one a head; a coarser head is compared at its own size with the truth's nearest voxels.
        target, gate : torch.Tensor
            As for :class:`SegmentationLoss`, at full size.
        """
        heads = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        weights = [self._decay**depth for depth in range(len(heads))]
        total = torch.zeros((), device=target.device)
        for weight, head in zip(weights, heads, strict=True):
            total = total + weight * self._loss(head, _at_size(target, head), _gate_at_size(gate, head))
        return total / sum(weights)


class StudyLoss(nn.Module):
    """Binary cross-entropy with logits of a whole study (W74); ``positive_weight`` multiplies the positives' part."""

    def __init__(self, positive_weight: float | None) -> None:
        super().__init__()
        weight = None if positive_weight is None else torch.tensor(positive_weight)
        self.register_buffer("_weight", weight, persistent=False)

    def forward(self, logits: Tensor, target: Tensor, gate: Tensor | None = None) -> Tensor:
        """Return the loss of logits ``(batch, 1)`` against truths ``(batch,)`` or ``(batch, 1)`` of 0 and 1."""
        truth = target.reshape(logits.shape).float()
        return functional.binary_cross_entropy_with_logits(logits.float(), truth, pos_weight=self._buffers["_weight"])


def build_loss(settings: LossSettings, activation: Activation, *, supervision_decay: float) -> nn.Module:
    """Return the loss that settings name; called with (network output, target, gate or None)."""
    if settings.kind is LossKind.BCE:
        return StudyLoss(settings.class_weights[0] if settings.class_weights else None)
    if settings.kind is LossKind.CE:
        return DeeplySupervised(ClassLoss(settings.class_weights, settings.voxel_step), supervision_decay)
    return DeeplySupervised(SegmentationLoss(settings, activation), supervision_decay)


def _at_size(target: Tensor, head: Tensor) -> Tensor:
    if target.shape[2:] == head.shape[2:]:
        return target
    return functional.interpolate(target.float(), size=head.shape[2:], mode="nearest-exact").to(target.dtype)


def _gate_at_size(gate: Tensor | None, head: Tensor) -> Tensor | None:
    return None if gate is None else _at_size(gate, head)
