"""The nodes of a scene to those that a selector lists."""

from __future__ import annotations

from dataclasses import dataclass, field

import slicer


@dataclass
class NodeFilter:
    """Which nodes a selector shows, as qMRMLSortFilterProxyModel decides it."""

    types: tuple[str, ...] = ()
    hidden_child_types: tuple[str, ...] = ()
    shows_child_types: bool = True
    shows_hidden: bool = False
    attributes: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def is_of_type(self, node: slicer.vtkMRMLNode) -> bool:
        """Whether the node is of a listed type; without a type none is."""
        if not self.shows_child_types:
            return node.GetClassName() in self.types
        return any(node.IsA(one) for one in self.types) and not any(node.IsA(one) for one in self.hidden_child_types)

    def accepts(self, node: slicer.vtkMRMLNode) -> bool:
        """Whether the node is listed."""
        if not self.is_of_type(node) or (node.GetHideFromEditors() and not self.shows_hidden):
            return False
        wanted = [(name, value) for (kind, name), value in self.attributes.items() if node.IsA(kind)]
        return all(_has(node, name, value) for name, value in wanted)


def _has(node: slicer.vtkMRMLNode, name: str, value: str | None) -> bool:
    found = node.GetAttribute(name)
    return found is not None and (value is None or found == value)
