"""A job of kind analyse to its result folder, with trained models where it asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from psmacore.jobs.job import Job
from psmacore.jobs.worker_side import EventWriter
from psmacore.model.timepoint import Timepoint
from psmacore.pipeline.analyse import analyse_study
from psmacore.pipeline.archive import open_archive
from psmacore.pipeline.request import AnalyseRequest
from psmacore.pipeline.segmenters import segmenter_named
from psmacore.worker.gpu_queue import GpuQueue
from psmacore.worker.log_events import logged_as_events

ROOMS = ("psmacore.pipeline", "psmacore.ai", "psmacore.longitudinal")


def analyse_job(job: Job, folder: Path, events: EventWriter) -> Mapping[str, object]:
    """Analyse the study of a job; only a job that asks for models imports PyTorch."""
    request = AnalyseRequest.from_job(job.inputs, job.parameters)
    pacs = None if request.dicomweb_url is None else open_archive(request.dicomweb_url)
    analyse = partial(analyse_study, request, folder, pacs=pacs, on_progress=events.progress)
    with logged_as_events(events, ROOMS):
        if request.needs_ai:
            _with_models(request, analyse, events)
        else:
            analyse(segmenter=segmenter_named(request.segmenter, request.mask))
    return {"results": "results.json"}


def _with_models(request: AnalyseRequest, analyse: Callable[..., Timepoint], events: EventWriter) -> None:
    from psmacore.ai.segmenters.catalog import steps_of
    from psmacore.ai.segmenters.running import Machine

    with GpuQueue(lambda stage: events.progress(stage, 0.28)) as queue:
        steps = steps_of(request, Machine(request.models, queue.take_turn, events.progress))
        analyse(segmenter=steps.segmenter, organ_segmenter=steps.organ_segmenter, classifier=steps.classifier)
