"""A vtkMRMLTableViewNode and its table node to a Qt table; cells are shown and selected, not edited."""

from __future__ import annotations

from string import ascii_uppercase

from Testing.host.qt_shim import qt_class, standin
from Testing.host.views.controllers import ViewControllerBar, ViewWidget


def column_letters(index: int) -> str:
    """Name a column as a spreadsheet does: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = ascii_uppercase[rest] + letters
    return letters


@standin(signals=("selectionChanged()",))
class qMRMLTableView(qt_class("QTableView")):
    """Row 0 holds the column names unless the table node makes them the header."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._view_node = None
        self._table_node = None
        self._tag = None
        self._model = qt_class("QStandardItemModel")(self)
        self.setModel(self._model)
        self.selectionModel().selectionChanged.connect(lambda *_: self.selectionChanged.emit())

    def _attach(self, node) -> None:
        self._view_node = node
        self._view_tag = node.AddObserver("ModifiedEvent", self._on_view_node_modified)
        self._on_view_node_modified()

    def _detach(self) -> None:
        if self._view_node is not None:
            self._view_node.RemoveObserver(self._view_tag)
            self._view_node = None
        self._observe(None)

    def _pause(self, is_paused: bool) -> None:
        """Nothing: Qt draws the table."""

    def _observe(self, table_node) -> None:
        if table_node is self._table_node:
            return
        if self._table_node is not None:
            self._table_node.RemoveObserver(self._tag)
        self._table_node = table_node
        if table_node is not None:
            self._tag = table_node.AddObserver("ModifiedEvent", self._fill)
        self._fill()

    def _on_view_node_modified(self, *_args) -> None:
        self._observe(self._view_node.GetTableNode())

    def _fill(self, *_args) -> None:
        model, node, item = self._model, self._table_node, qt_class("QStandardItem")
        model.clear()
        if node is None:
            return
        n_columns, n_rows = node.GetNumberOfColumns(), node.GetNumberOfRows()
        names = [node.GetColumnName(column) for column in range(n_columns)]
        if not node.GetUseColumnTitleAsColumnHeader():
            model.appendRow([item(name) for name in names])
            names = [column_letters(column) for column in range(n_columns)]
        for row in range(n_rows):
            model.appendRow([item(node.GetCellText(row, column)) for column in range(n_columns)])
        model.setHorizontalHeaderLabels(names)

    def mrmlTableNode(self):
        return self._table_node

    def setMRMLTableNode(self, tableNode) -> None:
        self._observe(tableNode)

    def mrmlTableViewNode(self):
        return self._view_node

    def tableModel(self):
        return self._model


@standin()
class qMRMLTableViewControllerWidget(ViewControllerBar):
    """The bar above a table."""

    def _attach(self, node) -> None:
        self._follow(node)

    def mrmlTableViewNode(self):
        return self._node


@standin()
class qMRMLTableWidget(ViewWidget):
    """Controller above table."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent, qMRMLTableViewControllerWidget(), qMRMLTableView())

    def _attach(self, node) -> None:
        self._node = node
        self._view._attach(node)
        self._controller._attach(node)

    def tableView(self):
        return self._view

    def tableController(self):
        return self._controller

    def mrmlTableViewNode(self):
        return self._node
