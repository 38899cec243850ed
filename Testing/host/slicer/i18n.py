"""A module's English texts to the user's language, which in the host is English."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path

import slicer


def translate(context: str, text: str) -> str:
    """Return ``text`` in the application's language."""
    return str(slicer.app.translate(context, text))


@cache
def getContext(sourceFile: str) -> str:
    """Return the name under which a file's texts are translated: its own, after its package's where it has one."""
    file = Path(sourceFile)
    if file.is_file() and (file.parent / "__init__.py").is_file():
        return f"{file.parent.name}.{file.stem}"
    return file.stem


def tr(text: str) -> str:
    """Return ``text`` in the application's language, in the context of the file that calls."""
    frame = inspect.currentframe()
    caller = frame.f_back if frame else None
    return translate(getContext(caller.f_code.co_filename if caller else ""), text)
