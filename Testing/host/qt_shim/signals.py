"""Signals to Python callables as PythonQt connects them: by attribute or by string, arguments cut to what fits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType, MethodType
from typing import Any

import shiboken6
from PySide6 import QtCore

from Testing.host.qt_shim.calls import BoundMethod, as_pythonqt
from Testing.host.qt_shim.faults import calling_line, report, report_error

raw = {name: getattr(QtCore.QObject, name) for name in ("connect", "disconnect", "emit", "metaObject", "inherits")}
_normalized = QtCore.QMetaObject.normalizedSignature
# What Slicer hands over in place of these: it cannot wrap them.
NOT_WRAPPED = (QtCore.QItemSelection,)
HAS_VARARGS = 0x04
# C++ address of the sender -> (signature, receiver, connection); the address outlives the Python object.
_connections: dict[int, list[tuple[str, Any, Any]]] = {}


class SignalAttribute:
    """A signal of a class as its attribute."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, sender: Any, owner: type | None = None) -> SignalAttribute | BoundSignal:
        return self if sender is None else BoundSignal(sender, self.name)


class BoundSignal:
    """One object's signal: the overload with the most arguments."""

    def __init__(self, sender: Any, name: str) -> None:
        self._sender = sender
        self._name = name

    def connect(self, receiver: Callable[..., Any]) -> bool:
        return connect_callable(self._sender, self._signatures()[0], receiver)

    def disconnect(self, receiver: Callable[..., Any] | None = None) -> bool:
        return drop_connections(self._sender, self._signatures()[:1], receiver)

    def emit(self, *args: Any) -> None:
        for signature in self._signatures():
            if n_arguments(signature) == len(args):
                raw["emit"](self._sender, QtCore.SIGNAL(signature), *args)
                return
        raise ValueError(f"called {self._name}() with wrong number of arguments: {args!r}")

    __call__ = emit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundSignal) and (self._sender, self._name) == (other._sender, other._name)

    def __hash__(self) -> int:
        return hash((self._sender, self._name))

    def _signatures(self) -> list[str]:
        return signatures_of(self._sender, self._name)


def signatures_of(sender: Any, name: str) -> list[str]:
    """Return the signatures that Qt knows for the signal, the one with the most arguments first."""
    if not shiboken6.isValid(sender):
        raise ValueError(f"destroyed {type(sender).__name__} object")
    return _declared(type(sender)).get(name) or _group(raw["metaObject"](sender)).get(name, [])


@cache
def _declared(kind: type) -> dict[str, list[str]]:
    return _group(kind.staticMetaObject)


def _group(meta: QtCore.QMetaObject) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal:
            signature = method.methodSignature().data().decode()
            found.setdefault(signature.partition("(")[0], []).append(signature)
    return {name: sorted(all_, key=n_arguments, reverse=True) for name, all_ in found.items()}


def n_arguments(signature: str) -> int:
    """Return how many arguments a signature such as ``clicked(bool)`` has."""
    inside = signature.partition("(")[2].rpartition(")")[0]
    return inside.count(",") + 1 if inside else 0


def connect_callable(sender: Any, signature: str, receiver: Any, n_most: int | None = None) -> bool:
    """Connect; the connection keeps the receiver alive, also the object of a bound method."""
    if isinstance(receiver, BoundSignal):
        lengths = sorted(map(n_arguments, receiver._signatures()), reverse=True)
        n_most = next(length for length in lengths if length <= n_arguments(signature))
    if not callable(receiver):
        raise ValueError(f"{signature} can only be connected to a callable, not to {receiver!r}")
    connection = raw["connect"](sender, QtCore.SIGNAL(signature), relay(receiver, n_most))
    entries = _connections.get(address(sender))
    if entries is None:
        entries = _connections[address(sender)] = []
        key = address(sender)
        raw["connect"](sender, QtCore.SIGNAL("destroyed()"), lambda: _connections.pop(key, None))
    entries.append((signature, receiver, connection))
    return bool(connection)


