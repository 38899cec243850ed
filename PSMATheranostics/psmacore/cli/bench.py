"""``psma bench``: our speed beside a peer's, measured in one run."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers

FOLDER = Path(__file__).resolve().parents[3] / "Testing" / "bench"
_OPTIONS = ("volume", "dump", "device")


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma bench``."""
    parser = subparsers.add_parser(
        "bench",
        help="measure speed beside a peer",
        description="Run benchmarks of Testing/bench. Ratios are peer / ours: more is better.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_names())}; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    own = parser.add_argument_group("options of inference")
    own.add_argument("--volume", type=Path, metavar="SUV.nii.gz", help="a PET in SUV, in place of the fixed cases")
    own.add_argument("--dump", type=Path, metavar="DIR", help="write both masks and the numbers of windows")
    own.add_argument("--device", choices=("auto", "cpu", "cuda"), help="where networks run")


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmarks one after the other."""
    from psmacore.cli.options import write_json
    from psmacore.errors import UsageError

    unknown = set(arguments.names) - set(_names())
    if unknown:
        raise UsageError(f"no benchmark is named {sorted(unknown)[0]!r}; there are: {', '.join(_names())}")
    rows: list[dict[str, Any]] = []
    for name, options in _runnable(arguments):
        sys.stderr.write(f"bench {name} …\n")
        found = _load(name).run(**options)
        rows += found if isinstance(found, list) else [found]
    if arguments.json:
        write_json({"benchmarks": rows})
        return 0
    for row in rows:
        print(
            f"{row['name']}: ours {row['ours_s']:.4f} s, {row['peer']} {row['peer_s']:.4f} s, "
            f"ratio {row['ratio_median']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})"
        )
    return 0


def _runnable(arguments: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the benchmarks to run, each with the options given that it takes.

    Raises
    ------
    UsageError
        If an option is given that none of them takes.
    ModelMissingError
        If one that was asked for by name needs PyTorch and it cannot be installed.
    """
    from psmacore.cli.ai_ready import missing_packages, require_ai
    from psmacore.errors import UsageError

    given = {name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name) is not None}
    names = arguments.names or _names()
    taken = {name: getattr(_load(name), "OPTIONS", ()) for name in names}
    for option in given:
        if not any(option in options for options in taken.values()):
            raise UsageError(f"--{option} is an option of inference, not of {', '.join(names)}")
    for name in names:
        if getattr(_load(name), "NEEDS_AI", False):
            if not arguments.names and missing_packages():
                sys.stderr.write(f"bench {name} left out: it needs PyTorch, see psma setup --ai\n")
                continue
            require_ai()
        yield name, {option: value for option, value in given.items() if option in taken[name]}


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
