"""The running program to the name, version and commit that results carry."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from psmacore import __version__
from psmacore.model.timepoint import Software

NAME = "PSMA theranostics"


@cache
def this_software() -> Software:
    """Return name, version and commit; the commit is ``unknown`` outside a git checkout."""
    return Software(name=NAME, version=__version__, commit=_commit())


def _commit() -> str:
    folder = Path(__file__).resolve().parents[3]
    if not (folder / ".git").exists():
        return "unknown"
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()
