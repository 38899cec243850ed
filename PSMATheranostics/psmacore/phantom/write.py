"""A seed to a simulated man's course on disk: DICOM, truth masks and truth.json."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from psmacore import __version__
from psmacore.errors import UsageError
from psmacore.phantom.acquisition import Vendor
from psmacore.phantom.canvas import Canvas
from psmacore.phantom.companion import companion_from_lps, plan_pair
from psmacore.phantom.course import CoursePlan, SimulatedTimepoint, plan_course, simulate_timepoint
from psmacore.phantom.dicom_common import StudyIdentity
from psmacore.phantom.dicom_ct import ct_series
from psmacore.phantom.dicom_pet import pet_series
from psmacore.phantom.dicom_seg import organ_segmentation
from psmacore.phantom.folders import Progress, complete_folder, silent, write_json
from psmacore.phantom.nifti import write_nifti
from psmacore.phantom.truth import decoy_json, lesion_json
from psmacore.phantom.uptake import Tracer
from psmacore.phantom.version import phantom_stamp


def write_course(
    out: Path,
    seed: int,
    *,
    vendor: Vendor | str = Vendor.SIEMENS,
    n_timepoints: int = 3,
    n_lesions: int | None = None,
    tracer: Tracer | str = Tracer.PSMA_11,
    quick: bool = False,
    companion: bool = False,
    on_progress: Progress = silent,
) -> Path:
    """Simulate a course and write it to the folder ``out``, which appears only when it is complete.

    Written are ``tp1/pet/0001.dcm`` and so on (PET, CT, organ segmentation), ``tp1/truth/lesions.nii.gz`` and
    ``organs.nii.gz`` on the PET grid, and ``truth.json``. See :func:`psmacore.phantom.course.plan_course`
    for the other parameters. A complete course of the same request that is already there is kept.

    Parameters
    ----------
    companion : bool
        Whether an FDG study of the same man lies beside every PSMA study (``tp1-fdg/`` and so on), with the same
        tumours; truth.json holds it under ``companion`` of the time point. See
        :func:`psmacore.phantom.companion.plan_pair`, which also adds PSMA-negative tumours to the PSMA studies.
    on_progress : callable, optional
        Told a stage in words and the fraction done, 0 to 1.

    Returns
    -------
    pathlib.Path
        The path of ``truth.json``.

    Raises
    ------
    UsageError
        If a number is out of range, vendor or tracer is unknown, or FDG is to have a companion.
    """
    request = _request(seed, Vendor(_known(vendor, Vendor)), n_timepoints, n_lesions, str(tracer), quick)
    if companion:
        request["companion"] = True

    def fill(folder: Path) -> None:
        plan = plan_course(seed, n_timepoints=n_timepoints, n_lesions=n_lesions, tracer=tracer, quick=quick)
        own, other = plan_pair(plan) if companion else (plan, None)
        _write(folder, own, other, request, on_progress)

    return complete_folder(out, "truth.json", request, fill)


def _known(value: str, kinds: type[Vendor]) -> str:
    if value not in {item.value for item in kinds}:
        raise UsageError(f"unknown vendor {value!r}; the phantom knows {', '.join(kinds)}")
    return value


def _request(
    seed: int, vendor: Vendor, n_timepoints: int, n_lesions: int | None, tracer: str, quick: bool
) -> dict[str, Any]:
    return {
        "seed": seed,
        "vendor": vendor.value,
        "n_timepoints": n_timepoints,
        "n_lesions": n_lesions,
        "tracer": str(tracer),
        "quick": quick,
        "version": __version__,
    }


def _write(
    folder: Path, plan: CoursePlan, companion: CoursePlan | None, request: dict[str, Any], on_progress: Progress
) -> None:
    vendor, timepoints = Vendor(request["vendor"]), []
    for number in range(plan.n_timepoints):
        on_progress(f"time point {number + 1}: simulating", number / plan.n_timepoints)
        timepoint = simulate_timepoint(plan, number)
        on_progress(f"time point {number + 1}: writing", (number + 0.4) / plan.n_timepoints)
        entry = _write_timepoint(folder / f"tp{number + 1}", timepoint, vendor)
        if companion is not None:
            on_progress(f"time point {number + 1}: FDG companion", (number + 0.5) / plan.n_timepoints)
            other = replace(
                simulate_timepoint(companion, number),
                transform=companion_from_lps(plan, companion, number) @ timepoint.transform,
            )
            entry["companion"] = _write_timepoint(folder / f"tp{number + 1}-fdg", other, vendor)
        timepoints.append(entry)
    record = {
        "patient_id": plan.patient_id,
        "seed": plan.seed,
        "simulated": True,
        "phantom": phantom_stamp(),
        "tracer": plan.tracer.value,
        "truth_rule": "noise-free SUV at or above threshold_suv, and the lesions' noise-free part above the rest",
        "transform_direction": "lps_t_from_lps_1: 4 x 4, from a point of the first date (LPS, mm) to this date",
        "timepoints": timepoints,
        "request": request,
    }
    write_json(folder / "truth.json", record)
    on_progress("done", 1.0)


def _write_timepoint(here: Path, timepoint: SimulatedTimepoint, vendor: Vendor) -> dict[str, Any]:
    identity = StudyIdentity(timepoint.plan.seed, timepoint.date_index, timepoint.acquisition, vendor)
    headers = _save(here / "pet", pet_series(identity, timepoint.pet.suv, timepoint.pet_geometry), keep_headers=True)
    pet_uid = str(headers[0].SeriesInstanceUID)
    _save(here / "ct", ct_series(identity, timepoint.iterate_ct(), timepoint.ct_geometry))
    seg = organ_segmentation(identity, headers[::-1], timepoint.pet.organ_labels)
    _save(here / "seg", [seg])
    (here / "truth").mkdir()
    masks = {"lesions": timepoint.pet.lesion_labels, "organs": timepoint.pet.organ_labels}
    for name, labels in masks.items():
        write_nifti(here / "truth" / f"{name}.nii.gz", labels, timepoint.pet_geometry)
    return _timepoint_json(timepoint, identity, pet_uid, str(seg.SeriesInstanceUID), here.name)


def _timepoint_json(
    timepoint: SimulatedTimepoint, identity: StudyIdentity, pet_uid: str, seg_uid: str, folder: str
) -> dict[str, Any]:
    masks = f"{folder}/truth"
    position = timepoint.plan.lps_from_body[timepoint.date_index]
    canvas = Canvas(timepoint.pet_geometry, timepoint.plan.body_from_lps(timepoint.date_index))
    acquisition = timepoint.acquisition
    return {
        "study_uid": identity.study_uid,
        "pet_uid": pet_uid,
        "ct_uid": identity.uid("series", "CT", 2),
        "seg_uid": seg_uid,
        "folder": folder,
        "date": acquisition.study_at.date().isoformat(),
        "threshold_suv": timepoint.threshold_suv,
        "lesions": [lesion_json(lesion, f"{masks}/lesions.nii.gz") for lesion in timepoint.lesions],
        "decoys": [decoy_json(decoy, timepoint.pet, canvas, position) for decoy in timepoint.decoys],
        "organs": f"{masks}/organs.nii.gz",
        "organs_position": "breath-hold of the CT, sampled on the PET grid",
        "transform": timepoint.transform.tolist(),
        "weight_kg": acquisition.weight_kg,
        "injected_activity_bq": acquisition.activity_bq,
        "uptake_min": round(acquisition.uptake_min, 3),
        "liver_suv": round(timepoint.pet.liver_suv, 4),
        "scanner": {key: round(value, 4) for key, value in asdict(timepoint.scanner).items()},
    }


def _save(folder: Path, images: Iterable[Dataset], *, keep_headers: bool = False) -> list[Dataset]:
    folder.mkdir(parents=True)
    headers: list[Dataset] = []
    for number, ds in enumerate(images, start=1):
        ds.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)
        if keep_headers:
            headers.append(_without_pixels(ds))
    return headers


def _without_pixels(ds: Dataset) -> Dataset:
    """Return a copy of the header; the series goes on changing its own data set."""
    header = Dataset()
    for element in ds:
        if element.keyword != "PixelData":
            header[element.tag] = DataElement(element.tag, element.VR, element.value)
    header.file_meta = copy(ds.file_meta)
    return header
