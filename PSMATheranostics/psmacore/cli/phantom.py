"""``psma phantom``: seeds to folders with simulated patients, as DICOM or as published data sets are laid out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from psmacore.cli.options import Subparsers

    Write = Callable[[int, "Callable[[str, float], None]"], Path]

_DESCRIPTION = """\
Write simulated patients with known truth.

  dicom        one patient's course: PET, CT and organ labels as DICOM, and truth.json
  deep-psma    the DEEP-PSMA challenge: train_<seed>/{PSMA,FDG}/{CT,PET,TTB,totseg_24}.nii.gz, ...
  autopet      autoPET III in nnU-Net form, or with --form tree FDG-PET-CT-Lesions (SUV, CTres, SEG)
  prostate-ct  Prostate-Anatomical-Edge-Cases: pelvic CT as DICOM with an RT structure set

For all but dicom, DIR is the data set and holds one case a seed; every case says that it is simulated."""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma phantom``."""
    parser = subparsers.add_parser(
        "phantom",
        help="write simulated patients with known truth",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder, complete or absent")
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="the patient; the same seed, the same files")
    parser.add_argument(
        "--patients", type=int, metavar="N", help="this many patients, a sub-folder each; existing ones are kept"
    )
    parser.add_argument(
        "--layout", choices=("dicom", "deep-psma", "autopet", "prostate-ct"), default="dicom", help="see above"
    )
    parser.add_argument("--lesions", type=int, metavar="N", help="distinct lesions, 0 to 60 (drawn where absent)")
    parser.add_argument("--tracer", choices=("psma-11", "psma-1007", "dcfpyl", "fdg"), help="default psma-11")
    parser.add_argument("--quick", action="store_true", help="coarse grids: PET 128 x 128, CT 256 x 256, 5 mm")
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON object")
    dicom = parser.add_argument_group("dicom")
    dicom.add_argument("--timepoints", type=int, metavar="N", help="dates (default 3)")
    dicom.add_argument("--vendor", choices=("siemens", "ge", "philips"), help="whose headers (default siemens)")
    dicom.add_argument("--companion", action="store_true", help="an FDG study of the same man beside every PSMA study")
    autopet = parser.add_argument_group("autopet")
    autopet.add_argument("--negatives", type=float, metavar="SHARE", help="share of patients without lesions, 0 to 1")
    autopet.add_argument("--form", choices=("nnunet", "tree"), help="default nnunet")


_ONLY = {
    "dicom": ("timepoints", "vendor", "companion"),
    "autopet": ("negatives", "form"),
}


def run(arguments: argparse.Namespace) -> int:
    """Write the patients."""
    from psmacore.cli.options import ProgressLine, write_json
    from psmacore.errors import UsageError

    if arguments.patients is not None and arguments.patients < 1:
        raise UsageError(f"--patients must be at least 1, not {arguments.patients}")
    for layout, options in _ONLY.items():
        for option in options:
            if getattr(arguments, option) not in (None, False) and arguments.layout != layout:
                raise UsageError(f"--{option} belongs to --layout {layout}, not to {arguments.layout}")
    seeds = range(arguments.seed, arguments.seed + (arguments.patients or 1))
    write = _course(arguments) if arguments.layout == "dicom" else _case(arguments)
    written: list[dict[str, object]] = []
    try:
        for seed in seeds:
            line = ProgressLine(f"phantom {seed}")
            try:
                truth = write(seed, line.show)
            finally:
                line.close()
            written.append({"seed": seed, "folder": str(truth.parent), "truth": str(truth)})
            if not arguments.json:
                print(f"simulated patient {seed}: {truth}")
    finally:
        if arguments.layout == "autopet" and arguments.out.is_dir():
            from psmacore.phantom.layout_autopet import write_index

            write_index(arguments.out, form=arguments.form or "nnunet")
    if arguments.json:
        write_json({"layout": arguments.layout, "patients": written})
    return 0


def _course(arguments: argparse.Namespace) -> Write:
    from psmacore.phantom.write import write_course

    def write(seed: int, on_progress: Callable[[str, float], None]) -> Path:
        folder = arguments.out if arguments.patients is None else arguments.out / f"seed-{seed:04d}"
        return write_course(
            folder,
            seed,
            vendor=arguments.vendor or "siemens",
            n_timepoints=3 if arguments.timepoints is None else arguments.timepoints,
            n_lesions=arguments.lesions,
            tracer=arguments.tracer or "psma-11",
            quick=arguments.quick,
            companion=arguments.companion,
            on_progress=on_progress,
        )

    return write


def _case(arguments: argparse.Namespace) -> Write:
    from psmacore.phantom.layout_autopet import write_autopet_case
    from psmacore.phantom.layout_common import CaseRequest
    from psmacore.phantom.layout_deep_psma import write_deep_psma_case
    from psmacore.phantom.layout_prostate_ct import write_prostate_ct_case

    def write(seed: int, on_progress: Callable[[str, float], None]) -> Path:
        request = CaseRequest(seed, arguments.tracer or "psma-11", arguments.lesions, arguments.quick)
        if arguments.layout == "deep-psma":
            return write_deep_psma_case(arguments.out, request, on_progress=on_progress)
        if arguments.layout == "prostate-ct":
            return write_prostate_ct_case(arguments.out, request, on_progress=on_progress)
        return write_autopet_case(
            arguments.out,
            request,
            negatives=arguments.negatives,
            form=arguments.form or "nnunet",
            on_progress=on_progress,
        )

    return write
