"""``psma bench``: our speed beside a peer's, measured in one run."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers

FOLDER = Path(__file__).resolve().parents[3] / "Testing" / "bench"


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma bench``."""
    parser = subparsers.add_parser(
        "bench",
        help="measure speed beside a peer",
        description="Run benchmarks of Testing/bench. Ratios are peer / ours: more is better.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_names())}; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmarks one after the other."""
    from psmacore.cli.options import write_json
    from psmacore.errors import UsageError

    unknown = set(arguments.names) - set(_names())
    if unknown:
        raise UsageError(f"no benchmark is named {sorted(unknown)[0]!r}; there are: {', '.join(_names())}")
    rows = []
    for name in arguments.names or _names():
        sys.stderr.write(f"bench {name} …\n")
        rows.append(_load(name).run())
    if arguments.json:
        write_json({"benchmarks": rows})
        return 0
    for row in rows:
        print(
            f"{row['name']}: ours {row['ours_s']:.4f} s, {row['peer']} {row['peer_s']:.4f} s, "
            f"ratio {row['ratio_median']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})"
        )
    return 0


def _names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"psma_bench_{name}", FOLDER / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{name}.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
