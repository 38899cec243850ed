"""The slices of a series to one voxel grid, or to the named faults that forbid one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from psmacore.dicom.headers import integer, numbers, refusal, text
from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]

COSINE_TOLERANCE = 1e-3
"""Direction cosines are written with four decimals or more."""
SPACING_TOLERANCE = 1e-3
"""Relative difference of pixel spacing within a series."""
DUPLICATE_MM = 0.01
"""Slices closer than this share a position."""
MISSING_FACTOR = 1.5
"""A step this much larger than the usual one lacks a slice."""
STEP_TOLERANCE = 0.1
"""Relative deviation of a step that still makes a grid; the real GE series here has 0.025."""
DRIFT_TOLERANCE = 0.4
"""Deviation of a slice from the mean grid, in steps: below a half, so that each slice keeps its index."""
STEP_NOTE_MM = 0.005
"""Smaller differences of steps are rounding, not worth a word."""
TILT_DEGREES = 0.3
"""Angle between the slice normal and the way from slice to slice."""


class GeometryFault(StrEnum):
    """What can be wrong with a stack of slices."""

    MISSING_SLICE = "missing slice"
    DUPLICATE_POSITION = "duplicate position"
    TILTED = "tilted"
    UNEQUAL_STEPS = "unequal steps"
    SINGLE_SLICE = "single slice"
    MIXED_SERIES = "mixed series"
    MIXED_FRAMES_OF_REFERENCE = "mixed frames of reference"
    MIXED_ORIENTATIONS = "mixed orientations"
    MIXED_SIZES = "mixed sizes"
    MIXED_SPACINGS = "mixed spacings"
    NO_FRAME_OF_REFERENCE = "no frame of reference"
    FEWER_SLICES = "fewer slices than declared"

    @property
    def attribute(self) -> str:
        """The DICOM attribute that shows the fault, as ``(gggg,eeee) Name``."""
        return _ATTRIBUTES[self]


_POSITION, _ORIENTATION = "(0020,0032) Image Position (Patient)", "(0020,0037) Image Orientation (Patient)"
_FRAME_OF_REFERENCE = "(0020,0052) Frame of Reference UID"
_ATTRIBUTES = {
    GeometryFault.MISSING_SLICE: _POSITION,
    GeometryFault.DUPLICATE_POSITION: _POSITION,
    GeometryFault.TILTED: _ORIENTATION,
    GeometryFault.UNEQUAL_STEPS: _POSITION,
    GeometryFault.SINGLE_SLICE: _POSITION,
    GeometryFault.MIXED_SERIES: "(0020,000E) Series Instance UID",
    GeometryFault.MIXED_FRAMES_OF_REFERENCE: _FRAME_OF_REFERENCE,
    GeometryFault.MIXED_ORIENTATIONS: _ORIENTATION,
    GeometryFault.MIXED_SIZES: "(0028,0010) Rows x (0028,0011) Columns",
    GeometryFault.MIXED_SPACINGS: "(0028,0030) Pixel Spacing",
    GeometryFault.NO_FRAME_OF_REFERENCE: _FRAME_OF_REFERENCE,
    GeometryFault.FEWER_SLICES: "(0054,0081) Number of Slices",
}


@dataclass(frozen=True)
class GeometryFinding:
    """One thing found in a stack: its name, the values met, and whether it forbids a volume."""

    fault: GeometryFault
    text: str
    forbids: bool

    def __str__(self) -> str:
        return f"{self.fault}: {self.text} [{self.fault.attribute}]"


@dataclass(frozen=True)
class SlicePlane:
    """Where one image lies in the patient (PS3.3 C.7.6.2).

    Parameters
    ----------
    path : Path
        Its file.
    position_lps_mm : tuple of float
        (0020,0032) Image Position (Patient): centre of the first voxel.
    row_lps, column_lps : tuple of float
        (0020,0037) Image Orientation (Patient): direction of growing column index i, then of growing row index j.
    spacing_ji_mm : tuple of float
        (0028,0030) Pixel Spacing: between rows, then between columns.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    frame_of_reference_uid: str
    rows: int
    columns: int
    position_lps_mm: tuple[float, float, float]
    row_lps: tuple[float, float, float]
    column_lps: tuple[float, float, float]
    spacing_ji_mm: tuple[float, float]


@dataclass(frozen=True)
class SliceStack:
    """A regular grid and the way its slices are ordered.

    Parameters
    ----------
    order : tuple of int
        Index into the slices given, for each k.
    findings : tuple of GeometryFinding
        What the reader should know and that did not forbid the volume.
    """

    geometry: Geometry
    order: tuple[int, ...]
    findings: tuple[GeometryFinding, ...]


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z


