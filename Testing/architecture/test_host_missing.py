"""Without the host's packages a run leaves its tests out, says so, and fails where they are required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Run by every Python below: as if the packages had never been installed.
WITHOUT_HOST = """
import importlib.util, sys
absent = {"slicer_core", "slicer", "vtk", "vtkmodules", "PySide6", "shiboken6"}
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in absent else find_spec(name, package)
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"{name} was imported although the host is absent")
sys.meta_path.insert(0, Absent())
"""


def collected(folder: Path, required: str) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(WITHOUT_HOST)
    environment = {**os.environ, "PYTHONPATH": str(folder), "PSMA_REQUIRE": required}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "Testing/mrml"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_run_without_the_host_skips_naming_what_to_install(tmp_path: Path) -> None:
    outcome = collected(tmp_path, required="")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "1 skipped" in outcome.stdout
    assert "slicer-core, vtk, PySide6_Essentials, shiboken6 (./psma setup --host)" in outcome.stdout


def test_a_run_that_requires_the_host_fails_naming_what_to_install(tmp_path: Path) -> None:
    outcome = collected(tmp_path, required="host")
    assert outcome.returncode not in (0, 5)
    assert "PSMA_REQUIRE names 'host'" in outcome.stdout + outcome.stderr
    assert "./psma setup --host" in outcome.stdout + outcome.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the libraries are Debian's")
def test_a_missing_library_is_named_by_its_debian_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from Testing.host import needs

    monkeypatch.setattr(needs, "missing_packages", list)
    monkeypatch.setitem(needs.DEBIAN, "libno-such-library.so.1", "libno-such-library1")
    assert "apt-get install" in (needs.why_not() or "")
    assert "libno-such-library1" in (needs.why_not() or "")
