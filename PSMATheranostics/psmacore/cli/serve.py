"""``psma serve``: the embedded DICOMweb archive with its web viewer, on this machine only."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma serve``."""
    parser = subparsers.add_parser(
        "serve",
        help="serve a DICOMweb archive and the OHIF viewer on this machine",
        description="Serve a DICOMweb archive and the OHIF viewer on 127.0.0.1. The first line on stdout is JSON "
        "with url, dicomweb_root and port. Ctrl-C ends it.",
    )
    parser.add_argument("--store", type=Path, metavar="DIR", help="the archive's folder; default: the user's own")
    parser.add_argument("--port", type=int, default=8700, metavar="N", help="0 takes a free one (default 8700)")
    parser.add_argument(
        "--viewer",
        default="auto",
        metavar="auto|none|DIR",
        help="OHIF: fetched with npm once (auto), left out (none), or a built viewer's folder",
    )


def run(arguments: argparse.Namespace) -> int:
    """Become the bridge's process."""
    from psmacore.jobs.bridge import become_bridge

    return become_bridge(arguments.store, port=arguments.port, viewer=arguments.viewer)
