"""A name that a real Slicer lacks is found in the modules' code, and their rooms hold only what belongs there."""

from __future__ import annotations

import ast
import sys
from importlib.util import find_spec

import pytest

from Testing.architecture.module_source import DOORS, ROOT, module_sources, source_of, ui_files
from Testing.architecture.slicer_names import unknown_names
from Testing.conftest import skip_or_fail
from Testing.host.contract import has_class, known_names

WIDGETS = {"okButton": "QPushButton", "selector": "qMRMLNodeComboBox"}

# A name that Slicer lacks, and what it has instead.
CASES = [
    ("slicer.util.loadUi('a')", "slicer.util.loadUI('a')"),
    ("slicer.getNode('a')", "slicer.util.getNode('a')"),
    ("slicer.app.layotManager()", "slicer.app.layoutManager()"),
    ("slicer.modules.segmentedit", "slicer.modules.segmenteditor, slicer.modules.psmatheranostics"),
    ("import slicer.widgets", "import slicer.util"),
    ("from slicer.utils import tryWithErrorDisplay", "from slicer.util import tryWithErrorDisplay"),
    ("from slicer.util import setModulePanelVisible", "from slicer.packaging import pip_ensure"),
    ("slicer.qMRMLNodeCombBox()", "slicer.qMRMLNodeComboBox()"),
    ("slicer.mrmlScene.AddNewNodeByClas('vtkMRMLTableNode')", "slicer.mrmlScene.AddNewNodeByClass('vtkMRMLTableNode')"),
    ("slicer.mrmlScene.AddNewNodeByClass('vtkMRMLTabelNode')", "slicer.util.getNodesByClass('vtkMRMLTableNode')"),
    ("slicer.vtkMRMLTabelNode()", "slicer.vtkMRMLTableNode()"),
    ("n = slicer.vtkMRMLTableNode()\nn.AddColum(1)", "n = slicer.vtkMRMLTableNode()\nn.AddColumn(1)\nn.GetID()"),
    (
        "n = slicer.mrmlScene.AddNewNodeByClass('vtkMRMLTableNode')\nn.name",
        "n = slicer.mrmlScene.AddNewNodeByClass('vtkMRMLTableNode')\nn.GetName()\nn.AddObserver(1, f)",
    ),
    (
        "def f(node: slicer.vtkMRMLTableNode):\n    node.GetNme()",
        "def f(node: slicer.vtkMRMLTableNode):\n    node.GetName()",
    ),
    ("i = vtk.vtkImageData()\ni.dimensions", "i = vtk.vtkImageData()\ni.GetDimensions()"),
    ("vtk.vtkImagData()", "vtk.vtkImageData()"),
    ("qt.QLable('a')", "qt.QLabel('a')"),
    ("from qt import QLable", "from qt import QLabel"),
    ("qt.Qt.AlignLft", "qt.Qt.AlignLeft, qt.Qt.AlignmentFlag.AlignLeft"),
    ("qt.QMessageBox.warn(None, 't', 'm')", "qt.QMessageBox.warning(None, 't', 'm')"),
    ("ctk.ctkColapsibleButton()", "ctk.ctkCollapsibleButton()"),
    ("label = qt.QLabel()\nlabel.txt = 'a'", "label = qt.QLabel()\nlabel.text = 'a'"),
    ("b = qt.QPushButton()\nb.clickd.connect(f)", "b = qt.QPushButton()\nb.clicked.connect(f)"),
    (
        "class P:\n  def __init__(self):\n    self.b = qt.QPushButton()\n  def f(self):\n    self.b.enabld = 1",
        "class P:\n  def __init__(self):\n    self.b = qt.QPushButton()\n  def f(self):\n    self.b.enabled = 1",
    ),
    (
        "class W(qt.QWidget):\n    def showEvent(self, e):\n        super().showEvnt(e)",
        "class W(qt.QWidget):\n    def showEvent(self, e):\n        self.mine = 1\n        super().showEvent(e)",
    ),
    ("self.ui.okBotton.enabled = 1", "self.ui.okButton.enabled = 1"),
    ("self.ui.selector.curentNode()", "self.ui.selector.currentNode()"),
    (
        "lm = slicer.app.layoutManager()\nlm.sliceWidget('R').slicelogic()",
        "slicer.app.layoutManager().sliceWidget('R')",
    ),
    (
        "slicer.app.layoutManager().sliceWidget('Red').sliceController().setOffset(1)",
        "slicer.app.layoutManager().sliceWidget('Red').sliceController().setSliceOffsetValue(1)",
    ),
]


@pytest.mark.parametrize(("bad", "good"), CASES)
def test_a_name_that_slicer_lacks_is_named_with_its_file_and_line(bad: str, good: str) -> None:
    if "vtk" in bad.lower() and find_spec("vtk") is None:
        skip_or_fail("host", "VTK, which knows its own classes, is not installed: ./psma setup --host")
    found = unknown_names(source_of("import ctk, qt, slicer, vtk\n" + bad, "panel.py", WIDGETS))
    line = 2 + bad.count("\n")
    assert [str(one).partition(": ")[0] for one in found] == [f"panel.py:{line}"], [str(one) for one in found]


@pytest.mark.parametrize(("bad", "good"), CASES)
def test_a_name_that_slicer_has_is_let_pass(bad: str, good: str) -> None:
    found = unknown_names(source_of("import ctk, qt, slicer, vtk\n" + good, "panel.py", WIDGETS))
    assert [str(one) for one in found] == []


def test_the_modules_use_only_names_that_slicer_has() -> None:
    assert [str(one) for source in module_sources() for one in unknown_names(source)] == []


def test_every_widget_class_of_the_ui_files_exists_in_slicer() -> None:
    import xml.etree.ElementTree as ET

    used = {
        (file.name, node.get("class", ""))
        for file in ui_files()
        for node in ET.parse(file).iter()
        if node.tag in ("widget", "layout")
    }
    assert used
    known = known_names("qt") | known_names("ctk") | known_names("slicer")
    assert [f"{file}: {kind}" for file, kind in sorted(used) if kind not in known or not has_class(kind)] == []


def test_qt_is_known_in_the_rooms_of_widgets_only() -> None:
    strangers = [
        f"{source.where} imports {name}"
        for source in module_sources()
        for name in {dotted.partition(".")[0] for dotted in source.imported.values()}
        if name in ("qt", "ctk") and "/ui/" not in source.where and not source.where.startswith("Testing/")
    ]
    assert strangers == []


def test_only_a_door_lies_where_slicer_looks_for_modules() -> None:
    """Slicer offers every .py beside a module file as a module of its own."""
    for door in DOORS:
        assert [path.name for path in (ROOT / door).parent.glob("*.py")] == [door.rpartition("/")[2]]


def test_a_door_needs_nothing_but_slicer_when_slicer_starts() -> None:
    """Slicer reads all doors at its start, when not every module folder is on the path and nothing may be missing."""
    for door in DOORS:
        tree = ast.parse((ROOT / door).read_text())
        names = {
            name.partition(".")[0]
            for node in tree.body
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert names <= sys.stdlib_module_names | {"slicer"}


def test_no_module_prints_or_opens_a_dialog_outside_the_rooms_of_widgets() -> None:
    found = [
        str(source.found(node, f"{node.func.id if isinstance(node.func, ast.Name) else node.func.attr}"))
        for source in module_sources()
        if "/ui/" not in source.where
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "print")
            or (isinstance(node.func, ast.Attribute) and node.func.attr.endswith(("Display", "exec_")))
        )
    ]
    assert found == []
