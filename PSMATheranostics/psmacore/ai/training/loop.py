"""A network, a recipe and prepared cases to trained weights, from wherever a checkpoint left off."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from psmacore.ai.inference.memory import is_out_of_memory
from psmacore.ai.training.batches import Batch, Plan, batches
from psmacore.ai.training.checkpoint import load_checkpoint, save_checkpoint
from psmacore.ai.training.gates import gate_of
from psmacore.ai.training.history import EpochRecord, Validated
from psmacore.ai.training.numerics import Numerics
from psmacore.ai.training.parts import Limits, Parts, State, Tell, Trained
from psmacore.ai.training.recipe import Recipe, Selection
from psmacore.ai.training.records import from_record, to_record
from psmacore.ai.training.schedule import LearningRate, build_optimiser
from psmacore.ai.training.words import record_words, step_words
from psmacore.errors import CancelledError, TrainingError

logger = logging.getLogger(__name__)


class Trainer:
    """A training that can be left at any moment and taken up again.

    Parameters
    ----------
    parts : Parts
        Network, loss, cases.
    recipe : Recipe
        How.
    device : torch.device
        Where; the network lies there.
    folder : pathlib.Path
        Of the checkpoints.
    identity : mapping of str to str
        What a checkpoint must agree with to be taken up: recipe, model, cases.
    limits : Limits
        When to end or save early.
    n_workers : int
        Processes that load ahead.
    """

    def __init__(
        self,
        parts: Parts,
        recipe: Recipe,
        *,
        device: torch.device,
        folder: Path,
        identity: Mapping[str, str],
        limits: Limits,
        n_workers: int = 0,
    ) -> None:
        self._parts = parts
        self._recipe = recipe
        self._device = device
        self._folder = folder
        self._identity = dict(identity)
        self._limits = limits
        self._n_workers = n_workers
        self._plan = Plan(
            n_cases=len(parts.cases),
            patches_per_case=recipe.sampling.patches_per_case,
            batch_size=recipe.batch_size,
            steps_per_epoch=recipe.steps_per_epoch,
            seed=recipe.seed,
        )
        self._optimiser = build_optimiser(parts.network, recipe.optimiser)
        self._rate = LearningRate(self._optimiser, recipe.optimiser.learning_rate, recipe.schedule)
        self._numerics = Numerics(recipe.precision, device)
        self._state = State()
        self._clock = time.monotonic()
        self._saved_at = self._clock
        self._validation_s = 0.0

    def train(self, tell: Tell) -> Trained:
        """Train to the end.

        Parameters
        ----------
        tell : callable
            Called with what is being done, in words, and the part that is done, 0 to 1. Where it raises
            :class:`psmacore.errors.CancelledError`, a checkpoint is written first.

        Raises
        ------
        CancelledError
            If ``tell`` raises it.
        TrainingError
            If the loss is not finite, memory runs out, or no validation gave a score.
        """
        state = self._state
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=True):
            try:
                while state.epoch <= self._recipe.epochs and not self._is_out_of_time():
                    self._epoch(tell)
            except CancelledError:  # raised by `tell`, between two steps
                self.save()
                raise
        kept = [record for record in state.history if record.is_best]
        if not kept or state.best is None:
            raise TrainingError("no validation gave a score: the validation cases hold nothing to find")
        return Trained(state.best, kept[-1], tuple(state.history), state.elapsed_s, self._is_out_of_time())

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; return whether there was one.

        Raises
        ------
        TrainingError
            If it is damaged, or of another training; the message names what differs.
        """
        saved = load_checkpoint(self._folder)
        if saved is None:
            return False
        differing = [name for name, value in self._identity.items() if saved["identity"].get(name) != value]
        if differing:
            raise TrainingError(
                f"the checkpoint in {self._folder} was made with another {', another '.join(differing)}; "
                "repeat that training's arguments, or train without --resume"
            )
        self._parts.network.load_state_dict(saved["network"])
        self._optimiser.load_state_dict(saved["optimiser"])
        self._rate.restore(saved["rate"])
        self._numerics.restore(saved["scaler"])
        torch.set_rng_state(saved["rng"])
        if self._device.type == "cuda" and saved["rng_cuda"] is not None:
            torch.cuda.set_rng_state(saved["rng_cuda"], self._device)
        progress = saved["progress"]
        history = [from_record(EpochRecord, record, where="checkpoint: history") for record in saved["history"]]
        self._state = State(**progress, history=history, best=saved["best"])
        return True

    def save(self) -> None:
        """Write a checkpoint; where the disk is full, say so and go on with the older one."""
        self._tick()
        self._saved_at = time.monotonic()
        try:
            save_checkpoint(self._snapshot(), self._folder)
        except OSError as error:
            logger.warning("the checkpoint could not be written (%s); the one before it stands", error.strerror)

    def _snapshot(self) -> dict[str, Any]:
        state = self._state
        return {
            "identity": self._identity,
            "network": self._parts.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "rate": self._rate.state(),
            "scaler": self._numerics.state(),
            "rng": torch.get_rng_state(),
            "rng_cuda": torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None,
            "progress": {name: getattr(state, name) for name in ("epoch", "step", "loss_sum", "epoch_s", "elapsed_s")},
            "history": [to_record(record) for record in state.history],
            "best": None if state.best is None else dict(state.best),
        }

    def _epoch(self, tell: Tell) -> None:
        state = self._state
        self._parts.network.train()
        upcoming = batches(
            self._parts.cases,
            self._parts.transform,
            self._plan,
            epoch=state.epoch,
            first_step=state.step,
            n_workers=self._n_workers,
            is_pinned=self._device.type == "cuda",
        )
        for batch in upcoming:
            state.loss_sum += self._step(batch)
            state.step += 1
            self._tick()
            tell(self._words(), self._progress())
            if self._is_out_of_time():
                break
            if time.monotonic() - self._saved_at > self._limits.checkpoint_every_s:
                self.save()
        self._close_epoch(tell)

    def _step(self, batch: Batch) -> float:
        network, recipe = self._parts.network, self._recipe
        self._rate.follow(self._progress() if self._rate.is_per_step else self._progress(whole_epochs=True))
        try:
            on_device = (batch.flat() if self._parts.is_flat else batch).to(self._device)
            with self._numerics.autocast():
                output = network(on_device.image)
            heads = list(output.unbind(1)) if output.ndim == on_device.label.ndim + 1 else output
            loss = self._parts.loss(heads, on_device.label, self._gate(on_device))
            value = float(loss.detach())
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss became {value} at epoch {self._state.epoch}, step {self._state.step + 1}, learning rate "
                    f"{self._rate.value:.3g}: train with a smaller one, or in float32 (now {self._numerics.precision})"
                )
            self._numerics.step(loss, network, self._optimiser, recipe.optimiser.gradient_clip)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            shape = tuple(batch.image.shape)
            raise TrainingError(
                f"{self._device} has not the memory for a step of {shape[0]} patches of {shape[2:]} voxels: "
                "set batch_size or sampling.patch smaller in a recipe of your own (--recipe)"
            ) from error
        return value

    def _gate(self, batch: Batch) -> Tensor | None:
        if not self._parts.gate_channels or batch.gate_levels is None:
            return None
        return gate_of(batch.image, self._parts.gate_channels, batch.gate_levels)

    def _close_epoch(self, tell: Tell) -> None:
        """Validate where it is time to, keep the best weights, and save."""
        state, recipe = self._state, self._recipe
        is_last = state.epoch >= recipe.epochs or self._is_out_of_time()
        validated, is_best = None, False
        if is_last or state.epoch % recipe.validation.every == 0:
            validated = self._validate(tell)
            self._rate.validated(validated.loss)
            is_best = self._is_better(validated)
            if is_best:
                weights = self._parts.network.state_dict()
                state.best = {name: value.detach().cpu().clone() for name, value in weights.items()}
        self._tick()
        loss = state.loss_sum / max(state.step, 1)
        record = EpochRecord(state.epoch, loss, self._rate.value, state.epoch_s, validated, is_best)
        state.history.append(record)
        logger.info("%s", record_words(record))
        state.epoch, state.step, state.loss_sum, state.epoch_s = state.epoch + 1, 0, 0.0, 0.0
        if is_last or time.monotonic() - self._saved_at > self._limits.checkpoint_every_s:
            self.save()

    def _validate(self, tell: Tell) -> Validated:
        began = time.monotonic()
        self._parts.network.eval()
        at = self._progress()
        with torch.no_grad():
            validated = self._parts.validator(
                self._parts.network, lambda done: tell(f"epoch {self._state.epoch}: validation {done:.0%}", at)
            )
        self._validation_s = max(self._validation_s, time.monotonic() - began)
        return validated

    def _is_better(self, validated: Validated) -> bool:
        kept = [record.validated for record in self._state.history if record.is_best and record.validated is not None]
        if self._recipe.validation.selection is Selection.VALIDATION_LOSS:
            return math.isfinite(validated.loss) and (not kept or validated.loss < kept[-1].loss)
        return math.isfinite(validated.score) and (not kept or validated.score > kept[-1].score)

    def _progress(self, *, whole_epochs: bool = False) -> float:
        """Return the part of the epochs, or of the hours, that is done, whichever is further."""
        within = 0.0 if whole_epochs else self._state.step / self._plan.n_steps
        done = (self._state.epoch - 1 + within) / self._recipe.epochs
        if self._limits.hours:
            done = max(done, (self._state.elapsed_s + self._validation_s) / (3600 * self._limits.hours))
        return min(done, 1.0)

    def _is_out_of_time(self) -> bool:
        if self._limits.hours is None:
            return False
        return self._state.elapsed_s + self._validation_s >= 3600 * self._limits.hours

    def _tick(self) -> None:
        now = time.monotonic()
        self._state.elapsed_s += now - self._clock
        self._state.epoch_s += now - self._clock
        self._clock = now

    def _words(self) -> str:
        state = self._state
        known = [record.validated.score for record in state.history if record.validated is not None]
        done = self._progress()
        return step_words(
            epoch=state.epoch,
            n_epochs=self._recipe.epochs,
            step=state.step,
            n_steps=self._plan.n_steps,
            loss=state.loss_sum / max(state.step, 1),
            score=known[-1] if known else None,
            left_s=state.elapsed_s * (1 - done) / done if done > 0 else None,
        )
