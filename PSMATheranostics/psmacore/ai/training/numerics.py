"""A recipe's precision and a device to the arithmetic of a training step."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from psmacore.ai.training.recipe import Precision
from psmacore.errors import TrainingError

logger = logging.getLogger(__name__)

_SMALL_SIDE = 5  # a stride of 2 makes 3 of it
_MOST_SKIPPED = 10
_TYPES = {Precision.BF16: torch.bfloat16, Precision.FP16: torch.float16}


class Numerics:
    """Autocast, and scaling of the loss where the type is narrow.

    Parameters
    ----------
    precision : Precision
        ``AUTO`` is bf16 on a GPU that computes it, fp16 on another GPU and float32 on the CPU; fp16 on a
        CPU becomes bf16, since its gradients cannot be scaled there.
    device : torch.device
        Where the network lies.
    """

    def __init__(self, precision: Precision, device: torch.device) -> None:
        self.precision = _chosen(precision, device)
        self._device = device
        self._scaler = torch.amp.GradScaler(device.type, enabled=self.precision is Precision.FP16)
        self._n_skipped = 0

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        """Yield within a forward pass's arithmetic."""
        kind = _TYPES.get(self.precision)
        if kind is None:
            yield
            return
        is_cpu = self._device.type == "cpu"
        with torch.autocast(self._device.type, dtype=kind), _SmallInFloat32() if is_cpu else contextlib.nullcontext():
            yield

    def step(self, loss: Tensor, network: nn.Module, optimiser: torch.optim.Optimizer, clip: float | None) -> None:
        """Do the backward pass and one step of the optimiser.

        A gradient that is not finite moves nothing, in any precision, as ``GradScaler`` has it for fp16.

        Parameters
        ----------
        clip : float or None
            Norm that the gradient is scaled down to where it is larger.

        Raises
        ------
        TrainingError
            If ten steps in a row have no finite gradient.
        """
        optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(network.parameters(), float("inf") if clip is None else clip)
        is_finite = bool(torch.isfinite(norm))
        if is_finite or self._scaler.is_enabled():
            self._scaler.step(optimiser)
            self._scaler.update()
        self._count_skipped(is_finite)

    def _count_skipped(self, is_finite: bool) -> None:
        self._n_skipped = 0 if is_finite else self._n_skipped + 1
        if self._n_skipped >= _MOST_SKIPPED:
            raise TrainingError(
                f"the gradient was not finite for {_MOST_SKIPPED} steps in a row: train with a smaller learning rate, "
                f"or in float32 (now {self.precision})"
            )
        if self._n_skipped:
            logger.info("a step was skipped: its gradient was not finite")

    def state(self) -> dict[str, Any]:
        """Return what :meth:`restore` needs."""
        return self._scaler.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state` was taken."""
        if state:
            self._scaler.load_state_dict(state)


class _SmallInFloat32(TorchFunctionMode):
    """Computes 3D convolutions of images with a side of at most 5 voxels in float32, within autocast on a CPU.

    oneDNN's bf16 kernels are wrong there: the weights' gradient reads memory that nobody wrote where the depth is 2
    (PyTorch 2.13, AVX512-BF16: up to 1e33 and NaN for a 3 x 3 x 3 kernel on 2 x 4 x 4 voxels), and so does the
    result where a stride leaves a width of 1 (github.com/pytorch/pytorch/issues/169688).
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func is not torch.conv3d or min(args[0].shape[2:]) > _SMALL_SIDE:
            return func(*args, **named)
        wide: list[Any] = [one.float() if isinstance(one, Tensor) else one for one in args]
        with torch.autocast("cpu", enabled=False):
            return func(*wide, **named)


def _chosen(precision: Precision, device: torch.device) -> Precision:
    if device.type != "cuda":
        return {Precision.AUTO: Precision.FLOAT32, Precision.FP16: Precision.BF16}.get(precision, precision)
    if precision is Precision.AUTO:
        return Precision.BF16 if torch.cuda.is_bf16_supported(including_emulation=False) else Precision.FP16
    return precision
