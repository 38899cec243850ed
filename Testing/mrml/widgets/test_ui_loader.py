"""Panels from .ui files: what is made, connected, and refused with file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import qt

from Testing.host.start import Host
from Testing.host.widgets.ui_loader import UiFileError, load_ui

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0">
 <class>Panel</class>
 <widget class="qMRMLWidget" name="Panel">
  <layout class="QVBoxLayout" name="verticalLayout">
"""
TAIL = """
  </layout>
 </widget>
 <customwidgets>
  <customwidget><class>qMRMLWidget</class><extends>QWidget</extends><header>qMRMLWidget.h</header></customwidget>
 </customwidgets>
 <resources/>
 <connections>
{connections}
 </connections>
</ui>
"""
FIRST_LINE = 6  # of what is put in between

SELECTOR = """<item><widget class="qMRMLNodeComboBox" name="inputSelector">
 <property name="toolTip"><string>Pick the PET</string></property>
 <property name="nodeTypes"><stringlist notr="true"><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
 <property name="noneEnabled"><bool>true</bool></property>
 <property name="addEnabled"><bool>false</bool></property>
</widget></item>"""
SCENE_CONNECTION = """<connection>
 <sender>Panel</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
 <receiver>inputSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot>
</connection>"""
COLLAPSED = """<item><widget class="ctkCollapsibleButton" name="advanced">
 <property name="text"><string>Advanced</string></property>
 <property name="collapsed"><bool>true</bool></property>
 <layout class="QFormLayout" name="form">
  <item row="0" column="0"><widget class="QLabel" name="label">
   <property name="text"><string>&amp;Opacity:</string></property>
   <property name="buddy"><cstring>opacity</cstring></property>
  </widget></item>
  <item row="0" column="1"><widget class="ctkSliderWidget" name="opacity">
   <property name="maximum"><double>1.0</double></property>
   <property name="value"><double>0.5</double></property>
   <property name="decimals"><number>3</number></property>
   <property name="SlicerParameterName" stdset="0"><string notr="true">opacity</string></property>
  </widget></item>
 </layout>
</widget></item>"""

LABEL = """<item><widget class="QLabel" name="label">
 <property name="alignment"><set>Qt::AlignRight</set></property>
</widget></item>"""


@pytest.fixture
def a_ui_file(host: Host, tmp_path: Path) -> Callable[..., Path]:
    """Write a panel with the given content to a file."""

    def write(content: str, connections: str = "") -> Path:
        path = tmp_path / "Panel.ui"
        path.write_text(HEAD + content + TAIL.format(connections=connections), encoding="utf-8")
        return path

    return write


def children(top: Any) -> Any:
    import slicer

    return slicer.util.childWidgetVariables(top)


def test_slicer_util_loads_a_panel_and_names_its_children(a_ui_file: Any) -> None:
    import slicer

    top = slicer.util.loadUI(str(a_ui_file(SELECTOR + COLLAPSED)))
    ui = children(top)
    assert top.className() == "qMRMLWidget"
    assert ui.inputSelector.className() == "qMRMLNodeComboBox"
    assert ui.label.text == "&Opacity:"
    assert ui.label.buddy() is ui.opacity


def test_properties_of_stand_ins_are_those_of_the_file(a_ui_file: Any) -> None:
    ui = children(load_ui(a_ui_file(SELECTOR + COLLAPSED)))
    assert ui.inputSelector.nodeTypes == ("vtkMRMLScalarVolumeNode",)
    assert (ui.inputSelector.noneEnabled, ui.inputSelector.addEnabled) == (True, False)
    assert (ui.opacity.maximum, ui.opacity.value, ui.opacity.decimals) == (1.0, 0.5, 3)


def test_a_dynamic_property_is_kept(a_ui_file: Any) -> None:
    ui = children(load_ui(a_ui_file(COLLAPSED)))
    assert ui.opacity.property("SlicerParameterName") == "opacity"


def test_a_panel_that_is_collapsed_in_the_file_hides_its_children(a_ui_file: Any) -> None:
    ui = children(load_ui(a_ui_file(COLLAPSED)))
    assert ui.opacity.isHidden()
    ui.advanced.collapsed = False
    assert not ui.opacity.isHidden()


def test_a_connected_selector_gets_the_scene(host: Host, a_ui_file: Any) -> None:
    top = load_ui(a_ui_file(SELECTOR, SCENE_CONNECTION))
    top.setMRMLScene(host.scene)
    assert children(top).inputSelector.mrmlScene() is host.scene


