"""Collapsible panels: what is hidden while they are collapsed."""

from __future__ import annotations

from typing import Any

import pytest
import qt

from Testing.host.views.events import click
from Testing.host.widgets import install_ctk

ctk = install_ctk()


def panel_with(*children: Any) -> Any:
    """A collapsible button with the children in a form."""
    panel = ctk.ctkCollapsibleButton()
    panel.text = "Inputs"
    form = qt.QFormLayout(panel)
    for child in children:
        form.addRow("Name:", child)
    return panel


@pytest.fixture
def an_edit() -> Any:
    return qt.QLineEdit()


def test_a_collapsed_panel_hides_its_children(an_edit: Any) -> None:
    panel = panel_with(an_edit)
    panel.collapsed = True
    assert an_edit.isHidden()


def test_an_opened_panel_shows_what_it_hid_and_nothing_else(an_edit: Any) -> None:
    hidden_by_code = qt.QLabel("x")
    panel = panel_with(an_edit, hidden_by_code)
    hidden_by_code.visible = False
    panel.collapsed = True
    panel.collapsed = False
    assert not an_edit.isHidden()
    assert hidden_by_code.isHidden()


def test_children_added_to_a_collapsed_panel_are_hidden_too(an_edit: Any) -> None:
    panel = ctk.ctkCollapsibleButton()
    panel.collapsed = True
    qt.QVBoxLayout(panel).addWidget(an_edit)
    panel.show()
    qt.QApplication.processEvents()
    assert not an_edit.visible
    panel.collapsed = False
    assert an_edit.visible


def test_a_collapsed_panel_gives_its_room_to_the_others(an_edit: Any) -> None:
    top = qt.QWidget()
    layout = qt.QVBoxLayout(top)
    panel, below = panel_with(an_edit), qt.QTextEdit()
    layout.addWidget(panel)
    layout.addWidget(below)
    panel.collapsed = True
    top.resize(300, 300)
    top.show()
    qt.QApplication.processEvents()
    assert panel.height < 30
    assert below.height > 200


def test_the_header_opens_and_closes_the_panel_by_a_click(an_edit: Any) -> None:
    panel = panel_with(an_edit)
    states: list[bool] = []
    panel.contentsCollapsed.connect(states.append)
    panel.resize(200, 100)
    panel.show()
    click(panel, (20, 10))
    click(panel, (20, 10))
    assert states == [True, False]


def test_a_click_below_the_header_leaves_the_panel_open() -> None:
    panel = panel_with()
    panel.resize(200, 100)
    panel.show()
    click(panel, (20, 80))
    assert not panel.collapsed


def test_checked_is_the_opposite_of_collapsed() -> None:
    panel = panel_with()
    panel.collapsed = True
    assert not panel.checked
    panel.checked = True
    assert not panel.collapsed


def test_a_group_box_is_collapsed_by_its_check_mark(an_edit: Any) -> None:
    box = ctk.ctkCollapsibleGroupBox()
    qt.QVBoxLayout(box).addWidget(an_edit)
    box.checked = False
    assert box.collapsed
    assert an_edit.isHidden()
