"""Events and screenshots reach ordinary widgets as they reach views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from Testing.host.views import events


@pytest.fixture
def a_panel(host: Any) -> Any:
    """A red panel with a button, on the screen."""
    import qt

    panel = qt.QWidget()
    panel.setFixedSize(200, 100)
    panel.styleSheet = "QWidget#panel { background: #ff0000 }"
    panel.objectName = "panel"
    button = qt.QPushButton("Confirm", panel)
    button.objectName = "button"
    button.setGeometry(100, 50, 90, 40)
    panel.visible = True
    host.app.processEvents()
    yield panel
    panel.delete()


def test_click_reaches_the_widget_under_the_pointer(a_panel) -> None:
    clicked = []
    a_panel.findChild("QPushButton").clicked.connect(lambda: clicked.append(1))
    events.click(a_panel, (20, 20))
    assert clicked == []
    events.click(a_panel, (140, 70))
    assert clicked == [1]


def test_key_reaches_shortcuts_of_the_window(a_panel) -> None:
    import qt

    heard = []
    shortcut = qt.QShortcut(a_panel)
    shortcut.key = qt.QKeySequence("N")
    shortcut.activated.connect(lambda: heard.append("next"))
    a_panel.activateWindow()
    events.press_key(a_panel, "N")
    events.press_key(a_panel, "M")
    assert heard == ["next"]


def test_key_types_into_a_field(a_panel) -> None:
    import qt

    field = qt.QLineEdit(a_panel)
    field.visible = True
    events.press_key(field, "A", modifiers=["shift"])
    events.press_key(field, "B")
    assert field.text.lower() == "ab"


def test_double_click_is_one(a_panel) -> None:
    import qt

    rows, told = qt.QListWidget(a_panel), []
    rows.addItem("study")
    rows.visible = True
    rows.itemDoubleClicked.connect(lambda item: told.append(item.text()))
    at = rows.visualItemRect(rows.item(0)).center()
    events.double_click(rows, (at.x(), at.y()))
    assert told == ["study"]


def test_screenshot_is_a_picture_of_the_widget(a_panel, tmp_path: Path) -> None:
    from Testing.host.views.screenshots import screenshot

    with Image.open(screenshot(a_panel, tmp_path / "new" / "panel.png")) as picture:
        assert picture.size == (200, 100)
        assert picture.getpixel((5, 5)) == (255, 0, 0)
        assert picture.getpixel((145, 55)) != (255, 0, 0)


def test_fewer_colours_make_a_smaller_file(views, tmp_path: Path) -> None:
    from Testing.host.views.screenshots import screenshot

    whole = screenshot(views.viewport(), tmp_path / "whole.png")
    small = screenshot(views.viewport(), tmp_path / "small.png", n_colors=16)
    assert small.stat().st_size < whole.stat().st_size
    with Image.open(small) as first, Image.open(whole) as second:
        assert first.size == second.size
