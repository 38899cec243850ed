"""A file of the Slicer modules to the names in it that a real Slicer does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from Testing.architecture.inferred_class import class_of, is_python_object, own_base
from Testing.architecture.module_source import Finding, ModuleSource
from Testing.host.contract import UnknownNameError, has_class, known_names, members, vtk_base, vtk_methods

OWN_MODULES = frozenset({"psmatheranostics", "psmalongitudinal"})
# Packages that Slicer has but does not load by itself: `from slicer.packaging import …`.
SUBMODULES = frozenset({"ScriptedLoadableModule", "i18n", "packaging", "parameterNodeWrapper", "testing", "util"})
CLASS_NAME_CALLS = frozenset(
    {
        "AddNewNodeByClass",
        "CreateNodeByClass",
        "GetFirstNodeByClass",
        "GetNodesByClass",
        "GetNumberOfNodesByClass",
        "GetNthNodeByClass",
        "GetSingletonNode",
        "getNodesByClass",
        "IsA",
        "IsNodeClassRegistered",
    }
)


def unknown_names(source: ModuleSource) -> list[Finding]:
    """Return every use of a name of slicer, qt, ctk, MRML or VTK that a real Slicer lacks."""
    rules = (_imports, _dotted_names, _attributes, _inherited_names, _ui_names, _class_name_strings)
    return sorted((one for rule in rules for one in rule(source)), key=lambda one: one.line)


def _imports(source: ModuleSource) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module in ("qt", "ctk", "slicer", "slicer.util"):
            names = [f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*"]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if problem := _why_unknown(name.split("."), is_import=True):
                yield source.found(node, problem)


def _dotted_names(source: ModuleSource) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute) or isinstance(source.parents.get(node), ast.Attribute):
            continue
        dotted = source.dotted(node)
        if dotted and (problem := _why_unknown(dotted.split("."))):
            yield source.found(node, problem)


def _attributes(source: ModuleSource) -> Iterator[Finding]:
    """Names on objects whose class the code itself tells: ``label.txt`` after ``label = qt.QLabel()``."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute) or source.dotted(node):
            continue
        kind = class_of(source, node.value)
        if not kind:
            continue
        if is_python_object(source, node.value):
            continue
        problem = (_why_no_vtk_member if kind.startswith("vtk") else _why_no_member)(kind, node.attr)
        if problem:
            yield source.found(node, problem)


def _inherited_names(source: ModuleSource) -> Iterator[Finding]:
    """``super().showEvnt(event)``: the override calls what the base does not have."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and _is_super(node.value):
            kind = own_base(source, node)
            if has_class(kind) and (problem := _why_no_member(kind, node.attr)):
                yield source.found(node, problem)


def _ui_names(source: ModuleSource) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        is_of_ui = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "ui"
        if is_of_ui and node.attr not in source.ui_widgets:
            yield source.found(node, f"no .ui file has a widget named {node.attr}")


def _class_name_strings(source: ModuleSource) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLASS_NAME_CALLS:
            for argument in node.args:
                text = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(text, str) and text.startswith("vtkMRML") and text not in known_names("slicer"):
                    yield source.found(node, f"Slicer has no class {text}")


def _why_unknown(parts: list[str], *, is_import: bool = False) -> str:
    module, *rest = parts
    if module == "slicer" and rest:
        return _why_unknown_of_slicer(rest, is_import=is_import)
    if module in ("qt", "ctk") and rest:
        if rest[0] not in known_names(module):
            return f"Slicer's {module} has no {rest[0]}"
        return _why_no_member(rest[0], rest[1]) if len(rest) > 1 and rest[0][:1] in "Qc" else ""
    if module == "vtk" and rest:
        return _why_no_vtk_name(rest)
    return ""


def _why_unknown_of_slicer(rest: list[str], *, is_import: bool) -> str:
    first = rest[0]
    if first not in known_names("slicer") and not (is_import and first in SUBMODULES):
        return f"slicer has no {first}"
    if len(rest) == 1:
        return ""
    second = rest[1]
    if first in ("util", "app", "modules"):
        known = known_names(f"slicer.{first}")
        own = first == "modules" and second.removesuffix("Widget").removesuffix("Instance").lower() in OWN_MODULES
        return "" if second in known or own else f"slicer.{first} has no {second}"
    if first == "mrmlScene":
        return _why_no_vtk_member("vtkMRMLScene", second)
    if first.startswith("vtk"):
        return _why_no_vtk_member(first, second)
    return _why_no_member(first, second) if first.startswith(("qMRML", "qSlicer")) else ""


def _why_no_member(kind: str, name: str) -> str:
    if name.startswith("__"):
        return ""
    try:
        known = members(kind)
    except UnknownNameError as error:
        return str(error)
    # An enumeration's values are reached through it too: qt.Qt.AlignmentFlag.AlignLeft.
    return "" if name in known.names else f"{kind} has no {name}"


def _why_no_vtk_member(kind: str, name: str) -> str:
    if name.startswith("__"):
        return ""
    if name[:1].islower():
        return f"{kind}.{name}: Slicer's older VTK has no such property; call Get or Set"
    of_vtk = _vtk_names(vtk_base(kind))
    if not of_vtk:
        return ""
    if kind.startswith(("vtkMRML", "vtkSlicer", "vtkSegment")):
        try:
            of_vtk |= vtk_methods(kind)
        except UnknownNameError as error:
            return str(error)
    return "" if name in of_vtk else f"{kind} has no {name}"


def _why_no_vtk_name(rest: list[str]) -> str:
    try:
        import vtk
    except ImportError:
        return ""
    if not hasattr(vtk, rest[0]):
        return f"vtk has no {rest[0]}"
    return _why_no_vtk_member(rest[0], rest[1]) if len(rest) > 1 and rest[0].startswith("vtk") else ""


def _vtk_names(kind: str) -> frozenset[str]:
    """Return the members of a class of VTK itself, which the contract does not copy; empty without VTK."""
    try:
        import vtk
    except ImportError:
        return frozenset()
    return frozenset(dir(getattr(vtk, kind, None))) if hasattr(vtk, kind) else frozenset()


def _is_super(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
