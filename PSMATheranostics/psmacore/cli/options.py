"""What the commands share: types of argparse, the one JSON object on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def write_json(value: Mapping[str, object]) -> None:
    """Write one JSON object to stdout, the only thing that a command with ``--json`` writes there."""
    json.dump(value, sys.stdout, allow_nan=False)
    sys.stdout.write("\n")
    sys.stdout.flush()


def reader_name() -> str:
    """Return the user's login name, which is recorded with what a reader enters; empty where the system knows none."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


class ProgressLine:
    """Stage and fraction to stderr: one line that is rewritten on a terminal, one line a stage elsewhere."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._is_terminal = sys.stderr.isatty()
        self._stage = ""

    def show(self, stage: str, fraction: float) -> None:
        """Show ``stage`` and ``fraction`` (0 to 1)."""
        if self._is_terminal:
            sys.stderr.write(f"\r\x1b[K{self._label}: {100 * fraction:3.0f} % {stage}")
        elif stage != self._stage:
            sys.stderr.write(f"{self._label}: {stage}\n")
        self._stage = stage
        sys.stderr.flush()

    def close(self) -> None:
        """End the rewritten line."""
        if self._is_terminal and self._stage:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
