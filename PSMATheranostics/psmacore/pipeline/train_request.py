"""What a user asks of a training, and the job.json that carries it to the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psmacore.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")
VARIANTS = ("paper", "code", "own")
ALL_FOLDS = "all"
_INPUTS = {"model", "data", "recipe", "split", "start"}
_PARAMETERS = {"variant", "epochs", "fold", "device", "resume", "max_hours", "threads", "checkpoint_minutes"}
CHECKPOINT_MINUTES = 5.0


@dataclass(frozen=True)
class TrainRequest:
    """One model to train.

    Parameters
    ----------
    model : str
        Name in the registry.
    data : pathlib.Path
        Folder of cases in one of the published layouts.
    recipe : pathlib.Path or None
        A training.json in place of the model's own.
    split : pathlib.Path or None
        A split file in place of a division made by patient.
    start : str or None
        Name or folder of a model whose weights are trained further; random ones if absent.
    variant : str or None
        ``paper``, ``code`` or ``own``; the recipe file's first if absent.
    epochs : int or None
        In place of the recipe's.
    fold : int, str or None
        Of five-fold cross-validation, 0 to 4, or ``all``; ``None`` trains on the fixed split.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    is_resumed : bool
        Go on from the checkpoints beside the result folder, where there are any.
    max_hours : float or None
        Of training in all; the learning rate has run its course by then.
    threads : int or None
        CPU threads of one operation; all cores if absent.
    checkpoint_minutes : float
        From one checkpoint to the next; 0 writes one after every step.

    Raises
    ------
    UsageError
        If a value is outside its range.
    """

    model: str
    data: Path
    recipe: Path | None = None
    split: Path | None = None
    start: str | None = None
    variant: str | None = None
    epochs: int | None = None
    fold: int | str | None = None
    device: str = "auto"
    is_resumed: bool = False
    max_hours: float | None = None
    threads: int | None = None
    checkpoint_minutes: float = CHECKPOINT_MINUTES

    def __post_init__(self) -> None:
        if self.epochs is not None and self.epochs < 1:
            raise UsageError(f"--epochs must be at least 1, not {self.epochs}")
        if self.max_hours is not None and not self.max_hours > 0:
            raise UsageError(f"--max-hours must be more than 0, not {self.max_hours:g}")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"--threads must be at least 1, not {self.threads}")
        if not self.checkpoint_minutes >= 0:
            raise UsageError(f"--checkpoint-minutes must not be negative: {self.checkpoint_minutes:g}")
        if self.device not in DEVICES:
            raise UsageError(f"--device must be one of {', '.join(DEVICES)}, not {self.device!r}")
        if self.variant is not None and self.variant not in VARIANTS:
            raise UsageError(f"--variant must be one of {', '.join(VARIANTS)}, not {self.variant!r}")
        if isinstance(self.fold, str) and self.fold != ALL_FOLDS:
            raise UsageError(f"--fold must be a number or {ALL_FOLDS!r}, not {self.fold!r}")

    def inputs(self) -> dict[str, Any]:
        """Return the ``inputs`` of job.json."""
        return {
            "model": self.model,
            "data": str(self.data),
            "recipe": _text(self.recipe),
            "split": _text(self.split),
            "start": self.start,
        }

    def parameters(self) -> dict[str, Any]:
        """Return the ``parameters`` of job.json."""
        return {
            "variant": self.variant,
            "epochs": self.epochs,
            "fold": self.fold,
            "device": self.device,
            "resume": self.is_resumed,
            "max_hours": self.max_hours,
            "threads": self.threads,
            "checkpoint_minutes": self.checkpoint_minutes,
        }

    @classmethod
    def from_job(cls, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> TrainRequest:
        """Read back what :meth:`inputs` and :meth:`parameters` wrote.

        Raises
        ------
        UsageError
            If a key is unknown, ``model`` or ``data`` is missing, or a value is outside its range.
        """
        unknown = (set(inputs) - _INPUTS) | (set(parameters) - _PARAMETERS)
        if unknown:
            raise UsageError(f"job.json: unknown key {', '.join(sorted(unknown))}")
        for name in ("epochs", "max_hours", "threads", "checkpoint_minutes"):
            value = parameters.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise UsageError(f"job.json: {name}: a number is needed, not {value!r}")
        missing = {"model", "data"} - set(inputs)
        if missing:
            raise UsageError(f"job.json: missing key {', '.join(sorted(missing))}")
        return cls(
            model=str(inputs["model"]),
            data=Path(str(inputs["data"])),
            recipe=_path(inputs.get("recipe")),
            split=_path(inputs.get("split")),
            start=None if inputs.get("start") is None else str(inputs["start"]),
            variant=parameters.get("variant"),
            epochs=parameters.get("epochs"),
            fold=parameters.get("fold"),
            device=str(parameters.get("device", "auto")),
            is_resumed=bool(parameters.get("resume", False)),
            max_hours=parameters.get("max_hours"),
            threads=parameters.get("threads"),
            checkpoint_minutes=float(parameters.get("checkpoint_minutes", CHECKPOINT_MINUTES)),
        )


def checkpoints_folder(out: Path) -> Path:
    """Return where an unfinished training's state lies: beside the result folder, which is complete or absent."""
    return out.with_name(f"{out.name}.checkpoints")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _path(value: object) -> Path | None:
    return None if value is None else Path(str(value))
