"""Logits of overlapping windows to the Gaussian-weighted mean at every voxel."""

from __future__ import annotations

import numpy as np
import torch
from monai.data.utils import compute_importance_map
from numpy.typing import NDArray

from psmacore.ai.inference.windows import SIGMA_SCALE, WindowPlan
from psmacore.errors import ModelUnfitError

BACKGROUND_LOGITS = (-30.0, -60.0)
"""Logits of the first output and of all others at a voxel that is background by rule.

They read as background whatever makes them probabilities: softmax gives the first output 1 - 1e-13, sigmoid gives
every output less than 1e-13.
"""


class NotFiniteError(ModelUnfitError):
    """The network answered with values that are no finite numbers."""


class Accumulator:
    """Weighted sums of logits over the box that the windows to run cover.

    Weights, the order of additions and their precision are those of MONAI's ``sliding_window_inference``. A voxel of
    the gate lies in no window that is left out, so leaving windows out changes neither its sum nor its weights.

    Parameters
    ----------
    device : torch.device
        Where the sums are kept.
    window_device : torch.device
        Where the windows' logits come from.
    """

    def __init__(self, plan: WindowPlan, *, device: torch.device, window_device: torch.device) -> None:
        self._plan = plan
        self._device = device
        self._size = tuple(part.stop - part.start for part in plan.box)
        self._weights = compute_importance_map(
            plan.patch, mode="gaussian", sigma_scale=SIGMA_SCALE, device=window_device, dtype=torch.float32
        )
        self._own_weights = self._weights.to(device)
        self._weight_sums = torch.zeros(self._size, device=device)
        self._weighted = torch.empty(0)
        self._sums = torch.empty(0)
        self._result: NDArray[np.float32] | None = None

    def add(self, number: int, logits: torch.Tensor) -> None:
        """Add one window's ``(n_out, k, j, i)`` logits; windows come in ascending order."""
        if self._result is None:
            self._result = self._prepared_for(len(logits))
        window = self._plan.window(number)
        torch.mul(logits, self._weights, out=self._weighted)
        self._sums[(slice(None), *window)] += self._weighted.to(self._device)
        self._weight_sums[window] += self._own_weights

    def logits(self, gate: NDArray[np.bool_] | None, *, n_outputs: int) -> NDArray[np.float32]:
        """Return the mean logits of the whole volume; nothing can be added afterwards.

        Parameters
        ----------
        gate : numpy.ndarray or None
            ``(k, j, i)`` of the volume; where it is false the result is :data:`BACKGROUND_LOGITS`.
        n_outputs : int
            Of the network, for the case that no window was run.

        Returns
        -------
        numpy.ndarray
            ``(n_out, k, j, i)``, float32.

        Raises
        ------
        NotFiniteError
            If the network gave a logit that is no finite number.
        """
        if self._result is None:
            return _background(n_outputs, self._plan.shape)
        if not torch.isfinite(self._sums.sum()):
            raise NotFiniteError("the network answered with values that are no finite numbers; its weights are unfit")
        self._sums /= self._weight_sums
        in_box, in_volume = self._overlap()
        inside = self._result[(slice(None), *in_volume)]
        if not self._is_in_place:
            inside[...] = self._sums.cpu().numpy()[(slice(None), *in_box)]
        if gate is not None:
            for k, wanted in enumerate(gate[in_volume]):  # slice by slice: an inverted gate would double its memory
                np.copyto(inside[:, k], _background(len(inside), (1, 1, 1))[:, 0], where=~wanted)
        return self._result

    @property
    def _is_in_place(self) -> bool:
        """Whether the sums are kept in the result itself."""
        return self._device.type == "cpu" and self._plan.padded_shape == self._plan.shape

    def _prepared_for(self, n_outputs: int) -> NDArray[np.float32]:
        """Return the result, background so far, and make the sums; in place so that memory is touched once."""
        self._weighted = torch.empty((n_outputs, *self._plan.patch), device=self._weights.device)
        result = _background(n_outputs, self._plan.shape)
        if self._is_in_place:
            self._sums = torch.from_numpy(result)[(slice(None), *self._plan.box)].zero_()
        else:
            self._sums = torch.zeros((n_outputs, *self._size), device=self._device)
        return result

    def _overlap(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return the part of the box that is no padding, in the box's indices and in the volume's."""
        in_box, in_volume = [], []
        for part, before, length in zip(self._plan.box, self._plan.before, self._plan.shape, strict=True):
            first, last = max(part.start - before, 0), min(part.stop - before, length)
            in_volume.append(slice(first, last))
            in_box.append(slice(first + before - part.start, last + before - part.start))
        return tuple(in_box), tuple(in_volume)


def _background(n_outputs: int, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    result = np.empty((n_outputs, *shape), np.float32)
    result[:1] = BACKGROUND_LOGITS[0]
    result[1:] = BACKGROUND_LOGITS[1]
    return result
