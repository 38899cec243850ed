"""A DICOM segmentation of anatomy to an organ map with the project's label numbers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psmacore.dicom.files import read_header
from psmacore.dicom.read_seg import SegFile, read_segments
from psmacore.dicom.segments import SegSegment, is_segmentation, segments_of
from psmacore.errors import StudyContentError
from psmacore.model.geometry import Geometry
from psmacore.model.organs import ORGAN_NUMBERS, ORGANS, Side
from psmacore.model.volumes import OrganMap

logger = logging.getLogger(__name__)

ANATOMICAL_CATEGORIES = frozenset({"91723000", "123037004", "T-D000A"})
"""Anatomical Structure; Body Structure, as Slicer's terminology writes it; and the SNOMED-RT spelling."""
ABNORMAL_CATEGORIES = frozenset({"49755003", "M-01000"})
"""Morphologically Abnormal Structure."""

_SIDES: tuple[Side, ...] = ("left", "right")


def _numbers_by_code() -> Mapping[tuple[str, Side | None], tuple[int, ...]]:
    table: dict[tuple[str, Side | None], list[int]] = {}
    for organ in ORGANS.values():
        if organ.code is not None:
            table.setdefault((organ.code.value, organ.side), []).append(organ.number)
    return {key: tuple(numbers) for key, numbers in table.items()}


_NUMBERS_BY_CODE = _numbers_by_code()
_NUMBERS_BY_NAME = {name.lower(): number for name, number in ORGAN_NUMBERS.items()}


def organ_numbers(segment: SegSegment) -> tuple[int, ...]:
    """Return which organ labels a segment means.

    Its label decides if it is a TotalSegmentator name, with blanks or hyphens for underscores and the
    side in front or behind; else its type code with laterality, where the category is anatomical.

    Returns
    -------
    tuple of int
        One number; two, left and right, for a paired organ without laterality; none for a segment that
        is no organ known here, or one of several alike (a rib without its number).
    """
    named = _NUMBERS_BY_NAME.get(_plain_name(segment.label))
    if named is not None:
        return (named,)
    if segment.category is None or segment.category.value not in ANATOMICAL_CATEGORIES:
        return ()
    if segment.property_type is None:
        return ()
    value = segment.property_type.value
    single = _NUMBERS_BY_CODE.get((value, segment.side), ())
    if len(single) == 1:
        return single
    pair = [_NUMBERS_BY_CODE.get((value, side), ()) for side in _SIDES]
    if segment.side is None and not single and all(len(numbers) == 1 for numbers in pair):
        return pair[0][0], pair[1][0]
    return ()


def _plain_name(label: str) -> str:
    words = label.strip().lower().replace("-", "_").replace(" ", "_").split("_")
    if len(words) > 1 and words[0] in _SIDES:
        words = [*words[1:], words[0]]
    return "_".join(words)


def is_organ_seg(path: Path) -> bool:
    """Return whether a file is a segmentation of organs: one at least is known here, and nothing in it is a lesion.

    A file that is no DICOM segmentation is none.
    """
    header = read_header(path)
    if header is None or header.damage or not is_segmentation(header.dataset):
        return False
    segments = segments_of(header.dataset)
    if any(one.category is not None and one.category.value in ABNORMAL_CATEGORIES for one in segments):
        return False
    return any(organ_numbers(one) for one in segments)


def read_organ_seg(path: Path, geometry: Geometry) -> OrganMap:
    """Return the organ map of a segmentation on a grid, whatever grid it was drawn on.

    Where organs overlap, the later segment wins. A paired organ without laterality is divided at the
    middle of the grid, left being the larger LPS x. Segments that are no organ known here are left
    out and named in the log and in the map's ``source``.

    Raises
    ------
    DicomInputError
        If the file is no segmentation or damaged.
    GeometryError
        If it lies in another frame of reference or beside the grid.
    StudyContentError
        If no segment is an organ known here.
    """
    seg = read_segments(path, geometry)
    labels = np.zeros(geometry.shape, np.uint16)
    unknown: list[str] = []
    undivided: list[str] = []
    for segment in seg.segments:
        numbers = organ_numbers(segment)
        if not numbers:
            unknown.append(segment.label or f"segment {segment.number}")
            continue
        if len(numbers) == 2:
            undivided.append(segment.label or f"segment {segment.number}")
        _paint(labels, seg.voxels[segment.number], numbers, geometry)
    if len(unknown) == len(seg.segments):
        raise StudyContentError(f"no segment of {path.name} is an organ known here: {', '.join(unknown) or 'none'}")
    return OrganMap(labels, geometry, _source(seg, unknown, undivided))


def _paint(labels: NDArray[np.uint16], voxels: NDArray[np.int64], numbers: tuple[int, ...], geometry: Geometry) -> None:
    flat = labels.reshape(-1)
    if len(numbers) == 1:
        flat[voxels] = numbers[0]
        return
    x_mm = geometry.lps_of_kji(np.stack(np.unravel_index(voxels, geometry.shape), axis=1))[:, 0]
    middle = geometry.lps_of_kji((np.array(geometry.shape) - 1) / 2)[0, 0]
    flat[voxels] = np.where(x_mm > middle, numbers[0], numbers[1]).astype(np.uint16)


def _source(seg: SegFile, unknown: list[str], undivided: list[str]) -> str:
    words = [f"DICOM segmentation {seg.sop_instance_uid}"]
    if unknown:
        logger.warning("organ segmentation %s: no organ known here: %s", seg.sop_instance_uid, ", ".join(unknown))
        words.append(f"left out as unknown: {', '.join(unknown)}")
    if undivided:
        logger.warning("organ segmentation %s: no laterality: %s", seg.sop_instance_uid, ", ".join(undivided))
        words.append(f"without laterality, divided at the middle: {', '.join(undivided)}")
    return "; ".join(words)