def plane_of(dataset: Dataset, path: Path) -> SlicePlane:
    """Return where an image lies.

    Raises
    ------
    DicomInputError
        If position, orientation, spacing or size is missing or malformed. (0018,0050) Slice Thickness is
        never read: it is not the distance between slices.
    """

    def exactly(tag: int, count: int) -> tuple[float, ...]:
        found = numbers(dataset, tag)
        if len(found) != count:
            raise refusal(f"needs {count} numbers", tag, value=found or None, where=path.name)
        return found

    def size(tag: int) -> int:
        found = integer(dataset, tag)
        if found is None or found < 1:
            raise refusal("is missing or not positive", tag, value=found, where=path.name)
        return found

    orientation = exactly(0x00200037, 6)
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = np.array([np.linalg.norm(row), np.linalg.norm(column)])
    if np.abs(lengths - 1).max() > COSINE_TOLERANCE or abs(row @ column) > COSINE_TOLERANCE:
        raise refusal("are no two perpendicular unit vectors", 0x00200037, value=orientation, where=path.name)
    spacing = exactly(0x00280030, 2)
    if min(spacing) <= 0:
        raise refusal("is not positive", 0x00280030, value=spacing, where=path.name)
    return SlicePlane(
        path=path,
        sop_class_uid=text(dataset, 0x00080016),
        sop_instance_uid=text(dataset, 0x00080018),
        series_uid=text(dataset, 0x0020000E),
        frame_of_reference_uid=text(dataset, 0x00200052),
        rows=size(0x00280010),
        columns=size(0x00280011),
        position_lps_mm=_triple(exactly(0x00200032, 3)),
        row_lps=_triple(orientation[:3]),
        column_lps=_triple(orientation[3:]),
        spacing_ji_mm=(spacing[0], spacing[1]),
    )


def _axes(plane: SlicePlane) -> FloatArray:
    """Return unit vectors of row, column and slice normal as rows of a 3 x 3 matrix, exactly perpendicular."""
    row = np.array(plane.row_lps) / np.linalg.norm(plane.row_lps)
    column = np.array(plane.column_lps)
    column = column - (column @ row) * row
    column /= np.linalg.norm(column)
    return np.stack([row, column, np.cross(row, column)])


def slice_distances_mm(planes: Sequence[SlicePlane]) -> FloatArray:
    """Return each slice's distance along the normal (row x column direction) of the first, in mm, ``(n,)``."""
    normal = _axes(planes[0])[2]
    return np.array([np.dot(plane.position_lps_mm, normal) for plane in planes], dtype=np.float64)


def _mixed(planes: Sequence[SlicePlane]) -> list[GeometryFinding]:
    """Return what differs between slices though a volume has it once."""
    found = []
    for fault, values in (
        (GeometryFault.MIXED_SERIES, {plane.series_uid for plane in planes}),
        (GeometryFault.MIXED_FRAMES_OF_REFERENCE, {plane.frame_of_reference_uid or "(none)" for plane in planes}),
        (GeometryFault.MIXED_SIZES, {f"{plane.rows} x {plane.columns}" for plane in planes}),
    ):
        if len(values) > 1:
            found.append(GeometryFinding(fault, f"{len(values)} in one volume: {_some(sorted(values))}", True))
    axes = np.array([[*plane.row_lps, *plane.column_lps] for plane in planes])
    if np.abs(axes - axes[0]).max() > COSINE_TOLERANCE:
        other = planes[int(np.abs(axes - axes[0]).max(axis=1).argmax())]
        words = f"{[*planes[0].row_lps, *planes[0].column_lps]} and {[*other.row_lps, *other.column_lps]}"
        found.append(GeometryFinding(GeometryFault.MIXED_ORIENTATIONS, words, True))
    spacings = np.array([plane.spacing_ji_mm for plane in planes])
    if (np.abs(spacings - spacings[0]) / spacings[0]).max() > SPACING_TOLERANCE:
        words = _some(sorted({f"{plane.spacing_ji_mm[0]:g} x {plane.spacing_ji_mm[1]:g} mm" for plane in planes}))
        found.append(GeometryFinding(GeometryFault.MIXED_SPACINGS, words, True))
    return found


def _some(values: Sequence[str], most: int = 4) -> str:
    return ", ".join(values[:most]) + (f" and {len(values) - most} more" if len(values) > most else "")


def _duplicates(distances_mm: FloatArray) -> list[GeometryFinding]:
    steps = np.diff(distances_mm)
    at = np.flatnonzero(steps < DUPLICATE_MM)
    if at.size == 0:
        return []
    where = _some([f"{distances_mm[index]:.2f} mm" for index in at])
    words = f"{at.size} of {len(distances_mm)} slices lie where another lies, along the normal at {where}"
    return [GeometryFinding(GeometryFault.DUPLICATE_POSITION, words, True)]


