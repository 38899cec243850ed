"""``psma demo``: a simulated patient through the whole chain, truth beside measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers
    from psmacore.jobs.bridge import BridgeAddress
    from psmacore.pipeline.request import AnalyseRequest
    from psmacore.pipeline.truth import TruthCheck

SEED = 1
N_TIMEPOINTS = 3
ORGAN_MODEL = "organ-unet"


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma demo``."""
    from psmacore.cli.model_options import add_model_options

    parser = subparsers.add_parser(
        "demo",
        help="show the whole chain on a simulated patient",
        description="Simulate a patient with three dates, store the studies in the embedded archive over HTTP, analyse "
        "them from there, publish the results there and print truth beside measured. Simulated data, research use.",
    )
    parser.add_argument("--out", type=Path, default=Path("psma-demo"), metavar="DIR", help="default: psma-demo")
    parser.add_argument("--quick", action="store_true", help="smaller images")
    parser.add_argument("--no-serve", action="store_true", help="end when done instead of serving the viewer")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="of the archive; default: a free one")
    parser.add_argument("--segmenter", default="threshold", metavar="NAME", help="as for psma analyse")
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; with its archive served until Ctrl-C unless ``--no-serve``."""
    import time

    from psmacore.cli.model_options import make_ready
    from psmacore.jobs.bridge import running_bridge
    from psmacore.pipeline.truth import check_course

    out: Path = arguments.out.absolute()
    wanted = _wanted(arguments)
    make_ready(wanted)
    _make_room(out)
    _say("simulating a patient with three dates")
    truth = _write_phantom(out / "phantom", is_quick=arguments.quick)
    start = time.perf_counter()
    with running_bridge(
        out / "archive", port=arguments.port, viewer="none" if arguments.no_serve else "auto"
    ) as bridge:
        study_uids = _store(out / "phantom", bridge)
        folders = {
            uid: _analyse(wanted, uid, out / f"timepoint-{number}", bridge) for number, uid in enumerate(study_uids, 1)
        }
        _print_table(check_course(truth, folders), time.perf_counter() - start)
        print(f"results: {out}")
        if arguments.no_serve:
            print(f"viewer: psma serve --store {out / 'archive'}")
            return 0
        print(f"viewer: {bridge.url}/psma/launch/{study_uids[-1]}   (all studies: {bridge.url}/)")
        _say("serving until Ctrl-C")
        _wait()
    return 0


def _say(words: str) -> None:
    sys.stderr.write(f"demo: {words}\n")
    sys.stderr.flush()


def _make_room(out: Path) -> None:
    """Remove what an earlier demo left in ``out``; refuse a folder that holds anything else."""
    import shutil

    from psmacore.errors import UsageError

    ours = {"phantom", "archive", *(f"timepoint-{number}" for number in range(1, N_TIMEPOINTS + 1))}
    if not out.exists():
        return
    found = {path.name for path in out.iterdir()} if out.is_dir() else {""}
    if found - ours or (found and not found & {"phantom", "archive"}):
        raise UsageError(f"{out} holds files that no demo wrote; name a new or an empty folder")
    for name in found:
        shutil.rmtree(out / name)


def _write_phantom(folder: Path, *, is_quick: bool) -> Path:
    from psmacore.cli.options import ProgressLine
    from psmacore.phantom.write import write_course

    line = ProgressLine("simulate")
    try:
        return write_course(folder, SEED, n_timepoints=N_TIMEPOINTS, quick=is_quick, on_progress=line.show)
    finally:
        line.close()


def _store(phantom: Path, bridge: BridgeAddress) -> list[str]:
    """Store all simulated studies over HTTP and return their UIDs in date order."""
    import json

    from psmacore.cli.options import ProgressLine
    from psmacore.pacs.dicomweb import DicomWebPacs
    from psmacore.pipeline.publish import store_all

    paths = sorted(phantom.rglob("*.dcm"))
    line = ProgressLine("store")
    try:
        store_all(
            paths,
            DicomWebPacs(bridge.dicomweb_root),
            on_progress=lambda progress: line.show(f"{progress.n_total} images over HTTP", progress.fraction),
        )
    finally:
        line.close()
    truth = json.loads((phantom / "truth.json").read_text(encoding="utf-8"))
    return [entry["study_uid"] for entry in truth["timepoints"]]


def _wanted(arguments: argparse.Namespace) -> AnalyseRequest:
    """Return the request of every date, still without its place; a model draws on organs that a model labels.

    The studies say that they are simulated, so weights trained on simulation need no permission.
    """
    from dataclasses import replace

    from psmacore.cli.model_options import model_options
    from psmacore.pipeline.request import AnalyseRequest

    options = replace(model_options(arguments), allow_simulation_weights=False)
    request = AnalyseRequest(
        dicomweb_url="http://127.0.0.1/dicom-web", study_uid="1", segmenter=arguments.segmenter, models=options
    )
    if request.draws_with_model and options.organ_model is None:
        return replace(request, models=replace(options, organ_model=ORGAN_MODEL))
    return request


def _analyse(wanted: AnalyseRequest, study_uid: str, folder: Path, bridge: BridgeAddress) -> Path:
    from dataclasses import replace

    from psmacore.cli.running import run_analysis

    request = replace(wanted, dicomweb_url=bridge.dicomweb_root, study_uid=study_uid, publish=True)
    return run_analysis(request, folder, folder.name)


def _print_table(checks: tuple[TruthCheck, ...], elapsed_s: float) -> None:
    print("\nSimulated patient, truth beside measured (PSMA-TV in ml, SUVmax in g/ml)")
    print(
        f"{'date':>4} {'true':>5} {'found':>6} {'missed':>7} {'false':>6} {'PSMA-TV true':>13} {'measured':>9} "
        f"{'error':>8} {'SUVmax true':>12} {'measured':>9} {'error':>8}"
    )
    for number, check in enumerate(checks, 1):
        print(
            f"{number:>4} {check.n_true:>5} {check.n_found:>6} {check.n_missed:>7} {check.n_false:>6} "
            f"{check.true_tv_ml:>13.2f} {check.measured_tv_ml:>9.2f} {check.tv_error_pct:>+7.1f}% "
            f"{check.true_suv_max:>12.2f} {check.measured_suv_max:>9.2f} {check.suv_max_error_pct:>+7.1f}%"
        )
    print(f"stored, analysed and published in {elapsed_s:.0f} s\n")


def _wait() -> None:
    import threading

    from psmacore.jobs.signals import cancel_on_signals

    with cancel_on_signals() as is_cancelled:
        while not is_cancelled():
            threading.Event().wait(0.2)
