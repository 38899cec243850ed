"""What a training was like, epoch by epoch, to curves.csv and curves.png."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

CSV_FILE = "curves.csv"
PNG_FILE = "curves.png"
_DPI = 110


@dataclass(frozen=True)
class Watched:
    """One figure of a validation, for example ``dsc_psma`` or ``fp_ml_fdg``."""

    name: str
    value: float


@dataclass(frozen=True)
class Validated:
    """A validation.

    Parameters
    ----------
    loss : float
        Mean over cases.
    score : float
        What higher is better of: mean DSC, balanced accuracy.
    watched : tuple of Watched
        More figures, each output's or tracer's own (D15).
    """

    loss: float
    score: float
    watched: tuple[Watched, ...] = ()


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: mean training loss, last learning rate, time in s, and the validation, where there was one."""

    epoch: int
    train_loss: float
    learning_rate: float
    seconds: float
    validated: Validated | None = None
    is_best: bool = False


def write_csv(history: Sequence[EpochRecord], path: Path) -> Path:
    """Write one row an epoch; figures of epochs without a validation stay empty."""
    names: list[str] = []
    for record in history:
        watched = () if record.validated is None else record.validated.watched
        names += [item.name for item in watched if item.name not in names]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        head = ["epoch", "train_loss", "learning_rate", "seconds", "validation_loss", "validation_score", "is_best"]
        writer.writerow([*head, *names])
        for record in history:
            writer.writerow(_row(record, names))
    return path


def _row(record: EpochRecord, names: Sequence[str]) -> list[object]:
    first = [record.epoch, f"{record.train_loss:.6g}", f"{record.learning_rate:.6g}", f"{record.seconds:.1f}"]
    if record.validated is None:
        return [*first, "", "", 0, *([""] * len(names))]
    found = {item.name: item.value for item in record.validated.watched}
    values = [record.validated.loss, record.validated.score]
    figures = [found.get(name, math.nan) for name in names]
    return [*first, *map(_words, values), int(record.is_best), *map(_words, figures)]


def _words(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def draw_curves(history: Sequence[EpochRecord], path: Path, *, title: str) -> Path:
    """Draw losses, score and learning rate over the epochs as a PNG."""
    figure = Figure(figsize=(7.5, 6.5), layout="constrained")
    losses, scores = figure.subplots(2, 1, sharex=True)
    epochs = [record.epoch for record in history]
    losses.plot(epochs, [record.train_loss for record in history], label="training loss", color="tab:blue")
    seen = [(record.epoch, record.validated) for record in history if record.validated is not None]
    losses.plot([at for at, _ in seen], [item.loss for _, item in seen], label="validation loss", color="tab:orange")
    losses.set_ylabel("loss")
    losses.legend()
    losses.set_title(title, fontsize="small", wrap=True)
    scores.plot([at for at, _ in seen], [item.score for _, item in seen], color="tab:green", label="validation score")
    best = [(record.epoch, record.validated) for record in history if record.is_best and record.validated is not None]
    if best:
        scores.plot(best[-1][0], best[-1][1].score, "o", color="tab:green", label=f"kept: epoch {best[-1][0]}")
    scores.set_ylim(0.0, 1.0)
    scores.set_ylabel("score")
    scores.set_xlabel("epoch")
    rate = scores.twinx()
    rate.plot(epochs, [record.learning_rate for record in history], color="tab:gray", linewidth=0.8)
    rate.set_ylabel("learning rate")
    if scores.get_legend_handles_labels()[0]:
        scores.legend(loc="lower right")
    figure.savefig(path, dpi=_DPI, format="png")
    return path
