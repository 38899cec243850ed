"""The contract is what a real Slicer answered: whole for every class in use, and enough without the whole record."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.host import contract, contract_copy
from Testing.host.contract import CONTRACT, UnknownNameError

KNOWN = contract.known_names("qt") | contract.known_names("ctk") | contract.known_names("slicer")


@pytest.fixture
def a_record() -> dict[str, object]:
    """A record of a Slicer with four classes, in the whole record's form."""

    def of(extends: str | None, **more: object) -> dict[str, object]:
        empty = {"properties": {}, "signals": [], "methods": {}, "enums": {}, "slot_overloads": {}, "other": []}
        return {**empty, "constructors": [], "extends": extends, **more}

    widget = {"methods": {"show": "show()"}, "slot_overloads": {"show": ["show() -> void"]}}
    spin = {
        "properties": {"value": "int"},
        "signals": ["valueChanged(int)"],
        "methods": {"setValue": "setValue(a)", "lineEdit": "lineEdit() -> PythonQt.QtGui.QLineEdit"},
        "slot_overloads": {"setValue": ["setValue(int a) -> void"]},
        "enums": {"StepType": ["DefaultStepType"]},
    }
    qt = {"QObject": of(None), "QWidget": of(None, **widget), "Qt": of(None, other=["AlignLeft"])}
    qt["QSpinBox"] = of("QWidget", **spin)
    return {
        "_about": dict.fromkeys(("slicer", "python", "vtk", "qt", "pythonqt", "ctk"), "1"),
        "classes": {"qt": qt, "ctk": {}, "slicer": {}},
        "instances": {},
        "slicer.util": {"loadUI": "(path)"},
        "slicer.modules": {"volumes": {}},
        "slicer_vtk_classes": {
            "vtkMRMLNode": {"base": "vtkObject", "own": ["IsA", "GetName"]},
            "vtkMRMLTableNode": {"base": "vtkMRMLNode", "own": ["GetTable"]},
        },
        "scripted_base_classes": {},
        "slicer_names": ["util", "vtkMRMLNode", "vtkMRMLTableNode"],
        "qt_names": sorted(qt),
        "ctk_names": [],
    }


@pytest.fixture
def its_contract(a_record: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The contract copied from that record."""
    monkeypatch.setattr(contract_copy, "BASES", ("QWidget", "QObject"))
    copied = contract_copy.copied(a_record, frozenset({"QSpinBox", "Qt", "vtkMRMLTableNode"}))
    path = tmp_path / "contract.json"
    path.write_text(contract_copy.written(copied))
    monkeypatch.setattr(contract, "CONTRACT", path)
    for cached in (contract.members, contract.vtk_methods, contract._contract):
        cached.cache_clear()
    yield path
    monkeypatch.undo()
    for cached in (contract.members, contract.vtk_methods, contract._contract):
        cached.cache_clear()


def test_a_class_has_its_own_and_its_inherited_names(its_contract: Path) -> None:
    spin = contract.members("QSpinBox")
    assert spin.names >= {"value", "setValue", "valueChanged", "show", "StepType", "DefaultStepType", "className"}
    assert spin.properties == {"value": "int", "name": "QString"}
    assert spin.argument_counts("setValue") == {1}
    assert spin.argument_counts("show") == {0}
    assert spin.returns == {"lineEdit": "QLineEdit"}


def test_a_node_has_the_methods_of_its_bases(its_contract: Path) -> None:
    assert contract.vtk_methods("vtkMRMLTableNode") == {"GetName", "GetTable"}
    assert contract.vtk_base("vtkMRMLTableNode") == "vtkObject"


def test_what_slicer_lacks_and_what_is_not_copied_read_differently(its_contract: Path) -> None:
    with pytest.raises(UnknownNameError, match="QLable: Slicer has no such class"):
        contract.members("QLable")
    with pytest.raises(UnknownNameError, match=r"vtkMRMLFooNode: Slicer has no such class"):
        contract.vtk_methods("vtkMRMLFooNode")
    with pytest.raises(UnknownNameError, match="no such module"):
        contract.known_names("slicer.nothing")


def test_the_copy_is_the_same_whenever_it_is_made(a_record: dict[str, object], its_contract: Path) -> None:
    again = contract_copy.copied(a_record, frozenset({"vtkMRMLTableNode", "Qt", "QSpinBox"}))
    assert contract_copy.written(again) == its_contract.read_text()
    assert json.loads(its_contract.read_text()) == again


def test_reading_needs_no_other_file(tmp_path: Path) -> None:
    package = tmp_path / "Testing" / "host"
    package.mkdir(parents=True)
    shutil.copy(CONTRACT, package)
    shutil.copy(Path(contract.__file__), package)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from Testing.host import contract as c; "
        "print('QLabel' in c.known_names('qt'), 'text' in c.members('QLabel').names, c.__file__)"
    )
    outcome = subprocess.run(
        [sys.executable, "-I", "-c", script, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert outcome.stdout.split() == ["True", "True", str(package / "contract.py")], outcome.stderr


def test_every_class_that_the_sources_name_has_been_copied() -> None:
    """Where this fails: python -m Testing.host.contract --api slicer-api.json."""
    missing = [name for name in sorted(contract_copy.names_in_use() & KNOWN) if not is_copied(name)]
    assert missing == []


def is_copied(name: str) -> bool:
    if name.startswith("vtk"):
        try:
            return bool(contract.vtk_methods(name))
        except UnknownNameError:
            return False
    return contract.has_class(name)


def test_the_contract_holds_a_part_of_the_record_only() -> None:
    assert CONTRACT.stat().st_size < 400_000
    assert contract.recorded()["slicer"].startswith("5.13")


def test_the_versions_of_the_record_are_the_acceptance_versions() -> None:
    assert contract.recorded()["vtk"].startswith("9.6")
    assert contract.recorded()["qt"].startswith("6.11")
