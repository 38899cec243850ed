"""A request and what writes it to a folder that is complete or absent."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from psmacore.errors import UsageError

_log = logging.getLogger(__name__)
Progress = Callable[[str, float], None]


def silent(stage: str, fraction: float) -> None:
    """Tell nobody."""


def complete_folder(out: Path, marker: str, request: Mapping[str, object], fill: Callable[[Path], None]) -> Path:
    """Have ``fill`` write a folder aside and put it in its place ``out`` when it is complete.

    Parameters
    ----------
    marker : str
        Name of the JSON file in it that holds ``request`` under that key.
    request : mapping
        What was asked for; a complete folder of an equal request is kept as it is.

    Returns
    -------
    pathlib.Path
        The path of the marker.

    Raises
    ------
    UsageError
        If the folder holds something else.
    """
    path = out / marker
    if holds(path, request):
        _log.info("%s is already complete", out.name)
        return path
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"the folder {out.name!r} already holds something else than this simulated patient")
    aside = out.parent / f".{out.name}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        fill(aside)
        if out.exists():
            out.rmdir()
        os.replace(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return path


def holds(marker: Path, request: Mapping[str, object]) -> bool:
    """Return whether a marker file exists and holds this request."""
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return False
    return isinstance(found, dict) and found.get("request") == request


def write_json(path: Path, value: Mapping[str, object] | list[object]) -> None:
    """Write a JSON file with a line end."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
