"""A path of a Python to what a worker started with it would find, asked in a process of its own."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer

from PSMATheranosticsLib.worker_python import LEAKING, PROBE, WorkerPython, core_folder, read_answer

TIMEOUT_MS = 20_000


class WorkerCheck:
    """Asks an interpreter what it has; the event loop goes on meanwhile.

    Parameters
    ----------
    on_answer : callable
        Called with what the interpreter has.
    on_failure : callable
        Called with the reason why there is no answer. Each check calls one of the two once, a stopped one neither.
    """

    def __init__(self, on_answer: Callable[[WorkerPython], None], on_failure: Callable[[str], None]) -> None:
        self._on_answer = on_answer
        self._on_failure = on_failure
        self._is_waiting = False
        # One process object for all checks: freeing it inside its own signal would take the ground from under Qt.
        self._process = qt.QProcess()
        self._process.finished.connect(self._read)
        self._process.errorOccurred.connect(self._fail_to_start)
        self._deadline = qt.QTimer()
        self._deadline.setSingleShot(True)
        self._deadline.timeout.connect(self._give_up)
        slicer.app.aboutToQuit.connect(self.stop)

    @property
    def is_running(self) -> bool:
        """Whether an answer is awaited."""
        return self._is_waiting

    def start(self, python: str) -> None:
        """Ask the interpreter at ``python``; a check that still runs is ended first."""
        self.stop()
        if not python:
            self._on_failure("no Python is named, and Slicer has none of its own here")
            return
        environment = slicer.app.startupEnvironment()
        for name in LEAKING:
            environment.remove(name)
        environment.insert("PYTHONPATH", str(core_folder()))
        self._process.setProcessEnvironment(environment)
        self._is_waiting = True
        self._deadline.start(TIMEOUT_MS)
        self._process.start(python, ["-c", PROBE])

    def stop(self) -> None:
        """End a check that runs; nothing is reported. A child would outlive Slicer otherwise."""
        self._is_waiting = False
        self._deadline.stop()
        if self._process.state() != qt.QProcess.NotRunning:
            self._process.kill()
            self._process.waitForFinished(500)

    def close(self) -> None:
        """End a check that runs and let go of the application, which would keep this object alive."""
        self.stop()
        slicer.app.aboutToQuit.disconnect(self.stop)

    def _read(self, *_: object) -> None:
        if not self._is_waiting:
            return
        self._is_waiting = False
        self._deadline.stop()
        try:
            answer = read_answer(self._process.readAllStandardOutput().data())
        except ValueError as error:
            self._on_failure(str(error))
        else:
            self._on_answer(answer)

    def _fail_to_start(self, *_: object) -> None:
        # A process that crashes reports an error too, and then finishes; one that never started only this.
        if self._is_waiting and self._process.error() == qt.QProcess.FailedToStart:
            self._is_waiting = False
            self._deadline.stop()
            self._on_failure(self._process.errorString())

    def _give_up(self) -> None:
        self.stop()
        self._on_failure(f"no answer within {TIMEOUT_MS // 1000} s")
