"""Single Qt functions to what PythonQt makes of them: dialogs that return the value only, names it adds or lacks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets

from Testing.host.qt_shim import signals
from Testing.host.qt_shim.calls import Method
from Testing.host.qt_shim.properties import raw_set_property

Raw = Callable[..., Any]
FILE_DIALOGS = ("getOpenFileName", "getSaveFileName", "getOpenFileNames")
INPUT_DIALOGS = ("getText", "getItem", "getInt", "getDouble", "getMultiLineText")
_waiting: set[QtCore.QTimer] = set()
# PySide6 adds these to many classes.
NOT_IN_PYTHONQT = frozenset({"toPython", "toTuple", "getRgb", "getHsv", "getCoords", "getRect", "invokeMethod"})
NOT_IN_QOBJECT = frozenset({"emit", "receivers"})
FALSE_WHEN_EMPTY = {
    "isEmpty": ("QUrl", "QSize", "QSizeF", "QMenu", "QByteArray", "QKeySequence"),
    "isNull": ("QPixmap", "QImage", "QIcon", "QPoint", "QPointF", "QRect", "QRectF"),
    "isValid": ("QColor", "QDate", "QTime", "QDateTime", "QModelIndex"),
}


def first_of(raw: Raw) -> Raw:
    """Return a function that gives the value without what PySide6 puts beside it."""

    typed = Method(raw, "", is_static=True)

    def value_only(*args: Any) -> Any:
        found = typed(*args)
        return found[0] if isinstance(found, tuple) else found

    return value_only


def file_name(raw: Raw) -> Raw:
    """Return a file dialog that takes the selected filter as None and the options by position."""

    typed = Method(raw, "", is_static=True)

    def name_only(*args: Any) -> Any:
        if len(args) > 4:
            args = (*args[:4], args[4] or "", *args[5:])
        return typed(*args)[0]

    return name_only


def single_shot(ms: float, receiver: Any, slot: str | None = None) -> None:
    """Call the receiver, or its slot, once; never from a Python thread, which has no event loop."""
    if threading.current_thread() is not threading.main_thread():
        return
    timer = QtCore.QTimer()
    timer.setSingleShot(True)
    signals.connect_callable(timer, "timeout()", receiver if slot is None else signals.named_slot(receiver, slot))
    signals.connect_callable(timer, "timeout()", lambda: _waiting.discard(timer))
    _waiting.add(timer)
    timer.start(int(ms))


def apply() -> None:
    """Put the special functions into classes that are patched already."""
    for name in FILE_DIALOGS:
        _static(QtWidgets.QFileDialog, name, file_name)
    for name in INPUT_DIALOGS:
        _static(QtWidgets.QInputDialog, name, first_of)
    _static(QtCore.QProcess, "startDetached", first_of)
    _static(QtCore.QTimer, "singleShot", lambda _: single_shot)
    _of_every_object()
    QtCore.QUrl.__str__ = lambda url: str(url.toString())
    QtCore.QByteArray.__len__ = type_error("object of type 'QByteArray' has no len()")
    QtCore.QByteArray.__bytes__ = type_error("cannot convert 'QByteArray' object to bytes")
    tool_tip = vars(QtWidgets.QWidget)["toolTip"]
    tool_tip.getter = as_rich_text(tool_tip.getter)
    meta = QtCore.QMetaObject
    raw_class_name = meta.__dict__["className"].raw
    _add(meta, "getClassName", raw_class_name)
    _add(meta, "className", lambda _: "QMetaObject")


def _of_every_object() -> None:
    for name in ("connect", "disconnect"):
        _add(QtCore.QObject, name, getattr(signals, name))
    for function in (findChild, findChildren, setProperty):
        _add(QtCore.QObject, function.__name__, function)
    _add(QtCore.QObject, "sender", lambda _: None)
    # PythonQt's own alias, on which slicer.util.childWidgetVariables stands.
    QtCore.QObject.name = vars(QtCore.QObject)["objectName"]
    _add(shiboken6.Object, "delete", shiboken6.delete)
    _add(shiboken6.Object, "className", lambda target: type(target).__name__)


def _add(kind: type, name: str, function: Raw) -> None:
    # A function of Python has no C++ signature: it is called with what is given.
    setattr(kind, name, Method(function, name, signed=None))


def _static(kind: type, name: str, wrapped: Callable[[Raw], Raw]) -> None:
    raw = vars(kind)[name].raw
    setattr(kind, name, Method(wrapped(raw), name, is_static=True, signed=None))


def type_error(message: str) -> Raw:
    def refuse(*_args: Any) -> Any:
        raise TypeError(message)

    return refuse


def as_rich_text(getter: Raw) -> Raw:
    """Return the getter with what Slicer's style makes of a plain tool tip."""

    def rich(target: Any) -> str:
        text = str(getter(target))
        return f"<p>{text}</p>" if text and not text.startswith("<") else text

    return rich


def truth(kind: type) -> Raw | None:
    """Return the ``__bool__`` that PythonQt has for the class, None where it is that of any object."""
    for function, names in FALSE_WHEN_EMPTY.items():
        if kind.__name__ in names:
            ask = vars(kind)[function].raw
            expected = function == "isValid"
            return lambda target: bool(ask(target)) is expected
    return (lambda _: False) if kind.__name__ == "QLayout" else None


def is_a(target: Any, kind: type | str) -> bool:
    """Whether the object is of the class or one derived from it; ``isinstance`` does not tell, as in PythonQt."""
    if isinstance(kind, str):
        return target.inherits(kind) or any(one.__name__ == kind for one in type(target).__mro__)
    return issubclass(type(target), kind)


def findChildren(target: Any, kind: type | str = QtCore.QObject, name: str | None = None) -> tuple[Any, ...]:
    """Return all descendants of the class, with that name if one is given."""
    found = []
    for child in target.children():
        if is_a(child, kind) and name in (None, "", child.objectName):
            found.append(child)
        found.extend(findChildren(child, kind, name))
    return tuple(found)


def findChild(target: Any, kind: type | str = QtCore.QObject, name: str | None = None) -> Any:
    """Return the first such descendant, children before grandchildren, or None."""
    direct = [one for one in target.children() if is_a(one, kind) and name in (None, "", one.objectName)]
    return next(iter(direct or findChildren(target, kind, name)), None)


def setProperty(target: Any, name: str, value: Any) -> bool:
    """Set a declared or a dynamic property; False where there is no declared one, as in Qt."""
    if is_a(target, QtWidgets.QLayout) and name == "contentsMargins":
        return False
    declared = getattr(type(target), "standin_properties", {})
    if name in declared:
        setattr(target, name, value)
        return True
    return bool(raw_set_property(target, name, value))


def constructor_arguments(kind: type, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments as PythonQt's choice of the overload understands them."""
    name = kind.__name__
    if name == "QDialogButtonBox" and len(args) == 1 and isinstance(args[0], int):
        return ()  # taken as an orientation: no buttons
    if name == "QBrush" and args and isinstance(args[0], QtCore.Qt.GlobalColor):
        return (QtGui.QColor(0, 0, 0), *args[1:])  # taken as a brush style: black
    if name == "QImage" and args and isinstance(args[0], bytes):
        raise ValueError("QImage: no constructor takes bytes")
    return args
