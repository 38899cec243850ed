"""The files of one image series to its header, its grid and its slices' stored values in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from psmacore.dicom.files import read_dataset, read_header
from psmacore.dicom.geometry import GeometryFault, GeometryFinding, SlicePlane, plane_of, stack_slices
from psmacore.dicom.headers import integer, number, refusal, text, texts
from psmacore.dicom.pixels import decode_frames, is_lossy
from psmacore.errors import DicomInputError, StudyContentError
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import InstanceRef, SeriesHeader

logger = logging.getLogger(__name__)

Scalar = TypeVar("Scalar", bound=np.generic)

RESCALE_INTERCEPT = 0x00281052
RESCALE_SLOPE = 0x00281053


@dataclass(frozen=True)
class Slice:
    """One image: its attributes without pixels, and where it lies."""

    dataset: Dataset
    plane: SlicePlane


@dataclass(frozen=True)
class Stack:
    """A series in slice order k."""

    slices: tuple[Slice, ...]
    geometry: Geometry
    header: SeriesHeader

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """Attributes of each slice without pixels, in slice order k."""
        return tuple(one.dataset for one in self.slices)


def read_slices(paths: Sequence[Path], *, sop_class_uid: str, kind: str) -> tuple[Slice, ...]:
    """Return the images of a series in the order given, without pixels.

    Raises
    ------
    StudyContentError
        If there is no path.
    DicomInputError
        If a file is not DICOM, truncated, of another SOP class, or has several frames.
    """
    if not paths:
        raise StudyContentError(f"there is no file of a {kind} series")
    slices = []
    for path in paths:
        header = read_header(path)
        if header is None:
            raise DicomInputError("the file is not DICOM", where=path.name)
        if header.damage:
            raise DicomInputError(header.damage, where=path.name)
        found = text(header.dataset, 0x00080016)
        if found != sop_class_uid:
            raise refusal(f"is not that of a {kind} image", 0x00080016, value=found or None, where=path.name)
        if (integer(header.dataset, 0x00280008) or 1) != 1:
            value = integer(header.dataset, 0x00280008)
            raise refusal(f"must be 1 in a {kind} image", 0x00280008, value=value, where=path.name)
        slices.append(Slice(header.dataset, plane_of(header.dataset, path)))
    return tuple(slices)


def stack(slices: Sequence[Slice]) -> Stack:
    """Return the slices in order on their grid.

    Raises
    ------
    GeometryError
        If they make no volume; the message opens with the name of the fault.
    """
    first = slices[0].dataset
    series_uid = text(first, 0x0020000E)
    stacked = stack_slices([one.plane for one in slices], where=f"series {series_uid}")
    ordered = tuple(slices[index] for index in stacked.order)
    findings = [*(str(one) for one in stacked.findings), *_further_findings(ordered)]
    for words in findings:
        logger.info("series %s: %s", series_uid, words)
    header = SeriesHeader(
        patient_id=text(first, 0x00100020),
        patient_sex=text(first, 0x00100040),
        patient_birth_date=text(first, 0x00100030),
        study_uid=text(first, 0x0020000D),
        study_date=text(first, 0x00080020),
        study_time=text(first, 0x00080030),
        study_description=text(first, 0x00081030),
        series_uid=series_uid,
        series_description=text(first, 0x0008103E),
        modality=text(first, 0x00080060),
        frame_of_reference_uid=stacked.geometry.frame_of_reference_uid,
        manufacturer=text(first, 0x00080070),
        model=text(first, 0x00081090),
        instances=tuple(_instance(one.plane) for one in ordered),
        findings=tuple(findings),
        is_synthetic="SIMULATED" in texts(first, 0x00080008) or text(first, 0x0008001C) == "YES",
    )
    return Stack(ordered, stacked.geometry, header)


def _instance(plane: SlicePlane) -> InstanceRef:
    return InstanceRef(plane.sop_class_uid, plane.sop_instance_uid, plane.path, plane.position_lps_mm)


def _further_findings(slices: Sequence[Slice]) -> Iterator[str]:
    declared = integer(slices[0].dataset, 0x00540081)
    if declared is not None and declared > len(slices):
        words = f"(0054,0081) Number of Slices says {declared}, {len(slices)} are there; slices at an end may be lost"
        yield str(GeometryFinding(GeometryFault.FEWER_SLICES, words, False))
    n_lossy = sum(is_lossy(one.dataset) for one in slices)
    if n_lossy:
        yield f"lossy compression: (0028,2110) says that values of {n_lossy} images were changed before they came here"


def slope_of(dataset: Dataset, *, where: str) -> float:
    """Return (0028,1053) Rescale Slope.

    Raises
    ------
    DicomInputError
        If it is missing or not positive: then stored values have no scale.
    """
    slope = number(dataset, RESCALE_SLOPE)
    if slope is None or slope <= 0:
        raise refusal("is missing or not positive: values have no scale", RESCALE_SLOPE, value=slope, where=where)
    return slope


def stored_values(plane: SlicePlane) -> NDArray[Any]:
    """Return the stored values of one image, ``(rows, columns)``.

    Raises
    ------
    DicomInputError
        If the pixel data are missing, short, damaged, or in an encoding unknown here.
    """
    try:
        return next(decode_frames(read_dataset(plane.path)))
    except DicomInputError as error:
        raise DicomInputError(
            error.reason, tag=error.tag, keyword=error.keyword, value=error.value, where=plane.path.name
        ) from error


def fill_volume(
    stacked: Stack, dtype: type[Scalar], convert: Callable[[int, NDArray[Any]], NDArray[Scalar]]
) -> NDArray[Scalar]:
    """Return the voxels ``(k, j, i)``; one file is in memory at a time.

    The volume is allocated after its first slice was decoded, so an absurd size in the header, which
    no pixel data can fill, is refused before it costs memory.

    Parameters
    ----------
    convert : callable
        From slice index k and stored values ``(rows, columns)`` to values of ``dtype``.
    """
    first = convert(0, stored_values(stacked.slices[0].plane))
    values = np.empty(stacked.geometry.shape, dtype)
    values[0] = first
    for k, one in enumerate(stacked.slices[1:], start=1):
        values[k] = convert(k, stored_values(one.plane))
    return values
