"""A file of the Slicer modules to the places where PythonQt does not do what the code looks like.

Each rule is a function from a file to findings; `TRAPS` lists them. What a rule cannot tell from the code alone it lets
pass: the test host behaves as PythonQt does and finds the rest.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from Testing.architecture.inferred_class import class_of, own_base
from Testing.architecture.module_source import Finding, ModuleSource
from Testing.architecture.pythonqt_signals import SIGNAL_TRAPS
from Testing.architecture.wrapped_calls import (
    assigned_targets,
    is_byte_array,
    is_wrapped_call,
    method_calls,
    methods_around,
    methods_of,
    name_of,
    or_parts,
    owner_of,
    property_type,
    truth_tested,
    wrapped_subclasses,
)
from Testing.host.contract import has_class, members

Rule = Callable[[ModuleSource], Iterator[Finding]]

BASE_CLASSES = frozenset({"QObject", "QWidget", "QFrame", "QLayout", "QBoxLayout", "QDialog", "QIODevice"})
PAIR_DIALOGS = {
    "qt.QFileDialog": frozenset({"getOpenFileName", "getSaveFileName", "getOpenFileNames", "getExistingDirectory"}),
    "qt.QInputDialog": frozenset({"getText", "getInt", "getDouble", "getItem", "getMultiLineText"}),
}
ENUM_GETTERS = frozenset({"state", "exitStatus", "checkState", "error"})
FALSE_WHEN_THERE = frozenset({"QUrl", "QSize", "QColor", "QMenu"})
ITEMS = frozenset({"QTableWidgetItem", "QTreeWidgetItem", "QListWidgetItem", "QStandardItem"})


def traps(source: ModuleSource) -> list[Finding]:
    """Return every trap of PythonQt that the code shows."""
    return sorted((one for rule in TRAPS for one in rule(source)), key=lambda one: one.line)


def keyword_argument(source: ModuleSource) -> Iterator[Finding]:
    """``qt.QLabel(text="a")``, ``settings.value("b", False, type=bool)``: no wrapped call takes keywords."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or not any(keyword.arg for keyword in node.keywords):
            continue
        if is_wrapped_call(source, node):
            yield source.found(node, f"keyword argument {node.keywords[0].arg}= to a call into C++")


def isinstance_of_a_base(source: ModuleSource) -> Iterator[Finding]:
    """``isinstance(label, qt.QWidget)`` is False: Python sees no class hierarchy. ``label.inherits("QWidget")``."""
    for node in ast.walk(source.tree):
        if (
            not isinstance(node, ast.Call)
            or name_of(node.func) not in ("isinstance", "issubclass")
            or len(node.args) < 2
        ):
            continue
        kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else or_parts(node.args[1])
        for kind in kinds:
            module, _, name = source.dotted(kind).rpartition(".")
            if module in ("qt", "ctk") and (name in BASE_CLASSES or name.startswith("QAbstract")):
                yield source.found(node, f"isinstance of {name} is False for its subclasses; use .inherits('{name}')")


def bytes_of_byte_array(source: ModuleSource) -> Iterator[Finding]:
    """``bytes(process.readAllStandardOutput())``, ``len(…)``, ``….decode()``: use ``….data()``."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        if name_of(node.func) in ("bytes", "len", "bytearray") and node.args and is_byte_array(source, node.args[0]):
            yield source.found(node, f"{name_of(node.func)}() of a QByteArray; use .data(), .size()")
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "decode"
            and is_byte_array(source, owner_of(node))
        ):
            yield source.found(node, "QByteArray has no decode; use .data().decode()")


def dialog_answer_unpacked(source: ModuleSource) -> Iterator[Finding]:
    """``path, _ = qt.QFileDialog.getOpenFileName(…)``: PythonQt gives the value alone."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        owner, _, method = source.dotted(node.func).rpartition(".")
        if method not in PAIR_DIALOGS.get(owner, ()):
            continue
        outer = source.parents.get(node)
        unpacked = isinstance(outer, ast.Assign) and any(isinstance(one, ast.Tuple) for one in outer.targets)
        indexed = isinstance(outer, ast.Subscript) and method != "getOpenFileNames"
        if unpacked or indexed:
            yield source.found(node, f"{method} gives the answer alone, not a pair")


def property_called(source: ModuleSource) -> Iterator[Finding]:
    """``label.text()``: a property is read without a call."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not source.dotted(node.func):
            kind = class_of(source, owner_of(node))
            is_property = has_class(kind) and node.func.attr in members(kind).properties
            if is_property and node.func.attr not in methods_around(source, node):
                yield source.found(node, f"{kind}.{node.func.attr} is a property: read it without ()")


def truth_of_enum_or_object(source: ModuleSource) -> Iterator[Finding]:
    """``if process.state():``, ``if layout:``: compare with ``==``, or with ``is not None``."""
    for node in truth_tested(source):
        owner, _, name = source.dotted(node).rpartition(".")
        if owner.startswith("qt.Q") and name[:1].isupper():
            yield source.found(node, f"truth of the enumeration value {name}; compare with ==")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ENUM_GETTERS:
            if class_of(source, owner_of(node)).startswith("Q") or node.func.attr in ("exitStatus", "checkState"):
                yield source.found(node, f"truth of {node.func.attr}(); compare with ==")
        elif (kind := class_of(source, node)) in FALSE_WHEN_THERE or (kind.startswith("Q") and kind.endswith("Layout")):
            yield source.found(node, f"a {kind} may be false although it is there; use is not None")
        elif isinstance(node, ast.Attribute) and "::" in property_type(source, node):
            yield source.found(node, f"truth of the enumeration {node.attr}; compare with ==")


def enum_name_or_value(source: ModuleSource) -> Iterator[Finding]:
    """``qt.QProcess.NotRunning.name``: PythonQt's enumerations are plain numbers."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in ("name", "value"):
            parts = source.dotted(node.value).split(".")
            if parts[0] in ("qt", "ctk") and len(parts) >= 3 and parts[-1][:1].isupper():
                yield source.found(node, f"an enumeration value has no .{node.attr}")


