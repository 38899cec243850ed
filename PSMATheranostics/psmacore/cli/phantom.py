"""``psma phantom``: seeds to folders with simulated patients."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma phantom``."""
    parser = subparsers.add_parser(
        "phantom",
        help="write simulated patients with known truth",
        description="Write simulated patients: PET, CT and organ labels as DICOM, and truth.json.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder, complete or absent")
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="the patient; the same seed, the same files")
    parser.add_argument(
        "--patients", type=int, metavar="N", help="this many patients, a sub-folder each; existing ones are kept"
    )
    parser.add_argument("--timepoints", type=int, default=3, metavar="N", help="dates (default 3)")
    parser.add_argument("--lesions", type=int, metavar="N", help="distinct lesions, 0 to 60 (drawn where absent)")
    parser.add_argument("--vendor", choices=("siemens", "ge", "philips"), default="siemens", help="whose headers")
    parser.add_argument("--tracer", choices=("psma-11", "psma-1007", "dcfpyl", "fdg"), default="psma-11")
    parser.add_argument("--layout", choices=("dicom",), default="dicom", help="how the files are laid out")
    parser.add_argument("--quick", action="store_true", help="coarse grids: PET 128 x 128, CT 256 x 256, 5 mm")
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Write the patients."""
    from psmacore.cli.options import ProgressLine, write_json
    from psmacore.errors import UsageError
    from psmacore.phantom.write import write_course

    if arguments.patients is not None and arguments.patients < 1:
        raise UsageError(f"--patients must be at least 1, not {arguments.patients}")
    written: list[dict[str, object]] = []
    for seed, folder in _folders(arguments):
        line = ProgressLine(f"phantom {seed}")
        try:
            truth = write_course(
                folder,
                seed,
                vendor=arguments.vendor,
                n_timepoints=arguments.timepoints,
                n_lesions=arguments.lesions,
                tracer=arguments.tracer,
                quick=arguments.quick,
                on_progress=line.show,
            )
        finally:
            line.close()
        written.append({"seed": seed, "folder": str(folder), "truth": str(truth)})
        if not arguments.json:
            print(f"simulated patient {seed}: {truth}")
    if arguments.json:
        write_json({"layout": arguments.layout, "patients": written})
    return 0


def _folders(arguments: argparse.Namespace) -> list[tuple[int, Path]]:
    if arguments.patients is None:
        return [(arguments.seed, arguments.out)]
    seeds = range(arguments.seed, arguments.seed + arguments.patients)
    return [(seed, arguments.out / f"seed-{seed:04d}") for seed in seeds]
