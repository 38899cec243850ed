"""What the rows below the nodes of a node combo box do: create, rename, edit and delete nodes."""

from __future__ import annotations

from functools import partial
from typing import Any

from Testing.host.qt_shim import qt_class


class NodeActions:
    """The part of qMRMLNodeComboBox that changes the scene."""

    _labels: dict[str, str]
    _names: dict[str, str]
    _actions: list[Any]

    def nodeTypeLabel(self, nodeType: Any) -> str:
        known = self._scene.GetTypeDisplayNameByClassName(nodeType) if self._scene is not None else ""
        return self._labels.get(nodeType) or known or "node"

    def setNodeTypeLabel(self, label: Any, nodeType: Any) -> None:
        self._labels[nodeType] = str(label)
        self._refill()

    def addNode(self, nodeType: Any = None) -> Any:
        kind = nodeType or next(iter(self.nodeTypes), None)
        if kind not in self.nodeTypes:
            return None
        node = self._scene.CreateNodeByClass(kind)
        node.UnRegister(None)
        name = self._names.get(kind) or node.GetNodeTagName()
        node.SetName(self._scene.GenerateUniqueName(name))
        for (type_, attribute), value in self._filter.attributes.items():
            if node.IsA(type_):
                node.SetAttribute(attribute, value or "")
        self._scene.AddNode(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        self._scene.RemoveNode(self.currentNode())

    def renameCurrentNode(self) -> None:
        node = self.currentNode()
        name = node and qt_class("QInputDialog").getText(self, "Rename", "New name:", 0, node.GetName())
        if name:
            node.SetName(name)
            self.currentNodeRenamed.emit(name)

    def editCurrentNode(self) -> None:
        node = self.currentNode()
        self.nodeAboutToBeEdited.emit(node)
        interaction = self._scene.GetSingletonNode(self.interactionNodeSingletonTag, "vtkMRMLInteractionNode")
        if interaction is not None:
            interaction.EditNode(node)

    def addMenuAction(self, newAction: Any) -> None:
        if all(newAction.text != one.text for one in self._actions):
            self._actions.append(newAction)
            self._refill()

    def _actions_shown(self) -> list[tuple[str, Any]]:
        """Return text and function of the rows below the nodes."""
        label = self.nodeTypeLabel(self.nodeTypes[0] if len(self.nodeTypes) == 1 else "")
        rows: list[tuple[str, Any]] = []
        if self.renameEnabled:
            rows.append((f"Rename current {label}", self.renameCurrentNode))
        if self.editEnabled:
            rows.append((f"Edit current {label}", self.editCurrentNode))
        if self.addEnabled:
            labels = {kind: f"Create new {self.nodeTypeLabel(kind)}" for kind in self.nodeTypes}
            rows += [(text, partial(self._create_by_user, kind)) for kind, text in labels.items()]
        if self.removeEnabled:
            rows.append((f"Delete current {label}", self.removeCurrentNode))
        return rows + [(one.text, one.trigger) for one in self._actions]

    def _create_by_user(self, kind: str) -> None:
        node = self.addNode(kind)
        self.setCurrentNode(node)
        self.nodeAddedByUserAction.emit(node)

    def _baseName_changed(self, name: str) -> None:
        for kind in self.nodeTypes:
            self._names[kind] = name
