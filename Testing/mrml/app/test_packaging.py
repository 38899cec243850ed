"""Packages are checked as in Slicer, and installed only where a test offers a Python to install into."""

from __future__ import annotations

import os
import stat
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

import pytest
import slicer

if TYPE_CHECKING:
    from pathlib import Path

    from Testing.host.start import Host


# slicer.util leaves the output of the process that it started open.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


@pytest.fixture
def a_python(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``PythonSlicer`` that writes down what it was asked for; it fails for the package ``refused``."""
    program, log = tmp_path / "PythonSlicer", tmp_path / "asked.txt"
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\ncase "$*" in *refused*) exit 1;; esac\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return log


def test_a_requirement_is_checked_with_version_and_marker(host: Host) -> None:
    from slicer.packaging import pip_check

    assert pip_check("numpy>=1.20 vtk")
    assert pip_check("no-such-package; python_version < '3'")
    assert not pip_check(["numpy<1"])
    assert not pip_check("no-such-package")


def test_requirements_come_from_files(host: Host, tmp_path: Path) -> None:
    from slicer.packaging import load_pyproject_dependencies, load_requirements

    (tmp_path / "requirements.txt").write_text("# for the panel\n--no-index\nnumpy>=1.20\n\n")
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["pydicom>=3"]\n')
    assert [str(one) for one in load_requirements(tmp_path / "requirements.txt")] == ["numpy>=1.20"]
    assert [str(one) for one in load_pyproject_dependencies(tmp_path / "pyproject.toml")] == ["pydicom>=3"]


def test_without_a_python_nothing_can_be_installed(host: Host) -> None:
    with pytest.raises(RuntimeError, match="PythonSlicer"):
        slicer.util.pip_install("no-such-package")


def test_testing_mode_installs_nothing_unasked(a_python: Path) -> None:
    from slicer.packaging import pip_ensure

    pip_ensure("no-such-package", requester="PSMATheranostics")
    assert not a_python.exists()


def test_what_is_missing_is_installed_when_asked(a_python: Path) -> None:
    from slicer.packaging import pip_ensure

    pip_ensure(["numpy", "no-such-package>=2"], constraints="limits.txt", prompt_install=False, skip_in_testing=False)
    assert a_python.read_text() == "-m pip install -c limits.txt no-such-package>=2\n"


def test_a_failed_installation_is_an_error(a_python: Path) -> None:
    with pytest.raises(CalledProcessError):
        slicer.util.pip_install("refused")


def test_packages_are_removed_without_a_question(a_python: Path) -> None:
    slicer.util.pip_uninstall("no-such-package")
    assert a_python.read_text() == "-m pip uninstall --yes no-such-package\n"
