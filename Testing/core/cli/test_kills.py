"""Killed, cancelled, raced or out of space: the result folder is whole or absent, and nothing else stays (W07, W10)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing.core.cli.conftest import AnalysedStudy
from Testing.core.cli.psma_process import (
    Running,
    assert_refused,
    everything_below,
    is_alive,
    psma,
    running_psma,
    wait_until,
)
from Testing.core.cli.simulated_study import SimulatedStudy
from Testing.core.pacs.fault_server import FaultServer, Request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for the worker in /proc")


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """Where the result folder would appear; empty."""
    folder = tmp_path / "parent"
    folder.mkdir()
    return folder


@pytest.fixture
def a_fetching_psma(an_archive: tuple[FaultServer, SimulatedStudy], parent: Path) -> Iterator[Running]:
    """An analysis whose worker waits for an archive that does not send what it has listed."""
    server, study = an_archive

    def stall(request: Request) -> None:
        if "dicom+json" not in request.headers.get("Accept", ""):
            server.release.wait(60)

    server.fault = stall
    source = ("--dicomweb", server.root, "--study", study.series.study_uid)
    with running_psma("analyse", *source, "--out", parent / "result") as running:
        wait_until(lambda: any(parent.glob("*.partial-*/.fetched/*")))
        yield running


@pytest.fixture
def a_writing_psma(a_study: SimulatedStudy, parent: Path) -> Iterator[Running]:
    """An analysis whose worker is writing DICOM objects."""
    with running_psma("analyse", "--dicom", a_study.folder, "--out", parent / "result") as running:
        wait_until(lambda: any(parent.glob("*.partial-*/.publishing-*")))
        yield running


def test_a_killed_worker_is_told_and_leaves_nothing(a_writing_psma: Running, parent: Path) -> None:
    os.kill(a_writing_psma.worker_pid(), signal.SIGKILL)
    assert_refused(a_writing_psma.outcome(), 1, "the worker was killed by signal 9 (SIGKILL)")
    assert everything_below(parent) == set()


def test_a_worker_does_not_outlive_its_killed_command(a_fetching_psma: Running, parent: Path) -> None:
    worker = a_fetching_psma.worker_pid()
    a_fetching_psma.signal(signal.SIGKILL)
    wait_until(lambda: not is_alive(worker), seconds=10)
    wait_until(lambda: everything_below(parent) == set(), seconds=10)
    assert not is_alive(worker)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_cancelled_fetch_leaves_nothing(a_fetching_psma: Running, parent: Path, number: signal.Signals) -> None:
    worker = a_fetching_psma.worker_pid()
    a_fetching_psma.signal(number)
    assert_refused(a_fetching_psma.outcome(), 130, "cancelled")
    assert not is_alive(worker)
    assert everything_below(parent) == set()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_cancelled_write_leaves_nothing(a_writing_psma: Running, parent: Path, number: signal.Signals) -> None:
    worker = a_writing_psma.worker_pid()
    a_writing_psma.signal(number)
    assert_refused(a_writing_psma.outcome(), 130, "cancelled")
    assert not is_alive(worker)
    assert everything_below(parent) == set()


@pytest.mark.slow
def test_an_impatient_second_ctrl_c_leaves_nothing_either(a_fetching_psma: Running, parent: Path) -> None:
    worker = a_fetching_psma.worker_pid()
    a_fetching_psma.signal(signal.SIGINT)
    a_fetching_psma.signal(signal.SIGINT)
    assert_refused(a_fetching_psma.outcome(), 130, "cancelled")
    wait_until(lambda: not is_alive(worker), seconds=10)
    wait_until(lambda: everything_below(parent) == set(), seconds=10)


@pytest.mark.slow
def test_earlier_results_outlive_a_killed_second_run(
    a_study: SimulatedStudy, with_organs: AnalysedStudy, parent: Path
) -> None:
    shutil.copytree(with_organs.folder, parent / "result")
    before = {path.name: path.read_bytes() for path in (parent / "result").iterdir()}
    with running_psma("analyse", "--dicom", a_study.folder, "--out", parent / "result") as running:
        wait_until(lambda: any(parent.glob("*.partial-*/.publishing-*")))
        os.kill(running.worker_pid(), signal.SIGKILL)
        assert running.outcome().code == 1
    assert [path.name for path in parent.iterdir()] == ["result"]
    assert {path.name: path.read_bytes() for path in (parent / "result").iterdir()} == before


@pytest.mark.slow
def test_what_a_crash_left_goes_with_the_next_run(
    a_fetching_psma: Running, a_study: SimulatedStudy, parent: Path
) -> None:
    """W10: where command and worker die at once, as when the power fails, nobody is left to clean up."""
    worker = a_fetching_psma.worker_pid()
    os.kill(worker, signal.SIGSTOP)  # it must not notice the command's death
    a_fetching_psma.signal(signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not is_alive(worker))
    assert everything_below(parent) != set()
    outcome = psma("analyse", "--dicom", a_study.folder, "--out", parent / "result")
    assert outcome.code == 0, outcome.err
    assert [path.name for path in parent.iterdir()] == ["result"]


@pytest.mark.slow
def test_of_two_at_once_one_result_stands_whole(a_study: SimulatedStudy, parent: Path) -> None:
    command = ("analyse", "--dicom", a_study.folder, "--out", parent / "result", "--segmenter")
    with (
        running_psma(*command, "threshold:psma_fixed=3") as first,
        running_psma(*command, "threshold:psma_fixed=7") as second,
    ):
        outcomes = (first.outcome(), second.outcome())
    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    assert [path.name for path in parent.iterdir()] == ["result"]
    results = json.loads((parent / "result" / "results.json").read_text(encoding="utf-8"))
    assert len(results["lesions"]) == {3.0: 3, 7.0: 2}[results["segmenter"]["threshold_suv"]]
    assert {path.name for path in (parent / "result").iterdir()} == {
        *results["files"].values(),
        "results.json",
        "job.json",
    }


@pytest.fixture
def a_small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 KB, less than the results need."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "psma-test", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_named_and_earlier_results_stay(a_study: SimulatedStudy, a_small_disk: Path) -> None:
    earlier = a_small_disk / "earlier"
    earlier.mkdir()
    (earlier / "results.json").write_text("{}")
    before = everything_below(a_small_disk)
    outcome = psma("analyse", "--dicom", a_study.folder, "--out", a_small_disk / "new" / "result")
    assert_refused(outcome, 1, "the results cannot be written: No space left on device")
    assert everything_below(a_small_disk) == before
    assert (earlier / "results.json").read_text() == "{}"
