"""An expression in a Slicer module to the Qt, MRML or VTK class of what it gives, where the code itself tells."""

from __future__ import annotations

import ast

from Testing.architecture.module_source import ModuleSource
from Testing.host.contract import UnknownNameError, members

# Slicer gives back the real class of a widget, so that a method's declared class tells nothing about these.
BASES = frozenset({"QObject", "QWidget", "QLayout", "QDialog", "QFrame"})
CLASSES_OF: dict[str, str | tuple[str, ...]] = {
    "qt": "Q",
    "ctk": "ctk",
    "slicer": ("vtk", "qMRML", "qSlicer"),
    "vtk": "vtk",
}
# These arrive as Python's own types.
CONVERTED = frozenset({"QString", "QStringList", "QVariant", "QVariantList", "QVariantMap"})
BY_CLASS_NAME = frozenset({"AddNewNodeByClass", "CreateNodeByClass", "GetFirstNodeByClass", "GetSingletonNode"})
OF_SLICER = {
    "slicer.app": "qSlicerApplication",
    "slicer.mrmlScene": "vtkMRMLScene",
    "slicer.dicomDatabase": "ctkDICOMDatabase",
}
OF_APPLICATION = {
    "layoutManager": "qSlicerLayoutManager",
    "ioManager": "qSlicerIOManager",
    "coreIOManager": "qSlicerIOManager",
    "mrmlScene": "vtkMRMLScene",
    "applicationLogic": "vtkSlicerApplicationLogic",
    "startupEnvironment": "QProcessEnvironment",
    "userSettings": "ctkSettings",
    "settings": "ctkSettings",
}


def class_of(source: ModuleSource, node: ast.AST, depth: int = 0) -> str:
    """Return the class name of what ``node`` gives, or an empty text where the code does not tell.

    A Python class of the file that derives from a wrapped one counts as that one.
    """
    if depth > 8:
        return ""
    if node not in source.memo:
        source.memo[node] = ""  # what a name that is assigned from itself gets
        source.memo[node] = _class_of(source, node, depth)
    return source.memo[node]


def _class_of(source: ModuleSource, node: ast.AST, depth: int) -> str:
    if isinstance(node, ast.Await | ast.NamedExpr):
        node = node.value
    if isinstance(node, ast.Name):
        return own_base(source, node) if node.id == "self" else _of_name(source, node, depth)
    if isinstance(node, ast.Attribute):
        return _of_attribute(source, node, depth)
    if isinstance(node, ast.Call):
        return _of_call(source, node, depth)
    return ""


def wrapped_class(source: ModuleSource, node: ast.AST) -> str:
    """Return ``QLabel`` for ``qt.QLabel``, and for a class of the file the wrapped class it derives from."""
    dotted = source.dotted(node)
    module, _, name = dotted.rpartition(".")
    if name.startswith(CLASSES_OF.get(module, "-")):
        return name
    if isinstance(node, ast.Name) and node.id in source.classes:
        bases = [wrapped_class(source, base) for base in source.classes[node.id].bases if node.id != _id(base)]
        return next(filter(None, bases), "")
    return ""


def own_base(source: ModuleSource, node: ast.AST) -> str:
    """Return the wrapped class that the class around ``node`` derives from."""
    for outer in source.around(node):
        if isinstance(outer, ast.ClassDef):
            return next(filter(None, (wrapped_class(source, base) for base in outer.bases)), "")
    return ""


def is_python_object(source: ModuleSource, node: ast.AST, depth: int = 0) -> bool:
    """Whether the expression gives an object of a Python class, on which new attributes are allowed."""
    if isinstance(node, ast.Name) and node.id == "self":
        return True
    if depth < 8:
        value = _assigned(source, node)
        if value is not None:
            return is_python_object(source, value, depth + 1)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in source.imported


def _of_name(source: ModuleSource, node: ast.Name, depth: int) -> str:
    for outer in source.around(node):
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*outer.args.posonlyargs, *outer.args.args, *outer.args.kwonlyargs]
            for argument in arguments:
                if argument.arg == node.id:
                    return _of_annotation(source, argument.annotation)
    return _of_assignments(source, node, depth)


