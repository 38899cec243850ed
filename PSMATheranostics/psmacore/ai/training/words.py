"""Where a training is to a line that people read."""

from __future__ import annotations

from psmacore.ai.training.history import EpochRecord


def step_words(
    *, epoch: int, n_epochs: int, step: int, n_steps: int, loss: float, score: float | None, left_s: float | None
) -> str:
    """Return one line for the step that was just done.

    Parameters
    ----------
    loss : float
        Mean of the epoch so far.
    score : float or None
        Of the last validation.
    left_s : float or None
        Time left in s, where it is known.
    """
    known = "" if score is None else f", score {score:.3f}"
    left = "" if left_s is None else f", {duration_words(left_s)} left"
    return f"epoch {epoch} of {n_epochs}, step {step} of {n_steps}: loss {loss:.4f}{known}{left}"


def record_words(record: EpochRecord) -> str:
    """Return one line for an epoch that is done."""
    words = f"epoch {record.epoch}: training loss {record.train_loss:.4f}, {record.seconds:.0f} s"
    if record.validated is None:
        return words
    watched = ", ".join(f"{item.name} {item.value:.3g}" for item in record.validated.watched)
    kept = "; kept" if record.is_best else ""
    return f"{words}; validation loss {record.validated.loss:.4f}, score {record.validated.score:.4f} ({watched}){kept}"


def duration_words(seconds: float) -> str:
    """Return a time in s as people say it: about 12 min."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
