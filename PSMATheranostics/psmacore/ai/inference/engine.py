"""A network and a normalised image to logits at every voxel, by Gaussian-weighted sliding windows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from psmacore.ai.inference.accumulate import Accumulator, NotFiniteError
from psmacore.ai.inference.arithmetic import OnNotice, arithmetic_of, compiled, forward, placed
from psmacore.ai.inference.checks import check_answer, check_image, evaluating
from psmacore.ai.inference.feed import feed
from psmacore.ai.inference.memory import Attempt, attempts, fits_on, is_out_of_memory
from psmacore.ai.inference.settings import InferenceSettings, Mode
from psmacore.ai.inference.windows import WindowPlan, plan_windows
from psmacore.errors import GeometryError, ModelUnfitError
from psmacore.registry.manifest import Grid

logger = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Logits of one image and how they were made.

    Parameters
    ----------
    logits : numpy.ndarray
        ``(n_out, k, j, i)``, float32.
    n_windows_run, n_windows : int
        Windows put through the network, those that only fill a batch up included, and windows that cover the image.
    device : str
        Where the network ran in the end.
    notices : tuple of str
        What was done otherwise than asked for, in words; empty where nothing was.
    """

    logits: NDArray[np.float32]
    n_windows_run: int
    n_windows: int
    device: str
    notices: tuple[str, ...] = ()


def predict_logits(
    network: nn.Module,
    image: NDArray[np.float32],
    grid: Grid,
    *,
    settings: InferenceSettings,
    gate: NDArray[np.bool_] | None = None,
    on_progress: OnProgress | None = None,
    n_outputs: int | None = None,
) -> NDArray[np.float32]:
    """Return the logits of one image; :meth:`Predictor.predict` has the parameters, results and errors."""
    predictor = Predictor(network, grid, settings=settings, n_outputs=n_outputs)
    return predictor.predict(image, gate=gate, on_progress=on_progress).logits


