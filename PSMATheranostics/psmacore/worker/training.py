"""A training job to a model folder."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from psmacore.ai.device import explain_device
from psmacore.ai.training.run import run_training
from psmacore.errors import CancelledError
from psmacore.jobs.job import Job
from psmacore.jobs.worker_side import EventWriter
from psmacore.pipeline.train_request import TrainRequest, checkpoints_folder

_ROOM = "psmacore.ai.training"


class _Events(logging.Handler):
    """Log records of the training as events."""

    def __init__(self, events: EventWriter) -> None:
        super().__init__(logging.INFO)
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        self._events.log(record.getMessage(), record.levelname)


@contextlib.contextmanager
def _noted_sigterm() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether SIGTERM came; it must not interrupt a step, whose half no checkpoint holds."""
    asked = threading.Event()
    former = signal.signal(signal.SIGTERM, lambda _number, _frame: asked.set())
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGTERM, former)


def train_job(job: Job, folder: Path, events: EventWriter) -> Mapping[str, object]:
    """Train a model in a job's folder.

    Parameters
    ----------
    job : Job
        Of kind ``train``; its checkpoints lie beside ``job.out`` and outlive this process.
    folder : pathlib.Path
        The job folder, which becomes ``job.out``.
    events : EventWriter
        Progress with the time left, epochs as log lines.

    Returns
    -------
    mapping
        ``models``: each model's name, folder relative to the job's, sha256 and validation figures; ``is_cut``:
        whether the hours ran out before the epochs.
    """
    request = TrainRequest.from_job(job.inputs, job.parameters)
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    choice = explain_device(request.device)
    events.log(f"device: {choice.words}")
    rooms = logging.getLogger(_ROOM)
    handler = _Events(events)
    rooms.addHandler(handler)
    rooms.setLevel(logging.INFO)
    try:
        with _noted_sigterm() as is_asked_to_end:

            def tell(words: str, done: float) -> None:
                events.progress(words, done)
                if is_asked_to_end():
                    raise CancelledError("the training was asked to end; --resume goes on from here")

            done = run_training(request, folder, checkpoints_folder(job.out), device=choice.device, tell=tell)
    finally:
        rooms.removeHandler(handler)
    models = [
        {
            "name": manifest.name,
            "folder": str(where.relative_to(folder)),
            "weights_sha256": manifest.weights_sha256,
            "metrics": {metric.name: metric.value for metric in manifest.metrics},
        }
        for manifest, where in zip(done.manifests, done.folders, strict=True)
    ]
    return {"models": models, "is_cut": done.is_cut}
