"""A job to a worker process on this machine, and the worker's events to a result."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psmacore
from psmacore.errors import CancelledError, InputRefusedError, ModelError, PacsError, PsmaError, UsageError
from psmacore.jobs.events import Cancelled, Event, EventReader, Failed, Log, Result
from psmacore.jobs.folder import JobFolder
from psmacore.jobs.job import Job

logger = logging.getLogger(__name__)

_POLL_S = 0.1
_N_SILENT = 10
_ERROR_OF_EXIT_CODE: dict[int, type[PsmaError]] = {
    kind.exit_code: kind for kind in (UsageError, InputRefusedError, PacsError, ModelError, CancelledError)
}


def run_local(
    job: Job,
    *,
    on_event: Callable[[Event], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    python: str = sys.executable,
    command: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    grace_s: float = 5.0,
) -> dict[str, object]:
    """Run a job in a worker process and return the result it reports; ``job.out`` is then whole.

    Parameters
    ----------
    job : Job
        What to do. The worker writes into its job folder, which becomes ``job.out`` at the end.
    on_event : callable, optional
        Called in this thread with every event, the worker's and the launcher's own.
    is_cancelled : callable, optional
        Asked about ten times a second; true ends the worker.
    python : str
        Interpreter for ``python -m psmacore.worker JOBFOLDER``.
    command : sequence of str, optional
        Replaces ``python -m psmacore.worker``; the job folder is appended.
    environment : mapping of str to str, optional
        Added to the worker's environment: the place for a password or a token.
    grace_s : float
        Time in s between the request to end and the kill.

    Raises
    ------
    CancelledError
        If ``is_cancelled`` said so, or something else asked the worker to end.
    PsmaError
        The subclass that the worker's exit code stands for; the root where the worker died, naming the signal.
    UsageError
        If ``job.out`` holds files that no job wrote.
    """
    tell = on_event or _ignore
    with JobFolder(job) as folder:
        argv = [*(command or (python, "-m", "psmacore.worker")), str(folder.path)]
        with _worker(argv, environment or {}, grace_s) as process:
            try:
                outcome = _follow(process, job, tell, is_cancelled or _never)
            except CancelledError:
                _end(process, grace_s)
                tell(Cancelled(job.job))
                raise
        if isinstance(outcome, Failed):
            tell(outcome)
            raise _ERROR_OF_EXIT_CODE.get(outcome.exit_code, PsmaError)(outcome.message)
        folder.commit()
    tell(outcome)
    return dict(outcome.result)


def _follow(
    process: subprocess.Popen[bytes], job: Job, tell: Callable[[Event], None], is_cancelled: Callable[[], bool]
) -> Result | Failed:
    """Hand on the worker's events until it ends; its last word decides, and it must agree with the exit status."""
    outcome: Result | Failed | None = None
    last_words: deque[str] = deque(maxlen=1)
    for event in _events(process, job.job, last_words):
        if is_cancelled():
            raise CancelledError(f"job {job.job} was cancelled")
        match event:
            case None:
                continue
            case Result() | Failed():
                outcome = event
            case Cancelled():
                raise CancelledError(f"the worker of job {job.job} was asked to end")
            case Log(message=message, level=level):
                logger.log(logging.getLevelNamesMapping()[level], "%s", message)
                tell(event)
            case _:
                tell(event)
    status = process.wait()
    if isinstance(outcome, Failed) or (outcome is not None and status == 0):
        return outcome
    return Failed(job.job, PsmaError.exit_code, _cause_of_death(status, last_words), "WorkerDied")


def _events(process: subprocess.Popen[bytes], job: str, last_words: deque[str]) -> Iterator[Event | None]:
    """Yield events as they come, and ``None`` at least every 0.1 s until the worker's output ends.

    ``last_words`` keeps the last line of its standard error: a worker that cannot even start says why there.
    """
    pieces: queue.Queue[bytes] = queue.Queue(maxsize=1000)
    stdout, stderr = process.stdout, process.stderr
    if stdout is None or stderr is None:
        raise PsmaError("the worker has no output pipes")
    threading.Thread(target=_pump, args=(stdout, pieces), daemon=True).start()
    errors = threading.Thread(target=_log_lines, args=(stderr, last_words), daemon=True)
    errors.start()
    reader = EventReader(job)
    n_silent = 0
    while True:
        try:
            piece = pieces.get(timeout=_POLL_S)
        except queue.Empty:
            yield None
            n_silent = n_silent + 1 if process.poll() is not None else 0
            if n_silent > _N_SILENT:  # it ended, and something that it started holds its output open
                break
            continue
        yield from reader.feed(piece) if piece else reader.close()
        if not piece:
            break
        yield None
    while process.poll() is None:  # the output may be closed long before the end
        yield None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
    errors.join(timeout=1.0)


def _pump(stream: IO[bytes], pieces: queue.Queue[bytes]) -> None:
    with contextlib.suppress(OSError, ValueError):  # closed under us after a kill
        while piece := os.read(stream.fileno(), 65536):
            pieces.put(piece)
    pieces.put(b"")


def _log_lines(stream: IO[bytes], last_words: deque[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            words = line.decode("utf-8", errors="replace").rstrip()
            logger.info("%s", words)
            if words:
                last_words.append(words)


@contextlib.contextmanager
def _worker(argv: list[str], environment: Mapping[str, str], grace_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """Start the worker in its own session, so that Ctrl-C reaches the launcher alone; end it on leaving."""
    here = str(Path(psmacore.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise PsmaError(f"the worker could not be started: {error}") from error
    try:
        yield process
    finally:
        _end(process, grace_s)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask the worker to end, and kill it with all that it started where it does not within the grace."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            logger.warning("the worker did not end within %s s and is killed", grace_s)
            process.kill()
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _cause_of_death(status: int, last_words: deque[str]) -> str:
    if status >= 0:
        said = f"; it said: {last_words[0]}" if last_words else ""
        return f"the worker ended without a result (exit status {status}){said}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    hint = "; the machine may have run out of memory" if name == "SIGKILL" else ""
    return f"the worker was killed by signal {-status} ({name}){hint}"


def _ignore(_event: Event) -> None:
    return


def _never() -> bool:
    return False
