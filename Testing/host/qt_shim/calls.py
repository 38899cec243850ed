"""Calls of Qt functions as PythonQt makes them: no keywords, its conversions, tuples for lists, ValueError."""

from __future__ import annotations

import enum
import inspect
import operator
import types
import typing
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import shiboken6

from Testing.host.qt_shim.faults import is_of_shim

Raw = Callable[..., Any]
# PySide6 converts these on its own account: 'Ctrl+K' to a QKeySequence, None to an empty text. PythonQt does not.
NEEDS_CHECK = (str, bytes, list, tuple, type(None))
NUMBERS = (bool, int, float)


class Method:
    """A function of a Qt class, or of a stand-in, as its attribute.

    Not a Python function: Qt would take one for an override of the virtual function and call it for every event.
    """

    def __init__(self, raw: Raw, name: str, *, is_static: bool = False, signed: Any = True) -> None:
        self.raw = raw
        self.name = name
        self.is_static = is_static
        self.signed = raw if signed is True else signed
        self.is_of_qt = not isinstance(raw, types.FunctionType)
        self.taken: set[tuple[type, ...]] = set()  # what was given as it is before need not be looked at again

    def __get__(self, receiver: Any, owner: type | None = None) -> Method | BoundMethod:
        return self if receiver is None or self.is_static else BoundMethod(self, receiver)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_static:
            return call(self, (), args, kwargs)
        return call(self, args[:1], args[1:], kwargs)


class DualMethod(Method):
    """A static function that is an ordinary one too, such as ``QFileInfo.exists``; PySide6 tells by the object."""

    def __init__(self, raw: Raw, name: str, getattribute: Raw) -> None:
        super().__init__(raw, name, is_static=True)
        self._getattribute = getattribute
        self._is_asking = False

    def __get__(self, receiver: Any, owner: type | None = None) -> Method | BoundMethod:
        if receiver is None or self._is_asking:
            return self
        self._is_asking = True
        try:
            found = self._getattribute(receiver, self.name)
        finally:
            self._is_asking = False
        return self if found is self else Method(found, self.name, is_static=True, signed=None)


class BoundMethod:
    """`Method` of one object; as receiver of a signal it is given every argument, like PythonQt's wrapped slots."""

    __slots__ = ("__func__", "__self__")

    def __init__(self, method: Method, receiver: Any) -> None:
        self.__func__ = method
        self.__self__ = receiver

    @property
    def __name__(self) -> str:
        return self.__func__.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return call(self.__func__, (self.__self__,), args, kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundMethod) and (self.__func__, self.__self__) == (other.__func__, other.__self__)

    def __hash__(self) -> int:
        return hash((self.__func__, self.__self__))

    def __repr__(self) -> str:
        return f"<{self.__name__} of {self.__self__!r}>"


