"""A region of an RT structure set to a mask on an image grid."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from psmacore.dicom.files import read_dataset, read_header
from psmacore.dicom.headers import integer, items, numbers, refusal, text
from psmacore.dicom.polygons import FloatArray, fill_contours
from psmacore.errors import DicomInputError, GeometryError
from psmacore.model.geometry import Geometry

logger = logging.getLogger(__name__)

RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_ROI_NAME = 0x30060026


def is_rtstruct(path: Path) -> bool:
    """Return whether a file is an RT structure set; a file that is no DICOM is none."""
    header = read_header(path)
    return header is not None and text(header.dataset, 0x00080016) == RT_STRUCTURE_SET


def list_rois(path: Path) -> tuple[str, ...]:
    """Return the names of all regions of a structure set, in file order.

    Raises
    ------
    DicomInputError
        If the file is no RT structure set.
    """
    return tuple(text(item, _ROI_NAME) for item in items(_read(path), 0x30060020))


def read_roi_mask(path: Path, roi_name: str, geometry: Geometry) -> NDArray[np.bool_]:
    """Return the voxels of one region.

    A voxel belongs to it if its centre lies inside an odd number of the contours of its slice, so
    contours within contours are holes.

    Parameters
    ----------
    roi_name : str
        (3006,0026) ROI Name.
    geometry : Geometry
        Grid to fill.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, bool; all False where the region has no closed contour.

    Raises
    ------
    DicomInputError
        If the file is no RT structure set, has no region of that name or several, or contours are malformed.
    GeometryError
        If the region lies in another frame of reference, or not on the grid's slices.

    References
    ----------
    DICOM PS3.3 C.8.8.5 (Structure Set), C.8.8.6 (ROI Contour).
    """
    dataset = _read(path)
    named = [item for item in items(dataset, 0x30060020) if text(item, _ROI_NAME) == roi_name]
    if len(named) != 1:
        have = ", ".join(text(item, _ROI_NAME) for item in items(dataset, 0x30060020)) or "none"
        reason = "names no region" if not named else f"names {len(named)} regions"
        raise refusal(f"{reason} of this structure set, which has: {have}", _ROI_NAME, value=roi_name, where=path.name)
    _refuse_other_frame(dataset, named[0], geometry, path.name)
    return fill_contours(_contours(dataset, named[0], path.name), geometry)


def _read(path: Path) -> Dataset:
    dataset = read_dataset(path)
    found = text(dataset, 0x00080016)
    if found != RT_STRUCTURE_SET:
        raise refusal("is not that of an RT structure set", 0x00080016, value=found or None, where=path.name)
    return dataset


def _refuse_other_frame(dataset: Dataset, roi: Dataset, geometry: Geometry, where: str) -> None:
    found = text(roi, 0x30060024) or text(dataset, 0x00200052)
    if found and geometry.frame_of_reference_uid and found != geometry.frame_of_reference_uid:
        raise GeometryError(
            f"(3006,0024) Referenced Frame of Reference UID {found} of {where} is not the image's, "
            f"{geometry.frame_of_reference_uid}"
        )


def _contours(dataset: Dataset, roi: Dataset, where: str) -> list[FloatArray]:
    number = integer(roi, 0x30060022)
    if number is None:
        raise refusal("is missing", 0x30060022, value=None, where=where)
    found = []
    n_other = 0
    for item in items(dataset, 0x30060039):
        if integer(item, 0x30060084) != number:
            continue
        for contour in items(item, 0x30060040):
            kind = text(contour, 0x30060042).upper()
            if kind not in _CLOSED:
                n_other += 1
                continue
            found.append(_points(contour, where))
    if n_other:
        logger.warning("%d open or point contours enclose nothing and were left out", n_other)
    return found


def _points(contour: Dataset, where: str) -> FloatArray:
    values = numbers(contour, 0x30060050)
    if len(values) % 3 or len(values) < 9:
        raise refusal("needs three coordinates for each of three or more points", 0x30060050, value=len(values),
                      where=where)  # fmt: skip
    declared = integer(contour, 0x30060046)
    if declared is not None and declared * 3 != len(values):
        raise DicomInputError(
            f"says another number of points than (3006,0050) Contour Data holds, {len(values) // 3}",
            tag=0x30060046,
            keyword="Number of Contour Points",
            value=declared,
            where=where,
        )
    return np.array(values, dtype=np.float64).reshape(-1, 3)
