"""What PythonQt reports on stderr and forgets to faults that fail a test."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

SHIM = str(Path(__file__).parent)


@dataclass(frozen=True)
class Fault:
    """One error that a real Slicer would only have printed; file and line are those of the code at fault."""

    message: str
    file: str
    line: int
    trace: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class Faults(list[Fault]):
    """The faults since the last ``clear()``; empty at the end of a good test."""

    @contextmanager
    def expected(self, *fragments: str) -> Iterator[None]:
        """Take faults that contain one of ``fragments`` off the list; each of the fragments must come."""
        n_before = len(self)
        yield
        new = self[n_before:]
        absent = [text for text in fragments if not any(text in fault.message for fault in new)]
        self[n_before:] = [fault for fault in new if not any(text in fault.message for text in fragments)]
        if absent:
            raise AssertionError(f"no fault with {absent[0]!r}, but {[str(fault) for fault in new] or 'none at all'}")


faults = Faults()


def is_of_shim(frame: FrameType | None) -> bool:
    """Whether the frame belongs to the shim: what such a frame called came from Qt, not from Python."""
    return frame is None or frame.f_code.co_filename.startswith(SHIM)


def report(message: str) -> None:
    """Print and record a fault of the code that called into the shim."""
    _add(message, *calling_line(), "")


def calling_line() -> tuple[str, int]:
    """Return file and line of the innermost call that is not the shim's."""
    frame: FrameType = sys._getframe(1)
    while is_of_shim(frame) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def report_error(error: BaseException, where: tuple[str, int] | None = None) -> None:
    """Print and record an exception that Qt swallows, at its deepest line outside the shim or else at ``where``."""
    file, line = where or calling_line()
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        if not is_of_shim(trace.tb_frame):
            file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    _add(f"{type(error).__name__}: {error}", file, line, "".join(traceback.format_exception(error)))


def _add(message: str, file: str, line: int, trace: str) -> None:
    fault = Fault(message, file, line, trace)
    faults.append(fault)
    sys.stderr.write(trace or f"{fault}\n")
