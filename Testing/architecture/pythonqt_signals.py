"""Connections in a file of the Slicer modules to those that PythonQt makes otherwise than written, or not at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from Testing.architecture.inferred_class import class_of
from Testing.architecture.module_source import Finding, ModuleSource
from Testing.architecture.wrapped_calls import (
    all_signals,
    connections,
    is_python_method,
    method_calls,
    methods_around,
    owner_of,
    sent_arguments,
    taken_arguments,
)
from Testing.host.contract import has_class, members

# Signals whose name alone tells that they carry an argument, whatever sends them.
WITH_ARGUMENT = frozenset(
    {
        "clicked",
        "toggled",
        "triggered",
        "stateChanged",
        "valueChanged",
        "textChanged",
        "currentIndexChanged",
        "finished",
    }
)
WITHOUT_ARGUMENT = frozenset(
    {"accept", "reject", "close", "show", "hide", "raise_", "click", "toggle", "clear", "update", "deleteLater", "stop"}
)


def slot_with_fewer_arguments(source: ModuleSource) -> Iterator[Finding]:
    """``button.clicked.connect(dialog.accept)``: the slot is refused, because the signal brings an argument."""
    for node, signal, receiver in connections(source):
        if not isinstance(receiver, ast.Attribute) or not isinstance(signal, ast.Attribute):
            continue
        sent = sent_arguments(source, signal)
        if sent == 0:
            continue
        kind = class_of(source, receiver.value)
        taken = taken_arguments(kind, receiver.attr)
        if is_python_method(source, receiver):
            continue
        by_name = not kind and sent is None and signal.attr in WITH_ARGUMENT and receiver.attr in WITHOUT_ARGUMENT
        by_class = bool(taken) and sent is not None and sent not in taken
        by_slot = bool(taken) and sent is None and signal.attr in WITH_ARGUMENT and max(taken) == 0
        by_signal = not kind and bool(sent) and receiver.attr in WITHOUT_ARGUMENT
        if by_name or by_class or by_slot or by_signal:
            yield source.found(
                node, f"{receiver.attr} is not called with what {signal.attr} sends; use lambda *_: x.{receiver.attr}()"
            )


def unknown_signal_in_connect(source: ModuleSource) -> Iterator[Finding]:
    """``button.connect("clickd()", f)``: PythonQt answers False and goes on."""
    for node in method_calls(source, "connect", "disconnect"):
        text = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if not isinstance(text, str) or len(node.args) < 2:
            continue
        kind = class_of(source, owner_of(node))
        if has_class(kind) and text.replace(" ", "") not in members(kind).signals:
            yield source.found(node, f"{kind} has no signal {text}")


def overload_by_subscript(source: ModuleSource) -> Iterator[Finding]:
    """``spin.valueChanged[int].connect(f)``: a signal cannot be subscripted."""
    for node in method_calls(source, "connect", "disconnect", "emit"):
        if isinstance(owner_of(node), ast.Subscript):
            inner = owner_of(node).value  # type: ignore[attr-defined]
            if isinstance(inner, ast.Attribute) and inner.attr in all_signals():
                yield source.found(node, f"{inner.attr}[…] cannot be subscripted; connect('{inner.attr}(type)', f)")


def sender_asked(source: ModuleSource) -> Iterator[Finding]:
    """``self.sender()`` is None."""
    for node in method_calls(source, "sender"):
        if not node.args and "sender" not in methods_around(source, node):
            yield source.found(node, "sender() is None; bind the sender when connecting")


def default_lost_to_signal(source: ModuleSource) -> Iterator[Finding]:
    """``b.clicked.connect(lambda row=row: …)``: the signal's argument replaces the default."""
    for node, signal, receiver in connections(source):
        if not isinstance(receiver, ast.Lambda) or not isinstance(signal, ast.Attribute) or not receiver.args.defaults:
            continue
        positional = [*receiver.args.posonlyargs, *receiver.args.args]
        first = receiver.args.defaults[0]
        is_place_holder = isinstance(first, ast.Constant) and isinstance(first.value, bool | None)
        sent = sent_arguments(source, signal)
        carries = sent if sent is not None else int(signal.attr in WITH_ARGUMENT)
        if len(positional) == len(receiver.args.defaults) and carries and not is_place_holder:
            yield source.found(node, f"{signal.attr} replaces the default of {positional[0].arg}; put it after *_")


SIGNAL_TRAPS = (
    slot_with_fewer_arguments,
    unknown_signal_in_connect,
    overload_by_subscript,
    sender_asked,
    default_lost_to_signal,
)
