"""Command line of the bridge: ``python -m web_bridge serve``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from psmacore.errors import PsmaError


def default_store() -> Path:
    """Return the folder that holds the archive where none is named."""
    if sys.platform == "win32":  # pragma: no cover
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":  # pragma: no cover
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "psma-theranostics" / "store"


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m web_bridge", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a folder as DICOMweb archive with study list and OHIF viewer")
    serve.add_argument("--store", type=Path, default=None, metavar="DIR", help=f"default: {default_store()}")
    serve.add_argument("--port", type=_port, default=0, metavar="N", help="default: a free one")
    serve.add_argument(
        "--viewer",
        default="auto",
        metavar="DIR|auto|none",
        help="OHIF: fetched with npm if absent (auto, the default), none, or a folder with its index.html",
    )
    serve.add_argument("--exit-with-parent", action="store_true", help="end when standard input closes")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("pydicom").setLevel(logging.ERROR)  # its warnings quote values, and so names
    warnings.filterwarnings("ignore", module="pydicom")
    from web_bridge.serve import ServeOptions, serve

    try:
        serve(
            ServeOptions(
                store=options.store or default_store(),
                port=options.port,
                viewer=options.viewer,
                exit_with_parent=options.exit_with_parent,
            )
        )
    except PsmaError as error:
        sys.stderr.write(f"psma serve: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
