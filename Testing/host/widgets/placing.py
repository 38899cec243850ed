"""A markups node to buttons that place and delete its points, as a stand-in."""

from __future__ import annotations

from typing import Any

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.scene_widgets import qSlicerWidget
from Testing.host.widgets.wiring import Observations, link, row


@standin(
    properties={
        "buttonsVisible": (bool, True),
        "deleteAllControlPointsOptionVisible": (bool, True),
        "placeMultipleMarkups": int,
        "currentNodeActive": bool,
        "placeModeEnabled": bool,
        "placeModePersistency": bool,
        "nodeColor": object,
        "defaultNodeColor": object,
    },
    signals=("activeMarkupsPlaceModeChanged(bool)", "activeMarkupsFiducialPlaceModeChanged(bool)"),
)
class qSlicerMarkupsPlaceWidget(qSlicerWidget):
    """Two buttons: place points of the current node, delete them.

    The place mode is that of the scene's interaction node, so it follows what other code does to it.
    """

    ShowPlaceMultipleMarkupsOption, HidePlaceMultipleMarkupsOption = range(2)
    ForcePlaceSingleMarkup, ForcePlaceMultipleMarkups = range(2, 4)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node = None
        self._was_placing = False
        self._observed = Observations()
        self._place, self._delete = qt_class("QToolButton")(), qt_class("QToolButton")()
        self._place.text, self._delete.text = "Place", "Delete"
        self._place.checkable = True
        row(self, self._place, self._delete, wide=2)
        self.layout().addStretch(1)
        link(self._place.toggled, self._on_place)
        link(self._delete.clicked, self._on_delete)

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._observed.drop()
        if scene is not None:
            for node in (self.interactionNode(), self.selectionNode()):
                self._observed.add(node, "ModifiedEvent", self._on_mode)

    def interactionNode(self) -> Any:
        return self._scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")

    def selectionNode(self) -> Any:
        return self._scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")

    def currentNode(self) -> Any:
        return self._node

    def currentMarkupsNode(self) -> Any:
        return self._node

    def setCurrentNode(self, currentNode: Any) -> None:
        self._node = currentNode
        self._on_mode(None, "")

    def placeButton(self) -> Any:
        return self._place

    def deleteButton(self) -> Any:
        return self._delete

    @property
    def currentNodeActive(self) -> bool:
        return self._node is not None and self.selectionNode().GetActivePlaceNodeID() == self._node.GetID()

    @currentNodeActive.setter
    def currentNodeActive(self, is_active: bool) -> None:
        selection = self.selectionNode()
        if is_active and self._node is not None:
            selection.SetReferenceActivePlaceNodeClassName(self._node.GetClassName())
            selection.SetActivePlaceNodeID(self._node.GetID())
        elif self.currentNodeActive:
            selection.SetActivePlaceNodeID(None)

    @property
    def placeModeEnabled(self) -> bool:
        mode = self.interactionNode()
        return self.currentNodeActive and mode.GetCurrentInteractionMode() == mode.Place

    @placeModeEnabled.setter
    def placeModeEnabled(self, is_enabled: bool) -> None:
        mode = self.interactionNode()
        if is_enabled and self._node is not None:
            self.currentNodeActive = True
            is_persistent = self.placeModePersistency or self.placeMultipleMarkups == self.ForcePlaceMultipleMarkups
            mode.SetPlaceModePersistence(is_persistent)
            mode.SetCurrentInteractionMode(mode.Place)
        elif self.placeModeEnabled:
            mode.SetCurrentInteractionMode(mode.ViewTransform)

    def deleteLastPoint(self) -> None:
        self._node.RemoveNthControlPoint(self._node.GetNumberOfControlPoints() - 1)

    def deleteAllPoints(self) -> None:
        self._node.RemoveAllControlPoints()

    def _buttonsVisible_changed(self, is_visible: bool) -> None:
        self._place.visible = self._delete.visible = is_visible

    def _on_mode(self, _node: Any, _event: str) -> None:
        is_placing = self.placeModeEnabled
        self._place.checked = is_placing
        if is_placing != self._was_placing:
            self._was_placing = is_placing
            self.activeMarkupsPlaceModeChanged.emit(is_placing)
            self.activeMarkupsFiducialPlaceModeChanged.emit(is_placing)

    def _on_place(self, is_placing: bool) -> None:
        self.placeModeEnabled = is_placing

    def _on_delete(self) -> None:
        if self._node is not None:
            self.deleteAllPoints()
