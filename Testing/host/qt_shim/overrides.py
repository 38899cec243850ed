"""Python subclasses of Qt classes to ones that Qt may call: signals, overrides whose exceptions are reported."""

from __future__ import annotations

import functools
import sys
from types import FunctionType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.host.qt_shim.calls import Method, empty_result
from Testing.host.qt_shim.faults import is_of_shim, report, report_error
from Testing.host.qt_shim.properties import QtProperty, is_python
from Testing.host.qt_shim.signals import SignalAttribute

_prepared: set[type] = set()
RUNS_IN_THREAD = (QtCore.QThread, QtCore.QRunnable)


def prepare(kind: type) -> None:
    """Make a Python subclass ready, once, before its first instance is."""
    if kind in _prepared or not is_python(kind):
        return
    _prepared.add(kind)
    for one in kind.__mro__:
        if is_python(one) and one is not object:
            _prepare_own(one, [base for base in one.__mro__ if not is_python(base)])


def _prepare_own(kind: type, qt_bases: list[type]) -> None:
    for name, value in list(vars(kind).items()):
        if type(value) is QtCore.Signal:
            setattr(kind, name, SignalAttribute(name))
        elif isinstance(value, FunctionType) and not hasattr(value, "reports_to_host"):
            inherited = next((vars(base)[name] for base in qt_bases if name in vars(base)), None)
            if isinstance(inherited, Method | QtProperty):
                _refuse_run(kind, name)
                raw = inherited.raw if isinstance(inherited, Method) else inherited.getter
                setattr(kind, name, _guarded(value, raw))
    if issubclass(kind, QtWidgets.QTableWidgetItem) and "__lt__" in vars(kind):
        del kind.__lt__  # PythonQt does not ask it when a table sorts


def _refuse_run(kind: type, name: str) -> None:
    if name == "run" and issubclass(kind, RUNS_IN_THREAD):
        raise TypeError(f"{kind.__name__}.run: a run() in Python crashes Slicer; use a QProcess or a QTimer")


def _guarded(function: FunctionType, raw: Any) -> Any:
    """Return the override: when Qt calls it, exceptions are printed and recorded; Python callers get them."""

    is_validate = function.__name__ == "validate" and getattr(raw, "__objclass__", None) is QtGui.QValidator

    @functools.wraps(function)
    def override(*args: Any, **kwargs: Any) -> Any:
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            if not is_of_shim(sys._getframe(1)):
                raise
            report_error(error)
            return empty_result(raw)
        if is_validate and isinstance(result, tuple):
            report("QValidator.validate: PythonQt does not take a tuple")
        return result

    override.reports_to_host = True  # type: ignore[attr-defined]
    return override
