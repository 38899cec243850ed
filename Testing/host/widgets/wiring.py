"""Signals and VTK events to methods of stand-ins, which neither keeps alive; and parts to a row.

A stand-in is made of parts that it listens to. A wrapped C++ widget goes when its last name goes, and so must a
stand-in: otherwise it would answer in the next test.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6

from Testing.host.qt_shim import qt_class


def link(signal: Any, method: Callable[..., None]) -> None:
    """Connect a signal of a part to a method of the stand-in, with as many arguments as the method takes."""
    weak = weakref.WeakMethod(method)
    n_taken = method.__code__.co_argcount - 1

    def receive(*args: Any) -> None:
        _call(weak(), *args[:n_taken])

    signal.connect(receive)


def _call(method: Any, *args: Any) -> Any:
    """Call the method while its widget lives; it may be collected in the middle of the call."""
    if method is None or not shiboken6.isValid(method.__self__):
        return None
    try:
        return method(*args)
    except (ValueError, RuntimeError):
        if shiboken6.isValid(method.__self__):
            raise
        return None


def row(widget: Any, *parts: Any, wide: int = 0) -> None:
    """Lay the parts out in one row without margins; the part number ``wide`` takes the room."""
    layout = qt_class("QHBoxLayout")(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    for index, part in enumerate(parts):
        layout.addWidget(part, 1 if index == wide else 0)
    widget.setSizePolicy(qt_class("QSizePolicy").Preferred, qt_class("QSizePolicy").Fixed)


class Observations:
    """Observers of VTK objects for one stand-in."""

    def __init__(self) -> None:
        self._held: list[tuple[Any, int]] = []

    def add(self, target: Any, event: Any, method: Callable[..., Any], *, data: int = 0, priority: float = 0) -> None:
        """Call ``method(target, data)``; with ``data`` (VTK_OBJECT or VTK_STRING) what VTK sends along, else the event.

        A method that returns True is the last to have the event.
        """
        weak = weakref.WeakMethod(method)
        tag = 0

        def on_event(caller: Any, event: str, sent: Any = None) -> None:
            if _call(weak(), caller, sent if data else event):
                caller.GetCommand(tag).SetAbortFlag(1)

        if data:
            on_event.CallDataType = data  # what vtk.calldata_type does
        tag = target.AddObserver(event, on_event, priority)
        self._held.append((target, tag))

    def drop(self, target: Any = None) -> None:
        """Stop observing the target, or all."""
        for one, tag in self._held:
            if target is None or one is target:
                one.RemoveObserver(tag)
        self._held = [entry for entry in self._held if target is not None and entry[0] is not target]
