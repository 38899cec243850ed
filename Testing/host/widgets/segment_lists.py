"""A segmentation node to a table of its segments, as a stand-in."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtGui

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.scene_widgets import qMRMLWidget
from Testing.host.widgets.wiring import Observations, link

SEGMENT_ID = QtCore.Qt.UserRole
COLUMNS = ("visibility", "color", "opacity", "name", "status", "layer")
TITLES = ("", "", "Opacity", "Name", "Status", "Layer")
NAME = COLUMNS.index("name")
SegmentationLogic = slicer.vtkSlicerSegmentationsModuleLogic


@standin(
    properties={
        "selectionMode": (int, 3),
        "headerVisible": (bool, True),
        **{f"{column}ColumnVisible": (bool, column != "layer") for column in COLUMNS if column != "name"},
        "readOnly": bool,
        "filterBarVisible": bool,
        "textFilter": str,
        "jumpToSelectedSegmentEnabled": bool,
        "segmentCount": int,
        "useTerminologySelector": (bool, True),
        "useTerminologySelectorSettingsKey": str,
        "terminologySelectorOptionVisible": bool,
        "terminologySelectorAutoDisable": (bool, True),
    },
    signals=("selectionChanged(QItemSelection,QItemSelection)", "segmentAboutToBeModified(QString)"),
)
class qMRMLSegmentsTableView(qMRMLWidget):
    """A row for each segment; a name can be edited, the eye and the check of a row can be clicked."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node = None
        self._observed = Observations()
        self._hidden_ids: tuple[str, ...] = ()
        self._is_filling = False
        self._filter_bar = qt_class("QLineEdit")()
        self._filter_bar.hide()
        self._model = qt_class("QStandardItemModel")(0, len(COLUMNS), self)
        self._model.setHorizontalHeaderLabels(TITLES)
        self._table = qt_class("QTableView")()
        self._table.setModel(self._model)
        self._table.selectionBehavior = qt_class("QAbstractItemView").SelectRows
        self._table.verticalHeader().hide()
        self._table.horizontalHeader().stretchLastSection = True
        layout = qt_class("QVBoxLayout")(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._filter_bar)
        layout.addWidget(self._table)
        self._show_columns()
        link(self._table.selectionModel().selectionChanged, self._on_selection)
        link(self._table.clicked, self._on_clicked)
        link(self._model.itemChanged, self._on_item)
        link(self._filter_bar.textChanged, self._on_filter)

    def segmentationNode(self) -> Any:
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        self._observed.drop()
        self._node = node
        if node is not None:
            # The node hands the segmentation's events on when its display nodes know of the change.
            for event in ("SegmentAdded", "SegmentRemoved", "SegmentModified", "SegmentsOrderModified"):
                self._observed.add(node, getattr(slicer.vtkSegmentation, event), self._on_changed)
            self._observed.add(node, node.DisplayModifiedEvent, self._on_changed)
        self._refresh()

    def tableWidget(self) -> Any:
        return self._table

    def model(self) -> Any:
        return self._model

    @property
    def segmentCount(self) -> int:
        return len(self._segment_ids())

    def rowForSegmentID(self, segmentID: Any) -> int:
        shown = self._row_ids()
        return shown.index(segmentID) if segmentID in shown else -1

    def segmentIDForRow(self, row: Any) -> str:
        shown = self._row_ids()
        return shown[row] if 0 <= row < len(shown) else ""

    def displayedSegmentIDs(self) -> tuple[str, ...]:
        return tuple(one for row, one in enumerate(self._row_ids()) if not self._table.isRowHidden(row))

    def selectedSegmentIDs(self) -> tuple[str, ...]:
        rows = sorted(index.row() for index in self._table.selectionModel().selectedRows())
        return tuple(self.segmentIDForRow(row) for row in rows)

    def setSelectedSegmentIDs(self, segmentIDs: Any) -> None:
        flags = qt_class("QItemSelectionModel")
        self._table.selectionModel().clearSelection()
        for row in map(self.rowForSegmentID, segmentIDs):
            if row >= 0:
                self._table.selectionModel().select(self._model.index(row, 0), flags.Select | flags.Rows)

    def clearSelection(self) -> None:
        self._table.clearSelection()

    def hideSegments(self) -> tuple[str, ...]:
        return self._hidden_ids

    def setHideSegments(self, segmentIDs: Any) -> None:
        self._hidden_ids = tuple(segmentIDs)
        self._filter_rows()

    def showOnlySelectedSegments(self) -> None:
        chosen = self.selectedSegmentIDs()
        for one in self.displayedSegmentIDs():
            self._node.GetDisplayNode().SetSegmentVisibility(one, one in chosen)

    def toggleSelectedSegmentsVisibility(self) -> None:
        for one in self.selectedSegmentIDs():
            self._toggle(one)

    def setSelectedSegmentsStatus(self, status: Any) -> None:
        for one in self.selectedSegmentIDs():
            SegmentationLogic.SetSegmentStatus(self._segment(one), int(status))

    def jumpSlices(self) -> None:
        """Bring every slice view to the first selected segment."""
        for one in self.selectedSegmentIDs()[:1]:
            center = self._node.GetSegmentCenterRAS(one)
            if center is not None:
                mode = slicer.vtkMRMLSliceNode.CenteredJumpSlice
                slicer.vtkMRMLSliceNode.JumpAllSlices(self._node.GetScene(), *center, mode)

    def _segment_ids(self) -> tuple[str, ...]:
        return tuple(self._node.GetSegmentation().GetSegmentIDs()) if self._node is not None else ()

    def _segment(self, segment_id: str) -> Any:
        return self._node.GetSegmentation().GetSegment(segment_id)

    def _on_changed(self, _node: Any, _event: str) -> None:
        self._refresh()

    def _row_ids(self) -> list[str]:
        return [self._model.item(row, NAME).data(SEGMENT_ID) for row in range(self._model.rowCount())]

    def _toggle(self, segment_id: str) -> None:
        display = self._node.GetDisplayNode()
        display.SetSegmentVisibility(segment_id, not display.GetSegmentVisibility(segment_id))

    def _refresh(self) -> None:
        chosen, ids = self.selectedSegmentIDs(), list(self._segment_ids())
        self._is_filling = True
        if ids != self._row_ids():
            self._model.setRowCount(0)
            for one in ids:
                items = [QtGui.QStandardItem() for _ in COLUMNS]
                items[NAME].setData(one, SEGMENT_ID)
                self._model.appendRow(items)
            self.setSelectedSegmentIDs(chosen)
        for row, one in enumerate(ids):
            self._fill_row(row, one)
        self._is_filling = False
        self._filter_rows()
        if self.selectedSegmentIDs() != chosen:
            self._on_selection(None, None)

    def _fill_row(self, row: int, segment_id: str) -> None:
        segment, display = self._segment(segment_id), self._node.GetDisplayNode()
        texts = {
            "visibility": ""
            if display is None
            else "\N{BLACK CIRCLE}"
            if display.GetSegmentVisibility(segment_id)
            else "-",
            "opacity": "" if display is None else f"{display.GetSegmentOpacity3D(segment_id):.2f}",
            "name": segment.GetName() or "",
            "status": SegmentationLogic.GetSegmentStatusAsHumanReadableString(
                SegmentationLogic.GetSegmentStatus(segment)
            ),
            "layer": str(self._node.GetSegmentation().GetLayerIndex(segment_id)),
        }
        for column, key in enumerate(COLUMNS):
            item = self._model.item(row, column)
            item.setText(texts.get(key, ""))
            item.setEditable(key == "name" and not self.readOnly)
        self._model.item(row, COLUMNS.index("color")).setBackground(
            QtGui.QBrush(QtGui.QColor.fromRgbF(*segment.GetColor()))
        )

    def _filter_rows(self) -> None:
        for row, one in enumerate(self._row_ids()):
            is_wanted = self.textFilter.lower() in self._model.item(row, NAME).text().lower()
            self._table.setRowHidden(row, one in self._hidden_ids or not is_wanted)

    def _show_columns(self, _is_visible: Any = None) -> None:
        for column, key in enumerate(COLUMNS):
            self._table.setColumnHidden(column, not getattr(self, f"{key}ColumnVisible", True))
            if key in ("visibility", "color"):
                self._table.setColumnWidth(column, 28)

    _visibilityColumnVisible_changed = _colorColumnVisible_changed = _opacityColumnVisible_changed = _show_columns
    _statusColumnVisible_changed = _layerColumnVisible_changed = _show_columns

    def _selectionMode_changed(self, mode: int) -> None:
        self._table.selectionMode = qt_class("QAbstractItemView").SelectionMode(mode)

    def _headerVisible_changed(self, is_visible: bool) -> None:
        self._table.horizontalHeader().visible = is_visible

    def _readOnly_changed(self, _is_read_only: bool) -> None:
        self._refresh()

    def _filterBarVisible_changed(self, is_visible: bool) -> None:
        self._filter_bar.visible = is_visible

    def _textFilter_changed(self, text: str) -> None:
        self._filter_bar.text = text
        self._filter_rows()

    def _on_filter(self, text: str) -> None:
        self.textFilter = text

    def _on_selection(self, _selected: Any, _deselected: Any) -> None:
        if not self._is_filling:
            self.selectionChanged.emit(None, None)
            if self.jumpToSelectedSegmentEnabled:
                self.jumpSlices()

    def _on_clicked(self, index: Any) -> None:
        if COLUMNS[index.column()] == "visibility" and not self.readOnly:
            self._toggle(self.segmentIDForRow(index.row()))

    def _on_item(self, item: Any) -> None:
        if not self._is_filling and item.column() == NAME:
            segment_id = item.data(SEGMENT_ID)
            self.segmentAboutToBeModified.emit(segment_id)
            self._segment(segment_id).SetName(item.text())
