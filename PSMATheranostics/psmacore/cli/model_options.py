"""The command line's words on trained models to the options of a request."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.pipeline.request import AnalyseRequest, ModelOptions


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add what ``analyse`` and ``demo`` share about trained models."""
    group = parser.add_argument_group("trained models")
    group.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where models run")
    group.add_argument("--organ-model", metavar="NAME|none", help="organ model; by default where the study has no map")
    group.add_argument("--classifier", metavar="NAME|none", help="study classifier that runs first")
    group.add_argument("--no-gate", action="store_true", help="segment also what the classifier calls normal")
    group.add_argument(
        "--operating-point", metavar="screening|burden|P", help="probability from which on a voxel is lesion"
    )
    group.add_argument(
        "--post-therapy", action="store_true", help="also list lesions below the SUV threshold; takes longer"
    )
    group.add_argument(
        "--body-mask", action="store_true", help="drop lesions where the CT is not above 0 HU (lung and fat with them)"
    )
    group.add_argument(
        "--postprocessing",
        metavar="WAY",
        help="of a model that reads both tracers: single, single+, bothways, bothways+ (+ lets lesions grow to the "
        "SUV threshold)",
    )
    group.add_argument("--growth-mm", type=float, metavar="MM", help="by how much they grow (5)")
    group.add_argument(
        "--no-growth-organs",
        metavar="N,N",
        help="organ labels within which they do not (2,3,5,21: kidneys, liver, bladder); none for all",
    )
    group.add_argument("--fast", action="store_true", help="half precision; last voxels may differ")
    group.add_argument(
        "--allow-simulation-weights",
        action="store_true",
        help="run weights trained on simulation on real images: watermarked, never published",
    )


def model_options(arguments: argparse.Namespace) -> ModelOptions:
    """Return the options of a parsed command line."""
    from psmacore.pipeline.request import ModelOptions, postprocessing_named

    return ModelOptions(
        device=arguments.device,
        organ_model=arguments.organ_model,
        classifier=arguments.classifier,
        use_gate=not arguments.no_gate,
        operating_point=arguments.operating_point,
        keep_below_threshold=arguments.post_therapy,
        body_mask=arguments.body_mask,
        is_fast=arguments.fast,
        allow_simulation_weights=arguments.allow_simulation_weights,
        postprocessing=postprocessing_named(arguments.postprocessing),
        growth_mm=arguments.growth_mm,
        no_growth_organs=_organ_numbers(arguments.no_growth_organs),
    )


def _organ_numbers(text: str | None) -> tuple[int, ...] | None:
    """Return organ labels from ``2,3,5``; ``none`` names no organ."""
    from psmacore.errors import UsageError

    if text is None or text == "none":
        return None if text is None else ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f"--no-growth-organs: organ labels as 2,3,5, not {text!r}")
    return tuple(int(part) for part in parts)


def make_ready(request: AnalyseRequest) -> None:
    """Make sure that the worker finds what a request needs.

    Raises
    ------
    UsageError
        If no model is asked for, and an option speaks of one.
    ModelMissingError
        If a name is no model's, or PyTorch or MONAI is missing and cannot be installed.
    ModelUnfitError
        If a model is named for what it does not do.
    """
    from psmacore.errors import UsageError

    options = request.models
    if not request.needs_ai and options.device == "cuda":
        raise UsageError(f"--device cuda: segmenter {request.segmenter!r} runs on the CPU")
    lesion_options = {
        "--companion": request.has_companion,
        "--operating-point": options.operating_point is not None,
        "--post-therapy": options.keep_below_threshold,
        "--body-mask": options.body_mask,
        "--postprocessing": options.postprocessing is not None,
        "--growth-mm": options.growth_mm is not None,
        "--no-growth-organs": options.no_growth_organs is not None,
    }
    for name, is_given in lesion_options.items():
        if is_given and not request.draws_with_model:
            raise UsageError(f"{name} is for trained lesion models, not for segmenter {request.segmenter!r}")
    if request.needs_ai:
        from psmacore.cli.ai_ready import require_ai
        from psmacore.pipeline.model_names import check_names

        check_names(request)
        require_ai()
