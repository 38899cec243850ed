"""Seeds to a data set in the layouts of autoPET: the nnU-Net form of autoPET III, or the FDG-PET-CT-Lesions tree.

nnU-Net form (both tracers): ``imagesTr/<case>_0000.nii.gz`` is the CT on the PET grid in HU,
``imagesTr/<case>_0001.nii.gz`` the PET in SUVbw, ``labelsTr/<case>.nii.gz`` the lesions (0, 1); ``<case>`` is
``psma_<patient>_<YYYY-MM-DD>`` or ``fdg_<patient>_<MM-DD-YYYY-NA-...>``. ``dataset.json``, ``splits_final.json``
(five folds by patient), ``psma_metadata.csv`` and ``fdg_metadata.csv`` describe what is there.
Source: fdat.uni-tuebingen.de records 6gjsg-zcg93 (PSMA-FDG-PET-CT-Lesions).

Tree (FDG only): ``PETCT_<patient>/<study>/`` with ``SUV``, ``CTres`` (CT on the PET grid), ``CT``, ``SEG`` and
``PET`` (Bq/ml) as ``.nii.gz``, and ``fdg_metadata.csv`` whose ``diagnosis`` is ``NEGATIVE`` where a study has no
lesion. Source: fdat.uni-tuebingen.de records wf9fy-txq84 (FDG-PET-CT-Lesions); row W70.

Beyond the published files each case has its marker: ``simulated/<case>.json``, or ``simulated.json`` in the tree.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from psmacore.errors import UsageError
from psmacore.phantom.course import CoursePlan, plan_course
from psmacore.phantom.folders import Progress, complete_folder, holds, silent, write_json
from psmacore.phantom.layout_common import (
    FAST,
    MARKER,
    CaseRequest,
    SimulatedStudy,
    ct_on_pet_grid,
    is_negative,
    marker_json,
    simulate_study,
    study_json,
)
from psmacore.phantom.lesion_plan import draw_count
from psmacore.phantom.nifti import write_nifti
from psmacore.phantom.uptake import FACTS

LAYOUT = "autopet"
N_FOLDS = 5
_FDG_COLUMNS = (
    "Subject ID", "Study UID", "Study Date", "Study Description", "Modality", "File Location", "diagnosis", "age",
    "sex",
)  # fmt: skip
_PSMA_COLUMNS = (
    "Subject ID", "Study Date", "age", "manufacturer_model_name", "pet_radionuclide", "ct_contrast_agent",
)  # fmt: skip


class Form(StrEnum):
    """Which of the published forms."""

    NNUNET = "nnunet"
    TREE = "tree"


@dataclass(frozen=True)
class _Names:
    """How autoPET calls one study."""

    subject: str
    study: str
    case: str


def write_autopet_case(
    out: Path,
    request: CaseRequest,
    *,
    negatives: float | None = None,
    form: Form | str = Form.NNUNET,
    on_progress: Progress = silent,
) -> Path:
    """Write one PET/CT study into the data set's folder ``out``; call :func:`write_index` after the last.

    Where the number of lesions is not given it is drawn: none in 8 %, else median 8. With ``negatives`` that share
    of the men, by seed, has none and everyone else at least one, which the classifier wants half and half (W71).

    Returns
    -------
    pathlib.Path
        The case's marker; a complete case of an equal request is kept.

    Raises
    ------
    UsageError
        If tracer or form is unknown, the tree is asked for a PSMA tracer, ``negatives`` meets a number of lesions
        or lies outside 0 to 1, or something else is there.
    """
    if form not in {item.value for item in Form}:
        raise UsageError(f"unknown form {form!r} of the autopet layout; there are {', '.join(Form)}")
    if form == Form.TREE and request.tracer != "fdg":
        raise UsageError(f"the tree of FDG-PET-CT-Lesions holds FDG only, not {request.tracer}")
    n_lesions = _count(request, negatives)
    record = request.as_json(LAYOUT, form=str(form), negatives=negatives)

    def plan(n: int) -> CoursePlan:
        return plan_course(request.seed, n_timepoints=1, n_lesions=n, tracer=request.tracer, quick=request.quick)

    names = _names(plan(0))
    if form == Form.TREE:
        folder = out / names.subject / names.study
        return complete_folder(
            folder, MARKER, record, lambda aside: _fill_tree(aside, plan(n_lesions), names, record, on_progress)
        )
    marker = out / "simulated" / f"{names.case}.json"
    if not holds(marker, record):
        _fill_nnunet(out, marker, plan(n_lesions), names, record, on_progress)
    return marker


def _count(request: CaseRequest, negatives: float | None) -> int:
    if negatives is None:
        return draw_count(request.seed) if request.n_lesions is None else request.n_lesions
    if request.n_lesions is not None:
        raise UsageError("give either the number of lesions or the share of patients without any, not both")
    return 0 if is_negative(request.seed, negatives) else max(1, draw_count(request.seed))


def _names(plan: CoursePlan) -> _Names:
    patient = hashlib.sha256(f"simulated patient/{plan.seed}".encode()).hexdigest()
    day = plan.acquisitions[0].study_at.date()
    if plan.tracer.is_psma:
        study = day.isoformat()
        return _Names(f"PSMA_{patient[:16]}", study, f"psma_{patient[:16]}_{study}")
    study = f"{day:%m-%d-%Y}-NA-PET-CT-SIMULATED-{int(patient[16:24], 16) % 100000:05d}"
    return _Names(f"PETCT_{patient[:10]}", study, f"fdg_{patient[:10]}_{study}")


def _marker(study: SimulatedStudy, names: _Names, record: Mapping[str, object]) -> dict[str, object]:
    timepoint = study.timepoint
    facts = FACTS[timepoint.plan.tracer]
    return marker_json(
        timepoint.plan,
        record,
        layout=LAYOUT,
        case=names.case,
        subject_id=names.subject,
        study=names.study,
        age_y=timepoint.acquisition.age_y,
        radionuclide="68Ga" if facts.nuclide.value == "35337001" else "18F",
        is_negative=not bool(study.lesions.any()),
        studies={"PSMA" if timepoint.plan.tracer.is_psma else "FDG": study_json(study)},
        truth_rule=(
            "noise-free SUV at or above threshold_suv, the lesions' noise-free part above the rest, and PET at or "
            "above the threshold"
        ),
    )


def _fill_tree(
    folder: Path, plan: CoursePlan, names: _Names, record: Mapping[str, object], on_progress: Progress
) -> None:
    on_progress("simulating", 0.0)
    study = simulate_study(plan)
    on_progress("writing", 0.6)
    grid = study.timepoint.pet_geometry
    activity = study.pet_suv * np.float32(study.timepoint.acquisition.bq_per_ml_per_suv)
    write_nifti(folder / "SUV.nii.gz", study.pet_suv, grid, compress_level=FAST)
    write_nifti(folder / "PET.nii.gz", activity, grid, compress_level=FAST)
    write_nifti(folder / "CTres.nii.gz", ct_on_pet_grid(study), grid, compress_level=FAST)
    write_nifti(folder / "SEG.nii.gz", study.burden, grid, compress_level=FAST)
    write_nifti(folder / "CT.nii.gz", study.ct_hu, study.timepoint.ct_geometry, compress_level=FAST)
    write_json(folder / MARKER, _marker(study, names, record))
    on_progress("done", 1.0)


def _fill_nnunet(
    out: Path, marker: Path, plan: CoursePlan, names: _Names, record: Mapping[str, object], on_progress: Progress
) -> None:
    """Write a case's files aside, then move them; the label, which makes it a case, last but for the marker."""
    label = out / "labelsTr" / f"{names.case}.nii.gz"
    if label.exists() or marker.exists():
        raise UsageError(f"the data set {out.name!r} already holds another study as {names.case!r}")
    aside = out / f".{names.case}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        on_progress("simulating", 0.0)
        study = simulate_study(plan)
        on_progress("writing", 0.6)
        grid = study.timepoint.pet_geometry
        images = (out / "imagesTr" / f"{names.case}_0000.nii.gz", out / "imagesTr" / f"{names.case}_0001.nii.gz")
        write_nifti(aside / images[0].name, ct_on_pet_grid(study), grid, compress_level=FAST)
        write_nifti(aside / images[1].name, study.pet_suv, grid, compress_level=FAST)
        write_nifti(aside / label.name, study.burden, grid, compress_level=FAST)
        write_json(aside / marker.name, _marker(study, names, record))
        for target in (*images, label, marker):
            target.parent.mkdir(exist_ok=True)
            os.replace(aside / target.name, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    on_progress("done", 1.0)


def write_index(out: Path, *, form: Form | str = Form.NNUNET) -> None:
    """Write the files that describe all cases of a data set: metadata, and for nnU-Net its description and folds.

    Fold n of five validates every fifth patient in the order of their names; all studies of a patient are on one
    side. Fewer patients than folds give as many folds as patients, a single one none.
    """
    paths = out.glob(f"*/*/{MARKER}" if form == Form.TREE else "simulated/*.json")
    markers = sorted((json.loads(path.read_text(encoding="utf-8")) for path in paths), key=lambda one: str(one["case"]))
    for name, columns, kind in (
        ("fdg_metadata.csv", _FDG_COLUMNS, "FDG"),
        ("psma_metadata.csv", _PSMA_COLUMNS, "PSMA"),
    ):
        rows = [_row(marker, kind) for marker in markers if kind in marker["studies"]]
        if rows:
            _put(out / name, _csv(columns, rows))
    if form == Form.TREE:
        return
    description = {
        "channel_names": {"0": "CT", "1": "PET"},
        "labels": {"background": 0, "tumor": 1},
        "numTraining": len(markers),
        "file_ending": ".nii.gz",
        "description": "Simulated data, no real person",
    }
    _put(out / "dataset.json", json.dumps(description, indent=1) + "\n")
    _put(out / "splits_final.json", json.dumps(_folds(markers), indent=1) + "\n")


def _folds(markers: Iterable[Mapping[str, Any]]) -> list[dict[str, list[str]]]:
    cases = [(str(marker["patient_id"]), str(marker["case"])) for marker in markers]
    patients = sorted({patient for patient, _ in cases})
    n_folds = min(N_FOLDS, len(patients)) if len(patients) > 1 else 0
    place = {patient: number % max(n_folds, 1) for number, patient in enumerate(patients)}
    return [
        {
            "train": [case for patient, case in cases if place[patient] != fold],
            "val": [case for patient, case in cases if place[patient] == fold],
        }
        for fold in range(n_folds)
    ]


def _row(marker: Mapping[str, Any], kind: str) -> dict[str, str]:
    day = str(marker["studies"][kind]["date"])
    if kind == "PSMA":
        return {
            "Subject ID": marker["subject_id"],
            "Study Date": day,
            "age": str(marker["age_y"]),
            "manufacturer_model_name": "simulated",
            "pet_radionuclide": marker["radionuclide"],
            "ct_contrast_agent": "",
        }
    year, month, of_month = day.split("-")
    return {
        "Subject ID": marker["subject_id"],
        "Study UID": "",
        "Study Date": f"{month}-{of_month}-{year}",
        "Study Description": "Simulated PET/CT",
        "Modality": "PT",
        "File Location": f"./FDG-PET-CT-Lesions/{marker['subject_id']}/{marker['study']}",
        "diagnosis": "NEGATIVE" if marker["is_negative"] else "PROSTATE_CANCER",
        "age": f"{marker['age_y']:03d}Y",
        "sex": "M",
    }


def _csv(columns: tuple[str, ...], rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _put(path: Path, text: str) -> None:
    """Replace a file in one step."""
    aside = path.with_name(f".{path.name}.partial")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)
