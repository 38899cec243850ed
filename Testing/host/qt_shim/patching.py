"""PySide6's classes, in place, to classes that behave like PythonQt's."""

from __future__ import annotations

import enum
from types import BuiltinFunctionType, ModuleType
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtTest, QtWidgets

from Testing.host.qt_shim import enums, specials
from Testing.host.qt_shim.calls import DualMethod, Method, call
from Testing.host.qt_shim.overrides import prepare
from Testing.host.qt_shim.properties import (
    NOT_PROPERTIES,
    QtProperty,
    get_dynamic,
    is_python,
    set_attribute,
)
from Testing.host.qt_shim.signals import SignalAttribute

ObjectType = type(QtCore.QObject)
_patched: set[type] = set()


def patch_all() -> None:
    """Patch what every program uses; rarer Qt modules follow when they are asked for."""
    if not issubclass(QtCore.Qt.CheckState, int):
        raise RuntimeError("PySide6 was imported before Testing.host, so its enumerations are no numbers")
    for module in (QtCore, QtGui, QtWidgets, QtTest):
        patch_module(module)
    specials.apply()
    shiboken6.Object.__setattr__ = set_attribute
    shiboken6.Object.__bool__ = lambda target: shiboken6.isValid(target)
    QtCore.QObject.__getattr__ = get_dynamic
    ObjectType.__instancecheck__ = _is_instance


def patch_module(module: ModuleType) -> None:
    """Patch the classes of one PySide6 module, once."""
    for value in [getattr(module, name) for name in dir(module)]:  # dir() also names what is made on demand
        if isinstance(value, enum.EnumType):
            enums.strip(value)
        elif type(value) is ObjectType and value not in _patched:
            _patch_class(value)


def _patch_class(kind: type) -> None:
    _patched.add(kind)
    meta = getattr(kind, "staticMetaObject", None) if issubclass(kind, QtCore.QObject) else None
    getattribute = vars(kind).get("__getattribute__")
    for name, value in list(vars(kind).items()):
        if isinstance(value, enum.EnumType):
            enums.strip(value)
        elif not name.startswith("_"):
            _patch_attribute(kind, name, value, meta, getattribute)
    if meta is not None:
        _add_properties(kind, meta)
    if "exec" in vars(kind):
        kind.exec_ = Method(lambda target, *args: target.exec(*args), "exec_", signed=None)
    _patch_special_names(kind)


def _patch_special_names(kind: type) -> None:
    own = set(vars(kind))
    if "__init__" in own:
        kind.__init__ = _constructor(kind, vars(kind)["__init__"])
    if "__getattribute__" in own:
        kind.__getattribute__ = object.__getattribute__  # PySide6's passes by the class for some names
    if "__setattr__" in own:
        kind.__setattr__ = set_attribute
    if "__enter__" in own:
        del kind.__enter__, kind.__exit__
    if "__copy__" in own:
        kind.__copy__ = specials.type_error(f"cannot copy '{kind.__name__}' object")
    truth = specials.truth(kind)
    if truth is not None:
        kind.__bool__ = truth
    elif "__bool__" in own:
        del kind.__bool__


def _patch_attribute(kind: type, name: str, value: Any, meta: QtCore.QMetaObject | None, getattribute: Any) -> None:
    is_static = isinstance(value, staticmethod | BuiltinFunctionType)
    raw = getattr(kind, name) if is_static else value
    if name in specials.NOT_IN_PYTHONQT or (kind is QtCore.QObject and name in specials.NOT_IN_QOBJECT):
        delattr(kind, name)
    elif type(value) is QtCore.Signal:  # isinstance() of it takes a reference off False
        setattr(kind, name, SignalAttribute(name))
    elif meta is not None and meta.indexOfProperty(name) >= 0 and (kind.__name__, name) not in NOT_PROPERTIES:
        getter = (lambda _: raw()) if is_static else raw
        setattr(kind, name, QtProperty(name, getter, meta.property(meta.indexOfProperty(name))))
    elif is_static and getattribute is not None:
        setattr(kind, name, DualMethod(raw, name, getattribute))
    elif callable(value) and not isinstance(value, type):
        setattr(kind, name, Method(raw, name, is_static=is_static))


def _add_properties(kind: type, meta: QtCore.QMetaObject) -> None:
    """Add the properties whose getter has another name, such as ``checked`` of ``isChecked``."""
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        prop = meta.property(index)
        name = prop.name()
        if name not in vars(kind) and (kind.__name__, name) not in NOT_PROPERTIES:
            setattr(kind, name, QtProperty(name, _getter(kind, name), prop))


def _getter(kind: type, name: str) -> Any:
    for prefix in ("is", "has"):
        method = getattr(kind, f"{prefix}{name[:1].upper()}{name[1:]}", None)
        if isinstance(method, Method):
            return method.raw
    return None


def _constructor(kind: type, raw: Any) -> Any:
    method = Method(raw, kind.__name__, signed=kind)

    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        prepare(type(self))
        call(method, (self,), specials.constructor_arguments(kind, args), kwargs)

    return construct


def _is_instance(kind: type, target: Any) -> bool:
    """Whether the target is of exactly this Qt class: PythonQt has no hierarchy of classes in Python."""
    if kind is shiboken6.Object or not isinstance(target_kind := type(target), ObjectType):
        return type.__instancecheck__(kind, target)
    if is_python(kind) and "standin_of" not in vars(kind):
        return type.__instancecheck__(kind, target)
    return kind is next((one for one in target_kind.__mro__ if not is_python(one) or "standin_of" in vars(one)), None)
