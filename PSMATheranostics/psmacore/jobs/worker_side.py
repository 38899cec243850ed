"""The worker's half of a job: its work to events on stdout, its parent's death to its own end."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from psmacore.errors import CancelledError, PsmaError
from psmacore.jobs.events import Cancelled, Event, Failed, Log, Progress, Result, Started, to_line
from psmacore.jobs.folder import discard_orphan
from psmacore.jobs.job import Job, read_job

logger = logging.getLogger(__name__)

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class EventWriter:
    """Events to a byte stream, a line each, from any thread.

    Parameters
    ----------
    job : str
        Identifier that every event carries.
    stream : binary file
        Where they go.
    """

    def __init__(self, job: str, stream: IO[bytes]) -> None:
        self._job = job
        self._stream = stream
        self._lock = threading.Lock()

    def started(self) -> None:
        """Tell that the work begins."""
        self._write(Started(self._job))

    def progress(self, stage: str, fraction: float) -> None:
        """Tell how much of the whole job, 0 to 1, is done."""
        self._write(Progress(self._job, stage, min(max(float(fraction), 0.0), 1.0)))

    def log(self, message: str, level: str = "INFO") -> None:
        """Say something for the log: no name, no birth date, no patient ID."""
        self._write(Log(self._job, message, level))

    def result(self, result: Mapping[str, object]) -> None:
        """Tell that the job is done."""
        self._write(Result(self._job, dict(result)))

    def failed(self, error: BaseException) -> None:
        """Tell why the job failed."""
        code = error.exit_code if isinstance(error, PsmaError) else PsmaError.exit_code
        self._write(Failed(self._job, code, _words(error), type(error).__name__))

    def cancelled(self) -> None:
        """Tell that the job ended because it was asked to."""
        self._write(Cancelled(self._job))

    def _write(self, event: Event) -> None:
        line = to_line(event).encode()
        with self._lock:
            self._stream.write(line)
            self._stream.flush()


def _words(error: BaseException) -> str:
    """Return one line that says what happened; some libraries put a whole traceback into an error's words."""
    if isinstance(error, PsmaError):
        return str(error)
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in _DISK_FULL:
            return f"the results cannot be written: {link.strerror}"
        link = link.__cause__ or link.__context__
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def run_worker(folder: Path, work: Callable[[Job, Path, EventWriter], Mapping[str, object]]) -> int:
    """Do the job of a job folder as a process that a launcher started, and return its exit code.

    Parameters
    ----------
    folder : pathlib.Path
        Folder with job.json. Results go into it; the launcher renames it to ``job.out``.
    work : callable
        Called with the job, the folder and the events; returns what the ``result`` event holds.

    Notes
    -----
    Standard output belongs to the events from here on: whatever libraries print goes to standard
    error. The process ends when its standard input, a pipe, closes, and removes the folder then, since no
    launcher is left to do it.
    """
    events_stream = claim_stdout()
    cancel_on_sigterm()
    events = EventWriter("", events_stream)
    try:
        job = read_job(folder)
        events = EventWriter(job.job, events_stream)
        watch_parent(lambda: discard_orphan(folder))
        events.started()
        events.result(work(job, folder, events))
    except CancelledError:
        events.cancelled()
        return CancelledError.exit_code
    except PsmaError as error:
        events.failed(error)
        return error.exit_code
    except Exception as error:  # the border of the process: whatever it is becomes an event
        logger.exception("the worker failed")
        events.failed(error)
        return PsmaError.exit_code
    return 0


def claim_stdout() -> IO[bytes]:
    """Return the process's standard output for events alone; everything else goes to standard error."""
    sys.stdout.flush()
    stream = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return stream


def cancel_on_sigterm() -> None:
    """Make SIGTERM raise :class:`CancelledError` in the main thread, so that ``finally`` clauses run."""

    def handle(_number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough; the clean-up must not be cut short
        raise CancelledError("the worker was asked to end")

    signal.signal(signal.SIGTERM, handle)


def watch_parent(on_gone: Callable[[], None]) -> None:
    """End this process, with all that it started, once its standard input closes.

    Only a pipe is watched: a scheduler that starts the worker with no input at all, or a person at a
    terminal, is no launcher that could die.

    Parameters
    ----------
    on_gone : callable
        Called first, in the watching thread: the clean-up that no launcher is left to do.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        on_gone()
        if sys.platform != "win32" and os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(CancelledError.exit_code)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()
