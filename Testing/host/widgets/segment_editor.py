"""The real segment editor logic and node to the widget that a module embeds: qMRMLSegmentEditorWidget as a stand-in.

The editor node holds what is selected; the widget follows it, and changes of the widget go through it. While an effect
is active the slice views' mouse events are its own. Without effect options: set them as parameters.
"""

from __future__ import annotations

from typing import Any

import slicer

from Testing.host.qt_shim import standin
from Testing.host.widgets.scene_widgets import qMRMLWidget
from Testing.host.widgets.segment_editor_panel import EditorPanel
from Testing.host.widgets.segment_effects import (
    qSlicerSegmentEditorEraseEffect,
    qSlicerSegmentEditorPaintEffect,
    qSlicerSegmentEditorScriptedEffect,
)
from Testing.host.widgets.wiring import Observations, link

PYTHON_EFFECTS = (
    *("Scissors", "Draw", "Fill between slices", "Grow from seeds", "Hollow", "Islands", "Level tracing"),
    *("Logical operators", "Margin", "Mask volume", "Smoothing", "Threshold"),
)
EFFECTS = {
    "Paint": qSlicerSegmentEditorPaintEffect,
    "Erase": qSlicerSegmentEditorEraseEffect,
    **dict.fromkeys(PYTHON_EFFECTS, qSlicerSegmentEditorScriptedEffect),
}
MOUSE_EVENTS = ("LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent")
BEFORE_THE_VIEW = 100.0


