"""PySide6's enumerations to PythonQt's: numbers without ``.name`` and ``.value``."""

from __future__ import annotations

import enum
import sys
from typing import Any

from Testing.host.qt_shim.faults import is_of_shim


def strip(kind: type[enum.Enum]) -> None:
    """Take off what PythonQt does not have; that a value compares with integers is set before PySide6 is imported."""
    for attribute in ("name", "value"):
        setattr(kind, attribute, property(_hidden(attribute)))
    kind.__str__ = kind.__repr__ = _as_number  # type: ignore[method-assign]


def _hidden(attribute: str) -> Any:
    def read(member: enum.Enum) -> Any:
        # PySide6 itself reads them while it converts arguments, which it does below the shim only.
        frame = sys._getframe(1)
        if is_of_shim(frame) or frame.f_code.co_filename == enum.__file__:
            return getattr(member, f"_{attribute}_")
        raise AttributeError(f"'{type(member).__name__}' object has no attribute '{attribute}'")

    return read


def _as_number(member: enum.Enum) -> str:
    return str(member._value_)
