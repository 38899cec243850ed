"""Figures of a validation to the probability and post-processing that each use of a paired model runs with."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import InputRefusedError, ModelUnfitError
from psmacore.pipeline.request import ModelOptions, Postprocessing, Purpose
from psmacore.registry.catalog import ModelFolder

POINTS_FILE = "operating_points.json"
SCHEMA = "psma-operating-points/1"


@dataclass(frozen=True, eq=False)
class Trial:
    """One way to make lesions, measured on the validation cases.

    Parameters
    ----------
    dsc, fpv_ml, fnv_ml : numpy.ndarray
        ``(n,)``, one value a case; NaN where a case has none.
    """

    postprocessing: Postprocessing
    probability: float
    dsc: NDArray[np.float64]
    fpv_ml: NDArray[np.float64]
    fnv_ml: NDArray[np.float64]

    @property
    def mean_dsc(self) -> float:
        """Over the cases that have one; NaN where none has."""
        return _mean(self.dsc)

    @property
    def mean_missed_ml(self) -> float:
        """Mean FPV plus mean FNV."""
        return _mean(self.fpv_ml) + _mean(self.fnv_ml)


@dataclass(frozen=True)
class OperatingPoint:
    """What a voxel must reach to be lesion, and what becomes of the mask.

    Parameters
    ----------
    mean_dsc, mean_missed_ml : float or None
        On the validation cases that it was chosen on; ``None`` where nothing was chosen.
    """

    probability: float
    postprocessing: Postprocessing
    mean_dsc: float | None = None
    mean_missed_ml: float | None = None


def choose_points(trials: Sequence[Trial]) -> dict[Purpose, OperatingPoint]:
    """Return the best trial of each use.

    Screening, where each lesion missed and each one invented counts, takes the lowest mean FPV + FNV, the authors'
    own reason; burden, where the outline counts, the highest mean DSC (D25). Of equals the probability nearest to
    one half wins, then the simpler post-processing.

    Raises
    ------
    InputRefusedError
        If no trial has figures, for instance because no case has lesions.
    """
    known = [trial for trial in trials if math.isfinite(trial.mean_dsc) and math.isfinite(trial.mean_missed_ml)]
    if not known:
        raise InputRefusedError("operating points cannot be chosen: no validation case has a lesion")
    order = list(Postprocessing)

    def later(trial: Trial) -> tuple[float, int]:
        return abs(trial.probability - 0.5), order.index(trial.postprocessing)

    return {
        Purpose.SCREENING: _point(min(known, key=lambda trial: (round(trial.mean_missed_ml, 6), *later(trial)))),
        Purpose.BURDEN: _point(min(known, key=lambda trial: (-round(trial.mean_dsc, 6), *later(trial)))),
    }


def write_points(points: Mapping[Purpose, OperatingPoint], model: ModelFolder, *, data: str) -> Path:
    """Write the points beside a model's weights, aside first and then renamed; return the file.

    Parameters
    ----------
    data : str
        What they were chosen on, in words.
    """
    record = {
        "schema": SCHEMA,
        "weights_sha256": model.manifest.weights_sha256,
        "data": data,
        "points": {
            purpose.value: {
                "probability": point.probability,
                "postprocessing": point.postprocessing.value,
                "mean_dsc": point.mean_dsc,
                "mean_fpv_plus_fnv_ml": point.mean_missed_ml,
            }
            for purpose, point in points.items()
        },
    }
    path, aside = model.folder / POINTS_FILE, model.folder / f".{os.getpid()}_{POINTS_FILE}"
    try:
        aside.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def read_points(model: ModelFolder) -> dict[Purpose, OperatingPoint]:
    """Return the points that lie beside a model's weights; none where nothing was chosen.

    Raises
    ------
    ModelUnfitError
        If the file cannot be read, or belongs to other weights.
    """
    path = model.folder / POINTS_FILE
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        points = {Purpose(name): _read_point(entry) for name, entry in record["points"].items()}
        sha256 = record["weights_sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnfitError(f"{path.name} of {model.manifest.name} cannot be read: {error!r}") from error
    if sha256 != model.manifest.weights_sha256:
        raise ModelUnfitError(f"{path.name} of {model.manifest.name} belongs to other weights, {sha256}")
    return points


def point_for(model: ModelFolder, options: ModelOptions) -> OperatingPoint:
    """Return how a model runs for what the user wants.

    Without a wish the point stored for burden is taken, and where nothing is stored the manifest's probability with
    both ways, which the authors submitted (D24). A probability and a post-processing of the user's win over both.

    Raises
    ------
    ModelUnfitError
        If a use is wanted that no point is stored for.
    """
    wanted, stored = options.operating_point, read_points(model)
    if wanted in set(Purpose):
        purpose = Purpose(str(wanted))
        if purpose not in stored and purpose is Purpose.SCREENING:
            raise ModelUnfitError(
                f"{model.manifest.name} has no operating point for {wanted}: name a probability, its own is "
                f"{model.manifest.operating_point:g}"
            )
        wanted = None
    else:
        purpose = Purpose.BURDEN
    point = stored.get(purpose, OperatingPoint(model.manifest.operating_point, Postprocessing.BOTHWAYS))
    if wanted is None and options.postprocessing in (None, point.postprocessing):
        return point
    probability = point.probability if wanted is None else float(wanted)
    return OperatingPoint(probability, options.postprocessing or point.postprocessing)


def _read_point(entry: Mapping[str, object]) -> OperatingPoint:
    probability = float(str(entry["probability"]))
    if not 0.0 < probability <= 1.0:
        raise ValueError(f"no probability: {probability!r}")
    dsc, missed = entry.get("mean_dsc"), entry.get("mean_fpv_plus_fnv_ml")
    return OperatingPoint(
        probability,
        Postprocessing(str(entry["postprocessing"])),
        None if dsc is None else float(str(dsc)),
        None if missed is None else float(str(missed)),
    )


def _point(trial: Trial) -> OperatingPoint:
    return OperatingPoint(
        trial.probability, trial.postprocessing, round(trial.mean_dsc, 6), round(trial.mean_missed_ml, 6)
    )


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan
