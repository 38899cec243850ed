"""A network in training and the validation cases to the figures that it is watched by."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from monai.metrics.rocauc import compute_roc_auc
from numpy.typing import NDArray
from torch import Tensor, nn

from psmacore.ai.training.gates import gate_of, pet_channels
from psmacore.ai.training.history import Validated, Watched
from psmacore.registry.manifest import Activation, Manifest

Item = Mapping[str, Any]
Predict = Callable[[nn.Module, Tensor, Tensor | None], Tensor]
_MANY_OUTPUTS = 8


class Validator(Protocol):
    """A network to its figures on the validation cases."""

    def __call__(self, network: nn.Module, on_case: Callable[[float], None]) -> Validated:
        """Validate; ``on_case`` is told the part of the cases that is done."""


class SegmentationValidator:
    """Loss, DSC, and false positive and negative volumes on whole cases, on the model's own grid.

    Parameters
    ----------
    manifest : Manifest
        Outputs, activation, operating point.
    cases : sequence of mapping
        Prepared cases: ``image``, ``label``, ``gate_levels``, ``voxel_ml``, ``tracer``.
    loss : torch.nn.Module
        As in training.
    predict : callable
        (network, image ``(C, k, j, i)``, gate ``(k, j, i)`` or None) to logits ``(n, k, j, i)``.
    device : torch.device
        Where loss and counts are computed.
    is_gated : bool
        Whether the loss is that of voxels at or above the SUV threshold alone; windows without one are not run then.
    """

    def __init__(
        self,
        manifest: Manifest,
        cases: Sequence[Item],
        loss: nn.Module,
        predict: Predict,
        device: torch.device,
        *,
        is_gated: bool,
    ) -> None:
        self._manifest = manifest
        self._cases = cases
        self._loss = loss
        self._predict = predict
        self._device = device
        self._is_gated = is_gated
        self._is_softmax = manifest.activation is Activation.SOFTMAX
        first = 1 if self._is_softmax else 0
        self._names = [output.name for output in manifest.outputs[first:]]

    def __call__(self, network: nn.Module, on_case: Callable[[float], None]) -> Validated:
        """Validate on every case.

        A case without any truth of an output says nothing of its DSC and is left out of that mean (as in
        the released DEEP-PSMA code); its false positive volume counts.
        """
        losses, counts, tracers = [], [], []
        for done, case in enumerate(self._cases, start=1):
            loss, case_counts = self._measure(network, case)
            losses.append(loss)
            counts.append(case_counts * float(case["voxel_ml"]))
            tracers.append(str(case["tracer"]))
            on_case(done / len(self._cases))
        return _summary(losses, np.stack(counts), self._names, tracers)

    def _measure(self, network: nn.Module, case: Item) -> tuple[float, NDArray[np.float64]]:
        image = torch.as_tensor(case["image"]).float()
        label = torch.as_tensor(case["label"])[None].to(self._device)
        gate = None
        if case["gate_levels"] is not None:
            gate = gate_of(image[None], pet_channels(self._manifest), torch.tensor([case["gate_levels"]]))
        union = gate.any(dim=1)[0] if gate is not None and self._is_gated else None
        logits = self._predict(network, image, union)[None].to(self._device)
        gate = None if gate is None else gate.to(self._device)
        loss = float(self._loss(logits, label, gate if self._is_gated else None))
        return loss, self._counts(logits, label, gate)

    def _counts(self, logits: Tensor, label: Tensor, gate: Tensor | None) -> NDArray[np.float64]:
        """Return ``(n, 3)``: voxels of the truth, of the prediction and of both, for each foreground output."""
        if self._is_softmax:
            found = logits.argmax(dim=1, keepdim=True)
            if gate is not None:
                found = found * gate
            n_classes = logits.shape[1]
            same = label[found == label].long()
            parts = [torch.bincount(x.flatten().long(), minlength=n_classes) for x in (label, found, same)]
            return torch.stack(parts, dim=1)[1:].cpu().numpy().astype(np.float64)
        positive = logits.sigmoid() >= self._manifest.operating_point
        if gate is not None:
            positive = positive & gate
        truth = label > 0
        axes = (0, *range(2, logits.ndim))
        parts = [x.sum(dim=axes) for x in (truth, positive, truth & positive)]
        return torch.stack(parts, dim=1).cpu().numpy().astype(np.float64)


def _summary(
    losses: Sequence[float], volumes_ml: NDArray[np.float64], names: Sequence[str], tracers: Sequence[str]
) -> Validated:
    """Return means over cases of volumes ``(case, output, [truth, prediction, both])`` in ml."""
    true, found, both = (volumes_ml[..., column] for column in range(3))
    with np.errstate(invalid="ignore"):
        dsc = np.where(true > 0, 2 * both / (true + found), np.nan)
    watched: list[Watched] = []
    for place, name in enumerate(names):
        watched.append(Watched(f"dsc_{name}", _mean(dsc[:, place])))
        if len(names) <= _MANY_OUTPUTS:
            watched.append(Watched(f"fp_ml_{name}", float((found - both)[:, place].mean())))
            watched.append(Watched(f"fn_ml_{name}", float((true - both)[:, place].mean())))
    kinds = sorted(set(tracers) - {""})
    if len(kinds) > 1:
        for tracer in kinds:
            of_tracer = np.array([tracer == other for other in tracers])
            watched.append(Watched(f"dsc_of_{tracer}", _mean(dsc[of_tracer].ravel())))
    score = _mean(np.array([_mean(dsc[:, place]) for place in range(len(names))]))
    return Validated(float(np.mean(losses)), score, tuple(watched))


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


class StudyValidator:
    """Loss, area under the ROC curve and balanced accuracy of a classifier.

    Parameters
    ----------
    manifest : Manifest
        Operating point.
    cases : sequence of mapping
        Prepared cases: ``image`` ``(C, k, j, i)`` and ``label`` ``(1,)``.
    loss : torch.nn.Module
        As in training.
    predict : callable
        (network, image ``(C, k, j, i)``, None) to a logit ``(1,)``.
    device : torch.device
        Where the loss is computed.
    """

    def __init__(
        self, manifest: Manifest, cases: Sequence[Item], loss: nn.Module, predict: Predict, device: torch.device
    ) -> None:
        self._manifest = manifest
        self._cases = cases
        self._loss = loss
        self._predict = predict
        self._device = device
        self.probabilities: NDArray[np.float64] = np.zeros(0)
        self.truth = np.array([bool(torch.as_tensor(case["label"]).item()) for case in cases])

    def __call__(self, network: nn.Module, on_case: Callable[[float], None]) -> Validated:
        """Validate on every case; the score is the balanced accuracy at the manifest's operating point."""
        losses, found = [], []
        for done, case in enumerate(self._cases, start=1):
            logits = self._predict(network, torch.as_tensor(case["image"]).float(), None)[None].to(self._device)
            losses.append(float(self._loss(logits, torch.as_tensor(case["label"])[None].to(self._device), None)))
            found.append(float(logits.sigmoid().item()))
            on_case(done / len(self._cases))
        self.probabilities = np.array(found)
        score = balanced_accuracy(self.truth, self.probabilities >= self._manifest.operating_point)
        auc = math.nan
        if self.truth.any() and not self.truth.all():
            auc = _mean(np.atleast_1d(compute_roc_auc(torch.tensor(found), torch.tensor(self.truth).float())))
        return Validated(float(np.mean(losses)), score, (Watched("auc", auc),))


def balanced_accuracy(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Return the mean of sensitivity and specificity; of the one that there is, where all cases are of one kind."""
    parts = [found[truth].mean() if truth.any() else math.nan, (~found[~truth]).mean() if (~truth).any() else math.nan]
    return _mean(np.array(parts, dtype=np.float64))
