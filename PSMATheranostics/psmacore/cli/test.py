"""``psma test``: the project's tests, with pytest's own arguments."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from psmacore.errors import UsageError

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers

ROOT = Path(__file__).resolve().parents[3]


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma test``."""
    subparsers.add_parser("test", help="run the tests; takes pytest's arguments", add_help=False)


def run(arguments: argparse.Namespace) -> int:
    """Become pytest in the repository's root."""
    if not (ROOT / "Testing").is_dir():
        raise UsageError("this installation carries no tests: run psma test in a checkout")
    os.chdir(ROOT)
    command = [sys.executable, "-m", "pytest", *arguments.pytest_arguments]
    if os.name == "nt":
        import subprocess

        return subprocess.run(command, check=False).returncode
    os.execv(command[0], command)
