"""A phantom's truth and measured results to how well they agree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.dicom.read_seg import read_segments
from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import Lesion
from psmacore.pipeline.results import read_results


@dataclass(frozen=True)
class TruthCheck:
    """Measured against true values of one simulated time point; volumes in ml, SUVbw in g/ml.

    A true lesion is found where a lesion that counts shares a voxel with it; a lesion that counts and
    shares none with any true one is false. Each entry of ``suv_max_errors_pct`` is the largest SUVmax of
    the lesions that share voxels with one found true lesion, against that lesion's own.
    """

    study_uid: str
    n_true: int
    n_found: int
    n_false: int
    true_tv_ml: float
    measured_tv_ml: float
    true_suv_max: float
    measured_suv_max: float
    suv_max_errors_pct: tuple[float, ...]

    @property
    def n_missed(self) -> int:
        """True lesions that no counted lesion meets."""
        return self.n_true - self.n_found

    @property
    def tv_error_pct(self) -> float:
        """Error of PSMA-TV in percent of the truth; 0 where both are 0, infinite where only the truth is."""
        return _error_pct(self.measured_tv_ml, self.true_tv_ml)

    @property
    def suv_max_error_pct(self) -> float:
        """Error of the SUVmax of all lesions in percent of the truth."""
        return _error_pct(self.measured_suv_max, self.true_suv_max)


def _error_pct(measured: float, true: float) -> float:
    if true == 0:
        return 0.0 if measured == 0 else float("inf")
    return 100.0 * (measured - true) / true


def check_course(truth_file: Path, result_folders: Mapping[str, Path]) -> tuple[TruthCheck, ...]:
    """Compare every time point of a ``truth.json`` with the result folder of its study.

    Parameters
    ----------
    truth_file : pathlib.Path
        As ``psma phantom`` writes it.
    result_folders : mapping of str to pathlib.Path
        Study Instance UID to result folder.

    Raises
    ------
    InputRefusedError
        If a study has no result folder.
    """
    truth = json.loads(truth_file.read_text(encoding="utf-8"))
    checks = []
    for entry in truth["timepoints"]:
        folder = result_folders.get(entry["study_uid"])
        if folder is None:
            raise InputRefusedError(f"no results for the simulated study {entry['study_uid']}")
        checks.append(check_timepoint(entry, truth_file.parent, folder))
    return tuple(checks)


def check_timepoint(entry: Mapping[str, Any], phantom_folder: Path, result_folder: Path) -> TruthCheck:
    """Compare one time point of truth.json with one result folder."""
    results = read_results(result_folder / "results.json")
    counted = [lesion for lesion in results.timepoint.lesions if lesion.state.counts]
    true = [lesion for lesion in entry["lesions"] if lesion["volume_ml"] > 0]
    overlaps = _overlaps(true, counted, phantom_folder, result_folder / (results.files.seg or ""))
    errors = tuple(
        _error_pct(max(counted[index].suv_max for index in np.flatnonzero(row)), lesion["suv_max"])
        for lesion, row in zip(true, overlaps, strict=True)
        if row.any()
    )
    totals = results.timepoint.totals
    return TruthCheck(
        study_uid=entry["study_uid"],
        n_true=len(true),
        n_found=int(overlaps.any(axis=1).sum()),
        n_false=int((~overlaps.any(axis=0)).sum()),
        true_tv_ml=sum(lesion["volume_ml"] for lesion in true),
        measured_tv_ml=0.0 if totals is None else totals.psma_tv_ml,
        true_suv_max=max((lesion["suv_max"] for lesion in true), default=0.0),
        measured_suv_max=0.0 if totals is None else totals.suv_max,
        suv_max_errors_pct=errors,
    )


def _overlaps(
    true: list[Mapping[str, Any]], counted: list[Lesion], phantom_folder: Path, seg: Path
) -> NDArray[np.bool_]:
    """Return which true lesion shares a voxel with which counted one, (true, counted)."""
    overlaps = np.zeros((len(true), len(counted)), dtype=bool)
    if not true or not counted:
        return overlaps
    masks = {name: sitk.ReadImage(str(phantom_folder / name)) for name in {lesion["mask"] for lesion in true}}
    geometry = _geometry(next(iter(masks.values())))
    measured = read_segments(seg, geometry).segmentation.labels
    for row, lesion in enumerate(true):
        mask = sitk.GetArrayViewFromImage(masks[lesion["mask"]]) == lesion["label"]
        touched = np.unique(measured[mask])
        overlaps[row] = [one.segment_number in touched for one in counted]
    return overlaps


def _geometry(image: sitk.Image) -> Geometry:
    i, j, k = image.GetSize()
    return Geometry.from_axes(
        shape=(k, j, i),
        origin_lps_mm=image.GetOrigin(),
        spacing_ijk_mm=image.GetSpacing(),
        directions_lps=np.reshape(image.GetDirection(), (3, 3)),
    )
