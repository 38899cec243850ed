"""Lesion segments to coloured outlines, tints and numbers on a flat view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.palette import EXCLUDED_RGB, segment_rgb
from psmacore.report.fonts import pixel_font
from psmacore.report.views import Projector

UNTINTED = (LesionState.EXCLUDED_CANDIDATE, LesionState.REJECTED)

_TINT = 0.6
_LABEL_PX = 15
_RADII_PX = (14, 22, 32, 44, 60, 80, 105, 135)
_ANGLES = tuple(np.linspace(0.0, 2 * np.pi, 16, endpoint=False))

IntImage = NDArray[np.uint16]


@dataclass(frozen=True)
class Mark:
    """A lesion's number and the pixel ``(row, column)`` that it belongs to."""

    text: str
    row: float
    column: float
    rgb: tuple[int, int, int]


def lesion_label(lesion: Lesion) -> str:
    """Return the short name that tables, pictures and published segments share."""
    return lesion.tracking_id


@dataclass(frozen=True, eq=False)
class SegmentPicture:
    """Segments on a flat view.

    Parameters
    ----------
    numbers : numpy.ndarray
        ``(rows, columns)``, uint16: the segment that the pixel shows; 0 where none lies behind it.
    centres : mapping of int to tuple
        Segment number to row and column of the mean of its voxels, also where others hide it.
    """

    numbers: IntImage
    centres: Mapping[int, tuple[float, float]]


def segment_picture(
    labels: IntImage, suv: NDArray[np.float32], projector: Projector, lesions: Iterable[Lesion]
) -> SegmentPicture:
    """Return which segment each pixel shows.

    Of several behind one pixel it is the hottest, but what is set aside as physiological never hides a lesion.

    Parameters
    ----------
    labels, suv : numpy.ndarray
        ``(k, j, i)``, on one grid.
    projector : Projector
        The view.
    lesions : iterable of Lesion
        Their states.
    """
    indices = np.argwhere(labels)
    numbers, values = labels[tuple(indices.T)], suv[tuple(indices.T)]
    set_aside = [lesion.segment_number for lesion in lesions if lesion.state in UNTINTED]
    rows, columns = projector.pixels_of(indices)
    order = np.lexsort((values, ~np.isin(numbers, set_aside)))  # what is written last is seen
    shown = np.zeros((projector.n_rows, projector.n_columns), dtype=np.uint16)
    shown[rows[order], columns[order]] = numbers[order]
    counts = np.bincount(numbers)
    row_sums, column_sums = np.bincount(numbers, weights=rows), np.bincount(numbers, weights=columns)
    centres = {
        int(number): (float(row_sums[number] / counts[number]), float(column_sums[number] / counts[number]))
        for number in np.flatnonzero(counts)
    }
    return SegmentPicture(shown, centres)


def outline(segments: IntImage) -> NDArray[np.bool_]:
    """Return the pixels of each segment that touch another number, ``(rows, columns)``, bool."""
    padded = np.pad(segments, 1)
    inner = padded[1:-1, 1:-1]
    differs = np.zeros(segments.shape, dtype=np.bool_)
    for rows, columns in (
        (slice(None, -2), slice(1, -1)),
        (slice(2, None), slice(1, -1)),
        (slice(1, -1), slice(None, -2)),
        (slice(1, -1), slice(2, None)),
    ):
        differs |= padded[rows, columns] != inner
    return differs & (segments > 0)


def tint(rgb: NDArray[np.uint8], segments: IntImage, lesions: Iterable[Lesion]) -> NDArray[np.uint8]:
    """Return the picture with lesions tinted and outlined in their colour, excluded ones outlined in grey only.

    Parameters
    ----------
    rgb : numpy.ndarray
        ``(rows, columns, 3)``.
    segments : numpy.ndarray
        ``(rows, columns)`` segment numbers; numbers that no lesion has stay as they are.
    lesions : iterable of Lesion
        Colours follow their segment numbers.
    """
    size = int(segments.max(initial=0)) + 1
    colours = np.zeros((size, 3), dtype=np.float32)
    shares, is_drawn = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=np.bool_)
    for lesion in lesions:
        number = lesion.segment_number
        if number < size:
            is_untinted = lesion.state in UNTINTED
            colours[number] = EXCLUDED_RGB if is_untinted else segment_rgb(number)
            shares[number], is_drawn[number] = (0.0 if is_untinted else _TINT), True
    share = np.where(outline(segments) & is_drawn[segments], np.float32(1), shares[segments])[:, :, None]
    return np.rint((1 - share) * rgb + share * colours[segments]).astype(np.uint8)


def marks_of(
    centres: Mapping[int, tuple[float, float]], lesions: Iterable[Lesion], *, left: int, scale: tuple[float, float]
) -> tuple[Mark, ...]:
    """Return where the number of each tinted lesion belongs.

    Parameters
    ----------
    centres : mapping of int to tuple
        Segment number to row and column in the view.
    lesions : iterable of Lesion
        Those without a centre, and those set aside, get no number.
    left : int
        First column of the view that is drawn.
    scale : tuple of float
        Drawn pixels per row and per column of the view.
    """
    marks = []
    for lesion in lesions:
        centre = centres.get(lesion.segment_number)
        if centre is None or lesion.state in UNTINTED:
            continue
        row, column = (centre[0] + 0.5) * scale[0], (centre[1] + 0.5 - left) * scale[1]
        marks.append(Mark(lesion_label(lesion), row, column, segment_rgb(lesion.segment_number)))
    return tuple(marks)


def draw_marks(draw: ImageDraw.ImageDraw, marks: Iterable[Mark], occupied: NDArray[np.bool_]) -> None:
    """Write each number beside its lesion, with a line to it, where nothing else is written.

    Parameters
    ----------
    draw : ImageDraw
        On a picture of the same size as ``occupied``.
    occupied : numpy.ndarray
        ``(rows, columns)``, bool: pixels that a number must not cover. Grows by what is written.
    """
    font = pixel_font(_LABEL_PX, is_bold=True)
    for mark in marks:
        width, height = int(font.getlength(mark.text)) + 4, _LABEL_PX + 2
        top, left = _free_place(mark, width, height, occupied)
        occupied[top : top + height, left : left + width] = True
        centre = (left + width / 2, top + height / 2)
        draw.line([(mark.column, mark.row), centre], fill=(128, 128, 128), width=1)
        draw.rectangle([left, top, left + width - 1, top + height - 1], fill=(255, 255, 255), outline=mark.rgb)
        draw.text(centre, mark.text, font=font, fill=(20, 20, 20), anchor="mm")


def _free_place(mark: Mark, width: int, height: int, occupied: NDArray[np.bool_]) -> tuple[int, int]:
    """Return top and left of the nearest free box; in a crowd the nearest box inside the picture."""
    n_rows, n_columns = occupied.shape
    fallback: tuple[int, int] | None = None
    for radius in _RADII_PX:
        for angle in _ANGLES:
            top = round(mark.row - radius * float(np.sin(angle)) - height / 2)
            left = round(mark.column + (radius + width / 2) * float(np.cos(angle)) - width / 2)
            if top < 0 or left < 0 or top + height > n_rows or left + width > n_columns:
                continue
            if not occupied[top : top + height, left : left + width].any():
                return top, left
            fallback = fallback or (top, left)
    return fallback or (
        max(0, min(round(mark.row), n_rows - height)),
        max(0, min(round(mark.column), n_columns - width)),
    )
