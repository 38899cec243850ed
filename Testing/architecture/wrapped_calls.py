"""Syntax of a Slicer module to the calls, connections and classes in it that reach into Qt."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache

from Testing.architecture.inferred_class import class_of, is_python_object, own_base, wrapped_class
from Testing.architecture.module_source import ModuleSource
from Testing.host.contract import CONTRACT, has_class, members

BYTES_GETTERS = frozenset({"readAll", "readAllStandardOutput", "readAllStandardError", "toUtf8", "saveGeometry"})
WRAPPED = ("Q", "ctk", "qMRML", "qSlicer")


def connections(source: ModuleSource) -> Iterator[tuple[ast.Call, ast.expr, ast.expr]]:
    """Yield every ``signal.connect(receiver)`` as call, signal and receiver."""
    for node in method_calls(source, "connect"):
        if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            yield node, node.func.value, node.args[0]


def method_calls(source: ModuleSource, *names: str) -> Iterator[ast.Call]:
    """Yield every call of a method of one of the names."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            yield node


def owner_of(call: ast.Call) -> ast.expr:
    """Return what the method is called on."""
    assert isinstance(call.func, ast.Attribute)
    return call.func.value


def name_of(node: ast.AST) -> str:
    """Return a plain name, or an empty text for anything else."""
    return node.id if isinstance(node, ast.Name) else ""


def or_parts(node: ast.expr) -> list[ast.expr]:
    """Return the parts of ``A | B | C``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*or_parts(node.left), *or_parts(node.right)]
    return [node]


def assigned_targets(node: ast.AST) -> list[ast.expr]:
    """Return what an assignment assigns to; nothing for anything else."""
    if isinstance(node, ast.Assign):
        return list(node.targets)
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []


def sent_arguments(source: ModuleSource, signal: ast.Attribute) -> int | None:
    """Return how many arguments the signal brings; None where its sender is not known."""
    kind = class_of(source, signal.value)
    if not has_class(kind):
        return None
    counts = [one.count(",") + 1 if "()" not in one else 0 for one in _overloads(kind, signal.attr)]
    return max(counts) if counts else None


def taken_arguments(kind: str, slot: str) -> frozenset[int]:
    """Return with how many arguments the slot may be called; empty where nothing is recorded."""
    return members(kind).argument_counts(slot) if has_class(kind) else frozenset()


def is_python_method(source: ModuleSource, receiver: ast.Attribute) -> bool:
    """Whether the receiver is a method written in Python, of this file or of another."""
    if any(receiver.attr in methods_of(definition) for definition in source.classes.values()):
        return True
    is_own = is_python_object(source, receiver.value)
    return is_own and not class_of(source, receiver.value)


def methods_of(definition: ast.ClassDef) -> set[str]:
    """Return the names of the methods that the class itself defines."""
    return {one.name for one in definition.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


def methods_around(source: ModuleSource, node: ast.AST) -> set[str]:
    """Return the methods of the class around the node; empty outside of one."""
    definition = next((outer for outer in source.around(node) if isinstance(outer, ast.ClassDef)), None)
    return methods_of(definition) if definition is not None else set()


def wrapped_subclasses(source: ModuleSource) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield every class of the file that derives from a wrapped one, with that one's name."""
    for definition in source.classes.values():
        kinds = (wrapped_class(source, base) for base in definition.bases)
        if kind := next(filter(None, kinds), ""):
            yield kind, definition


def is_wrapped_call(source: ModuleSource, node: ast.Call) -> bool:
    """Whether the call goes straight into C++: a constructor, a static function or a method that is not Python's."""
    dotted = source.dotted(node.func).split(".")
    if dotted[0] in ("qt", "ctk") or (dotted[0] == "slicer" and dotted[-1].startswith(("qMRML", "qSlicer", "vtkMRML"))):
        return True
    if dotted[0] == "vtk" or not isinstance(node.func, ast.Attribute):
        return dotted[0] == "vtk"
    if name_of(owner_of(node)) == "self" and node.func.attr in methods_around(source, node):
        return False
    inner = owner_of(node)
    if isinstance(inner, ast.Call) and name_of(inner.func) == "super":
        return own_base(source, node).startswith(WRAPPED)
    kind = class_of(source, inner)
    return has_class(kind) and node.func.attr in members(kind).methods


def is_byte_array(source: ModuleSource, node: ast.expr) -> bool:
    """Whether the expression gives a QByteArray."""
    if class_of(source, node) == "QByteArray":
        return True
    called = node.func if isinstance(node, ast.Call) else None
    if isinstance(called, ast.Attribute) and called.attr in BYTES_GETTERS:
        return True
    if not isinstance(node, ast.Name):
        return False
    function = next((outer for outer in source.around(node) if isinstance(outer, ast.FunctionDef)), source.tree)
    values = [
        one.value
        for one in ast.walk(function)
        if isinstance(one, ast.Assign) and any(name_of(target) == node.id for target in one.targets)
    ]
    return bool(values) and all(isinstance(value, ast.Call) and is_byte_array(source, value) for value in values)


def property_type(source: ModuleSource, node: ast.Attribute) -> str:
    """Return the C++ type of ``w.property``, or an empty text."""
    kind = class_of(source, node.value)
    return members(kind).properties.get(node.attr, "") if has_class(kind) else ""


def truth_tested(source: ModuleSource) -> Iterator[ast.expr]:
    """Yield every expression whose truth decides something."""
    for node in ast.walk(source.tree):
        tests: list[ast.expr] = []
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            tests = [node.test]
        elif isinstance(node, ast.comprehension):
            tests = node.ifs
        elif isinstance(node, ast.Call) and name_of(node.func) == "bool":
            tests = node.args
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            tests = [node.operand]
        elif isinstance(node, ast.BoolOp):
            tests = node.values[:-1]
        for test in tests:
            yield test.values[-1] if isinstance(test, ast.BoolOp) else test


@cache
def all_signals() -> frozenset[str]:
    """Return the names of all signals of all classes in the contract."""
    kinds = json.loads(CONTRACT.read_text(encoding="utf-8"))["classes"]
    return frozenset(name for kind in kinds for name in members(kind).signal_names)


def _overloads(kind: str, signal: str) -> list[str]:
    return [one for one in members(kind).signals if one.partition("(")[0] == signal]
