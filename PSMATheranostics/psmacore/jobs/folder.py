"""A job's work in progress to an output folder that is complete or absent."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from psmacore.errors import UsageError
from psmacore.jobs.job import JOB_FILE, Job, write_job, write_text_whole
from psmacore.locks import OwnedLock, try_own

logger = logging.getLogger(__name__)

PARTIAL = ".partial-"
_LOCK_WAIT_S = 2.0
_COMMIT_WAIT_S = 30.0
_OURS = (JOB_FILE, "results.json", "course.json")


class JobFolder:
    """Work folder beside a job's output folder, renamed to it by :meth:`commit`.

    Entering makes ``<out>.partial-<job>`` with job.json, locked by ``<out>.partial-<job>.lock``, after
    it has cleared away what dead processes left there for the same output. Leaving without a commit
    removes it. An output folder of an earlier run stays as it is until the new one is whole.

    Parameters
    ----------
    job : Job
        The job; ``job.out`` is the output folder.

    Raises
    ------
    UsageError
        On entering, if ``job.out`` cannot be written, is a file or a mount point, or holds what no job wrote.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.path = job.out.with_name(f"{job.out.name}{PARTIAL}{job.job}")
        self._lock: OwnedLock | None = None
        self._made_parents: tuple[Path, ...] = ()

    def __enter__(self) -> JobFolder:
        try:
            if self.job.out.parent.is_dir():
                with _only_one_commit(self.job.out) as out:
                    refuse_foreign_folder(out)
            self._open()
        except BaseException as error:
            self._discard()
            if isinstance(error, OSError):
                raise UsageError(f"{self.job.out} cannot be written: {error.strerror}") from error
            raise
        return self

    def _open(self) -> None:
        self._made_parents = tuple(parent for parent in self.job.out.parents if not parent.exists())
        self.job.out.parent.mkdir(parents=True, exist_ok=True)
        remove_stale_folders(self.job.out)
        self._lock = _own_within(_LOCK_WAIT_S, _lock_path(self.path))  # another job's cleaner may hold it for a moment
        if self._lock is None:
            raise UsageError(f"job {self.job.job} is running already")
        self.path.mkdir()
        write_job(self.job, self.path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def commit(self) -> Path:
        """Rename the work folder to ``job.out`` and return that.

        The inputs leave job.json: paths of the user's may tell a patient's name.
        """
        record = {"job": self.job.job, "kind": str(self.job.kind)}
        write_text_whole(self.path / JOB_FILE, json.dumps(record) + "\n")
        former = _former_path(self.path)
        with _only_one_commit(self.job.out) as out:
            refuse_foreign_folder(out)
            if out.exists():
                out.rename(former)
            try:
                self.path.rename(out)
            except OSError:
                if former.exists():
                    former.rename(out)
                raise
        shutil.rmtree(former, ignore_errors=True)
        return out

    def _discard(self) -> None:
        if self._lock is not None:  # without the lock the folder is another process's
            shutil.rmtree(self.path, ignore_errors=True)
            self._lock.release()
            self._lock = None
        for parent in self._made_parents:  # from the innermost; one that holds results stays
            with contextlib.suppress(OSError):
                parent.rmdir()


@contextlib.contextmanager
def _only_one_commit(out: Path) -> Iterator[Path]:
    """Hold ``out`` against other jobs that finish at the same moment: between two renames it is absent."""
    lock = _own_within(_COMMIT_WAIT_S, out.with_name(f"{out.name}{PARTIAL}.lock"))
    if lock is None:
        raise UsageError(f"{out} is being written by another job")
    try:
        yield out
    finally:
        lock.release()


def refuse_foreign_folder(out: Path) -> None:
    """Raise :class:`UsageError` where ``out`` holds what no job wrote and a result must not replace."""
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out} is a file; --out needs a folder")
    if out.is_mount():
        raise UsageError(f"{out} is a mount point and cannot be replaced as a whole; name a folder inside it")
    if any(out.iterdir()) and not any((out / name).is_file() for name in _OURS):
        raise UsageError(f"{out} holds files that were not written by psma; name a new or an empty folder")


def remove_stale_folders(out: Path) -> int:
    """Remove work folders that dead processes left beside ``out`` and return their number.

    A folder whose process lives is left alone. Where a process died between its two renames, the
    former output folder is put back.
    """
    n_removed = 0
    for work in sorted(_work_folders(out)):
        lock = try_own(_lock_path(work))
        if lock is None:
            continue
        try:
            former = _former_path(work)
            if former.exists() and not out.exists():
                former.rename(out)
            for leftover in (former, work):
                if leftover.exists():
                    shutil.rmtree(leftover, ignore_errors=True)
                    n_removed += 1
                    logger.info("removed what a dead process left: %s", leftover.name[len(out.name) :])
        finally:
            lock.release()
    return n_removed


def discard_orphan(work: Path) -> None:
    """Remove a work folder whose launcher has died, called by the worker that is left; the output stays."""
    if PARTIAL not in work.name:
        return
    shutil.rmtree(work, ignore_errors=True)
    lock = _own_within(_LOCK_WAIT_S, _lock_path(work))  # the dying launcher's files close one after the other
    if lock is not None:
        lock.release()


def _own_within(wait_s: float, path: Path) -> OwnedLock | None:
    """Return the lock of a file as soon as nobody else holds it, or ``None`` after ``wait_s``."""
    deadline = time.monotonic() + wait_s
    while (lock := try_own(path)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return lock


def _work_folders(out: Path) -> set[Path]:
    prefix = f"{out.name}{PARTIAL}"
    names = (path.name for path in out.parent.iterdir() if path.name.startswith(prefix))
    return {out.with_name(name.removesuffix(".lock").removesuffix(".former")) for name in names}


def _lock_path(work: Path) -> Path:
    return work.with_name(f"{work.name}.lock")


def _former_path(work: Path) -> Path:
    return work.with_name(f"{work.name}.former")
