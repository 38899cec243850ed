"""A DICOM segmentation to its segments' voxels on an image grid."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from psmacore.dicom.files import read_dataset, read_header
from psmacore.dicom.grids import (
    box_on,
    has_parallel_axes,
    index_transform,
    nearest_along,
    resample_nearest,
    sub_grid,
)
from psmacore.dicom.headers import items, place, refusal, text
from psmacore.dicom.pixels import decode_frames
from psmacore.dicom.planes import plane_of_slice, usual_step
from psmacore.dicom.segments import SegLayout, SegSegment, is_segmentation, layout_of, segments_of
from psmacore.errors import DicomInputError, GeometryError
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import Segmentation

logger = logging.getLogger(__name__)

Voxels = dict[int, NDArray[np.int64]]

_SAME_PLANE_MM = 0.01
_MOST_SLICES = 20_000
_SAME_SLICE = 1e-3
"""In slices: frames closer than this lie in one plane."""
_ON_SLICE = 0.1
"""In slices: a frame this close to a slice was drawn on it."""


@dataclass(frozen=True, eq=False)
class SegFile:
    """A segmentation on an image grid.

    Parameters
    ----------
    segmentation : Segmentation
        One label per voxel; where segments overlap, the highest number.
    segments : tuple of SegSegment
        By number.
    voxels : mapping of int to numpy.ndarray
        Segment number to flat indices into the grid, sorted, int64; empty where nothing is drawn.
    has_overlap : bool
        Whether some voxel belongs to several segments.
    referenced_series_uid : str
        (0008,1115) first referenced series; empty where absent.
    referenced_sop_instance_uids : tuple of str
        Images of that series that the segmentation names.
    """

    segmentation: Segmentation
    segments: tuple[SegSegment, ...]
    voxels: Mapping[int, NDArray[np.int64]]
    has_overlap: bool
    series_uid: str
    sop_instance_uid: str
    series_description: str
    content_label: str
    referenced_series_uid: str
    referenced_sop_instance_uids: tuple[str, ...]

    def segment_mask(self, number: int) -> NDArray[np.bool_]:
        """Return all voxels of a segment, ``(k, j, i)``, bool, those that others share included.

        Raises
        ------
        KeyError
            If there is no segment of that number.
        """
        mask = np.zeros(self.segmentation.geometry.shape, np.bool_)
        mask.reshape(-1)[self.voxels[number]] = True
        return mask


def list_segments(path: Path) -> tuple[SegSegment, ...]:
    """Return the segments that a segmentation declares, without reading pixels.

    Raises
    ------
    DicomInputError
        If the file is no DICOM segmentation.
    """
    header = read_header(path)
    if header is None:
        raise DicomInputError("the file is not DICOM", where=path.name)
    return segments_of(_require_segmentation(header.dataset, path))


def read_segments(path: Path, geometry: Geometry, *, fraction_threshold: float = 0.5) -> SegFile:
    """Return the segments on a grid.

    Frames are matched to slices by position, not by number. Frames on another grid are resampled,
    nearest neighbour; of equal spacing, they belong to the slice nearest to them, so a segmentation of
    a series with slightly unequal steps keeps its slices.

    Parameters
    ----------
    geometry : Geometry
        Grid to fill.
    fraction_threshold : float
        Share of (0062,000E) Maximum Fractional Value from which a voxel of a FRACTIONAL segment belongs to it.

    Raises
    ------
    DicomInputError
        If the file is no segmentation, damaged, or draws a segment that it does not declare.
    GeometryError
        If it lies in another frame of reference, beside the grid, or nowhere (slide, radiograph).

    References
    ----------
    DICOM PS3.3 C.8.20.2 (Segmentation Image), C.8.20.4 (Segment Description), C.7.6.16 (functional groups).
    """
    dataset = _require_segmentation(read_dataset(path), path)
    segments = segments_of(dataset)
    voxels = _voxels(dataset, segments, geometry, fraction_threshold)
    labels = np.zeros(geometry.shape, np.uint16)
    flat = labels.reshape(-1)
    n_drawn = 0
    for one in segments:
        flat[voxels[one.number]] = one.number
        n_drawn += len(voxels[one.number])
    series_uid, instance_uids = _references(dataset)
    return SegFile(
        segmentation=Segmentation(labels, geometry, {one.number: one.label for one in segments}),
        segments=segments,
        voxels=voxels,
        has_overlap=n_drawn > int(np.count_nonzero(labels)),
        series_uid=text(dataset, 0x0020000E),
        sop_instance_uid=text(dataset, 0x00080018),
        series_description=text(dataset, 0x0008103E),
        content_label=text(dataset, 0x00700080),
        referenced_series_uid=series_uid,
        referenced_sop_instance_uids=instance_uids,
    )


def seg_geometry(path: Path) -> Geometry:
    """Return the grid that a segmentation's own frames span, planes without a frame included.

    Raises
    ------
    DicomInputError
        If the file is no segmentation.
    GeometryError
        If its frames have no place in space.
    """
    return _own_grid(layout_of(_require_segmentation(read_dataset(path), path)))


def _require_segmentation(dataset: Dataset, path: Path) -> Dataset:
    if not is_segmentation(dataset):
        found = text(dataset, 0x00080016)
        raise refusal("is not that of a segmentation", 0x00080016, value=found or None, where=path.name)
    return dataset


def _references(dataset: Dataset) -> tuple[str, tuple[str, ...]]:
    series = items(dataset, 0x00081115)
    if not series:
        return "", ()
    instances = items(series[0], 0x0008114A)
    return text(series[0], 0x0020000E), tuple(text(item, 0x00081155) for item in instances)


def _own_grid(layout: SegLayout) -> Geometry:
    """Return the grid of a segmentation's frames; the step is the declared or else the usual one."""
    row, column = np.array(layout.row_lps), np.array(layout.column_lps)
    normal = np.cross(row, column)
    positions = np.array([frame.position_lps_mm for frame in layout.frames])
    along = positions @ normal
    distinct = np.sort(along)
    distinct = distinct[np.diff(distinct, prepend=-np.inf) > _SAME_PLANE_MM]
    step = usual_step(distinct) if len(distinct) > 1 else (layout.step_mm or 1.0)
    if layout.step_mm and step > layout.step_mm * 1.05:
        step = layout.step_mm  # empty planes between drawn ones have no frame
    n_slices = round(float(distinct[-1] - distinct[0]) / step) + 1
    if n_slices > _MOST_SLICES:
        raise GeometryError(f"frames span {n_slices} slices of {step:g} mm: their positions cannot be right")
    matrix = np.eye(4)
    matrix[:3, 0] = row * layout.spacing_ji_mm[1]
    matrix[:3, 1] = column * layout.spacing_ji_mm[0]
    matrix[:3, 2] = normal * step
    matrix[:3, 3] = positions[int(along.argmin())]
    return Geometry((n_slices, layout.rows, layout.columns), matrix, layout.frame_of_reference_uid)


