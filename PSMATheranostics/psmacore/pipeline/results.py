"""An analysed study to ``results.json`` (schema ``psma-results/1``), written whole or not at all, and back."""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from psmacore.errors import InputRefusedError
from psmacore.model.timepoint import Timepoint
from psmacore.pipeline.results_records import timepoint_of, timepoint_record

SCHEMA_NAME = "psma-results/1"
FILE_NAME = "results.json"
SCHEMA_FILE = Path(__file__).with_name("psma-results-1.schema.json")


@dataclass(frozen=True)
class ResultFiles:
    """What lies beside ``results.json``: paths relative to its folder, with ``/``; ``None`` where it was not made.

    Parameters
    ----------
    seg, seg_union, sr, sr_display, rwvm, sc, pdf : str or None
        DICOM objects, names ending in ``.dcm``; ``pdf`` is the encapsulated report.
    report_pdf, html : str or None
        The report as plain files.
    """

    seg: str | None = None
    seg_union: str | None = None
    sr: str | None = None
    sr_display: str | None = None
    rwvm: str | None = None
    sc: str | None = None
    pdf: str | None = None
    report_pdf: str | None = None
    html: str | None = None


@dataclass(frozen=True)
class StoredResults:
    """What a ``results.json`` holds."""

    timepoint: Timepoint
    files: ResultFiles
    timings_s: Mapping[str, float]


def to_results(timepoint: Timepoint, files: ResultFiles, timings_s: Mapping[str, float]) -> dict[str, Any]:
    """Return the JSON object of ``psma-results/1`` for one analysed study, checked against its schema.

    Parameters
    ----------
    timepoint : Timepoint
        All numbers.
    files : ResultFiles
        Paths relative to the folder of ``results.json``.
    timings_s : mapping of str to float
        Stage to its duration in s.

    Raises
    ------
    InputRefusedError
        If a value is not finite or does not fit the schema; the message names its place.
    """
    results = {
        "schema": SCHEMA_NAME,
        **timepoint_record(timepoint),
        "files": asdict(files),
        "timings_s": {stage: float(seconds) for stage, seconds in timings_s.items()},
        "warnings": list(timepoint.warnings),
    }
    _require_finite(results, "")
    check_results(results)
    return results


def write_results(path: Path, timepoint: Timepoint, files: ResultFiles, timings_s: Mapping[str, float]) -> Path:
    """Write ``results.json`` and return its path.

    It is written aside, flushed to the disk and renamed, so a reader finds the old file or the new one,
    never a part; nothing is left beside it after a failure.

    Parameters
    ----------
    path : Path
        The file, or the existing folder that it shall lie in.
    timepoint, files, timings_s
        As for :func:`to_results`.

    Raises
    ------
    InputRefusedError
        As :func:`to_results`; nothing is written then.
    """
    results = to_results(timepoint, files, timings_s)
    content = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    target = path / FILE_NAME if path.is_dir() else path
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        with aside.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)
    return target


def read_results(path: Path) -> StoredResults:
    """Return what a ``results.json`` holds, checked against its schema.

    The file keeps what others need, not everything: the time point that is read back has ``units_stored``
    empty, ``suv_type_stored`` and the ``bsa`` and ``ibw`` factors ``None``, and 0 voxels in its
    reference regions.

    Parameters
    ----------
    path : Path
        The file, or the folder that holds it.

    Raises
    ------
    InputRefusedError
        If the file is missing, is not JSON, or breaks the schema; the message names the place.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        results = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError) as error:
        raise InputRefusedError(f"{file.name} cannot be read: {error}") from error
    check_results(results)
    return StoredResults(
        timepoint=timepoint_of(results),
        files=ResultFiles(**results["files"]),
        timings_s=dict(results["timings_s"]),
    )


def check_results(results: object) -> None:
    """Check a JSON object against ``psma-results/1``.

    Raises
    ------
    InputRefusedError
        Naming the first place that breaks the schema.
    """
    error = jsonschema.exceptions.best_match(_validator().iter_errors(results))
    if error is not None:
        place = error.json_path.removeprefix("$.")
        # what identifies a patient stays out of messages, for they are logged
        what = f"breaks {error.validator!r}" if place.startswith("patient") else error.message
        raise InputRefusedError(f"not {SCHEMA_NAME}: {place}: {what}")


@cache
def _validator() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def _require_finite(value: object, place: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InputRefusedError(f"{FILE_NAME} cannot hold {place} = {value}: it is not a finite number")
    if isinstance(value, dict):
        for key, item in value.items():
            _require_finite(item, f"{place}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _require_finite(item, f"{place}[{number}]")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _flush_folder(folder: Path) -> None:
    """Make the rename durable where the system lets a folder be flushed (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
