"""A seed to a case of Prostate-Anatomical-Edge-Cases: a pelvic CT as DICOM and its RT structure set.

As the TCIA's retriever lays a collection out: ``<patient>/<date>-NA-.../<number>-<description>-.../1-001.dcm`` and
so on; the structure set holds ``Prostate``, ``Bladder``, ``Rectum``, ``Femoral_Head_L`` and ``Femoral_Head_R``.
Source: cancerimagingarchive.net/collection/prostate-anatomical-edge-cases (doi 10.7937/QSTF-ST65); rows W61, W62.

Beyond the published files a case holds ``simulated.json`` with the true volumes.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from contourpy import LineType, contour_generator
from pydicom.dataset import Dataset

from psmacore.errors import UsageError
from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.acquisition import Vendor
from psmacore.phantom.canvas import Canvas
from psmacore.phantom.course import CoursePlan, plan_course
from psmacore.phantom.ct import CtRequest, iterate_ct
from psmacore.phantom.dicom_common import StudyIdentity, patient_id
from psmacore.phantom.dicom_ct import ct_series
from psmacore.phantom.dicom_rtstruct import structure_set
from psmacore.phantom.folders import Progress, complete_folder, silent, write_json
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.layout_common import MARKER, CaseRequest, marker_json
from psmacore.phantom.pelvis import Delineated, delineated, pelvic_grid
from psmacore.phantom.shapes import Float32
from psmacore.phantom.uids import phantom_uid

LAYOUT = "prostate-ct"
_STUDY = "Simulated CT of the pelvis"
_Contours = list[tuple[int, FloatArray]]


class _PelvisIdentity(StudyIdentity):
    """The planning CT's own study; its UIDs meet no other's of the same man."""

    def uid(self, *purpose: str | int) -> str:
        return phantom_uid(self.seed, "pelvis", self.acquisition.study_at.isoformat(), *purpose)


@dataclass(frozen=True, eq=False)
class Delineation:
    """A structure's contours, slice index and points ``(n, 3)`` in LPS mm, and its volume in ml on the CT's voxels."""

    name: str
    contours: _Contours
    volume_ml: float


def write_prostate_ct_case(out: Path, request: CaseRequest, *, on_progress: Progress = silent) -> Path:
    """Write the case of one man into the data set's folder ``out``, complete or absent.

    No lesions are simulated unless their number is given; no PET is read, so the tracer does not matter.

    Returns
    -------
    pathlib.Path
        The case's ``simulated.json``; a complete case of an equal request is kept.

    Raises
    ------
    UsageError
        If a number is out of range, a tracer is asked for, or the folder holds something else.
    """
    if request.tracer != CaseRequest.tracer:
        raise UsageError(f"the prostate-ct layout holds no PET, so no tracer {request.tracer}")
    record = request.as_json(LAYOUT)

    def fill(folder: Path) -> None:
        n_lesions = request.n_lesions or 0
        plan = plan_course(request.seed, n_timepoints=1, n_lesions=n_lesions, quick=request.quick)
        grid = _grid(plan)
        identity = _PelvisIdentity(plan.seed, 0, plan.acquisitions[0], Vendor.SIEMENS)
        on_progress("CT: simulating and writing", 0.0)
        day = f"{identity.acquisition.study_at:%m-%d-%Y}-NA-CT pelvis"
        headers = _write_ct(folder / day / "2.000000-Simulated CT", plan, grid, identity)
        on_progress("contours", 0.7)
        structures = [delineate(plan, structure, grid) for structure in delineated(plan.anatomies[0])]
        contours = {one.name: one.contours for one in structures}
        place = folder / day / "3.000000-Simulated contours" / "1-1.dcm"
        place.parent.mkdir()
        structure_set(identity, headers, contours).save_as(place, enforce_file_format=True)
        volumes = {one.name: round(one.volume_ml, 4) for one in structures}
        marker = marker_json(plan, record, layout=LAYOUT, volumes_ml=volumes, study_uid=identity.study_uid)
        write_json(folder / MARKER, marker)
        on_progress("done", 1.0)

    return complete_folder(out / patient_id(request.seed), MARKER, record, fill)


def _grid(plan: CoursePlan) -> Geometry:
    frame_uid = phantom_uid(plan.seed, "pelvis", "frame of reference")
    return pelvic_grid(plan.anatomies[0], plan.lps_from_body[0], frame_uid, quick=plan.quick)


def _write_ct(folder: Path, plan: CoursePlan, grid: Geometry, identity: StudyIdentity) -> list[Dataset]:
    """Write the CT series and return the headers' references in slice order."""
    rng = random_stream(plan.seed, "pelvis CT noise")
    request = CtRequest(
        geometry=grid,
        body_from_lps=plan.body_from_lps(0),
        lesions=plan.lesions,
        decoys=(),
        date_index=0,
        noise_hu_1mm=float(rng.uniform(20.0, 40.0)),
    )
    folder.mkdir(parents=True)
    headers = []
    for number, ds in enumerate(ct_series(identity, iterate_ct(plan.anatomies[0], request, rng), grid), start=1):
        ds.StudyDescription, ds.SeriesDescription, ds.BodyPartExamined = _STUDY, "Simulated CT", "PELVIS"
        ds.save_as(folder / f"1-{number:03d}.dcm", enforce_file_format=True)
        headers.append(_reference_header(ds))
    return headers


