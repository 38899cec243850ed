"""An output folder is complete or absent, and nothing else stays (W07, W10)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from psmacore.errors import UsageError
from psmacore.jobs.folder import JobFolder, remove_stale_folders
from psmacore.jobs.job import Job, JobKind

_DIE_IN = """
import os, signal, sys
from pathlib import Path
from psmacore.jobs import folder as room
from psmacore.jobs.job import Job
job = Job.from_json(sys.stdin.read())
folder = room.JobFolder(job).__enter__()
(folder.path / "results.json").write_text("half")
MOMENT
os.kill(os.getpid(), signal.SIGKILL)
"""
_BETWEEN_THE_RENAMES = "job.out.rename(room._former_path(folder.path))"


@pytest.fixture
def die_in(a_job: Job) -> Callable[[str], None]:
    """Run a process that is killed while it has the job's folder open."""

    def run(moment: str) -> None:
        script = _DIE_IN.replace("MOMENT", moment)
        status = subprocess.run([sys.executable, "-c", script], input=a_job.to_json().encode(), check=False)
        assert status.returncode == -9

    return run


@pytest.fixture(autouse=True)
def _import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))


def test_commit_makes_the_folder_whole(a_job: Job, leftovers: Callable[[], list[str]]) -> None:
    with JobFolder(a_job) as folder:
        (folder.path / "results.json").write_text("{}")
        assert not a_job.out.exists()
        folder.commit()
    assert (a_job.out / "results.json").read_text() == "{}"
    assert leftovers() == []


def test_the_record_that_stays_tells_no_input(a_job: Job) -> None:
    with JobFolder(a_job) as folder:
        folder.commit()
    record = (a_job.out / "job.json").read_text()
    assert a_job.job in record
    assert "somewhere" not in record


def test_without_commit_nothing_stays(a_job: Job, leftovers: Callable[[], list[str]]) -> None:
    with JobFolder(a_job) as folder:
        (folder.path / "results.json").write_text("{}")
    assert not a_job.out.exists()
    assert leftovers() == []


def test_folders_made_for_a_job_that_failed_go_with_it(a_job: Job, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    with JobFolder(Job(a_job.kind, {}, {}, tmp_path / "new" / "deep" / "result")):
        assert (tmp_path / "new" / "deep").is_dir()
    assert set(tmp_path.rglob("*")) == before


def test_a_folder_that_was_there_before_a_failed_job_stays(a_job: Job, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with JobFolder(Job(a_job.kind, {}, {}, tmp_path / "empty" / "new" / "result")):
        pass
    assert list((tmp_path / "empty").iterdir()) == []


def test_jobs_that_finish_at_the_same_moment_leave_one_whole_result(
    a_job: Job, leftovers: Callable[[], list[str]]
) -> None:
    def run(name: str) -> None:
        for _ in range(5):
            with JobFolder(Job(a_job.kind, {}, {}, a_job.out)) as folder:
                for number in range(3):
                    (folder.path / f"{number}.txt").write_text(name)
                folder.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, "abcdefgh"))  # raises what a thread raised
    assert len({path.read_text() for path in a_job.out.glob("*.txt")}) == 1
    assert len(list(a_job.out.iterdir())) == 4
    assert leftovers() == []


def test_a_second_run_replaces_the_first(a_job: Job, leftovers: Callable[[], list[str]]) -> None:
    for text in ("first", "second"):
        with JobFolder(a_job) as folder:
            (folder.path / f"{text}.txt").write_text(text)
            folder.commit()
    assert sorted(path.name for path in a_job.out.iterdir()) == ["job.json", "second.txt"]
    assert leftovers() == []


def test_a_failed_second_run_keeps_the_first(a_job: Job) -> None:
    with JobFolder(a_job) as folder:
        (folder.path / "first.txt").write_text("first")
        folder.commit()
    with pytest.raises(RuntimeError), JobFolder(a_job):
        raise RuntimeError
    assert (a_job.out / "first.txt").read_text() == "first"


def test_a_folder_of_the_users_is_not_replaced(a_job: Job) -> None:
    a_job.out.mkdir(parents=True)
    (a_job.out / "thesis.docx").write_text("years of work")
    with pytest.raises(UsageError, match="not written by psma"), JobFolder(a_job):
        pass
    assert (a_job.out / "thesis.docx").read_text() == "years of work"


def test_an_output_that_is_a_file_is_refused(a_job: Job) -> None:
    a_job.out.parent.mkdir(parents=True)
    a_job.out.write_text("a file")
    with pytest.raises(UsageError, match="is a file"), JobFolder(a_job):
        pass


def test_what_a_killed_process_left_goes_at_the_next_start(
    a_job: Job, die_in: Callable[[str], None], leftovers: Callable[[], list[str]]
) -> None:
    die_in("")
    assert len(leftovers()) == 2
    assert not a_job.out.exists()
    assert remove_stale_folders(a_job.out) == 1
    assert leftovers() == []


def test_a_folder_whose_process_lives_is_left_alone(a_job: Job) -> None:
    with JobFolder(a_job) as folder:
        other = Job(a_job.kind, {}, {}, a_job.out)
        with JobFolder(other):
            assert folder.path.is_dir()
        assert folder.path.is_dir()


def test_the_same_job_does_not_run_twice_at_once(a_job: Job) -> None:
    with JobFolder(a_job), pytest.raises(UsageError, match="running already"), JobFolder(a_job):
        pass


def test_a_kill_between_the_renames_loses_no_result(
    a_job: Job, die_in: Callable[[str], None], leftovers: Callable[[], list[str]]
) -> None:
    with JobFolder(a_job) as folder:
        (folder.path / "first.txt").write_text("first")
        folder.commit()
    die_in(_BETWEEN_THE_RENAMES)
    assert not a_job.out.exists()
    remove_stale_folders(a_job.out)
    assert (a_job.out / "first.txt").read_text() == "first"
    assert leftovers() == []


def test_no_path_tells_the_inputs(a_job: Job, tmp_path: Path) -> None:
    with JobFolder(a_job) as folder:
        assert folder.path == tmp_path / "out" / f"result.partial-{a_job.job}"


def test_an_output_that_cannot_be_written_is_refused(a_job: Job, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder is needed")
    with pytest.raises(UsageError, match="cannot be written"), JobFolder(a_job):
        pass


def test_a_mount_point_is_refused() -> None:
    job = Job(JobKind.ANALYSE, {}, {}, Path("/proc"))
    with pytest.raises(UsageError, match="mount point"), JobFolder(job):
        pass


def test_a_link_to_a_folder_is_followed(a_job: Job, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with JobFolder(Job(a_job.kind, {}, {}, tmp_path / "link")) as folder:
        folder.commit()
    assert (tmp_path / "link" / "job.json").is_file()
    assert (tmp_path / "link").is_symlink()
