"""The parts of the segment editor widget: selectors, table, buttons, shortcuts and which of them are seen."""

from __future__ import annotations

from typing import Any

import slicer

from Testing.host.qt_shim import qt_class
from Testing.host.widgets.node_selectors import qMRMLNodeComboBox
from Testing.host.widgets.segment_lists import qMRMLSegmentsTableView
from Testing.host.widgets.wiring import link, row


class EditorPanel:
    """The part of qMRMLSegmentEditorWidget that is seen."""

    def _build(self) -> None:
        self._segmentations, self._volumes = qMRMLNodeComboBox(), qMRMLNodeComboBox()
        self._segmentations.nodeTypes = ("vtkMRMLSegmentationNode",)
        self._volumes.nodeTypes = ("vtkMRMLScalarVolumeNode",)
        self._segmentations.noneEnabled = self._volumes.noneEnabled = True
        self._volumes.addEnabled = self._volumes.removeEnabled = False
        self._add_remove = self._buttons_row(Add=self._on_add, Remove=self._on_remove)
        self._undo_redo = self._buttons_row(Undo=self._on_undo, Redo=self._on_redo)
        self._table = qMRMLSegmentsTableView()
        self._effect_box = qt_class("QGroupBox")("Effects")
        self._grid = qt_class("QGridLayout")(self._effect_box)
        self._group = qt_class("QButtonGroup")(self)
        self._group.exclusive = False
        self._buttons: dict[str, Any] = {}
        parts = (self._segmentations, self._volumes, self._add_remove, self._table, self._effect_box, self._undo_redo)
        layout = qt_class("QVBoxLayout")(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in parts:
            layout.addWidget(part)
        link(self._segmentations.currentNodeChanged, self._on_segmentation_chosen)
        link(self._volumes.currentNodeChanged, self._on_volume_chosen)
        link(self._table.selectionChanged, self._on_segment_chosen)
        link(self._group.buttonClicked, self._on_effect_chosen)
        self.updateEffectList()

    def _buttons_row(self, **actions: Any) -> Any:
        holder = qt_class("QWidget")()
        buttons = [qt_class("QPushButton")(text) for text in actions]
        for button, action in zip(buttons, actions.values(), strict=True):
            button.objectName = f"{button.text}Button"
            link(button.clicked, action)
        row(holder, *buttons)
        return holder

    def updateEffectList(self) -> None:
        for button in self._buttons.values():
            button.delete()
        self._buttons = {}
        for number, name in enumerate(self._listed_effects()):
            button = qt_class("QToolButton")(self._effect_box)
            button.text = button.objectName = name
            button.checkable = True
            self._group.addButton(button)
            self._grid.addWidget(button, number // self.effectColumnCount, number % self.effectColumnCount)
            self._buttons[name] = button

    def _listed_effects(self) -> list[str]:
        ordered = [name for name in self._order if name in self._effects]
        return ordered + [name for name in self._effects if self.unorderedEffectsVisible and name not in ordered]

    def installKeyboardShortcuts(self, parent: Any = None) -> None:
        """Z and Y undo and redo, digits choose an effect, for the whole window."""
        self.uninstallKeyboardShortcuts()
        owner = parent or slicer.util.mainWindow() or self
        keys = {"z": self.undo, "y": self.redo}
        for number, name in enumerate(self._listed_effects()[:9], start=1):
            keys[str(number)] = lambda name=name: self.setActiveEffectByName(name)
        for key, do in keys.items():
            shortcut = qt_class("QShortcut")(owner)
            shortcut.key = qt_class("QKeySequence")(key)
            shortcut.activated.connect(lambda do=do: do())
            self._shortcuts.append(shortcut)

    def uninstallKeyboardShortcuts(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []

    def _segmentationNodeSelectorVisible_changed(self, is_visible: bool) -> None:
        self._segmentations.visible = is_visible

    def _sourceVolumeNodeSelectorVisible_changed(self, is_visible: bool) -> None:
        self._volumes.visible = is_visible

    def _addRemoveSegmentButtonsVisible_changed(self, is_visible: bool) -> None:
        self._add_remove.visible = is_visible

    def _unorderedEffectsVisible_changed(self, _is_visible: bool) -> None:
        self.updateEffectList()

    def _effectColumnCount_changed(self, _n_columns: int) -> None:
        self.updateEffectList()

    def _jumpToSelectedSegmentEnabled_changed(self, is_enabled: bool) -> None:
        self._table.jumpToSelectedSegmentEnabled = is_enabled

    # --- what the user does ---
    def _on_segmentation_chosen(self, node: Any) -> None:
        if self._editor_node is not None:
            self.setSegmentationNode(node)

    def _on_volume_chosen(self, node: Any) -> None:
        if self._editor_node is not None:
            self.setSourceVolumeNode(node)

    def _on_segment_chosen(self) -> None:
        chosen = self._table.selectedSegmentIDs()
        if self._editor_node is not None and chosen:
            self.setCurrentSegmentID(chosen[0])

    def _on_effect_chosen(self, button: Any) -> None:
        is_off = self._active is not None and self._active.name == button.objectName
        self.setActiveEffectByName("" if is_off else button.objectName)

    def _on_add(self) -> None:
        self.setCurrentSegmentID(self._logic.AddEmptySegment())

    def _on_remove(self) -> None:
        self._logic.RemoveSelectedSegment()

    def _on_undo(self) -> None:
        self.undo()

    def _on_redo(self) -> None:
        self.redo()

    def _undoEnabled_changed(self, is_enabled: bool) -> None:
        self._logic.ClearUndoState()
        self._undo_redo.visible = is_enabled

    def _maximumNumberOfUndoStates_changed(self, n_states: int) -> None:
        self._logic.SetMaximumNumberOfUndoStates(n_states)

    def _readOnly_changed(self, is_read_only: bool) -> None:
        self._table.readOnly = is_read_only
        self._add_remove.enabled = not is_read_only
        self.updateWidgetFromMRML()
