"""``psma train``: a model of the registry and a data set to trained weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers
    from psmacore.jobs.job import Job
    from psmacore.pipeline.train_request import TrainRequest


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma train``."""
    parser = subparsers.add_parser(
        "train",
        help="train a model on a data set",
        description="Train a model by its recipe (training.json) on cases in a published layout: autoPET, DEEP-PSMA or "
        "Prostate-Anatomical-Edge-Cases, which `psma phantom --layout` writes too. The result folder holds weights, "
        "manifest, recipe as run, split and curves. An unfinished training lies beside it and --resume goes on.",
    )
    parser.add_argument("name", metavar="NAME", help="model, see `psma models list`")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data set")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="result folder, complete or absent; by default NAME in your models folder",
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="in place of the recipe's")
    parser.add_argument("--variant", choices=("paper", "code", "own"), help="which of the model's recipes")
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="a training.json of your own")
    parser.add_argument("--fold", metavar="N|all", help="of five-fold cross-validation; a fixed split by default")
    parser.add_argument("--split", type=Path, metavar="FILE", help="split file in place of one made by patient")
    parser.add_argument(
        "--start-from", metavar="MODEL", help="train this model's weights further (name or folder); random by default"
    )
    parser.add_argument("--max-hours", type=float, metavar="H", help="end by then, the learning rate included")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads; all cores by default")
    parser.add_argument(
        "--checkpoint-minutes", type=float, default=5.0, metavar="M", help="between checkpoints (5); 0 after every step"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    parser.add_argument("--json", action="store_true", help="print what was trained as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Train in a worker process."""
    import shutil

    from psmacore.cli.ai_ready import require_ai
    from psmacore.cli.options import write_json
    from psmacore.jobs.job import Job, JobKind
    from psmacore.pipeline.train_request import ALL_FOLDS, checkpoints_folder
    from psmacore.registry.catalog import find_model, user_models_folder

    request = _request(arguments)
    find_model(request.model)  # a wrong name need not wait for PyTorch
    require_ai()
    name = f"{request.model}-folds" if request.fold == ALL_FOLDS else request.model
    out = user_models_folder() / name if arguments.out is None else arguments.out
    job = Job(kind=JobKind.TRAIN, inputs=request.inputs(), parameters=request.parameters(), out=out)
    result = _run(job)
    shutil.rmtree(checkpoints_folder(job.out), ignore_errors=True)  # the results are safe now
    if arguments.json:
        write_json({"model": request.model, "out": str(job.out), **result})
        return 0
    for line in _lines(result):
        print(line)
    print(f"results: {job.out}")
    return 0


def _run(job: Job) -> dict[str, object]:
    """Run the job in a worker process: epochs as lines on stderr, on a terminal with the step under way below."""
    from psmacore.cli.options import ProgressLine
    from psmacore.errors import CancelledError
    from psmacore.jobs.events import Event, Log, Progress
    from psmacore.jobs.local import run_local
    from psmacore.jobs.signals import cancel_on_signals

    line = ProgressLine("train")
    is_terminal = sys.stderr.isatty()

    def follow(event: Event) -> None:
        if isinstance(event, Log):
            line.close()
            sys.stderr.write(f"train: {event.message}\n")
        elif isinstance(event, Progress) and is_terminal:
            line.show(event.stage, event.fraction)

    try:
        with cancel_on_signals() as is_cancelled:
            return run_local(job, on_event=follow, is_cancelled=is_cancelled)
    except CancelledError as error:
        raise CancelledError(f"{error}; --resume goes on from the last checkpoint") from error
    finally:
        line.close()


def _lines(result: dict[str, object]) -> list[str]:
    lines = []
    models = result["models"]
    for model in models if isinstance(models, list) else []:
        score = model["metrics"].get("validation_score")
        figure = "" if score is None else f": validation score {score:.3f}"
        lines.append(f"{model['name']}{figure}, weights {str(model['weights_sha256'])[:12]}")
    if result["is_cut"]:
        lines.append("ended by --max-hours before all epochs were done")
    return lines


def _start(model: str | None) -> str | None:
    """Return a model's name as it is and its folder as an absolute path: the worker runs elsewhere."""
    return str(Path(model).absolute()) if model is not None and Path(model).is_dir() else model


def _request(arguments: argparse.Namespace) -> TrainRequest:
    from psmacore.errors import UsageError
    from psmacore.pipeline.train_request import ALL_FOLDS, TrainRequest

    if not arguments.data.is_dir():
        raise UsageError(f"--data: no such folder: {arguments.data}")
    for option in ("recipe", "split"):
        path = getattr(arguments, option)
        if path is not None and not path.is_file():
            raise UsageError(f"--{option}: no such file: {path}")
    fold: int | str | None = arguments.fold
    if fold is not None and fold != ALL_FOLDS:
        try:
            fold = int(fold)
        except ValueError:
            raise UsageError(f"--fold must be a number or {ALL_FOLDS!r}, not {fold!r}") from None
    return TrainRequest(
        model=arguments.name,
        data=arguments.data.absolute(),
        recipe=None if arguments.recipe is None else arguments.recipe.absolute(),
        split=None if arguments.split is None else arguments.split.absolute(),
        start=_start(arguments.start_from),
        variant=arguments.variant,
        epochs=arguments.epochs,
        fold=fold,
        device=arguments.device,
        is_resumed=arguments.resume,
        max_hours=arguments.max_hours,
        threads=arguments.threads,
        checkpoint_minutes=arguments.checkpoint_minutes,
    )
