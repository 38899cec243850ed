"""A class written in Python to a stand-in that obeys the rules of a wrapped C++ class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any

from PySide6 import QtCore

from Testing.host import contract
from Testing.host.qt_shim import signals as qt_signals
from Testing.host.qt_shim.calls import Method
from Testing.host.qt_shim.properties import is_python, lookup

TYPES = {"bool": bool, "int": int, "double": float, "QString": str}
NAMES = {bool: "bool", int: "int", float: "double", str: "QString", object: "PyObject"}


class StandinProperty:
    """A property of a stand-in, with the value it was given last.

    Where the class has ``_<name>_changed(value)`` that is called after each change.
    """

    def __init__(self, name: str, kind: Callable[[Any], Any], default: Any, own: property | None) -> None:
        self.name = name
        self._kind = kind
        self._default = default
        self._own = own

    def __get__(self, target: Any, owner: type | None = None) -> Any:
        if target is None:
            return self
        if self._own is not None:
            return self._own.__get__(target, owner)
        return target.__dict__.get(f"_property_{self.name}", self._default)

    def __set__(self, target: Any, value: Any) -> None:
        value = value if self._kind is object else self._kind(value)
        if self._own is not None:
            self._own.__set__(target, value)
            return
        is_new = value != self.__get__(target)
        target.__dict__[f"_property_{self.name}"] = value
        changed = getattr(target, f"_{self.name}_changed", None)
        if is_new and changed is not None:
            changed(value)


def standin(
    properties: Mapping[str, Any] | None = None, signals: Iterable[str] = (), name: str | None = None
) -> Callable[[type], type]:
    """Return the decorator of a stand-in for the Slicer class of the same name.

    Parameters
    ----------
    properties : mapping
        Property to Python type (``bool``, ``int``, ``float``, ``str``, ``tuple``, ``object``), which converts what is
        assigned, or to ``(type, default)``. Read and written as an attribute; ``set<Name>`` is there where Slicer has
        it. With a Python
        ``property`` of that name in the class, that one is used.
    signals : iterable of str
        C++ signatures, such as ``currentNodeChanged(vtkMRMLNode*)``.

    Public functions of the class become its slots. Its own state has names with an underscore: any other new
    attribute is refused. Every public name must be one that Slicer has.
    """

    def decorate(kind: type) -> type:
        return _made(kind, name or kind.__name__, dict(properties or {}), tuple(signals))

    return decorate


def emit(sender: Any, signature: str, *args: Any) -> None:
    """Emit one overload, named by its C++ signature; ``sender.<name>.emit`` takes the first that fits."""
    known = qt_signals.known_signature(sender, signature)
    if known is None:
        raise ValueError(f"class '{type(sender).__name__}' has no signal '{signature}'")
    qt_signals.raw["emit"](sender, QtCore.SIGNAL(known), *args)


def _made(kind: type, name: str, properties: dict[str, Any], signatures: tuple[str, ...]) -> type:
    methods = _public_functions(kind)
    declared: dict[str, str] = dict(getattr(kind, "standin_signals", {}))
    content: dict[str, Any] = _signals(signatures, declared)
    _check(name, methods, properties, signatures)
    for one, function in methods.items():
        content[one] = Method(_strict(function), one, signed=None)
    for one, given in properties.items():
        type_, default = given if isinstance(given, tuple) else (given, None if given is object else given())
        own = lookup(kind, one)
        content[one] = StandinProperty(one, type_, default, own if isinstance(own, property) else None)
        setter = f"set{one[:1].upper()}{one[1:]}"
        # Not every property of ctk and qMRML has a setter that is a slot, and only slots are wrapped.
        if not contract.has_class(name) or setter in contract.members(name).names:
            content.setdefault(setter, Method(_setter(one), setter, signed=None))
    content |= {"standin_of": name, "standin_signals": declared, "__module__": kind.__module__, "__doc__": kind.__doc__}
    content["standin_properties"] = {**getattr(kind, "standin_properties", {}), **properties}
    return type(kind)(name, (kind,), content)


def _public_functions(kind: type) -> dict[str, FunctionType]:
    """Return the functions up to the first class that Qt or another stand-in has made."""
    found: dict[str, FunctionType] = {}
    for one in kind.__mro__:
        if not is_python(one) or "standin_of" in vars(one):
            break
        for name, value in vars(one).items():
            if isinstance(value, FunctionType) and not name.startswith("_"):
                found.setdefault(name, value)
    qt_bases = [one for one in kind.__mro__ if not is_python(one)]
    return {name: value for name, value in found.items() if not any(name in vars(base) for base in qt_bases)}


def _strict(function: FunctionType) -> Callable[..., Any]:
    """Return the function with ValueError for a wrong number of arguments."""
    signature = inspect.signature(function)

    def slot(*args: Any) -> Any:
        try:
            signature.bind(*args)
        except TypeError:
            raise ValueError(f"called {function.__name__}() with wrong number of arguments: {args[1:]!r}") from None
        return function(*args)

    return slot


def _setter(name: str) -> Callable[[Any, Any], None]:
    def assign(target: Any, value: Any) -> None:
        setattr(target, name, value)

    return assign


def _signals(signatures: tuple[str, ...], declared: dict[str, str]) -> dict[str, Any]:
    """Return PySide6's signals; adds to ``declared`` under which signature Qt knows each C++ one."""
    overloads: dict[str, list[tuple[type, ...]]] = {}
    for signature in signatures:
        name, _, inside = signature.rpartition(")")[0].partition("(")
        types = tuple(TYPES.get(one.strip(), object) for one in inside.split(",")) if inside else ()
        declared[qt_signals.normal(signature)] = f"{name}({','.join(NAMES[one] for one in types)})"
        if types not in overloads.setdefault(name, []):
            overloads[name].append(types)
    return {name: QtCore.Signal(*(types if len(types) > 1 else types[0])) for name, types in overloads.items()}


def _check(name: str, methods: Iterable[str], properties: Iterable[str], signatures: Iterable[str]) -> None:
    """Refuse what the recorded Slicer lacks; a class that is not recorded yet is found by the contract's test."""
    if not contract.has_class(name):
        return
    real = contract.members(name)
    real_signals = {qt_signals.normal(one) for one in real.signals}
    unknown = {*methods} - real.names | {*properties} - {*real.properties}
    unknown |= {one for one in signatures if qt_signals.normal(one) not in real_signals}
    if unknown:
        raise AttributeError(f"Slicer's {name} has no {', '.join(sorted(unknown))}")