def _reference_header(ds: Dataset) -> Dataset:
    header = Dataset()
    for keyword in (
        "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID",
        "StudyDescription",
    ):  # fmt: skip
        setattr(header, keyword, copy(getattr(ds, keyword)))
    return header


def delineate(plan: CoursePlan, structure: Delineated, grid: Geometry) -> Delineation:
    """Return a structure's outlines on every slice of a CT: where its distance, linear between voxels, is nought."""
    canvas = Canvas(grid, plan.body_from_lps(0))
    boxes = [box for part in structure.parts if (box := canvas.box(part, 8.0)) is not None]
    if not boxes:
        return Delineation(structure.name, [], 0.0)
    k, j, i = (slice(min(box[n].start for box in boxes), max(box[n].stop for box in boxes)) for n in range(3))
    contours: _Contours = []
    n_inside = 0
    for index in range(k.start, k.stop):
        distance = _distance(structure, grid, plan.body_from_lps(0), (index, j, i))
        n_inside += int(np.count_nonzero(distance < 0))
        for outline in _outlines(distance):
            kji = np.column_stack([np.full(len(outline), index), outline[:, 1] + j.start, outline[:, 0] + i.start])
            contours.append((index, grid.lps_of_kji(kji)))
    return Delineation(structure.name, contours, n_inside * grid.voxel_volume_ml)


def _distance(
    structure: Delineated, grid: Geometry, body_from_lps: FloatArray, place: tuple[int, slice, slice]
) -> Float32:
    """Return the signed distance in mm, ``(j, i)``, negative inside, of a part of one slice."""
    index, rows, columns = place
    j, i = np.mgrid[rows, columns]
    points = grid.lps_of_kji(np.column_stack([np.full(j.size, index), j.ravel(), i.ravel()]))
    body = (points @ body_from_lps[:3, :3].T + body_from_lps[:3, 3]).astype(np.float32)
    x, y, z = (body[:, axis].reshape(j.shape) for axis in range(3))
    inside: Float32 = np.min([part.distance(x, y, z) for part in structure.parts], axis=0)
    for part in structure.without:
        inside = np.maximum(inside, -part.distance(x, y, z))
    return inside


def _outlines(distance: Float32) -> Iterator[FloatArray]:
    """Yield the closed level lines at nought as ``(n, 2)`` points, column and row, first and last not equal."""
    generator = contour_generator(z=distance, name="serial", line_type=LineType.Separate)
    for line in generator.lines(0.0):
        points = np.asarray(line, dtype=np.float64)
        if len(points) >= 4:
            yield points[:-1]
