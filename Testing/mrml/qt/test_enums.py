"""PYTHONQT.md section 3: enumerations are numbers, flag properties are opaque."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLAIN = {name: value for name, value in os.environ.items() if name != "PYSIDE6_OPTION_PYTHON_ENUM"}


def test_pyside_imported_too_early_is_an_error():
    script = "import PySide6.QtCore; from Testing.host.qt_shim import install; install()"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=PLAIN, capture_output=True, text=True)
    assert "imported before Testing.host" in ended.stderr


def test_short_and_scoped_names_are_the_same(qt):
    assert qt.Qt.AlignLeft == qt.Qt.AlignmentFlag.AlignLeft
    assert qt.QMessageBox.Yes == qt.QMessageBox.StandardButton.Yes


def test_a_state_compares_with_names_and_numbers(qt):
    state = qt.QProcess().state()
    assert state == qt.QProcess.NotRunning == 0
    assert state in (qt.QProcess.NotRunning,)
    assert {qt.QProcess.NotRunning: "idle"}[state] == "idle"
    assert int(state) == 0


def test_a_value_is_written_as_its_number(qt):
    assert (str(qt.QProcess.Running), repr(qt.QProcess.Running)) == ("2", "2")


@pytest.mark.parametrize("name", ["name", "value"])
def test_a_value_has_no_name_and_no_value(qt, name):
    with pytest.raises(AttributeError, match=name):
        getattr(qt.Qt.AlignLeft, name)


def test_zero_is_false(qt):
    assert not qt.QProcess.NotRunning
    assert not qt.Qt.Unchecked


def test_flags_add_up_to_a_number(qt):
    assert (qt.Qt.AlignRight | qt.Qt.AlignVCenter) == 0x82


def test_flags_are_assigned(qt):
    box, item = qt.QMessageBox(), qt.QTableWidgetItem("x")
    box.standardButtons = qt.QMessageBox.Ok | qt.QMessageBox.Cancel
    item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsEditable)
    assert box.button(qt.QMessageBox.Cancel) is not None
    assert item.flags() & qt.Qt.ItemIsEditable
    assert not item.flags() & qt.Qt.ItemIsSelectable


def test_a_flag_property_is_opaque(qt):
    label = qt.QLabel()
    label.alignment = qt.Qt.AlignRight
    assert label.alignment != qt.Qt.AlignRight
    with pytest.raises(TypeError):
        int(label.alignment)
    with pytest.raises(TypeError):
        _ = label.alignment & qt.Qt.AlignRight


def test_a_flag_property_is_assigned_from_another(qt):
    first, second = qt.QTableWidget(), qt.QTableWidget()
    first.editTriggers = qt.QTableWidget.NoEditTriggers
    second.editTriggers = first.editTriggers
    assert not second.edit(second.rootIndex(), qt.QTableWidget.AllEditTriggers, None)


def test_numbers_are_taken_for_enumerations(qt):
    label = qt.QLabel()
    label.alignment = 2
    label.setSizePolicy(7, 7)
    assert label.sizePolicy.horizontalPolicy() == 7


def test_a_brush_of_a_colour_name_is_black(qt):
    assert qt.QBrush(qt.Qt.red).color().name() == "#000000"
    assert qt.QBrush(qt.QColor(qt.Qt.red)).color().name() == "#ff0000"


def test_a_button_box_of_flags_has_no_buttons(qt):
    box = qt.QDialogButtonBox()
    box.standardButtons = qt.QDialogButtonBox.Ok | qt.QDialogButtonBox.Cancel
    assert qt.QDialogButtonBox(qt.QDialogButtonBox.Ok | qt.QDialogButtonBox.Cancel).buttons() == ()
    assert len(box.buttons()) == 2
    assert len(qt.QDialogButtonBox(qt.QDialogButtonBox.Ok | qt.QDialogButtonBox.Cancel, None).buttons()) == 2
