"""An analysis request to a worker process, followed on stderr, and its results to the archive."""

from __future__ import annotations

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


def run_analysis(request: AnalyseRequest, out: Path, label: str) -> Path:
    """Run ``request`` into ``out``, publish where asked for, and return ``out``.

    The folder is whole before anything is published: where the archive fails, the results stay, and the
    error says where. A user and password in the archive's URL reach the worker by its environment alone.
    """
    line = ProgressLine(label)
    url = request.dicomweb_url

    def follow(event: Event) -> None:
        if isinstance(event, Progress):
            line.show(event.stage, event.fraction)

    stated = request if url is None else replace(request, dicomweb_url=without_credentials(url))
    job = Job(kind=JobKind.ANALYSE, inputs=stated.inputs(), parameters=stated.parameters(), out=out)
    try:
        with cancel_on_signals() as is_cancelled:
            environment = {} if url is None else credentials_of(url)
            run_local(job, on_event=follow, is_cancelled=is_cancelled, environment=environment)
            if is_cancelled():
                raise CancelledError(f"cancelled when the results were whole already: {job.out}")
        if request.publish and url is not None:
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
