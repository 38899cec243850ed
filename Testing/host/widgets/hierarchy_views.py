"""The subject hierarchy to a tree and to a choice of one item, as stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import slicer
from PySide6 import QtCore, QtGui

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.wiring import Observations, link

ITEM = QtCore.Qt.UserRole
HierarchyNode = slicer.vtkMRMLSubjectHierarchyNode
INVALID = HierarchyNode.GetInvalidItemID()
CHANGES = ("ItemAdded", "ItemRemoved", "ItemModified", "ItemReparented", "ItemChildrenReordered")
FILTERS = {
    "nodeTypes": tuple,
    "hideChildNodeTypes": tuple,
    "levelFilter": tuple,
    "nameFilter": str,
    "noneEnabled": bool,
    "noneDisplay": (str, "None"),
    "showRootItem": bool,
    "highlightReferencedItems": (bool, True),
}


class OfHierarchy:
    """Which items of the hierarchy are listed; a folder is when one of its descendants is."""

    def _watch(self) -> None:
        self._scene, self._hierarchy, self._root = None, None, INVALID
        self._observed = Observations()
        self._attributes: dict[str, Any] = {}

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._observed.drop()
        self._scene = scene
        if scene is not None:
            self._observed.add(scene, scene.StartCloseEvent, self._on_closing)
            self._observed.add(scene, scene.EndCloseEvent, self._on_closed)
        self._on_closed(scene, "")

    def subjectHierarchyNode(self) -> Any:
        return self._hierarchy

    def rootItem(self) -> int:
        return self._root

    def setRootItem(self, itemID: Any) -> None:
        self._root = itemID
        self._refresh()

    def addNodeAttributeFilter(self, attributeName: Any, attributeValue: Any = None, *_more: Any) -> None:
        self._attributes[attributeName] = attributeValue
        self._refresh()

    def removeNodeAttributeFilter(self, attributeName: Any, *_more: Any) -> None:
        self._attributes.pop(attributeName, None)
        self._refresh()

    def _on_closing(self, _scene: Any, _event: str) -> None:
        # As long as anybody holds the old hierarchy node the scene gives it out instead of a new one.
        self._observed.drop(self._hierarchy)
        self._hierarchy = None
        self._refresh()

    def _on_closed(self, scene: Any, _event: str) -> None:
        self._hierarchy = scene.GetSubjectHierarchyNode() if scene is not None else None
        if self._hierarchy is not None:
            self._root = self._hierarchy.GetSceneItemID()
            for change in CHANGES:
                event = getattr(HierarchyNode, f"SubjectHierarchy{change}Event")
                self._observed.add(self._hierarchy, event, self._on_changed)
        self._refresh()

    def _on_changed(self, _hierarchy: Any, _event: str) -> None:
        self._refresh()

    def _refreshed(self, _value: Any = None) -> None:
        self._refresh()

    _nodeTypes_changed = _hideChildNodeTypes_changed = _levelFilter_changed = _nameFilter_changed = _refreshed
    _noneEnabled_changed = _noneDisplay_changed = _showRootItem_changed = _refreshed

    def _children(self, item: int) -> list[int]:
        """Return the listed children of an item."""
        children: list[int] = []
        self._hierarchy.GetItemChildren(item, children, False)
        return [one for one in children if self._accepts(one) or self._children(one)]

    def _accepts(self, item: int) -> bool:
        node, level = self._hierarchy.GetItemDataNode(item), self._hierarchy.GetItemLevel(item)
        levels, hidden_types = getattr(self, "levelFilter", ()), getattr(self, "hideChildNodeTypes", ())
        if levels and level not in levels:
            return False
        if getattr(self, "nameFilter", "").lower() not in self._hierarchy.GetItemName(item).lower():
            return False
        if node is None:
            return not (self.nodeTypes or self._attributes)
        if self.nodeTypes and not any(node.IsA(one) for one in self.nodeTypes):
            return False
        if any(node.IsA(one) for one in hidden_types):
            return False
        return all(_has(node, name, value) for name, value in self._attributes.items())

    def _listed(self, item: int, depth: int = 0) -> Iterator[tuple[int, int]]:
        """Yield the listed items below one, with their depth."""
        for child in self._children(item):
            yield child, depth
            yield from self._listed(child, depth + 1)

    def _node_of(self, item: int) -> Any:
        return self._hierarchy.GetItemDataNode(item) if item != INVALID and self._hierarchy is not None else None

    def _item_of(self, node: Any) -> int:
        return self._hierarchy.GetItemByDataNode(node) if node is not None and self._hierarchy is not None else INVALID


@standin(
    properties={
        **FILTERS,
        "multiSelection": bool,
        "contextMenuEnabled": (bool, True),
        "editMenuActionVisible": (bool, True),
        "addNodeMenuActionVisible": (bool, True),
        "selectRoleSubMenuVisible": (bool, True),
        "visibilityColumnVisible": (bool, True),
        "colorColumnVisible": (bool, True),
        "transformColumnVisible": (bool, True),
        "descriptionColumnVisible": bool,
        "idColumnVisible": bool,
    },
    signals=(
        "currentItemChanged(vtkIdType)",
        "currentNodeChanged(vtkMRMLNode*)",
        "currentItemsChanged(QList<vtkIdType>)",
        "currentItemModified(vtkIdType)",
    ),
)
class qMRMLSubjectHierarchyTreeView(OfHierarchy, qt_class("QTreeView")):
    """A tree of the items with one column, the name; the other columns are not shown."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._watch()
        self._rows: dict[int, Any] = {}
        self._is_filling = False
        self._model = QtGui.QStandardItemModel(self)
        self.setModel(self._model)
        self.headerHidden = True
        link(self.selectionModel().selectionChanged, self._on_selection)

    def currentItem(self) -> int:
        index = self.selectionModel().currentIndex
        return index.data(ITEM) if index.isValid() and self._selected() else INVALID

    def setCurrentItem(self, itemID: Any) -> None:
        flags = qt_class("QItemSelectionModel")
        if itemID in self._rows:
            self.selectionModel().setCurrentIndex(self._rows[itemID].index(), flags.ClearAndSelect)
        else:
            self.selectionModel().clear()

    def setCurrentItems(self, items: Any) -> None:
        flags = qt_class("QItemSelectionModel")
        wanted = [items.GetId(one) for one in range(items.GetNumberOfIds())] if hasattr(items, "GetId") else list(items)
        self.clearSelection()
        for item in wanted:
            self.selectionModel().setCurrentIndex(self._rows[item].index(), flags.Select)

    def currentItems(self, selectedItems: Any) -> None:
        for item in self._selected():
            selectedItems.InsertNextId(item)

    def currentNode(self) -> Any:
        return self._node_of(self.currentItem())

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentItem(self._item_of(node))

    def displayedItemCount(self) -> int:
        return len(self._rows)

    def expandItem(self, itemID: Any) -> None:
        self.expand(self._rows[itemID].index())

    def collapseItem(self, itemID: Any) -> None:
        self.collapse(self._rows[itemID].index())

    def deleteSelectedItems(self) -> None:
        for item in self._selected():
            self._hierarchy.RemoveItem(item, True, True)

    def _selected(self) -> list[int]:
        return [index.data(ITEM) for index in self.selectedIndexes()]

    def _refresh(self) -> None:
        chosen = self.currentItem()
        self._is_filling = True
        self._model.clear()
        self._rows = {}
        if self._hierarchy is not None:
            parents = [self._model.invisibleRootItem()]
            for item, depth in self._listed(self._root):
                made = QtGui.QStandardItem(self._hierarchy.GetItemName(item))
                made.setData(item, ITEM)
                made.setEditable(False)
                parents[depth].appendRow(made)
                parents[depth + 1 :] = [made]
                self._rows[item] = made
        self.expandAll()
        self.setCurrentItem(chosen)
        self._is_filling = False
        if self.currentItem() != chosen:
            self._on_selection()

    def _multiSelection_changed(self, is_several: bool) -> None:
        view = qt_class("QAbstractItemView")
        self.selectionMode = view.ExtendedSelection if is_several else view.SingleSelection

    def _on_selection(self) -> None:
        if self._is_filling:
            return
        self.currentItemChanged.emit(self.currentItem())
        self.currentNodeChanged.emit(self.currentNode())
        self.currentItemsChanged.emit(self._selected())


def _has(node: Any, name: str, value: Any) -> bool:
    found = node.GetAttribute(name)
    return found is not None and value in (None, found)
