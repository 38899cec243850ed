"""``psma setup``, which is the launcher's work: here only the words that say so."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from psmacore.errors import UsageError

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma setup``."""
    parser = subparsers.add_parser(
        "setup",
        help="make .venv and install the pinned requirements (done by the launcher)",
        description="Done by the launcher, the file psma at the top of a checkout: ./psma setup",
    )
    parser.add_argument("--ai", action="store_true", help="also PyTorch, MONAI and nnU-Net")


def run(_arguments: argparse.Namespace) -> int:
    """Refuse: a process cannot replace the environment that it runs in."""
    raise UsageError("the launcher does this: run ./psma setup (on Windows: py psma setup) in the checkout")
