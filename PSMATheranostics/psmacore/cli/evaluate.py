"""``psma evaluate``: a model's figures on a data set that it was not trained on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers
    from psmacore.jobs.job import Job
    from psmacore.pipeline.evaluate_request import EvaluateRequest


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma evaluate``."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a model on a data set",
        description="Measure a model on cases with truth: DSC, surface DSC, FPV, FNV, volume and SUV errors, or a "
        "classifier's accuracy, with bootstrap intervals by patient; tables and error pictures in --out.",
    )
    parser.add_argument(
        "name", metavar="NAME", help="of `psma models list`, or a model's folder; folds of an ensemble as A,B,C"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data set in a published layout")
    parser.add_argument("--out", type=Path, metavar="DIR", help="result folder, complete or absent")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--cases", nargs="+", default=[], metavar="ID", help="only these cases or patients")
    chosen.add_argument("--split", choices=("train", "validation", "test"), help="only this part of the split")
    parser.add_argument(
        "--split-file", type=Path, metavar="FILE", help="split as a training wrote it; split.json beside the weights"
    )
    parser.add_argument(
        "--rule", action="store_true", help="measure thresholds minus predicted organs on the same cases too"
    )
    parser.add_argument("--organ-model", metavar="NAME", help="predicts the organs for --rule; the best by default")
    parser.add_argument("--tolerance-mm", type=float, default=3.0, metavar="MM", help="of the surface DSC (3)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the model runs")
    parser.add_argument("--fast", action="store_true", help="half precision; last voxels may differ")
    parser.add_argument(
        "--operating-point", metavar="screening|burden|P", help="probability from which on an output counts"
    )
    parser.add_argument(
        "--postprocessing",
        metavar="WAY",
        help="of a model that reads both tracers: single, single+, bothways, bothways+",
    )
    parser.add_argument("--growth-mm", type=float, metavar="MM", help="by how much its lesions grow with + (5)")
    parser.add_argument(
        "--choose-operating-points",
        action="store_true",
        help="with --split validation: try all of these at several probabilities and write the best for screening "
        "and for burden beside its weights",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads; all cores by default")
    parser.add_argument("--json", action="store_true", help="print the evaluation as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Run the evaluation in a worker process."""
    import tempfile

    from psmacore.cli.ai_ready import require_ai

    request = _request(arguments)
    require_ai()
    if arguments.out is not None:
        return _run_into(request, arguments.out, as_json=arguments.json)
    with tempfile.TemporaryDirectory(prefix="psma-evaluate-") as folder:
        return _run_into(request, Path(folder) / "evaluation", as_json=arguments.json)


def _run_into(request: EvaluateRequest, out: Path, *, as_json: bool) -> int:
    import json

    from psmacore.cli.options import write_json
    from psmacore.jobs.job import Job, JobKind
    from psmacore.pipeline.evaluate_request import RESULT_FILE

    job = Job(kind=JobKind.EVALUATE, inputs=request.inputs(), parameters=request.parameters(), out=out)
    _run(job)
    if as_json:
        write_json(json.loads((job.out / RESULT_FILE).read_text(encoding="utf-8")))
    else:
        print((job.out / "report.md").read_text(encoding="utf-8"))
    return 0


def _run(job: Job) -> None:
    """Run the job in a worker process, cases as they come on stderr; jobs.local logs the warnings."""
    from psmacore.cli.options import ProgressLine
    from psmacore.jobs.events import Event, Progress
    from psmacore.jobs.local import run_local
    from psmacore.jobs.signals import cancel_on_signals

    line = ProgressLine("evaluate")

    def follow(event: Event) -> None:
        if isinstance(event, Progress):
            line.show(event.stage, event.fraction)

    try:
        with cancel_on_signals() as is_cancelled:
            run_local(job, on_event=follow, is_cancelled=is_cancelled)
    finally:
        line.close()


def _request(arguments: argparse.Namespace) -> EvaluateRequest:
    from psmacore.errors import UsageError
    from psmacore.pipeline.evaluate_request import EvaluateRequest
    from psmacore.pipeline.request import postprocessing_named

    if not arguments.data.is_dir():
        raise UsageError(f"--data: no such folder: {arguments.data}")
    return EvaluateRequest(
        model=",".join(_absolute(fold) for fold in arguments.name.split(",")),
        data=arguments.data.absolute(),
        cases=tuple(arguments.cases),
        split=arguments.split,
        split_file=None if arguments.split_file is None else arguments.split_file.absolute(),
        with_rules=arguments.rule,
        organ_model=None if arguments.organ_model is None else _absolute(arguments.organ_model),
        device=arguments.device,
        is_fast=arguments.fast,
        operating_point=arguments.operating_point,
        tolerance_mm=arguments.tolerance_mm,
        threads=arguments.threads,
        postprocessing=postprocessing_named(arguments.postprocessing),
        growth_mm=arguments.growth_mm,
        chooses_points=arguments.choose_operating_points,
    )


def _absolute(model: str) -> str:
    """Return a model's folder as the worker will find it from wherever it runs; a name stays a name."""
    if not (Path(model) / "manifest.json").is_file():
        return model
    return str(Path(model).absolute())
