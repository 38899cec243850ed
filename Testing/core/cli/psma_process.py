"""``psma`` as the process that a user starts: its exit code, what it says, its worker, and what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 300.0
"""After which a command is taken for hung, on a machine that others use too."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout; anything beside it is an error."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that the launcher ``psma`` makes."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "PSMATheranostics"), str(ROOT)]), **extra}


class Running:
    """A command that has not ended yet."""

    def __init__(self, arguments: tuple[object, ...], extra: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "psmacore", *map(str, arguments)],
            env=environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def outcome(self) -> Outcome:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=LIMIT_S)
        return Outcome(self.process.returncode, out, err)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        self.process.send_signal(number)

    def worker_pid(self) -> int:
        """Return the process id of the worker, once there is one."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        wait_until(lambda: children.read_text() != "" or self.process.poll() is not None)
        (pid,) = children.read_text().split()
        return int(pid)


@contextlib.contextmanager
def running_psma(*arguments: object, **extra: str) -> Iterator[Running]:
    """Start ``psma`` and make sure that it has ended in the end."""
    running = Running(arguments, extra)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def psma(*arguments: object, **extra: str) -> Outcome:
    """Run ``psma`` with these arguments, and ``extra`` in its environment."""
    with running_psma(*arguments, **extra) as running:
        return running.outcome()


def wait_until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Return whether a process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def everything_below(folder: Path) -> set[str]:
    """Return the relative paths of all that lies below a folder, hidden things and folders too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def assert_refused(outcome: Outcome, code: int, *words: str) -> None:
    """Check the exit code, that one line says why, and that it is no traceback."""
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert "unexpected" not in outcome.err
    for word in words:
        assert word in outcome.err