def test_a_selector_without_the_connection_is_left_without_a_scene(host: Host, a_ui_file: Any) -> None:
    top = load_ui(a_ui_file(SELECTOR))
    top.setMRMLScene(host.scene)
    assert children(top).inputSelector.mrmlScene() is None
    assert not children(top).inputSelector.enabled


def test_a_connection_between_qt_widgets_is_made(a_ui_file: Any) -> None:
    content = """<item><widget class="QCheckBox" name="box"/></item>
    <item><widget class="QLabel" name="text"/></item>"""
    connection = """<connection><sender>box</sender><signal>toggled(bool)</signal>
    <receiver>text</receiver><slot>setDisabled(bool)</slot></connection>"""
    ui = children(load_ui(a_ui_file(content, connection)))
    ui.box.checked = True
    assert not ui.text.enabled


def test_an_enumeration_of_a_stand_in_is_read(a_ui_file: Any) -> None:
    content = """<item><widget class="ctkPushButton" name="go">
    <property name="elideMode"><enum>Qt::ElideRight</enum></property></widget></item>"""
    assert children(load_ui(a_ui_file(content))).go.elideMode == qt.Qt.ElideRight


def test_a_path_of_folders_is_asked_for_by_flags_of_the_file(a_ui_file: Any, tmp_path: Path) -> None:
    content = """<item><widget class="ctkPathLineEdit" name="folder"><property name="filters">
    <set>ctkPathLineEdit::Dirs|ctkPathLineEdit::Readable</set></property></widget></item>"""
    ui = children(load_ui(a_ui_file(content)))
    edit = ui.folder
    valid: list[bool] = []
    edit.validInputChanged.connect(valid.append)
    edit.currentPath = str(tmp_path)
    edit.currentPath = __file__
    assert valid == [True, False]


def test_lines_spacers_tabs_and_items_come_from_qts_loader(a_ui_file: Any) -> None:
    content = """<item><widget class="Line" name="line">
     <property name="orientation"><enum>Qt::Horizontal</enum></property></widget></item>
    <item><spacer name="gap"><property name="orientation"><enum>Qt::Vertical</enum></property></spacer></item>
    <item><widget class="QTabWidget" name="tabs"><widget class="QWidget" name="first">
     <attribute name="title"><string>First</string></attribute></widget></widget></item>
    <item><widget class="ctkComboBox" name="choice">
     <item><property name="text"><string>PET</string></property></item>
     <property name="defaultText"><string>pick</string></property></widget></item>"""
    ui = children(load_ui(a_ui_file(content)))
    assert ui.line.frameShape == qt.QFrame.HLine
    assert ui.tabs.tabText(0) == "First"
    assert (ui.choice.itemText(0), ui.choice.defaultText) == ("PET", "pick")


@pytest.mark.parametrize(
    ("content", "connections", "line", "reason"),
    [
        (
            SELECTOR.replace("qMRMLNodeComboBox", "qMRMLNodeCombobox"),
            "",
            0,
            "unknown widget class qMRMLNodeCombobox: Sl",
        ),
        (SELECTOR.replace("qMRMLNodeComboBox", "ctkMatrixWidget"), "", 0, "ctkMatrixWidget: the host has no stand-in"),
        (SELECTOR.replace("noneEnabled", "noneEnable"), "", 3, "qMRMLNodeComboBox has no property 'noneEnable'"),
        (COLLAPSED.replace('"text"', '"title"', 1), "", 1, "ctkCollapsibleButton has no property 'title'"),
        (LABEL.replace("Qt::AlignRight", "Qt::AlignRite"), "", None, "AlignRite"),
        ("<item>", "", None, "not well-formed"),
        (SELECTOR, SCENE_CONNECTION.replace("mrmlSceneChanged", "sceneChanged"), 13, "has no signal 'sceneChanged("),
        (SELECTOR, SCENE_CONNECTION.replace("setMRMLScene", "setScene"), 13, "has no slot 'setScene("),
        (SELECTOR, SCENE_CONNECTION.replace("inputSelector", "inputSelector_2"), 13, "no object 'inputSelector_2'"),
        (
            SELECTOR,
            SCENE_CONNECTION.replace("setMRMLScene(vtkMRMLScene*)", "setCurrentNode(vtkMRMLNode*)"),
            13,
            "cannot",
        ),
    ],
)
def test_what_slicer_lacks_is_an_error_with_file_and_line(
    a_ui_file: Any, content: str, connections: str, line: int | None, reason: str
) -> None:
    path = a_ui_file(content, connections)
    with pytest.raises(UiFileError) as caught:
        load_ui(path)
    assert reason in str(caught.value)
    expected = "" if line is None else f"{FIRST_LINE + line}:"
    assert str(caught.value).startswith(f"{path}:{expected}")
