"""VTK's error events and exceptions in VTK observers to records that a test can fail on."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import vtk


class VtkErrors:
    """The errors since the last `clear`.

    VTK prints an error and goes on; so does it with an exception of a Python observer, through ``sys.excepthook``.
    Both reach the user of a real Slicer as a broken view or panel, so neither may pass in silence.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []
        window = vtk.vtkOutputWindow.GetInstance()
        window.AddObserver("ErrorEvent", self._on_error)
        self._previous_hook = sys.excepthook
        sys.excepthook = self._on_exception

    def clear(self) -> None:
        """Forget what was recorded."""
        self.messages.clear()

    @contextmanager
    def expected(self, *fragments: str) -> Iterator[None]:
        """Take the block's errors off the record, of which VTK makes a cascade; each of ``fragments`` must come."""
        n_before = len(self.messages)
        yield
        new = self.messages[n_before:]
        absent = [one for one in fragments if not any(one in message for message in new)]
        if absent:
            raise AssertionError(f"VTK reported no error with {absent[0]!r}, but {new or 'none at all'}")
        del self.messages[n_before:]

    @vtk.calldata_type(vtk.VTK_STRING)
    def _on_error(self, window: vtk.vtkObject, event: str, text: str | None = None) -> None:
        self.messages.append((text or "an error without text").strip())

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        self.messages.append("".join(traceback.format_exception(kind, error, trace)).strip())
        return self._previous_hook(kind, error, trace)


vtk_errors = VtkErrors()