def thread_override(source: ModuleSource) -> Iterator[Finding]:
    """A ``run`` of QThread or QRunnable in Python crashes Slicer: use QProcess."""
    for kind, definition in wrapped_subclasses(source):
        if kind in ("QThread", "QRunnable") and "run" in methods_of(definition):
            yield source.found(definition, f"run of {kind} in Python crashes Slicer; use QProcess")


def signal_blocker_as_context(source: ModuleSource) -> Iterator[Finding]:
    """``with qt.QSignalBlocker(w):`` is no context manager: ``w.blockSignals(True)`` and back."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if class_of(source, item.context_expr) in ("QSignalBlocker", "QMutexLocker"):
                    yield source.found(node, "QSignalBlocker is no context manager; use blockSignals")


def overload_taken_for_another(source: ModuleSource) -> Iterator[Finding]:
    """``QDialogButtonBox(Ok | Cancel)`` has no buttons, ``QBrush(qt.Qt.red)`` is black: a number fits too much."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or len(node.args) != 1:
            continue
        called = source.dotted(node.func)
        parts = [source.dotted(part) for part in or_parts(node.args[0])]
        if called == "qt.QDialogButtonBox" and any(part.startswith("qt.QDialogButtonBox.") for part in parts):
            yield source.found(node, "QDialogButtonBox(flags) has no buttons; set .standardButtons")
        if called in ("qt.QBrush", "qt.QPen") and any(part.startswith("qt.Qt.") for part in parts):
            yield source.found(node, f"{called[3:]} takes the number for a style; wrap it in qt.QColor")


def item_order_in_python(source: ModuleSource) -> Iterator[Finding]:
    """``__lt__`` of a table item is not asked when Qt sorts: set numbers as data."""
    for kind, definition in wrapped_subclasses(source):
        if kind in ITEMS and "__lt__" in methods_of(definition):
            yield source.found(definition, f"__lt__ of {kind} is not used for sorting; set the number as DisplayRole")


def class_name_of_meta_object(source: ModuleSource) -> Iterator[Finding]:
    """``w.metaObject().className()`` is 'QMetaObject'."""
    for node in method_calls(source, "className"):
        inner = owner_of(node)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "metaObject":
            yield source.found(node, "metaObject().className() names QMetaObject; use w.className()")


def slot_overwritten(source: ModuleSource) -> Iterator[Finding]:
    """``self.layout = …`` in a widget's subclass: the name of a method cannot be assigned."""
    for node in ast.walk(source.tree):
        for target in assigned_targets(node):
            if isinstance(target, ast.Attribute) and name_of(target.value) == "self":
                kind = own_base(source, target)
                if has_class(kind) and target.attr in members(kind).methods - members(kind).properties.keys():
                    yield source.found(node, f"{target.attr} is a method of {kind} and cannot be assigned")


def none_as_text(source: ModuleSource) -> Iterator[Finding]:
    """``label.text = None`` shows the word None."""
    for node in ast.walk(source.tree):
        for target in assigned_targets(node):
            if isinstance(target, ast.Attribute) and property_type(source, target) == "QString":
                value = getattr(node, "value", None)
                if isinstance(value, ast.Constant) and value.value is None:
                    yield source.found(node, f"{target.attr} would become the word None; assign ''")


def single_shot_assigned(source: ModuleSource) -> Iterator[Finding]:
    """``timer.singleShot = True`` raises: the name belongs to the static function. ``timer.setSingleShot(True)``."""
    for node in ast.walk(source.tree):
        for target in assigned_targets(node):
            is_single_shot = isinstance(target, ast.Attribute) and target.attr == "singleShot"
            if is_single_shot and class_of(source, target.value) in ("", "QTimer"):
                yield source.found(node, "singleShot cannot be assigned; call setSingleShot(True)")


TRAPS: tuple[Rule, ...] = (
    *SIGNAL_TRAPS,
    keyword_argument,
    isinstance_of_a_base,
    bytes_of_byte_array,
    dialog_answer_unpacked,
    property_called,
    truth_of_enum_or_object,
    enum_name_or_value,
    thread_override,
    signal_blocker_as_context,
    overload_taken_for_another,
    item_order_in_python,
    class_name_of_meta_object,
    slot_overwritten,
    none_as_text,
    single_shot_assigned,
)
