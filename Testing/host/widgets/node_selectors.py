"""The scene's nodes to qMRML's combo boxes as stand-ins."""

from __future__ import annotations

from typing import Any

import vtk
from PySide6 import QtCore

from Testing.host.qt_shim import emit, qt_class, standin
from Testing.host.widgets.choices import ctkComboBox
from Testing.host.widgets.node_actions import NodeActions
from Testing.host.widgets.scene_nodes import NodeFilter
from Testing.host.widgets.wiring import Observations, link, row

NODE, ACTION = QtCore.Qt.UserRole, QtCore.Qt.UserRole + 1


@standin(
    properties={
        "nodeTypes": tuple,
        "hideChildNodeTypes": tuple,
        "showChildNodeTypes": (bool, True),
        "showHidden": bool,
        "baseName": str,
        "noneEnabled": bool,
        "noneDisplay": (str, "None"),
        "addEnabled": (bool, True),
        "removeEnabled": (bool, True),
        "editEnabled": bool,
        "renameEnabled": bool,
        "selectNodeUponCreation": (bool, True),
        "interactionNodeSingletonTag": (str, "Singleton"),
        "sizeAdjustPolicy": object,
        "currentNodeID": str,
        "currentNodeId": str,
    },
    signals=(
        "currentNodeChanged(vtkMRMLNode*)",
        "currentNodeChanged(bool)",
        "currentNodeIDChanged(QString)",
        "nodeActivated(vtkMRMLNode*)",
        "nodeAdded(vtkMRMLNode*)",
        "nodeAddedByUser(vtkMRMLNode*)",
        "nodeAddedByUserAction(vtkMRMLNode*)",
        "nodeAboutToBeRemoved(vtkMRMLNode*)",
        "nodeAboutToBeEdited(vtkMRMLNode*)",
        "currentNodeRenamed(QString)",
    ),
)
class qMRMLNodeComboBox(NodeActions, qt_class("QWidget")):
    """Nodes of some types to choose from; rows in the order None, nodes, actions.

    What is chosen when rows come and go is left to the combo box of Qt inside, as in Slicer: a node that comes later
    is not chosen by itself while there is any other row. Without a scene it is disabled and remembers the node that
    was asked for.
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene = None
        self._observed = Observations()
        self._filter = NodeFilter()
        self._labels, self._names, self._does, self._actions = {}, {}, {}, []
        self._requested: str | None = None
        self._is_filling = False
        self._combo = ctkComboBox()
        row(self, self._combo)
        self._told: tuple[str, str] = ("", "")
        link(self._combo.currentIndexChanged, self._on_current)
        link(self._combo.currentTextChanged, self._on_current)
        link(self._combo.activated, self._on_activated)
        link(self._combo.view().clicked, self._on_clicked)
        self.enabled = False

    # --- scene and nodes ---
    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        wanted = self.currentNodeID if self.nodeCount() else self._requested
        self._observed.drop()
        self._scene = scene
        self._requested = None
        if scene is not None:
            self._observed.add(scene, scene.NodeAddedEvent, self._on_added, data=vtk.VTK_OBJECT)
            self._observed.add(scene, scene.NodeAboutToBeRemovedEvent, self._on_removed, data=vtk.VTK_OBJECT)
        self._fill(wanted)
        self.enabled = scene is not None

    def nodeCount(self) -> int:
        return len(self._rows())

    def nodeFromIndex(self, index: Any) -> Any:
        rows = self._rows()
        return self._node_at(rows[index]) if 0 <= index < len(rows) else None

    def currentNode(self) -> Any:
        return self._node_at(self._combo.currentIndex)

    def setCurrentNode(self, node: Any) -> None:
        if isinstance(node, str):
            self.setCurrentNodeID(node)
            return
        if node is not None and not hasattr(node, "GetID"):
            raise ValueError(f"called setCurrentNode() with wrong argument: {node!r}")
        self.setCurrentNodeID((node.GetID() if node is not None else "") or "")

    @property
    def currentNodeID(self) -> str:
        node = self.currentNode()
        return node.GetID() if node is not None else ""

    @currentNodeID.setter
    def currentNodeID(self, node_id: str) -> None:
        if self._scene is None:
            self._requested = node_id
        self._choose(node_id)

    currentNodeId = currentNodeID

    def setCurrentNodeIndex(self, index: Any) -> None:
        rows = self._rows()
        none_row = 0 if self.noneEnabled else -1
        self._combo.currentIndex = rows[index] if 0 <= index < len(rows) else none_row

    def _choose(self, node_id: str) -> None:
        at = self._row_of(node_id)
        self._combo.currentIndex = at if at >= 0 else 0 if self.noneEnabled and self._combo.count else -1

    def _rows(self) -> list[int]:
        return [one for one in range(self._combo.count) if self._combo.itemData(one, NODE)]

    def _row_of(self, node_id: str) -> int:
        return next((one for one in self._rows() if self._combo.itemData(one, NODE) == node_id), -1)

    def _node_at(self, at: int) -> Any:
        node_id = self._combo.itemData(at, NODE) if at >= 0 else None
        return self._scene.GetNodeByID(node_id) if node_id and self._scene is not None else None

    # --- filter ---
    def addAttribute(self, nodeType: Any, attributeName: Any, attributeValue: Any = None) -> None:
        self._filter.attributes[nodeType, attributeName] = None if attributeValue is None else str(attributeValue)
        self._refill()

    def removeAttribute(self, nodeType: Any, attributeName: Any) -> None:
        self._filter.attributes.pop((nodeType, attributeName), None)
        self._refill()

    def _filter_changed(self, _value: Any = None) -> None:
        self._filter.types = tuple(one for one in self.nodeTypes if one)
        self._filter.hidden_child_types = self.hideChildNodeTypes
        self._filter.shows_child_types = self.showChildNodeTypes
        self._filter.shows_hidden = self.showHidden
        self._refill()

    _nodeTypes_changed = _hideChildNodeTypes_changed = _filter_changed
    _showChildNodeTypes_changed = _showHidden_changed = _filter_changed

    # --- rows ---
    def _refill(self, _value: Any = None) -> None:
        self._fill(self.currentNodeID)

    _noneEnabled_changed = _noneDisplay_changed = _addEnabled_changed = _removeEnabled_changed = _refill
    _editEnabled_changed = _renameEnabled_changed = _refill

    def _fill(self, wanted: str | None) -> None:
        """Make all rows anew; choose the wanted node, else the first row where it is a node or None."""
        self._is_filling = True
        self._combo.clear()
        if self._scene is not None:
            if self.noneEnabled:
                self._combo.addItem(self.noneDisplay)
            for node in self._scene.GetNodes():
                self._take(node)
            self._append_actions()
        self._combo.defaultText = f"Select a {self.nodeTypeLabel(next(iter(self.nodeTypes), ''))}"
        if wanted is None and self._rows():
            self._combo.currentIndex = 0
        else:
            self._choose(wanted or "")
        self._is_filling = False
        self._on_current()

    def _append_actions(self) -> None:
        self._does = dict(self._actions_shown())
        if self._does:
            self._combo.insertSeparator(self._combo.count)
        for text in self._does:
            self._combo.addItem(text)
            item = self._combo.model().item(self._combo.count - 1)
            item.setFlags(QtCore.Qt.ItemIsEnabled)  # to be clicked, not to be chosen
            item.setData(text, ACTION)

    def _take(self, node: Any) -> None:
        """Follow a node of the right type; it may come to fit the filter later, or no longer."""
        if self._filter.is_of_type(node):
            self._observed.drop(node)
            self._observed.add(node, "ModifiedEvent", self._on_node_modified)
            if self._filter.accepts(node):
                self._insert(node)

    def _insert(self, node: Any) -> None:
        rows = self._rows()
        at = rows[-1] + 1 if rows else int(self.noneEnabled)
        self._combo.insertItem(at, node.GetName() or "", node.GetID())

    def _remove(self, at: int) -> None:
        self._combo.removeItem(at)
        if self.currentNode() is None:
            self.setCurrentNode(None)

    def _on_added(self, _scene: Any, node: Any) -> None:
        self._take(node)
        if self._row_of(node.GetID()) >= 0:
            self.nodeAdded.emit(node)

    def _on_removed(self, _scene: Any, node: Any) -> None:
        self._observed.drop(node)
        at = self._row_of(node.GetID())
        if at >= 0:
            self.nodeAboutToBeRemoved.emit(node)
            self._remove(at)

    def _on_node_modified(self, node: Any, _data: Any) -> None:
        at = self._row_of(node.GetID())
        is_listed = self._filter.accepts(node)
        if at < 0 and is_listed:
            self._insert(node)
        elif at >= 0 and not is_listed:
            self._remove(at)
        elif at >= 0 and self._combo.itemText(at) != node.GetName():
            self._combo.setItemText(at, node.GetName() or "")

    def _on_current(self, _text: Any = None) -> None:
        if self._is_filling:
            return
        node = self.currentNode()
        if node is None and self._combo.currentIndex != (0 if self.noneEnabled else -1):
            # Qt has moved on to a row that is no node.
            last = self.nodeFromIndex(self.nodeCount() - 1)
            if last is not None:
                self.setCurrentNode(last)
            return
        told, self._told = self._told, (self.currentNodeID, self._combo.currentText if node is not None else "")
        if told == self._told:
            return
        emit(self, "currentNodeChanged(vtkMRMLNode*)", node)
        emit(self, "currentNodeChanged(bool)", node is not None)
        self.currentNodeIDChanged.emit(self.currentNodeID)

    def _on_activated(self, at: int) -> None:
        self.nodeActivated.emit(self._node_at(at))

    def _on_clicked(self, index: Any) -> None:
        text = index.data(ACTION)
        if text is not None:
            self._combo.hidePopup()
            self._does[text]()


@standin()
class qMRMLColorTableComboBox(qMRMLNodeComboBox):
    """A node combo box of colour tables."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.nodeTypes = ("vtkMRMLColorNode",)
        self.showHidden = True
        self.addEnabled = False
        self.removeEnabled = False
