"""``python -m psmacore.worker JOBFOLDER``: one job in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from psmacore.errors import UsageError
from psmacore.jobs.job import Job, JobKind
from psmacore.jobs.worker_side import EventWriter, run_worker
from psmacore.pipeline.analyse import analyse_study
from psmacore.pipeline.archive import open_archive
from psmacore.pipeline.request import AnalyseRequest
from psmacore.pipeline.segmenters import segmenter_named


def work(job: Job, folder: Path, events: EventWriter) -> Mapping[str, object]:
    """Do one job in its folder and return what its result event holds."""
    if job.kind is not JobKind.ANALYSE:
        raise UsageError(f"this version does no jobs of kind {job.kind.value!r}")
    request = AnalyseRequest.from_job(job.inputs, job.parameters)
    segmenter = segmenter_named(request.segmenter, request.mask)
    pacs = None if request.dicomweb_url is None else open_archive(request.dicomweb_url)
    analyse_study(request, folder, segmenter=segmenter, pacs=pacs, on_progress=events.progress)
    return {"results": "results.json"}


if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), work))
