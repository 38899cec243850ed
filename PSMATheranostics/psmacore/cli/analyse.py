"""``psma analyse``: one study to a folder of results."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.cli.options import Subparsers
    from psmacore.model.timepoint import Timepoint
    from psmacore.pipeline.request import AnalyseRequest


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma analyse``."""
    from psmacore.cli.model_options import add_model_options
    from psmacore.cli.promise_options import add_promise_options

    parser = subparsers.add_parser(
        "analyse",
        help="segment and measure one study",
        description="Segment and measure one PET/CT study: results.json, DICOM objects and report in --out.",
        epilog="Environment: PSMA_PACS_USER and PSMA_PACS_PASSWORD sign in to the archive; PSMA_PACS_TIMEOUT_S is how "
        "long to wait for its next bytes, in s (60).",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dicom", type=Path, metavar="DIR", help="folder with the study's DICOM files")
    source.add_argument("--dicomweb", metavar="URL", help="DICOMweb root of the archive; needs --study")
    parser.add_argument("--study", metavar="UID", help="Study Instance UID")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="result folder, complete or absent")
    parser.add_argument(
        "--segmenter",
        default="threshold",
        metavar="NAME",
        help="threshold (the tracer's own rule); threshold:RULE[=SUV] with psma_fixed, suv_4, percent_41, "
        "percent_50, fdg_liver, liver_psma, liver_mean; or a trained model or family, as lesion-unet, deep-psma",
    )
    parser.add_argument("--organs", type=Path, metavar="FILE", help="organ map: DICOM SEG or NIfTI")
    parser.add_argument(
        "--mask", metavar="FILE[:ROI NAME]", help="measure this RTSTRUCT, SEG or NIfTI instead of segmenting"
    )
    parser.add_argument("--pet-series", metavar="UID", help="which PET, where the study has several")
    parser.add_argument("--ct-series", metavar="UID", help="which CT, where the study has several")
    parser.add_argument(
        "--override",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="value in place of the header's, for example weight_kg=81; recorded in every result",
    )
    parser.add_argument("--companion", metavar="DIR|UID", help="the other tracer's study, for models that read both")
    parser.add_argument("--publish", action="store_true", help="store the objects in the archive of --dicomweb")
    parser.add_argument("--json", action="store_true", help="print the results as one JSON object")
    add_model_options(parser)
    add_promise_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the analysis in a worker process."""
    import json

    from psmacore.cli.model_options import make_ready
    from psmacore.cli.options import write_json
    from psmacore.cli.running import run_analysis
    from psmacore.pipeline.results import read_results

    request = _request(arguments)
    make_ready(request)
    folder = run_analysis(request, arguments.out, "analyse")
    if arguments.json:
        write_json(json.loads((folder / "results.json").read_text(encoding="utf-8")))
        return 0
    print(_summary(read_results(folder).timepoint))
    print(f"results: {folder}")
    return 0


def _summary(timepoint: Timepoint) -> str:
    from psmacore.report.numbers import suv_words, total_uptake_words, volume_words
    from psmacore.report.words import ReportWords

    totals = timepoint.totals
    if timepoint.classification is not None and timepoint.classification.has_stopped_segmentation:
        return "; ".join(timepoint.warnings)
    if totals is None:
        return f"{len(timepoint.lesions)} candidates; {'; '.join(timepoint.warnings)}"
    words = ReportWords.of(timepoint.tracer)
    noun = "lesion" if totals.n_lesions == 1 else "lesions"
    return (
        f"{totals.n_lesions} {noun}, {words.volume} {volume_words(totals.psma_tv_ml)} ml, "
        f"{words.total_uptake} {total_uptake_words(totals.tl_psma_ml)} g/ml x ml, "
        f"SUVmax {suv_words(totals.suv_max)} g/ml; AI, unconfirmed"
    )


def _request(arguments: argparse.Namespace) -> AnalyseRequest:
    from psmacore.cli.model_options import model_options
    from psmacore.cli.options import reader_name
    from psmacore.cli.promise_options import promise_rules
    from psmacore.errors import UsageError
    from psmacore.pipeline.request import AnalyseRequest, MaskSource
    from psmacore.suv.overrides import parse_override

    companion, companion_uid = _companion(arguments.companion)
    if arguments.dicom is not None and not arguments.dicom.is_dir():
        raise UsageError(f"--dicom: no such folder: {arguments.dicom}")
    if arguments.organs is not None and not arguments.organs.is_file():
        raise UsageError(f"--organs: no such file: {arguments.organs}")
    return AnalyseRequest(
        dicom=None if arguments.dicom is None else arguments.dicom.absolute(),
        dicomweb_url=arguments.dicomweb,
        study_uid=arguments.study,
        segmenter=arguments.segmenter,
        organs=None if arguments.organs is None else arguments.organs.absolute(),
        mask=None if arguments.mask is None else MaskSource.parse(arguments.mask),
        pet_series_uid=arguments.pet_series,
        ct_series_uid=arguments.ct_series,
        overrides=tuple(parse_override(text, reader=reader_name()) for text in arguments.override),
        publish=arguments.publish,
        companion=companion,
        companion_study_uid=companion_uid,
        models=model_options(arguments),
        promise=promise_rules(arguments),
    )


def _companion(text: str | None) -> tuple[Path | None, str | None]:
    """Return the folder or the Study Instance UID that ``--companion`` names."""
    import re

    from psmacore.errors import UsageError

    if text is None:
        return None, None
    if Path(text).is_dir():
        return Path(text).absolute(), None
    if re.fullmatch(r"[0-9.]{1,64}", text) is None:
        raise UsageError(f"--companion: {text} is no folder and no Study Instance UID")
    return None, text
