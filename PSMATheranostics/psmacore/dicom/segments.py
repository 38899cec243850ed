"""The segments and frames that a DICOM segmentation declares, without their pixels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from highdicom.color import CIELabColor
from pydicom.dataset import Dataset

from psmacore.dicom.headers import code, codes, integer, items, number, numbers, refusal, text
from psmacore.errors import GeometryError
from psmacore.model.codes import Code
from psmacore.model.organs import LEFT, RIGHT, Side

logger = logging.getLogger(__name__)

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"

SegType = Literal["BINARY", "FRACTIONAL", "LABELMAP"]
_TYPES: dict[str, SegType] = {"BINARY": "BINARY", "FRACTIONAL": "FRACTIONAL", "LABELMAP": "LABELMAP"}

# value and scheme of the laterality modifiers, SNOMED CT and its old SNOMED-RT spelling (CID 244)
_LEFT = frozenset({(LEFT.value, "SCT"), ("G-A101", "SRT"), ("G-A101", "SNM3")})
_RIGHT = frozenset({(RIGHT.value, "SCT"), ("G-A100", "SRT"), ("G-A100", "SNM3")})


@dataclass(frozen=True)
class SegSegment:
    """One item of (0062,0002) Segment Sequence (PS3.3 C.8.20.4).

    Parameters
    ----------
    number : int
        (0062,0004) Segment Number, from 1.
    category, property_type : Code or None
        (0062,0003) and (0062,000F).
    type_modifiers : tuple of Code
        (0062,0011) of the type, laterality among them.
    anatomic_region : Code or None
        (0008,2218).
    anatomic_modifiers : tuple of Code
        (0008,2220) of the region.
    algorithm_type, algorithm_name : str
        (0062,0008), (0062,0009).
    tracking_uid, tracking_id : str
        (0062,0021), (0062,0020); empty where absent.
    rgb : tuple of int or None
        (0062,000D) as sRGB, 0 to 255.
    """

    number: int
    label: str
    description: str
    category: Code | None
    property_type: Code | None
    type_modifiers: tuple[Code, ...]
    anatomic_region: Code | None
    anatomic_modifiers: tuple[Code, ...]
    algorithm_type: str
    algorithm_name: str
    tracking_uid: str
    tracking_id: str
    rgb: tuple[int, int, int] | None

    @property
    def side(self) -> Side | None:
        """Laterality of the type, or else of the region; ``None`` where neither names one."""
        for modifiers in (self.type_modifiers, self.anatomic_modifiers):
            found = {(one.value, one.scheme) for one in modifiers}
            if found & _LEFT and not found & _RIGHT:
                return "left"
            if found & _RIGHT and not found & _LEFT:
                return "right"
        return None


@dataclass(frozen=True)
class SegFrame:
    """One frame: the segment it draws (``None`` in a label map) and the centre of its first voxel in LPS mm."""

    segment_number: int | None
    position_lps_mm: tuple[float, float, float]


@dataclass(frozen=True)
class SegLayout:
    """What the frames of a segmentation share.

    Parameters
    ----------
    seg_type : str
        (0062,0001): ``BINARY``, ``FRACTIONAL`` or ``LABELMAP``.
    max_fraction : int
        (0062,000E) Maximum Fractional Value; 1 unless fractional.
    row_lps, column_lps : tuple of float
        Direction of growing column index i, then of growing row index j.
    spacing_ji_mm : tuple of float
        Between rows, then between columns.
    step_mm : float or None
        (0018,0088) Spacing Between Slices; ``None`` where absent.
    """

    seg_type: SegType
    max_fraction: int
    rows: int
    columns: int
    row_lps: tuple[float, ...]
    column_lps: tuple[float, ...]
    spacing_ji_mm: tuple[float, float]
    step_mm: float | None
    frame_of_reference_uid: str
    frames: tuple[SegFrame, ...]


def is_segmentation(dataset: Dataset) -> bool:
    """Return whether the dataset is a DICOM segmentation of either class."""
    return text(dataset, 0x00080016) in (SEGMENTATION, LABEL_MAP_SEGMENTATION)


def segments_of(dataset: Dataset) -> tuple[SegSegment, ...]:
    """Return the segments by number; the background of a label map, number 0, is none.

    Raises
    ------
    DicomInputError
        If a segment has no number, or two have the same.
    """
    found = [_segment(item) for item in items(dataset, 0x00620002)]
    numbers_met = [one.number for one in found]
    if len(set(numbers_met)) < len(numbers_met):
        raise refusal("is given twice", 0x00620004, value=numbers_met)
    return tuple(sorted((one for one in found if one.number > 0), key=lambda one: one.number))


def _segment(item: Dataset) -> SegSegment:
    number_met = integer(item, 0x00620004)
    if number_met is None or not 0 <= number_met <= 65535:
        raise refusal("is missing or out of range", 0x00620004, value=number_met)
    types = items(item, 0x0062000F)
    regions = items(item, 0x00082218)
    return SegSegment(
        number=number_met,
        label=text(item, 0x00620005),
        description=text(item, 0x00620006),
        category=code(item, 0x00620003),
        property_type=code(item, 0x0062000F),
        type_modifiers=codes(types[0], 0x00620011) if types else (),
        anatomic_region=code(item, 0x00082218),
        anatomic_modifiers=codes(regions[0], 0x00082220) if regions else (),
        algorithm_type=text(item, 0x00620008),
        algorithm_name=text(item, 0x00620009),
        tracking_uid=text(item, 0x00620021),
        tracking_id=text(item, 0x00620020),
        rgb=_rgb(numbers(item, 0x0062000D)),
    )


def _rgb(cielab: Sequence[float]) -> tuple[int, int, int] | None:
    if len(cielab) != 3 or not all(0 <= one <= 65535 for one in cielab):
        return None
    red, green, blue = CIELabColor.from_dicom_value([int(one) for one in cielab]).to_rgb(clip=True)
    return int(red), int(green), int(blue)


def layout_of(dataset: Dataset) -> SegLayout:
    """Return what the frames share, and each frame's place.

    Raises
    ------
    DicomInputError
        If a needed attribute is missing or unknown.
    GeometryError
        If frames have no position in the patient (slide, radiograph), or differ in orientation or spacing.
    """
    seg_type = _TYPES.get(text(dataset, 0x00620001).upper())
    if seg_type is None:
        raise refusal("is unknown", 0x00620001, value=text(dataset, 0x00620001) or None)
    max_fraction = integer(dataset, 0x0062000E) if seg_type == "FRACTIONAL" else 1
    if not max_fraction:
        raise refusal("is missing or 0", 0x0062000E, value=max_fraction)
    rows, columns = integer(dataset, 0x00280010), integer(dataset, 0x00280011)
    if not rows or not columns:
        raise refusal("is missing or 0", 0x00280011 if rows else 0x00280010, value=columns if rows else rows)
    shared = items(dataset, 0x52009229)
    per_frame = items(dataset, 0x52009230)
    n_frames = integer(dataset, 0x00280008) or 1
    if len(per_frame) != n_frames:
        raise refusal(f"says another number than the {len(per_frame)} frames described", 0x00280008, value=n_frames)
    cosines = _same_in_all(shared, per_frame, 0x00209116, 0x00200037, 6)
    spacing = _same_in_all(shared, per_frame, 0x00289110, 0x00280030, 2)
    measures = _group(shared, per_frame[:1], 0x00289110)
    return SegLayout(
        seg_type=seg_type,
        max_fraction=max_fraction,
        rows=rows,
        columns=columns,
        row_lps=cosines[:3],
        column_lps=cosines[3:],
        spacing_ji_mm=(spacing[0], spacing[1]),
        step_mm=(number(measures, 0x00180088) or None) if measures is not None else None,
        frame_of_reference_uid=text(dataset, 0x00200052),
        frames=tuple(_frame(shared, frame, seg_type) for frame in per_frame),
    )


def _group(shared: Sequence[Dataset], per_frame: Sequence[Dataset], tag: int) -> Dataset | None:
    """Return the first item of a functional group macro, of the frame before the shared one (PS3.3 C.7.6.16)."""
    for holder in (*per_frame, *shared):
        found = items(holder, tag)
        if found:
            return found[0]
    return None


def _same_in_all(
    shared: Sequence[Dataset], per_frame: Sequence[Dataset], group: int, tag: int, count: int
) -> tuple[float, ...]:
    """Return numbers that all frames must share."""
    common = _group(shared, (), group)
    found = [common] if common is not None else [_group((), (frame,), group) for frame in per_frame]
    values = [numbers(one, tag) if one is not None else () for one in found]
    if not values or any(len(one) != count for one in values):
        raise GeometryError(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is missing: the segmentation has no place in space")
    if np.abs(np.array(values) - np.array(values[0])).max() > 1e-4:
        raise GeometryError(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) differs between frames of the segmentation")
    return values[0]


def _frame(shared: Sequence[Dataset], frame: Dataset, seg_type: SegType) -> SegFrame:
    place = _group(shared, (frame,), 0x00209113)
    position = numbers(place, 0x00200032) if place is not None else ()
    if len(position) != 3:
        raise GeometryError("(0020,0032) Image Position (Patient) is missing: a frame has no place in space")
    x, y, z = position
    if seg_type == "LABELMAP":
        return SegFrame(None, (x, y, z))
    identity = _group(shared, (frame,), 0x0062000A)
    segment_number = integer(identity, 0x0062000B) if identity is not None else None
    if segment_number is None:
        raise refusal("is missing: it is not known what a frame draws", 0x0062000B, value=None)
    return SegFrame(segment_number, (x, y, z))
