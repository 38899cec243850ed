"""What an interpreter printed becomes what its worker would find, or a reason that a user can act on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import psmacore
from PSMATheranosticsLib.worker_python import PROBE, WorkerPython, core_folder, default_python, read_answer


def test_the_probe_answers_for_this_python() -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**os.environ, "PYTHONPATH": str(core_folder())},
        capture_output=True,
        check=True,
    )
    answer = read_answer(outcome.stdout)
    assert answer.core == psmacore.__version__
    assert answer.python == ".".join(map(str, sys.version_info[:3]))


def test_a_python_without_the_core_names_what_it_lacks() -> None:
    outcome = subprocess.run([sys.executable, "-I", "-S", "-c", PROBE], capture_output=True, check=True)
    with pytest.raises(ValueError, match="cannot import the core: No module named 'psmacore'"):
        read_answer(outcome.stdout)


def test_what_a_start_up_file_prints_before_the_answer_does_no_harm() -> None:
    answer = json.dumps({"python": "3.12.1", "core": "1.0", "torch": None})
    assert read_answer(f"welcome\n{answer}\n".encode()) == WorkerPython(python="3.12.1", core="1.0", torch=None)


@pytest.mark.parametrize("printed", [b"", b"hello", b"[]", b"{}", b"\xff\xfe", b'{"python": "3.12"}'])
def test_anything_else_is_no_python(printed: bytes) -> None:
    with pytest.raises(ValueError, match="did not answer as Python does"):
        read_answer(printed)


def test_slicers_own_python_is_taken_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "PythonSlicer"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert default_python() == str(program)


def test_the_application_is_never_taken_for_a_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/opt/Slicer/bin/SlicerApp-real")
    assert default_python() == ""
    monkeypatch.setattr(sys, "executable", "")
    assert default_python() == ""