class Predictor:
    """A network made ready once and run on any number of images.

    Parameters
    ----------
    network : torch.nn.Module
        ``(n, C, k, j, i)`` to ``(n, n_out, k, j, i)``, or without ``k`` where the grid's patch has one slice. It is
        left on its device, in its layout and in the mode (training or not) that it is in. Where it has to be
        copied, to another device or layout, weights that change later are not seen.
    grid : Grid
        Its patch and overlap.
    n_outputs : int, optional
        Outputs that the network must have. Without it, an image with an empty gate costs one window to learn it.
    """

    def __init__(
        self, network: nn.Module, grid: Grid, *, settings: InferenceSettings, n_outputs: int | None = None
    ) -> None:
        self._network = network
        self._grid = grid
        self._settings = settings
        self._n_outputs = n_outputs
        self._ready: dict[tuple[Attempt, Mode], nn.Module] = {}

    def predict(
        self,
        image: NDArray[np.float32],
        *,
        gate: NDArray[np.bool_] | None = None,
        on_progress: OnProgress | None = None,
        on_notice: OnNotice | None = None,
    ) -> Prediction:
        """Run the network over an image.

        On the device there is a batch of windows with the network's own layers, and, where at most half of the free
        memory is taken by them, the part of the image that windows cover with its sums: 4 x (C + n_out + 1) bytes a
        voxel. Otherwise these stay in main memory and batches are copied while the network is busy with the one
        before. The result takes 4 x n_out bytes a voxel of the whole volume in main memory.

        Parameters
        ----------
        image : numpy.ndarray
            ``(C, k, j, i)``, float32, normalised. An axis shorter than the patch is padded with zeros.
        gate : numpy.ndarray, optional
            ``(k, j, i)``, bool, true at every voxel whose logits will be read, for instance where the uptake reaches
            the threshold that the result is ANDed with (:mod:`psmacore.ai.inference.gate`). Windows without such a
            voxel are not run, and wherever the gate is false the logits are
            :data:`~psmacore.ai.inference.accumulate.BACKGROUND_LOGITS`; with an all-false gate they are so
            everywhere. In exact mode all others are, bit for bit, what MONAI gives without a gate.
        on_progress : callable, optional
            Called with the windows done and the windows to run after each batch; what it raises ends the run, for
            instance :class:`psmacore.errors.CancelledError`.
        on_notice : callable, optional
            Called with a sentence for everything that is done otherwise than asked for (less memory, no compiler).

        Raises
        ------
        InputRefusedError
            If the image has no voxels or holds a value that is no finite number.
        GeometryError
            If the gate and the image have different shapes.
        ModelUnfitError
            If the network takes other channels or gives other outputs, answers with values that are no finite
            numbers, or needs more memory than there is even with the smallest windows on the CPU.
        """
        notices: list[str] = []

        def note(sentence: str) -> None:
            logger.warning("%s", sentence)
            notices.append(sentence)
            if on_notice is not None:
                on_notice(sentence)

        source = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
        check_image(self._network, source)
        if gate is not None:
            gate = np.asarray(gate, dtype=np.bool_)
            if gate.shape != source.shape[1:]:
                raise GeometryError(f"the gate {gate.shape} does not fill the image {tuple(source.shape[1:])}")
        failed: Attempt | None = None
        for attempt in attempts(self._settings.device, self._settings.batch_size, self._grid.patch):
            if failed is not None:
                note(f"not enough memory for {failed}; trying {attempt}")
                self._forget(failed)
            try:
                prediction = self._try(source, gate, attempt, on_progress, note)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                failed = attempt
            else:
                return replace(prediction, notices=tuple(notices))
        raise ModelUnfitError(f"this machine has not enough memory for the network, not even for {failed}")

    def _try(
        self,
        image: torch.Tensor,
        gate: NDArray[np.bool_] | None,
        attempt: Attempt,
        on_progress: OnProgress | None,
        note: OnNotice,
    ) -> Prediction:
        settings = self._settings
        try:
            return self._run(image, gate, attempt, settings, on_progress, note)
        except NotFiniteError:
            if settings.mode is Mode.EXACT:
                raise
        note("the network leaves the range of half precision; running it in single precision")
        exact = replace(settings, mode=Mode.EXACT, compiled=False)
        return self._run(image, gate, attempt, exact, on_progress, note)

    def _run(
        self,
        image: torch.Tensor,
        gate: NDArray[np.bool_] | None,
        attempt: Attempt,
        settings: InferenceSettings,
        on_progress: OnProgress | None,
        note: OnNotice,
    ) -> Prediction:
        device = attempt.device
        shape = (image.shape[1], image.shape[2], image.shape[3])
        plan = plan_windows(shape, attempt.patch, self._grid.overlap, gate=gate)
        batches = _batches(plan, attempt, settings)
        n_run, n_done = sum(len(numbers) for numbers in batches), 0
        with evaluating(self._network), arithmetic_of(settings.mode, device):
            network = self._made_ready(attempt, settings, len(image), note)
            n_outputs = self._n_outputs
            if n_outputs is None and not n_run:
                n_outputs = self._answer(network, _zeros(attempt, 1, len(image))).shape[1]
            part = _boxed(image, plan)
            fits = fits_on(device, 4 * part[0].numel() * (len(part) + (n_outputs or len(part)) + 1))
            home = device if fits else torch.device("cpu")
            sums = Accumulator(plan, device=home, window_device=device)
            for batch in feed(part.to(home), plan, batches, device):
                answer = self._answer(network, batch.windows)
                for number, logits in dict(zip(batch.numbers, answer, strict=True)).items():
                    sums.add(number, logits)
                n_done += len(batch.numbers)
                if on_progress is not None:
                    on_progress(n_done, n_run)
            logits = sums.logits(gate, n_outputs=n_outputs or 0)
        return Prediction(logits, n_run, plan.n_all, str(device))

    def _made_ready(self, attempt: Attempt, settings: InferenceSettings, n_inputs: int, note: OnNotice) -> nn.Module:
        key = (attempt, settings.mode)
        if key not in self._ready:
            network = placed(self._network, attempt.device, settings.mode)
            if settings.compiled:
                example = _zeros(attempt, attempt.batch, n_inputs)
                network = compiled(network, example[:, :, 0] if attempt.is_flat else example, note)
            self._ready[key] = network
        return self._ready[key]

    def _answer(self, network: nn.Module, windows: torch.Tensor) -> torch.Tensor:
        is_flat = self._grid.patch[0] == 1
        return check_answer(
            forward(network, windows, self._settings.mirror_axes, is_flat=is_flat), windows, self._n_outputs
        )

    def _forget(self, failed: Attempt) -> None:
        self._ready = {key: network for key, network in self._ready.items() if key[0] != failed}
        if failed.device.type == "cuda":
            torch.cuda.empty_cache()


def _batches(plan: WindowPlan, attempt: Attempt, settings: InferenceSettings) -> list[list[int]]:
    if settings.mode is Mode.EXACT:
        return plan.exact_batches(attempt.batch)
    # kernels are looked for, or compiled, for one size of batch
    is_filled = settings.compiled or attempt.device.type == "cuda"
    return plan.packed_batches(attempt.batch, is_filled=is_filled)


def _zeros(attempt: Attempt, n_windows: int, n_inputs: int) -> torch.Tensor:
    return torch.zeros((n_windows, n_inputs, *attempt.patch), device=attempt.device)


def _boxed(image: torch.Tensor, plan: WindowPlan) -> torch.Tensor:
    """Return the plan's box of the padded image."""
    pads: list[int] = []
    for short, long, before in zip(plan.shape[::-1], plan.padded_shape[::-1], plan.before[::-1], strict=True):
        pads += [before, long - short - before]
    padded = functional.pad(image, pads) if any(pads) else image
    return padded[(slice(None), *plan.box)]
