"""An evaluation job to its folder of figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from psmacore.ai.evaluation.run import evaluate
from psmacore.jobs.job import Job
from psmacore.jobs.worker_side import EventWriter
from psmacore.pipeline.evaluate_request import RESULT_FILE, EvaluateRequest
from psmacore.worker.gpu_queue import GpuQueue


def evaluate_job(job: Job, folder: Path, events: EventWriter) -> Mapping[str, object]:
    """Evaluate a model into ``folder`` and return what the result event holds."""
    request = EvaluateRequest.from_job(job.inputs, job.parameters)
    with GpuQueue(lambda stage: events.progress(stage, 0.0)) as queue:
        evaluation = evaluate(request, folder, on_progress=events.progress, take_turn=queue.take_turn)
    for warning in evaluation.warnings:
        events.log(warning, "WARNING")
    return {"evaluation": RESULT_FILE, "n_cases": len(evaluation.cases)}