def _voxels(
    dataset: Dataset, segments: tuple[SegSegment, ...], geometry: Geometry, fraction_threshold: float
) -> Voxels:
    """Return the flat indices of each segment on the grid."""
    layout = layout_of(dataset)
    own = _own_grid(layout)
    source_from_target = index_transform(own, geometry)  # refuses another frame of reference
    drawn = _drawn_frames(dataset, layout, {one.number for one in segments}, fraction_threshold)
    if has_parallel_axes(source_from_target, geometry.shape):
        parts = _on_parallel_grid(drawn, layout, own, geometry)
    else:
        parts = _on_oblique_grid(drawn, layout, own, geometry)
    collected: dict[int, list[NDArray[np.int64]]] = {one.number: [] for one in segments}
    n_nonempty = 0
    for number, indices in parts:
        n_nonempty += 1
        collected[number].append(indices)
    result = {number: _sorted_distinct(pieces) for number, pieces in collected.items()}
    if n_nonempty and not any(len(indices) for indices in result.values()):
        raise GeometryError(f"the segmentation lies beside the image [{place(dataset)}]")
    return result


def _sorted_distinct(pieces: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return all indices once; numpy's ``unique`` hashes and is twenty times slower on millions."""
    joined = np.sort(np.concatenate([np.empty(0, np.int64), *pieces]))
    return joined[np.diff(joined, prepend=-1) > 0]


Drawn = Iterator[tuple[int, int, NDArray[np.bool_]]]


def _drawn_frames(dataset: Dataset, layout: SegLayout, declared: set[int], fraction_threshold: float) -> Drawn:
    """Yield frame index, segment number and mask ``(rows, columns)`` of each segment that a frame really draws."""
    for index, values in enumerate(decode_frames(dataset)):
        for number, mask in _masks(values, layout.frames[index].segment_number, layout, fraction_threshold):
            if number not in declared:
                raise refusal("is drawn but not declared", 0x0062000B, value=number, where=place(dataset))
            yield index, number, mask


def _masks(
    values: NDArray[Any], segment_number: int | None, layout: SegLayout, fraction_threshold: float
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    if segment_number is None:
        labels = values.astype(np.uint16, copy=False)
        for label in np.flatnonzero(np.bincount(labels.ravel())):
            if label:
                yield int(label), labels == label
        return
    limit = fraction_threshold * layout.max_fraction if layout.seg_type == "FRACTIONAL" else 1
    mask = values >= max(limit, 1)
    if mask.any():
        yield segment_number, mask


def _on_parallel_grid(
    drawn: Drawn, layout: SegLayout, own: Geometry, geometry: Geometry
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield flat target indices frame by frame: no volume is built, and unequal steps keep their slices."""
    matrix = index_transform(own, geometry)
    rows, has_row = nearest_along(matrix[1, 3], matrix[1, 1], geometry.shape[1], layout.rows)
    columns, has_column = nearest_along(matrix[2, 3], matrix[2, 2], geometry.shape[2], layout.columns)
    target_j, target_i = np.flatnonzero(has_row), np.flatnonzero(has_column)
    slice_of_frame = geometry.kji_of_lps([frame.position_lps_mm for frame in layout.frames])[:, 0]
    step = 1.0 if _is_drawn_on_slices(layout, slice_of_frame) else abs(1.0 / matrix[0, 0])
    slices_of_frame = _slices_of_frames(slice_of_frame, step, geometry.shape[0])
    plane_size = geometry.shape[1] * geometry.shape[2]
    for index, number, mask in drawn:
        drawn_j, drawn_i = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        near_j = target_j[(rows[target_j] >= drawn_j[0]) & (rows[target_j] <= drawn_j[-1])]
        near_i = target_i[(columns[target_i] >= drawn_i[0]) & (columns[target_i] <= drawn_i[-1])]
        j, i = np.nonzero(mask[np.ix_(rows[near_j], columns[near_i])])
        in_plane = near_j[j].astype(np.int64) * geometry.shape[2] + near_i[i]
        for k in slices_of_frame.get(index, ()):
            yield number, in_plane + k * plane_size
        if index not in slices_of_frame:
            yield number, in_plane[:0]


def _is_drawn_on_slices(layout: SegLayout, coordinates: NDArray[np.float64]) -> bool:
    """Return whether frames without a declared step lie on slices of the image, so that gaps are really empty."""
    is_single = np.ptp(coordinates) < _SAME_SLICE
    return layout.step_mm is None and bool(is_single or np.abs(coordinates - np.rint(coordinates)).max() < _ON_SLICE)


def _slices_of_frames(coordinates: NDArray[np.float64], step: float, n_slices: int) -> dict[int, list[int]]:
    """Return the slices of the grid that each frame fills."""
    order = np.argsort(coordinates, kind="stable")
    starts = np.flatnonzero(np.diff(coordinates[order], prepend=-np.inf) > _SAME_SLICE)
    positions = coordinates[order][starts]
    plane_of_frame = np.empty(len(coordinates), np.intp)
    plane_of_frame[order] = np.searchsorted(starts, np.arange(len(order)), side="right") - 1
    slices_of_plane: dict[int, list[int]] = {}
    for k, plane in plane_of_slice(positions, step, n_slices).items():
        slices_of_plane.setdefault(plane, []).append(k)
    planes = [int(plane) for plane in plane_of_frame]
    return {frame: slices_of_plane[plane] for frame, plane in enumerate(planes) if plane in slices_of_plane}


def _on_oblique_grid(
    drawn: Drawn, layout: SegLayout, own: Geometry, geometry: Geometry
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield flat target indices segment by segment through a volume on the segmentation's own grid."""
    slice_of_frame = np.rint(own.kji_of_lps([frame.position_lps_mm for frame in layout.frames])[:, 0]).astype(int)
    points: dict[int, list[NDArray[np.intp]]] = {}
    for index, number, mask in drawn:
        j, i = np.nonzero(mask)
        points.setdefault(number, []).append(np.stack([np.full(len(j), slice_of_frame[index]), j, i]))
    for number, pieces in points.items():
        kji = np.concatenate(pieces, axis=1)
        start, stop = kji.min(axis=1), kji.max(axis=1) + 1
        volume = np.zeros(tuple(stop - start), np.bool_)
        volume[tuple(kji - start[:, None])] = True
        part = sub_grid(own, start, stop)
        first, last = box_on(geometry, part)
        if (last > first).all():
            inside = np.nonzero(resample_nearest(volume, part, sub_grid(geometry, first, last)))
            kji_there = tuple(axis + offset for axis, offset in zip(inside, first, strict=True))
            yield number, np.ravel_multi_index(kji_there, geometry.shape).astype(np.int64)
        else:
            yield number, np.empty(0, np.int64)
