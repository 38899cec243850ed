"""Qt properties to attributes, and no attribute that the C++ class does not have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore

from Testing.host.qt_shim.calls import Method, as_pythonqt, destroyed
from Testing.host.qt_shim.faults import is_of_shim
from Testing.host.qt_shim.signals import SignalAttribute

Getter = Callable[[Any], Any]
# Static functions of the same name win over the property.
NOT_PROPERTIES = {("QTimer", "singleShot")}
raw_set_attribute = QtCore.QObject.__dict__["__setattr__"]
raw_property = QtCore.QObject.__dict__["property"]
raw_set_property = QtCore.QObject.__dict__["setProperty"]
raw_dynamic_names = QtCore.QObject.__dict__["dynamicPropertyNames"]
CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "QString": str,
    "bool": bool,
    "int": int,
    "uint": int,
    "double": float,
    "float": float,
}


class OpaqueFlags:
    """A flag property as PythonQt gives it back: of no use but to be assigned again."""

    __slots__ = ("_flags",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, flags: Any) -> None:
        self._flags = flags

    def __eq__(self, other: object) -> bool:
        return False

    def __repr__(self) -> str:
        return f"'{type(self._flags).__name__}>'"


class QtProperty:
    """One property of a Qt class: read with its getter, assigned through the property system."""

    def __init__(self, name: str, getter: Getter | None, meta: QtCore.QMetaProperty) -> None:
        self.name = name
        self.getter = getter or (lambda target: raw_property(target, name))
        self._is_flag = meta.isFlagType()
        self._is_writable = meta.isWritable()
        self._convert = CONVERTERS.get(meta.typeName())

    def __get__(self, target: Any, owner: type | None = None) -> Any:
        if target is None:
            return self
        try:
            value = self.getter(target)
        except RuntimeError as error:
            raise destroyed(error, (target,)) from None
        return OpaqueFlags(value) if self._is_flag else as_pythonqt(value)

    def __set__(self, target: Any, value: Any) -> None:
        if not self._is_writable:
            raise AttributeError(f"Property '{self.name}' of type '{type(target).__name__}' is not writable")
        setter = getattr(target, f"set{self.name[:1].upper()}{self.name[1:]}", None)
        if isinstance(value, OpaqueFlags):
            value = value._flags
        if self._convert is not None:
            value = self._convert(value)
        if setter is not None:
            setter(value)
        elif not raw_set_property(target, self.name, value):
            raise ValueError(f"Property '{self.name}' of '{type(target).__name__}' takes no {value!r}")


def set_attribute(target: Any, name: str, value: Any) -> None:
    """Assign a property, or an attribute of a Python subclass; anything else on a C++ object is an error."""
    kind = type(target)
    found = lookup(kind, name)
    if isinstance(found, Method | SignalAttribute):
        raise AttributeError(f"Slot '{name}' can not be overwritten on '{kind.__name__}'")
    if isinstance(found, QtCore.Property):
        raw_set_attribute(target, name, value)
    elif hasattr(type(found), "__set__"):
        found.__set__(target, value)
    elif is_open(kind) or (name.startswith("_") and is_python(kind)):
        object.__setattr__(target, name, value)
    elif issubclass(kind, QtCore.QObject) and name in dynamic_names(target):
        raw_set_property(target, name, value)
    elif not (is_of_shim(sys._getframe(1)) and issubclass(type(value), QtCore.QObject)):
        # QUiLoader names the children on the top widget, which PythonQt does not: below the shim that is let go.
        raise AttributeError(
            f"'{kind.__name__}' has no property '{name}': creating new attributes on C++ objects is not allowed"
        )


def get_dynamic(target: Any, name: str) -> Any:
    """Return a dynamic property, which PythonQt offers as an attribute."""
    if shiboken6.isValid(target) and not name.startswith("__") and name in dynamic_names(target):
        return as_pythonqt(raw_property(target, name))
    raise AttributeError(f"'{type(target).__name__}' object has no attribute '{name}'")


def dynamic_names(target: QtCore.QObject) -> list[str]:
    """Return the names given by ``setProperty`` that the class does not declare."""
    return [bytes(name.data()).decode() for name in raw_dynamic_names(target)]


def lookup(kind: type, name: str) -> Any:
    """Return the attribute of the class itself, unbound."""
    return next((vars(one)[name] for one in kind.__mro__ if name in vars(one)), None)


def is_python(kind: type) -> bool:
    """Whether the class is written in Python, a stand-in included."""
    return not kind.__module__.startswith(("PySide6.", "Shiboken"))


def is_open(kind: type) -> bool:
    """Whether instances take new attributes: those of Python subclasses do, stand-ins for C++ classes do not."""
    return is_python(kind) and "standin_of" not in vars(kind)
