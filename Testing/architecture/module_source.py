"""A file of the Slicer modules to its syntax tree, its imports and the widgets of its .ui files."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "Testing/slicer/self_test.py"
DOORS = ("PSMATheranostics/PSMATheranostics.py", "PSMALongitudinal/PSMALongitudinal.py")
PACKAGES = ("PSMATheranostics/PSMATheranosticsLib", "PSMALongitudinal/PSMALongitudinalLib")
WRAPPED = ("slicer", "qt", "ctk", "vtk")


@dataclass(frozen=True)
class Finding:
    """One thing that real Slicer would not do as the code expects."""

    where: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.text}"


@dataclass(frozen=True)
class ModuleSource:
    """One file, parsed.

    Attributes
    ----------
    where : str
        Path to print.
    tree : ast.Module
        Its syntax tree.
    ui_widgets : dict
        Object name to class of the widgets that ``….ui.NAME`` may mean; None where .ui files disagree.
    """

    where: str
    tree: ast.Module
    ui_widgets: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name to dotted name of everything imported from Slicer, Qt, ctk and VTK."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.partition(".")[0] in WRAPPED:
                        found[alias.asname or alias.name.partition(".")[0]] = (
                            alias.name if alias.asname else alias.name.partition(".")[0]
                        )
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in WRAPPED:
                found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        return found

    @cached_property
    def memo(self) -> dict[ast.AST, str]:
        """Where the class of an expression is kept once it is known."""
        return {}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Classes that the file defines."""
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Every node to the node around it."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def dotted(self, node: ast.AST) -> str:
        """Return ``slicer.util.loadUI`` for an expression that means it, or an empty text."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.imported:
            return ""
        return ".".join([self.imported[node.id], *reversed(names)])

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what is around a node, the nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def found(self, node: ast.AST, text: str) -> Finding:
        """Return a finding at the node's line."""
        return Finding(self.where, getattr(node, "lineno", 0), text)


def source_of(text: str, where: str = "snippet.py", ui_widgets: dict[str, str | None] | None = None) -> ModuleSource:
    """Parse a text."""
    return ModuleSource(where, ast.parse(text), ui_widgets or {})


def module_sources() -> list[ModuleSource]:
    """Return every file of both modules, and the self test that runs in Slicer."""
    widgets = ui_widgets()
    files = [ROOT / name for name in (*DOORS, SCRIPT)]
    files += [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return [
        source_of(file.read_text(encoding="utf-8"), str(file.relative_to(ROOT)), widgets)
        for file in files
        if file.is_file()
    ]


def ui_files() -> list[Path]:
    """Return the .ui files of both modules."""
    return [file for door in DOORS for file in sorted((ROOT / door).parent.glob("Resources/UI/*.ui"))]


def ui_widgets() -> dict[str, str | None]:
    """Return object name to class over all .ui files; None where two files give one name to different classes."""
    found: dict[str, str | None] = {}
    for file in ui_files():
        for widget in ET.parse(file).iter("widget"):
            name, kind = widget.get("name", ""), widget.get("class", "")
            found[name] = kind if found.get(name, kind) == kind else None
    return found
