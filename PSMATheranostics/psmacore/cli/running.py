"""A job to a worker process, followed on stderr, and an analysis's results to the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from psmacore.cli.options import ProgressLine
from psmacore.errors import CancelledError, PacsError
from psmacore.jobs.events import Event, Progress
from psmacore.jobs.job import Job, JobKind
from psmacore.jobs.local import run_local
from psmacore.jobs.signals import cancel_on_signals
from psmacore.pacs.session import without_credentials
from psmacore.pipeline.archive import credentials_of, open_archive
from psmacore.pipeline.publish import publish_results
from psmacore.pipeline.request import AnalyseRequest


def run_job(job: Job, label: str, environment: Mapping[str, str] | None = None) -> dict[str, object]:
    """Run a job in a worker process, its progress on stderr; return what the worker reports.

    ``environment`` is added to the worker's. A signal to this process cancels the job in order.

    Raises
    ------
    CancelledError
        If a signal came, also where the results were whole already.
    PsmaError
        As the worker's exit code says.
    """
    line = ProgressLine(label)

    def follow(event: Event) -> None:
        if isinstance(event, Progress):
            line.show(event.stage, event.fraction)

    try:
        with cancel_on_signals() as is_cancelled:
            result = run_local(job, on_event=follow, is_cancelled=is_cancelled, environment=environment)
            if is_cancelled():
                raise CancelledError(f"cancelled when the results were whole already: {job.out}")
    finally:
        line.close()
    return result


def run_analysis(request: AnalyseRequest, out: Path, label: str) -> Path:
    """Run ``request`` into ``out``, publish where asked for, and return ``out``.

    The folder is whole before anything is published: where the archive fails, the results stay, and the
    error says where. A user and password in the archive's URL reach the worker by its environment alone.
    """
    url = request.dicomweb_url
    stated = request if url is None else replace(request, dicomweb_url=without_credentials(url))
    job = Job(kind=JobKind.ANALYSE, inputs=stated.inputs(), parameters=stated.parameters(), out=out)
    run_job(job, label, {} if url is None else credentials_of(url))
    if request.publish and url is not None:
        line = ProgressLine(label)
        try:
            line.show("publish", 0.95)
            _publish(job.out, url)
        finally:
            line.close()
    return job.out


def _publish(folder: Path, url: str) -> None:
    try:
        publish_results(folder, open_archive(url))
    except PacsError as error:
        raise PacsError(f"{error}; not all is published, but the results are whole in {folder}") from error