def _of_attribute(source: ModuleSource, node: ast.Attribute, depth: int) -> str:
    dotted = source.dotted(node)
    if dotted in OF_SLICER:
        return OF_SLICER[dotted]
    if isinstance(node.value, ast.Attribute) and node.value.attr == "ui" and node.attr in source.ui_widgets:
        return source.ui_widgets[node.attr] or ""
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        known = _of_assignments(source, node, depth)
        if known:
            return known
    owner = class_of(source, node.value, depth + 1)
    return _if_known(_members_of(owner, "properties").get(node.attr, "")) if owner else ""


def _of_call(source: ModuleSource, node: ast.Call, depth: int) -> str:
    kind = wrapped_class(source, node.func)
    if kind:
        return kind
    if not isinstance(node.func, ast.Attribute):
        return ""
    method = node.func.attr
    if method in BY_CLASS_NAME and node.args:
        texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        return next((text for text in texts if text.startswith("vtkMRML")), "")
    owner = class_of(source, node.func.value, depth + 1)
    if owner == "qSlicerApplication" and method in OF_APPLICATION:
        return OF_APPLICATION[method]
    if owner == "vtkMRMLScene" and method == "AddNode" and node.args:
        return class_of(source, node.args[0], depth + 1)
    return _if_known(_members_of(owner, "returns").get(method, "")) if owner else ""


def _of_annotation(source: ModuleSource, annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.BinOp):
        return _of_annotation(source, annotation.left) or _of_annotation(source, annotation.right)
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    name = wrapped_class(source, annotation) if annotation is not None else ""
    return "" if name in BASES else name


def _of_assignments(source: ModuleSource, node: ast.AST, depth: int) -> str:
    kinds = {kind for kind in _assigned_classes(source, node, depth) if kind is not None}
    return kinds.pop() if len(kinds) == 1 else ""


def _assigned_classes(source: ModuleSource, node: ast.AST, depth: int) -> list[str | None]:
    """Return the class of every value that the name gets where it is visible; None for ``= None``."""
    wanted = ast.dump(_loaded(node))
    found: list[str | None] = []
    for one in ast.walk(_scope(source, node)):
        if isinstance(one, ast.AnnAssign) and ast.dump(_loaded(one.target)) == wanted:
            found.append(_of_annotation(source, one.annotation))
        elif isinstance(one, ast.Assign):
            for target in one.targets:
                if ast.dump(_loaded(target)) == wanted:
                    is_none = isinstance(one.value, ast.Constant) and one.value.value is None
                    found.append(None if is_none else class_of(source, one.value, depth + 1))
                elif any(ast.dump(_loaded(part)) == wanted for part in getattr(target, "elts", ())):
                    found.append("")
        elif isinstance(one, ast.For | ast.withitem | ast.comprehension):
            target = one.optional_vars if isinstance(one, ast.withitem) else one.target
            if target is not None and any(ast.dump(_loaded(part)) == wanted for part in ast.walk(target)):
                found.append("")
    return found


def _assigned(source: ModuleSource, node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Name | ast.Attribute):
        return None
    wanted = ast.dump(_loaded(node))
    values = [
        one.value
        for one in ast.walk(_scope(source, node))
        if isinstance(one, ast.Assign) and any(ast.dump(_loaded(target)) == wanted for target in one.targets)
    ]
    return values[-1] if values else None


def _scope(source: ModuleSource, node: ast.AST) -> ast.AST:
    """Return the function around a name, or the class around ``self.name``."""
    kinds = (ast.ClassDef,) if isinstance(node, ast.Attribute) else (ast.FunctionDef, ast.AsyncFunctionDef)
    return next((outer for outer in source.around(node) if isinstance(outer, kinds)), source.tree)


def _loaded(node: ast.AST) -> ast.AST:
    """Return the name or attribute as if it were read, so that reads and writes compare equal."""
    if isinstance(node, ast.Name):
        return ast.Name(node.id, ast.Load())
    if isinstance(node, ast.Attribute):
        return ast.Attribute(_loaded(node.value), node.attr, ast.Load())  # type: ignore[arg-type]
    return node


def _members_of(class_name: str, kind: str) -> dict[str, str]:
    try:
        found: dict[str, str] = getattr(members(class_name), kind)
    except UnknownNameError:
        return {}
    return found


def _if_known(kind: str) -> str:
    told = kind[:1] in ("Q", "q", "c", "v") and kind not in BASES | CONVERTED and not kind.startswith("QAbstract")
    return kind if told and "::" not in kind and "<" not in kind else ""


def _id(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""
