"""CTK's buttons, paths, combo boxes and message box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import qt

from Testing.host.qt_shim import faults
from Testing.host.widgets import install_ctk
from Testing.host.widgets.ctk import ctk_widgets

ctk = install_ctk()


@pytest.fixture
def received() -> list[Any]:
    """What slots were called with."""
    return []


@pytest.fixture
def a_setting() -> Any:
    """The key of a setting that is gone after the test."""
    key = "PSMA/test"
    qt.QSettings().remove(key)
    yield key
    qt.QSettings().remove(key)


@pytest.mark.parametrize("name", sorted(ctk_widgets()))
def test_a_misspelt_attribute_of_a_stand_in_is_an_error(name: str) -> None:
    widget = getattr(ctk, name)()
    with pytest.raises(AttributeError, match="no property 'chekced'"):
        widget.chekced = True


def test_an_unknown_signal_is_reported() -> None:
    with faults.expected("ctkSliderWidget' has no signal 'valueChangde(double)'"):
        assert ctk.ctkSliderWidget().connect("valueChangde(double)", print) is False


def test_a_name_that_slicer_lacks_and_one_that_the_host_lacks_are_told_apart() -> None:
    with pytest.raises(AttributeError, match=r"Slicer's ctk has no such name"):
        _ = ctk.ctkColapsibleButton
    with pytest.raises(AttributeError, match=r"the host has no stand-in"):
        _ = ctk.ctkTransferFunctionView


def test_a_combo_box_finds_its_user_data_as_text() -> None:
    combo = ctk.ctkComboBox()
    combo.addItem("PET", "PT")
    combo.addItem("CT", "CT")
    combo.currentUserDataAsString = "CT"
    assert (combo.currentText, combo.currentUserDataAsString) == ("CT", "CT")


def test_a_checkable_combo_box_tells_what_is_checked(received: list[Any]) -> None:
    combo = ctk.ctkCheckableComboBox()
    combo.addItems(["PT", "CT", "NM"])
    combo.checkedIndexesChanged.connect(lambda: received.append([one.row() for one in combo.checkedIndexes()]))
    combo.setCheckState(combo.model().index(2, 0), qt.Qt.Checked)
    combo.setCheckState(combo.model().index(0, 0), qt.Qt.Checked)
    assert received == [[2], [0, 2]]
    assert not combo.allChecked()


def test_a_path_edit_tells_path_and_whether_it_is_there(received: list[Any], tmp_path: Path) -> None:
    edit = ctk.ctkPathLineEdit()
    edit.currentPathChanged.connect(received.append)
    edit.validInputChanged.connect(received.append)
    edit.currentPath = str(tmp_path)
    edit.currentPath = str(tmp_path / "nowhere")
    assert received == [True, str(tmp_path), False, str(tmp_path / "nowhere")]


def test_a_path_edit_keeps_its_history_in_the_settings(a_setting: str, tmp_path: Path) -> None:
    edit = ctk.ctkPathLineEdit()
    edit.settingKey = a_setting
    edit.currentPath = str(tmp_path)
    edit.addCurrentPathToHistory()
    again = ctk.ctkPathLineEdit()
    again.settingKey = a_setting
    assert again.currentPath == str(tmp_path)


def test_a_directory_button_shows_its_folder(received: list[Any], tmp_path: Path) -> None:
    button = ctk.ctkDirectoryButton()
    button.directoryChanged.connect(received.append)
    button.directory = str(tmp_path)
    button.directory = str(tmp_path)
    assert received == [str(tmp_path)]


def test_a_color_button_tells_a_new_color(received: list[Any]) -> None:
    button = ctk.ctkColorPickerButton()
    button.colorChanged.connect(lambda color: received.append(color.name()))
    button.color = qt.QColor(200, 0, 0)
    assert received == ["#c80000"]
    assert button.text == "#c80000"


def test_a_message_that_shall_not_come_again_does_not(a_setting: str) -> None:
    qt.QSettings().setValue(a_setting, True)
    box = ctk.ctkMessageBox()
    box.standardButtons = qt.QMessageBox.Ok
    box.dontShowAgainSettingsKey = a_setting
    assert box.exec() == qt.QMessageBox.Ok


def test_a_fitted_text_is_as_high_as_its_lines() -> None:
    text = ctk.ctkFittedTextBrowser()
    text.plainText = "one"
    text.resize(200, 20)
    text.show()
    qt.QApplication.processEvents()
    one_line = text.height
    text.plainText = "one\ntwo\nthree"
    assert text.height > 1.5 * one_line
