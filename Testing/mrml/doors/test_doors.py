"""Both doors open in the host as in Slicer: described, with a panel, after a closed scene and after a reload."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import slicer

import psmacore
from Testing.architecture.module_source import DOORS, ROOT
from Testing.host.contract import script_class
from Testing.host.start import Host

NAMES = [Path(door).stem for door in DOORS]


@pytest.fixture
def modules(host: Host) -> dict[str, Any]:
    """Both modules, as ``slicer.modules`` has them."""
    return {Path(door).stem: host.load_module(ROOT / door) for door in DOORS}


@pytest.fixture
def reading_panel(modules: dict[str, Any]) -> Any:
    """The panel of PSMATheranostics; its worker's Python is not named."""
    panel = modules["PSMATheranostics"].widgetRepresentation().self().panel
    panel.ui.workerPythonPathLineEdit.currentPath = ""
    return panel


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60.0
    while not is_so():
        assert time.monotonic() < end, "it never came"
        slicer.app.processEvents()
        time.sleep(0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_door_describes_its_module(modules: dict[str, Any], name: str) -> None:
    module = modules[name]
    assert module.title == name.replace("PSMA", "PSMA ")
    assert list(module.categories) == ["Nuclear Medicine"]
    assert "research use only" in module.helpText.lower()
    assert not module.icon.isNull()


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_panel_can_be_read(modules: dict[str, Any], name: str) -> None:
    representation = modules[name].widgetRepresentation()
    representation.resize(400, 600)
    representation.show()
    slicer.app.processEvents()
    labels = [one for one in slicer.util.findChildren(representation, className="QLabel") if one.visible and one.text]
    assert len(labels) >= 3
    assert [label.name for label in labels if label.height < label.fontMetrics().height()] == []
    representation.hide()


@pytest.mark.parametrize("name", NAMES)
def test_a_module_passes_the_tests_that_it_has_for_slicer(modules: dict[str, Any], name: str) -> None:
    modules[name].widgetRepresentation()
    getattr(sys.modules[name], f"{name}Test")().runTest()


@pytest.mark.parametrize("name", NAMES)
def test_a_panel_shows_the_core_it_runs_on_after_a_reload_too(modules: dict[str, Any], name: str) -> None:
    before = modules[name].widgetRepresentation().self()
    before.onReload()
    after = modules[name].widgetRepresentation().self()
    assert after is not before
    assert after.panel.ui.coreVersionLabel.text == psmacore.__version__


@pytest.mark.parametrize("name", NAMES)
def test_a_reload_reads_the_packages_of_the_module_anew(modules: dict[str, Any], name: str) -> None:
    package = f"{name}Lib.ui.start_panel"
    before: ModuleType = sys.modules[package]
    modules[name].widgetRepresentation().self().onReload()
    assert sys.modules[package] is not before


@pytest.mark.parametrize("name", NAMES)
def test_the_test_shell_runs_every_test_it_has(modules: dict[str, Any], name: str) -> None:
    shell = getattr(sys.modules[name], f"{name}Test")
    ran: list[str] = []
    names = [one for one in dir(shell) if one.startswith("test_")]

    class Recorded(shell):  # type: ignore[misc, valid-type]
        pass

    for one in names:
        setattr(Recorded, one, lambda _, one=one: ran.append(one))
    Recorded().runTest()
    assert ran == sorted(names) != []


@pytest.mark.parametrize("name", NAMES)
def test_a_door_overrides_only_what_slicers_base_classes_have(modules: dict[str, Any], name: str) -> None:
    """A misspelt ``clenup`` would never be called."""
    widget = vars(getattr(sys.modules[name], f"{name}Widget"))
    overrides = {one for one, value in widget.items() if callable(value) and not one.startswith("_")}
    assert overrides <= script_class("ScriptedLoadableModuleWidget").keys() | {"enter", "exit"}


def test_the_worker_of_the_named_python_is_described(reading_panel: Any) -> None:
    reading_panel.ui.workerPythonPathLineEdit.currentPath = sys.executable
    reading_panel.ui.checkWorkerButton.click()
    assert not reading_panel.ui.checkWorkerButton.enabled
    wait_until(lambda: reading_panel.ui.checkWorkerButton.enabled)
    version = ".".join(map(str, sys.version_info[:3]))
    assert reading_panel.ui.workerLabel.text.startswith(f"Python {version}, core {psmacore.__version__}, ")


def test_a_python_that_is_not_there_is_said_so(reading_panel: Any, tmp_path: Path) -> None:
    reading_panel.ui.workerPythonPathLineEdit.currentPath = str(tmp_path / "no-python")
    reading_panel.ui.checkWorkerButton.click()
    wait_until(lambda: reading_panel.ui.checkWorkerButton.enabled)
    assert reading_panel.ui.workerLabel.text.startswith("Cannot be used: ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a script that the system can start")
def test_a_program_that_is_no_python_is_said_so(reading_panel: Any, tmp_path: Path) -> None:
    program = tmp_path / "not-python"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    reading_panel.ui.workerPythonPathLineEdit.currentPath = str(program)
    reading_panel.ui.checkWorkerButton.click()
    wait_until(lambda: reading_panel.ui.checkWorkerButton.enabled)
    assert reading_panel.ui.workerLabel.text == "Cannot be used: the program did not answer as Python does"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a script that the system can start")
def test_a_check_that_runs_ends_with_the_panel(reading_panel: Any, tmp_path: Path) -> None:
    pid_file, program = tmp_path / "pid", tmp_path / "sleeper"
    program.write_text(f"#!/bin/sh\necho $$ > {pid_file}\nexec sleep 600\n")
    program.chmod(0o755)
    reading_panel.ui.workerPythonPathLineEdit.currentPath = str(program)
    reading_panel.ui.checkWorkerButton.click()
    wait_until(lambda: pid_file.is_file() and pid_file.read_text().strip() != "")
    slicer.modules.psmatheranostics.widgetRepresentation().self().onReload()
    assert not Path(f"/proc/{pid_file.read_text().strip()}").exists()


def test_the_worker_python_is_remembered(reading_panel: Any, tmp_path: Path) -> None:
    reading_panel.ui.workerPythonPathLineEdit.currentPath = str(tmp_path / "python")
    slicer.modules.psmatheranostics.widgetRepresentation().self().onReload()
    panel = slicer.modules.psmatheranostics.widgetRepresentation().self().panel
    assert panel.ui.workerPythonPathLineEdit.currentPath == str(tmp_path / "python")