@standin(
    properties={
        "segmentationNodeSelectorVisible": (bool, True),
        "sourceVolumeNodeSelectorVisible": (bool, True),
        "maskingSectionVisible": (bool, True),
        "specifyGeometryButtonVisible": (bool, True),
        "show3DButtonVisible": (bool, True),
        "addRemoveSegmentButtonsVisible": (bool, True),
        "switchToSegmentationsButtonVisible": (bool, True),
        "autoShowSourceVolumeNode": (bool, True),
        "undoEnabled": (bool, True),
        "maximumNumberOfUndoStates": (int, 10),
        "readOnly": bool,
        "effectButtonStyle": object,
        "effectColumnCount": (int, 2),
        "unorderedEffectsVisible": (bool, True),
        "defaultTerminologyEntrySettingsKey": str,
        "defaultTerminologyEntry": str,
        "jumpToSelectedSegmentEnabled": bool,
    },
    signals=(
        "currentSegmentIDChanged(QString)",
        "segmentationNodeChanged(vtkMRMLSegmentationNode*)",
        "sourceVolumeNodeChanged(vtkMRMLVolumeNode*)",
        "masterVolumeNodeChanged(vtkMRMLVolumeNode*)",
    ),
)
class qMRMLSegmentEditorWidget(EditorPanel, qMRMLWidget):
    """Selectors, the table of segments, a button for each effect, undo and redo."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        self._logic.SetMaximumNumberOfUndoStates(10)
        self._observed, self._views = Observations(), Observations()
        self._slice_nodes: dict[Any, Any] = {}
        self._editor_node = self._shown_segmentation = self._shown_volume = None
        self._shown_segment_id, self._active = "", None
        self._order: tuple[str, ...] = ()
        self._shortcuts: list[Any] = []
        self._effects = {name: kind(self, name) for name, kind in EFFECTS.items()}
        self._build()
        if slicer.app.layoutManager() is not None:
            link(slicer.app.layoutManager().layoutChanged, self._on_layout)

    # --- nodes ---
    def setMRMLScene(self, newScene: Any) -> None:
        self._logic.SetMRMLScene(newScene)
        self.removeViewObservations()
        for part in (self._segmentations, self._volumes, self._table):
            blocked = part.blockSignals(True)
            part.setMRMLScene(newScene)
            part.blockSignals(blocked)
        super().setMRMLScene(newScene)
        self._follow()

    def mrmlSegmentEditorNode(self) -> Any:
        return self._editor_node

    def setMRMLSegmentEditorNode(self, newSegmentEditorNode: Any) -> None:
        if newSegmentEditorNode is self._editor_node:
            return
        self._editor_node = newSegmentEditorNode
        self._logic.SetSegmentEditorNode(newSegmentEditorNode)
        if newSegmentEditorNode is not None:
            for effect in self._effects.values():
                effect._set_defaults()
        self._follow()

    def segmentationNode(self) -> Any:
        return self._editor_node.GetSegmentationNode() if self._editor_node is not None else None

    def setSegmentationNode(self, node: Any) -> None:
        self._node().SetAndObserveSegmentationNode(node)

    def segmentationNodeID(self) -> str:
        return _id(self.segmentationNode())

    def setSegmentationNodeID(self, nodeID: Any) -> None:
        self.setSegmentationNode(self._scene.GetNodeByID(nodeID))

    def sourceVolumeNode(self) -> Any:
        return self._editor_node.GetSourceVolumeNode() if self._editor_node is not None else None

    def setSourceVolumeNode(self, node: Any) -> None:
        self._node().SetAndObserveSourceVolumeNode(node)

    def sourceVolumeNodeID(self) -> str:
        return _id(self.sourceVolumeNode())

    def setSourceVolumeNodeID(self, nodeID: Any) -> None:
        self.setSourceVolumeNode(self._scene.GetNodeByID(nodeID))

    def currentSegmentID(self) -> str:
        return (self._editor_node.GetSelectedSegmentID() or "") if self._editor_node is not None else ""

    def setCurrentSegmentID(self, segmentID: Any) -> None:
        self._node().SetSelectedSegmentID(segmentID)

    def selectSegmentAtOffset(self, offset: Any) -> None:
        self._logic.SelectSegmentAtOffset(int(offset), False)

    def jumpSlices(self) -> None:
        self._table.jumpSlices()

    def showSourceVolumeInSliceViewers(self, forceShowInBackground: Any = False, fitSlice: Any = False) -> None:
        """Put the source volume into the background of every slice view; that is why compare layouts switch it off."""
        selection = slicer.app.applicationLogic().GetSelectionNode()
        if selection is not None and self.sourceVolumeNode() is not None:
            selection.SetReferenceActiveVolumeID(self.sourceVolumeNodeID())
            slicer.app.applicationLogic().PropagateVolumeSelection(int(bool(fitSlice)))

    # --- effects ---
    def availableEffectNames(self) -> tuple[str, ...]:
        return tuple(self._effects)

    def effectByName(self, name: Any) -> Any:
        return self._effects.get(name)

    def effectNameOrder(self) -> tuple[str, ...]:
        return self._order

    def setEffectNameOrder(self, effectNames: Any) -> None:
        self._order = tuple(effectNames)
        self.updateEffectList()

    def activeEffect(self) -> Any:
        return self._active

    def setActiveEffect(self, effect: Any) -> None:
        self.setActiveEffectByName(effect.name if effect is not None else "")

    def setActiveEffectByName(self, effectName: Any) -> None:
        if self._editor_node is not None:
            self._editor_node.SetActiveEffectName(effectName or "")

    def saveStateForUndo(self) -> None:
        if self.undoEnabled:
            self._logic.SaveStateForUndo()

    def undo(self) -> None:
        self._logic.Undo()

    def redo(self) -> None:
        self._logic.Redo()

    # --- views ---
    def setupViewObservations(self) -> None:
        """Let the active effect have the mouse events of the slice views that are shown."""
        self.removeViewObservations()
        manager = slicer.app.layoutManager()
        for name in manager.sliceViewNames() if manager is not None else ():
            widget = manager.sliceWidget(name)
            interactor = widget.sliceView().interactor()
            self._slice_nodes[interactor] = widget.mrmlSliceNode()
            for event in MOUSE_EVENTS:
                self._views.add(interactor, event, self._on_view_event, priority=BEFORE_THE_VIEW)

    def removeViewObservations(self) -> None:
        self._views.drop()
        self._slice_nodes.clear()

    def _on_layout(self) -> None:
        if self._active is not None:
            self.setupViewObservations()

    def _on_view_event(self, interactor: Any, event: str) -> bool:
        on_event = getattr(self._active, "_on_view_event", None)
        if on_event is None or self.readOnly or not self.currentSegmentID() or self.segmentationNode() is None:
            return False
        return bool(on_event(event, self._slice_nodes[interactor], interactor.GetEventPosition()))

    # --- what is shown ---
    def updateWidgetFromMRML(self) -> None:
        if self._editor_node is None or self._scene is None:
            return
        self._show_segmentation()
        self._show_volume()
        self._show_segment()
        self._show_effect()

    def _node(self) -> Any:
        if self._editor_node is None:
            raise RuntimeError("qMRMLSegmentEditorWidget: set a segment editor node first")
        return self._editor_node

    def _follow(self) -> None:
        """Observe what is there; without a scene nothing is, so that the widget can go."""
        self._observed.drop()
        if self._scene is not None and self._editor_node is not None:
            self._observed.add(self._editor_node, "ModifiedEvent", self._on_node)
        self.updateWidgetFromMRML()

    def _on_node(self, _node: Any, _event: str) -> None:
        self.updateWidgetFromMRML()

    def _show_segmentation(self) -> None:
        node = self.segmentationNode()
        if node is self._shown_segmentation:
            return
        self._shown_segmentation = node
        _without_signals(self._segmentations, lambda: self._segmentations.setCurrentNode(node))
        _without_signals(self._table, lambda: self._table.setSegmentationNode(node))
        self._logic.SetSegmentationNode(node)
        if node is not None:
            reference = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
            if reference is not self._volumes.currentNode():
                self.setSourceVolumeNode(reference)
            node.CreateDefaultDisplayNodes()
            if node.GetSegmentation().GetNumberOfSegments():
                self._logic.SelectFirstSegment(False)
        self.segmentationNodeChanged.emit(node)

    def _show_volume(self) -> None:
        volume = self.sourceVolumeNode()
        if volume is self._shown_volume or self.segmentationNode() is None:
            return
        self._shown_volume = volume
        self._logic.SetSourceVolumeNode(volume)
        _without_signals(self._volumes, lambda: self._volumes.setCurrentNode(volume))
        if volume is not None and self.autoShowSourceVolumeNode:
            self.showSourceVolumeInSliceViewers()
        self.sourceVolumeNodeChanged.emit(volume)
        self.masterVolumeNodeChanged.emit(volume)

    def _show_segment(self) -> None:
        segment_id = self.currentSegmentID()
        if segment_id == self._shown_segment_id:
            return
        self._shown_segment_id = segment_id
        _without_signals(self._table, lambda: self._table.setSelectedSegmentIDs((segment_id,)))
        self.currentSegmentIDChanged.emit(segment_id)

    def _show_effect(self) -> None:
        effect = self._effects.get(self._editor_node.GetActiveEffectName() or "")
        self._effect_box.enabled = self.sourceVolumeNode() is not None and not self.readOnly
        if effect is not self._active:
            self._active = effect
            if effect is None:
                self.removeViewObservations()
            else:
                self.setupViewObservations()
        for name, button in self._buttons.items():
            button.checked = effect is not None and effect.name == name


def _id(node: Any) -> str:
    return (node.GetID() or "") if node is not None else ""


def _without_signals(part: Any, do: Any) -> None:
    blocked = part.blockSignals(True)
    do()
    part.blockSignals(blocked)
