"""An interpreter's path to what a worker started with it would find: Python, the core, PyTorch."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import psmacore

# Run by the worker's interpreter: it imports nothing heavy, so that the answer comes at once.
PROBE = """
import json, platform
from importlib.metadata import PackageNotFoundError, version
answer = {"python": platform.python_version()}
try:
    import psmacore
    answer["core"] = psmacore.__version__
except ImportError as error:
    answer["problem"] = str(error)
try:
    answer["torch"] = version("torch")
except PackageNotFoundError:
    answer["torch"] = None
print(json.dumps(answer))
"""
# Slicer's own places, which must not leak into another Python.
LEAKING = ("PYTHONPATH", "PYTHONHOME", "PIP_REQUIRE_VIRTUALENV")


@dataclass(frozen=True)
class WorkerPython:
    """What an interpreter answered.

    Attributes
    ----------
    python, core : str
        Versions of the interpreter and of the core that it imports.
    torch : str or None
        Version of PyTorch; None where the interpreter has none, so that only threshold segmentation runs.
    """

    python: str
    core: str
    torch: str | None


def default_python() -> str:
    """Return the interpreter that a worker uses unless the user names one; empty where Slicer has none to offer."""
    # In Slicer sys.executable is the application or empty: PythonSlicer is its interpreter.
    named = shutil.which("PythonSlicer")
    if named:
        return named
    return sys.executable if Path(sys.executable).name.lower().startswith("python") else ""


def core_folder() -> Path:
    """Return the folder that must be on the worker's path."""
    return Path(psmacore.__file__).resolve().parents[1]


def read_answer(printed: bytes) -> WorkerPython:
    """Return what the probe printed.

    Raises
    ------
    ValueError
        If it is no answer, or names a problem; the text is one that a user can act on.
    """
    try:
        answer = json.loads(printed.decode("utf-8", "replace").strip().splitlines()[-1])
        python, torch = str(answer["python"]), answer["torch"]
    except (IndexError, KeyError, TypeError, ValueError):
        raise ValueError("the program did not answer as Python does") from None
    if "core" not in answer:
        raise ValueError(f"Python {python} cannot import the core: {answer.get('problem', 'unknown reason')}")
    return WorkerPython(python=python, core=str(answer["core"]), torch=None if torch is None else str(torch))
