"""Landing and cache: whole files only, also with two processes and after a kill (W07)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from psmacore.errors import CancelledError, PacsTransferError, UsageError
from psmacore.locks import try_own
from psmacore.pacs.cache import StudyCache, default_cache_folder
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.pacs.landing import SeriesLanding
from psmacore.pacs.retry import RetryPolicy, TransientError, with_retries

from .conftest import SimulatedStudy, files_under
from .fault_server import FaultServer

_DIE_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from psmacore.pacs.landing import SeriesLanding
def pieces():
    yield b"half an instance"
    os.kill(os.getpid(), signal.SIGKILL)
SeriesLanding("1.1", "1.2", Path(sys.argv[1])).land(pieces())
"""
_FETCH = """
import sys
from pathlib import Path
from psmacore.pacs.cache import StudyCache
from psmacore.pacs.dicomweb import DicomWebPacs
print(StudyCache(Path(sys.argv[3])).fetch(DicomWebPacs(sys.argv[1]), sys.argv[2]).n_fetched)
"""


@pytest.fixture(autouse=True)
def _import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))


def test_what_a_killed_fetch_left_goes_at_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    killed = subprocess.run([sys.executable, "-c", _DIE_WHILE_WRITING, str(folder)], check=False)
    assert killed.returncode == -9
    assert len(files_under(folder)) == 1
    SeriesLanding("1.1", "1.2", folder)
    assert files_under(folder) == []


def test_a_file_that_is_being_written_is_left_alone(a_study: SimulatedStudy, tmp_path: Path) -> None:
    source = a_study.paths[0]
    landing = SeriesLanding(a_study.study_uid, _series_of(source), tmp_path / "s")

    def pieces() -> Iterator[bytes]:
        yield source.read_bytes()[:500]
        SeriesLanding(a_study.study_uid, _series_of(source), tmp_path / "s")
        yield source.read_bytes()[500:]

    landing.land(pieces())
    assert files_under(tmp_path / "s") == [source.name]
    assert landing.has(source.stem)


def test_a_broken_stream_leaves_no_file(a_study: SimulatedStudy, tmp_path: Path) -> None:
    landing = SeriesLanding(a_study.study_uid, "1.2", tmp_path / "s")
    with pytest.raises(TransientError):
        landing.land([a_study.paths[0].read_bytes()[:900]])
    with pytest.raises(PacsTransferError, match=r"series 1\.2"):
        landing.land([a_study.paths[0].read_bytes()])
    assert files_under(tmp_path / "s") == []


def test_two_processes_fetch_a_study_once(fault_server: FaultServer, a_study: SimulatedStudy, tmp_path: Path) -> None:
    fault_server.serve(a_study.paths)
    argv = [sys.executable, "-c", _FETCH, fault_server.root, a_study.study_uid, str(tmp_path / "cache")]
    processes = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    fetched = sorted(int(process.communicate(timeout=30)[0]) for process in processes)
    assert fetched == [0, 10]
    assert sorted(files_under(tmp_path / "cache")) == sorted(path.name for path in a_study.paths)


def test_waiting_for_another_process_can_be_cancelled(faulty: DicomWebPacs, tmp_path: Path) -> None:
    lock = try_own(tmp_path / "2.25.1.lock")
    assert lock is not None
    with pytest.raises(CancelledError):
        StudyCache(tmp_path).fetch(faulty, "2.25.1", is_cancelled=lambda: True)
    lock.release()


def test_a_fetch_that_brings_nothing_leaves_nothing(faulty: DicomWebPacs, tmp_path: Path) -> None:
    cache = StudyCache(tmp_path / "cache")
    with pytest.raises(PacsTransferError, match="no study"):
        cache.fetch(faulty, "2.25.404")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("text", ["..", "a", "", "1/../2"])
def test_the_cache_takes_uids_only(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        StudyCache(tmp_path).folder_of(text)


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSMA_CACHE", str(tmp_path))
    assert default_cache_folder() == tmp_path


@pytest.mark.parametrize(
    ("n_failed", "asked_s", "wait_s"), [(1, None, 0.5), (2, None, 1.0), (3, 5.0, 5.0), (9, None, 8.0), (1, 3600.0, 8.0)]
)
def test_waits_double_up_to_a_bound(n_failed: int, asked_s: float | None, wait_s: float) -> None:
    assert RetryPolicy().wait_s(n_failed, asked_s) == wait_s


def test_patience_ends_with_the_last_error() -> None:
    n_calls = 0

    def fail() -> None:
        nonlocal n_calls
        n_calls += 1
        raise TransientError(PacsTransferError(f"attempt {n_calls}"))

    with pytest.raises(PacsTransferError, match="attempt 3"):
        with_retries(fail, RetryPolicy(3, 0.0, 0.0), lambda: False)
    assert n_calls == 3


def test_a_lock_is_held_once_and_free_again_after(tmp_path: Path) -> None:
    first = try_own(tmp_path / "lock")
    assert first is not None
    assert try_own(tmp_path / "lock") is None
    first.release()
    assert files_under(tmp_path) == []
    second = try_own(tmp_path / "lock")
    assert second is not None
    second.release()


def test_many_owners_follow_each_other(tmp_path: Path) -> None:
    """The file is removed at each release: nobody may come to hold a removed one beside the new one's owner."""
    inside: list[int] = []
    overlaps: list[int] = []

    def work() -> None:
        for _ in range(100):
            lock = try_own(tmp_path / "lock")
            if lock is not None:
                inside.append(1)
                overlaps.append(len(inside))
                inside.pop()
                lock.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps
    assert max(overlaps) == 1


def _series_of(path: Path) -> str:
    import pydicom

    return str(pydicom.dcmread(path, stop_before_pixels=True).SeriesInstanceUID)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["bridge", "orthanc"])
def test_a_course_of_whole_body_studies_comes_back_to_the_last_byte(
    request: pytest.FixtureRequest, make_study: Callable[..., SimulatedStudy], tmp_path: Path, server: str
) -> None:
    """W02: four dates of a thousand slices each."""
    pacs = DicomWebPacs(request.getfixturevalue(server))
    for month in range(1, 5):
        study = make_study(n_series=2, n_images=500, size=128, date=f"2025{month:02d}10", patient_id="SIMCOURSE")
        assert pacs.store(study.paths).failed == ()
        folder = tmp_path / f"fetched-{month}"
        assert pacs.fetch_study(study.study_uid, folder).n_fetched == 1000
        fetched = {path.stem: path for path in folder.rglob("*.dcm")}
        assert all(fetched[path.stem].read_bytes() == path.read_bytes() for path in study.paths)
