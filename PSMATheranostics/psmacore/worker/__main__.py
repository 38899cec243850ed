"""``python -m psmacore.worker JOBFOLDER``: one job in a process of its own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from psmacore.errors import ModelMissingError, UsageError
from psmacore.jobs.job import Job, JobKind
from psmacore.jobs.worker_side import EventWriter, run_worker
from psmacore.worker.gpu_queue import GpuQueue

Work = Callable[[Job, Path, EventWriter], Mapping[str, object]]

# Imported by name when a job of the kind comes: a threshold job must not wait for PyTorch.
WORK_OF: Mapping[JobKind, str] = {
    JobKind.ANALYSE: "psmacore.worker.analysing:analyse_job",
    JobKind.TRAIN: "psmacore.worker.training:train_job",
    JobKind.EVALUATE: "psmacore.worker.evaluating:evaluate_job",
}


def work(job: Job, folder: Path, events: EventWriter) -> Mapping[str, object]:
    """Do one job in its folder and return what its result event holds.

    Raises
    ------
    UsageError
        If there is no work of the job's kind.
    ModelMissingError
        If it needs PyTorch or MONAI, and this interpreter has none.
    """
    place = WORK_OF.get(job.kind)
    if place is None:
        raise UsageError(f"this version does no jobs of kind {job.kind.value!r}")
    module, _, name = place.partition(":")
    try:
        do = cast("Work", getattr(importlib.import_module(module), name))
        if job.kind is JobKind.ANALYSE:  # takes its turn when its first model runs, not while it fetches
            return do(job, folder, events)
        with GpuQueue(lambda stage: events.progress(stage, 0.0)) as queue:
            _wait_for_gpu(queue, job)
            return do(job, folder, events)
    except ModuleNotFoundError as error:
        lacking = (error.name or "").partition(".")[0]
        if not lacking or find_spec(lacking) is not None:
            raise
        raise ModelMissingError(f"this needs the Python package {lacking}: run ./psma setup --ai") from error


def _wait_for_gpu(queue: GpuQueue, job: Job) -> None:
    from psmacore.ai.gpu import wanted_gpu

    gpu = wanted_gpu(str(job.parameters.get("device", "auto")))
    if gpu is not None:
        queue.take_turn(gpu)


if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), work))