def call(method: Method, receiver: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the result of the first overload that takes the arguments, in PythonQt's types."""
    if kwargs:
        raise ValueError(f"called {method.name}(): called slot does not support kwargs: {', '.join(kwargs)}")
    kinds = tuple(map(type, args))
    is_known = method.signed is None or kinds in method.taken
    for candidate in [args] if is_known else candidates(method.signed, args):
        try:
            result = as_pythonqt(method.raw(*receiver, *candidate))
            if not is_known and all(map(operator.is_, candidate, args)) and not {list, tuple}.intersection(kinds):
                method.taken.add(kinds)
            return result
        except (TypeError, OverflowError) as error:
            if is_of_python(error):
                raise
        except RuntimeError as error:
            raise destroyed(error, receiver) from None
    raise ValueError(f"called {method.name}() with wrong number of arguments or wrong types: {args!r}")


def is_of_python(error: BaseException) -> bool:
    """Whether the error comes from Python code that was called, not from the call of Qt itself."""
    trace = error.__traceback__
    while trace is not None and is_of_shim(trace.tb_frame):
        trace = trace.tb_next
    return trace is not None


def destroyed(error: RuntimeError, receiver: tuple[Any, ...]) -> Exception:
    """Return what PythonQt raises where the object is gone or was never made."""
    text = str(error)
    if receiver and ("already deleted" in text or "not called" in text):
        return ValueError(f"destroyed {type(receiver[0]).__name__} object: {text}")
    return error


def as_pythonqt(value: Any) -> Any:
    """Return lists as tuples, inside tuples and dictionaries too."""
    kind = type(value)
    if kind is list or kind is tuple:
        return tuple(as_pythonqt(item) for item in value)
    if kind is dict:
        return {key: as_pythonqt(item) for key, item in value.items()}
    return value


def candidates(raw: Any, args: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments as given where PythonQt takes them so, then converted for each overload in turn."""
    signatures = overloads(raw)
    if not signatures:
        yield args
        return
    fitting = [kinds for n_required, kinds in signatures if n_required <= len(args) <= len(kinds)]
    if not any(isinstance(value, NEEDS_CHECK) for value in args):
        yield args
    else:
        yield from _converted(fitting, args, exact)
    yield from _converted(fitting, args, loose)


def _converted(
    fitting: list[tuple[Any, ...]], args: tuple[Any, ...], fit: Callable[[Any, Any], Any]
) -> Iterator[tuple[Any, ...]]:
    for kinds in fitting:
        try:
            yield tuple(fit(kind, value) for kind, value in zip(kinds, args, strict=False))
        except (TypeError, ValueError, OverflowError):
            continue


@cache
def overloads(raw: Any) -> tuple[tuple[int, tuple[Any, ...]], ...]:
    """Return for each C++ overload how many arguments it needs and the kinds of all it takes; empty when unknown."""
    from shibokensupport.signature import get_signature

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PySide6 cannot read some of its own default values
        try:
            found = get_signature(raw) or ()
        except (
            ModuleNotFoundError
        ):  # it imports every binary module of the process by name, those that PyTorch compiled
            found = get_signature(raw) or ()  # too; once only
    return tuple(_kinds(one) for one in (found if isinstance(found, list) else [found]) if one is not None)


def _kinds(signature: inspect.Signature) -> tuple[int, tuple[Any, ...]]:
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [one for one in signature.parameters.values() if one.kind in by_position]
    if positional and positional[0].name == "self":
        del positional[0]
    n_required = sum(one.default is one.empty for one in positional)
    return n_required, tuple(_without_none(one.annotation) for one in positional)


def _without_none(kind: Any) -> Any:
    """Return the C++ type alone: PySide6 names it first and what it would convert after it."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next(one for one in typing.get_args(kind) if one is not type(None))
    return kind


def empty_result(raw: Raw) -> Any:
    """Return what C++ gets from an override that failed: the empty value of the type it expects."""
    from shibokensupport.signature import get_signature

    found = get_signature(raw)
    kind = getattr(found[0] if isinstance(found, list) else found, "return_annotation", None)
    try:
        return kind() if isinstance(kind, type) else None
    except (TypeError, ValueError):
        return None


def exact(kind: Any, value: Any) -> Any:
    """Return the value where the parameter is of its very kind; raise TypeError where PySide6 would convert."""
    if not isinstance(value, NEEDS_CHECK) or kind in (Any, object, inspect.Parameter.empty):
        return value
    if isinstance(value, str):
        if kind is str or not isinstance(kind, type):
            return value
    elif isinstance(value, bytes):
        if kind is not str and (not isinstance(kind, type) or kind is bytes or kind.__name__ == "QByteArray"):
            return value
    elif value is None:
        if kind is not str:
            return value
    elif typing.get_origin(kind) is not None or kind in (list, tuple):
        return [str(item) for item in value] if str in typing.get_args(kind) else value
    raise TypeError(f"{value!r} is no {kind}")


def loose(kind: Any, value: Any) -> Any:
    """Return the value converted as PythonQt does when no overload takes it as it is."""
    if kind is str:
        return str(value)
    if kind is bool:
        return bool(value)
    if kind in (int, float):
        if isinstance(value, str | bytes):
            raise TypeError(f"{value!r} is no number")
        return kind(value)
    if isinstance(kind, enum.EnumType):
        return value if isinstance(value, kind) else kind(int(value))
    if isinstance(kind, type) and kind.__name__ == "QByteArray" and isinstance(value, str):
        return value.encode()
    if isinstance(kind, type) and value is not None and issubclass(kind, shiboken6.Object):
        if not issubclass(type(value), kind) and isinstance(value, (*NEEDS_CHECK, *NUMBERS)):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value
    return exact(kind, value)
