"""Table views show table nodes and tell what is selected."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.host.views import events
from Testing.mrml.views.test_plot_view import table

LAYOUT_ID = 5541


@pytest.fixture
def a_table(views: Any, host: Any) -> Any:
    """A table widget with the node of two columns and three rows."""
    view = '<layout type="horizontal"><item><view class="vtkMRMLTableViewNode" singletontag="Tracks"/></item></layout>'
    views.layoutLogic().GetLayoutNode().AddLayoutDescription(LAYOUT_ID, view)
    views.setLayout(LAYOUT_ID)
    widgets = (views.tableWidget(number) for number in range(views.tableViewCount))
    widget = next(one for one in widgets if one.mrmlTableViewNode().GetSingletonTag() == "Tracks")
    node = table(host.scene, {"site": ("prostate", "L3", "rib"), "ml": (4.5, 2.0, 1.0)})
    widget.mrmlTableViewNode().SetTableNodeID(node.GetID())
    return widget


def cell(widget: Any, row: int, column: int) -> str:
    return widget.tableView().tableModel().item(row, column).text()


def test_first_row_holds_the_column_names(a_table) -> None:
    model = a_table.tableView().tableModel()
    assert (model.rowCount(), model.columnCount()) == (4, 2)
    assert [cell(a_table, 0, 0), cell(a_table, 0, 1)] == ["site", "ml"]
    assert [cell(a_table, 1, 0), cell(a_table, 1, 1)] == ["prostate", "4.5"]
    assert model.horizontalHeaderItem(1).text() == "B"


def test_names_can_be_the_header(a_table) -> None:
    node = a_table.tableView().mrmlTableNode()
    node.SetUseColumnTitleAsColumnHeader(True)
    assert a_table.tableView().tableModel().rowCount() == 3
    assert a_table.tableView().tableModel().horizontalHeaderItem(1).text() == "ml"


def test_view_follows_the_node(a_table) -> None:
    a_table.tableView().mrmlTableNode().SetCellText(1, 0, "L4")
    assert cell(a_table, 2, 0) == "L4"


def test_click_on_a_cell_tells_the_selection(a_table, host) -> None:
    host.app.processEvents()
    view, told = a_table.tableView(), []
    view.connect("selectionChanged()", lambda: told.append(view.selectedIndexes()[0].row()))
    at = view.visualRect(view.tableModel().index(2, 0)).center()
    events.click(view.viewport(), (at.x(), at.y()))
    assert told == [2]


def test_removed_node_leaves_an_empty_table(a_table, host) -> None:
    host.scene.RemoveNode(a_table.tableView().mrmlTableNode())
    assert a_table.tableView().tableModel().rowCount() == 0