def _tilt(planes: Sequence[SlicePlane], order: NDArray[np.intp]) -> list[GeometryFinding]:
    positions = np.array([planes[int(index)].position_lps_mm for index in order])
    right, down, up = _axes(planes[0]) @ (positions - positions[0]).T
    sideways = float(np.hypot(right, down).max())
    degrees = float(np.degrees(np.arctan2(sideways, up[-1])))
    if sideways < 0.05 or (degrees < TILT_DEGREES and sideways < min(planes[0].spacing_ji_mm) / 2):
        return []
    words = (
        f"slices follow each other {degrees:.1f} degrees off their normal, {sideways:.2f} mm sideways in all "
        f"(gantry tilt): the volume is sheared"
    )
    return [GeometryFinding(GeometryFault.TILTED, words, True)]


def _steps(distances_mm: FloatArray) -> list[GeometryFinding]:
    steps = np.diff(distances_mm)
    usual = float(np.sort(steps)[(len(steps) - 1) // 2])
    gaps = np.flatnonzero(steps > MISSING_FACTOR * usual)
    if gaps.size:
        n_lost = int(sum(max(round(steps[gap] / usual) - 1, 1) for gap in gaps))
        where = _some([f"{distances_mm[gap]:.2f} and {distances_mm[gap + 1]:.2f} mm" for gap in gaps])
        words = f"about {n_lost} missing; the usual step is {usual:.3f} mm, but none lies between {where}"
        return [GeometryFinding(GeometryFault.MISSING_SLICE, words, True)]
    mean = float(distances_mm[-1] - distances_mm[0]) / len(steps)
    drift = float(np.abs(distances_mm - distances_mm[0] - mean * np.arange(len(distances_mm))).max())
    words = (
        f"from {steps.min():.3f} to {steps.max():.3f} mm, mean {mean:.4f} mm; a slice lies up to {drift:.3f} mm "
        f"off the grid of equal steps"
    )
    if np.abs(steps - usual).max() > STEP_TOLERANCE * usual or drift > DRIFT_TOLERANCE * mean:
        return [GeometryFinding(GeometryFault.UNEQUAL_STEPS, words, True)]
    if steps.max() - steps.min() > STEP_NOTE_MM:
        return [GeometryFinding(GeometryFault.UNEQUAL_STEPS, words, False)]
    return []


def examine_slices(planes: Sequence[SlicePlane]) -> tuple[GeometryFinding, ...]:
    """Return everything found in a stack, whether it forbids a volume or not.

    Raises
    ------
    GeometryError
        If there is no slice at all.
    """
    if not planes:
        raise GeometryError("there is no slice")
    found = _mixed(planes)
    if len(planes) == 1:
        found.append(GeometryFinding(GeometryFault.SINGLE_SLICE, "one image makes no volume", True))
    if not planes[0].frame_of_reference_uid:
        words = "absent: it cannot be shown that other series lie in the same space"
        found.append(GeometryFinding(GeometryFault.NO_FRAME_OF_REFERENCE, words, False))
    if any(one.forbids for one in found):
        return tuple(found)
    distances = slice_distances_mm(planes)
    order = np.argsort(distances, kind="stable")
    duplicates = _duplicates(distances[order])
    found += duplicates
    if not duplicates:
        found += _tilt(planes, order) + _steps(distances[order])
    return tuple(found)


def stack_slices(planes: Sequence[SlicePlane], *, where: str = "") -> SliceStack:
    """Return the grid that the slices fill; k grows along the row x column direction.

    The step is the mean of all steps; exact positions stay with the slices.

    Raises
    ------
    GeometryError
        If a finding forbids a volume; the message opens with the name of the first.
    """
    findings = examine_slices(planes)
    forbidding = [str(one) for one in findings if one.forbids]
    if forbidding:
        raise GeometryError("; ".join(forbidding) + (f" [{where}]" if where else ""))
    order = np.argsort(slice_distances_mm(planes), kind="stable")
    first, last = planes[int(order[0])], planes[int(order[-1])]
    matrix = np.eye(4)
    row, column, _ = _axes(first)
    matrix[:3, 0] = row * first.spacing_ji_mm[1]
    matrix[:3, 1] = column * first.spacing_ji_mm[0]
    matrix[:3, 2] = (np.array(last.position_lps_mm) - np.array(first.position_lps_mm)) / (len(planes) - 1)
    matrix[:3, 3] = first.position_lps_mm
    geometry = Geometry((len(planes), first.rows, first.columns), matrix, first.frame_of_reference_uid)
    return SliceStack(geometry, tuple(int(index) for index in order), findings)
