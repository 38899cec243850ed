"""A job, and worker scripts that are real processes."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from psmacore.jobs.job import Job, JobKind

_HEAD = """
import os, signal, sys, time
from pathlib import Path
from psmacore.errors import *
from psmacore.jobs.worker_side import run_worker
"""
_TAIL = """
sys.exit(run_worker(Path(sys.argv[1]), work))
"""


@pytest.fixture
def a_job(tmp_path: Path) -> Job:
    return Job(JobKind.ANALYSE, {"dicom": "somewhere"}, {"device": "cpu"}, tmp_path / "out" / "result")


@pytest.fixture
def a_worker(tmp_path: Path) -> Callable[[str], list[str]]:
    """The command of a worker whose ``work(job, folder, events)`` has the given body."""

    def make(body: str) -> list[str]:
        script = tmp_path / "worker.py"
        work = "def work(job, folder, events):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")
        script.write_text(_HEAD + work + _TAIL, encoding="utf-8")
        return [sys.executable, str(script)]

    return make


@pytest.fixture
def leftovers(a_job: Job) -> Callable[[], list[str]]:
    """What lies beside and instead of the job's output folder."""

    def names() -> list[str]:
        parent = a_job.out.parent
        return sorted(path.name for path in parent.iterdir() if path != a_job.out) if parent.is_dir() else []

    return names