def drop_connections(sender: Any, signatures: list[str], receiver: Any = None) -> bool:
    """Drop the connections of these signals to the receiver, or all; return whether there was one."""
    entries = _connections.get(address(sender), [])
    chosen = [one for one in entries if one[0] in signatures and (receiver is None or one[1] == receiver)]
    for entry in chosen:
        raw["disconnect"](entry[2])
        entries.remove(entry)
    return bool(chosen)


def relay(receiver: Callable[..., Any], n_most: int | None = None) -> Callable[..., None]:
    """Return what Qt calls: hands on as many arguments as the receiver takes, reports what it raises."""
    connected_at = calling_line()
    n_taken = n_parameters(receiver) if n_most is None else n_most

    def on_signal(*args: Any) -> None:
        if isinstance(receiver, BoundMethod) and n_most is not None and not shiboken6.isValid(receiver.__self__):
            return  # Qt undoes a connection to a named slot when the receiver goes
        given = [None if isinstance(value, NOT_WRAPPED) else as_pythonqt(value) for value in args]
        try:
            receiver(*given[:n_taken])
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - Qt has nobody to give it to
            report_error(error, connected_at)

    return on_signal


def n_parameters(receiver: Any) -> int | None:
    """Return how many arguments a Python function takes by position, None for all that come.

    PythonQt looks into functions and methods only: partials, builtins, callable objects and Qt's slots get everything.
    """
    function = receiver.__func__ if isinstance(receiver, MethodType) else receiver
    if not isinstance(function, FunctionType) or function.__code__.co_flags & HAS_VARARGS:
        return None
    return function.__code__.co_argcount - isinstance(receiver, MethodType)


def address(sender: Any) -> int:
    """Return where the C++ object is."""
    if not shiboken6.isValid(sender):
        raise ValueError(f"destroyed {type(sender).__name__} object")
    return int(shiboken6.getCppPointer(sender)[0])


def connect(sender: Any, signal: str, receiver: Any, slot: str | None = None) -> bool:
    """Connect by string: ``('clicked()', f)`` or ``('textChanged(QString)', label, 'setText(QString)')``."""
    signature = known_signature(sender, signal)
    if signature is None:
        report(f"connect: class '{type(sender).__name__}' has no signal '{signal}'")
        return False
    if slot is None:
        return connect_callable(sender, signature, receiver)
    target = named_slot(receiver, slot)
    if target is None:
        report(f"connect: class '{type(receiver).__name__}' has no slot '{slot}'")
        return False
    return connect_callable(sender, signature, target, n_arguments(normal(slot)))


def disconnect(sender: Any, signal: str, receiver: Any = None, slot: str | None = None) -> bool:
    """Undo `connect`; False where there was no such connection."""
    signature = known_signature(sender, signal)
    if signature is None:
        report(f"disconnect: class '{type(sender).__name__}' has no signal '{signal}'")
        return False
    return drop_connections(sender, [signature], receiver if slot is None else named_slot(receiver, slot))


def known_signature(sender: Any, signal: str) -> str | None:
    """Return the signature under which Qt knows the signal; stand-ins declare C++ types that Qt does not know."""
    signature = normal(signal)
    declared: dict[str, str] = getattr(type(sender), "standin_signals", {})
    signature = declared.get(signature, signature)
    return signature if signature in signatures_of(sender, signature.partition("(")[0]) else None


def named_slot(receiver: Any, slot: str) -> Any:
    """Return the receiver's slot or signal of that name, None when it has none."""
    signature = normal(slot)
    found = getattr(receiver, signature.partition("(")[0], None)
    if isinstance(found, BoundSignal) or (isinstance(found, BoundMethod) and not found.__func__.is_of_qt):
        return found
    # Qt's own, or a method of a Python class that is declared with qt.Slot
    return found if callable(found) and raw["metaObject"](receiver).indexOfMethod(signature) >= 0 else None


def normal(signature: str) -> str:
    return _normalized(str(signature).lstrip("12")).data().decode()
