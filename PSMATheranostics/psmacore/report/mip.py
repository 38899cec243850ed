"""An SUV volume with its lesions to one picture: anterior and left lateral maximum intensity projections."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from psmacore.errors import GeometryError, UsageError
from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.timepoint import Timepoint
from psmacore.model.volumes import Segmentation, SuvVolume
from psmacore.report.fonts import pixel_font
from psmacore.report.numbers import SUV_UNIT, dicom_moment_words
from psmacore.report.overlay import SegmentPicture, draw_marks, marks_of, segment_picture, tint
from psmacore.report.views import Projector, View, project, projector_for
from psmacore.report.words import SIMULATED_DATA, ReportWords, status_line, watermark_words

__all__ = ["DEFAULT_SUV_WINDOW", "encode_png", "project", "render_mip"]

logger = logging.getLogger(__name__)

DEFAULT_SUV_WINDOW = (0.0, 10.0)

_WHITE, _INK, _FAINT = (255, 255, 255), (20, 20, 20), (110, 110, 110)
_HEIGHT_PX, _WIDTH_PX, _FINEST_MM = 900, 1150, 0.5
_MARGIN_PX, _GAP_PX, _HEAD_PX, _FOOT_LINE_PX, _SCALE_PX = 18, 18, 54, 20, 112
_SHOWN_FRACTION = 0.025
_CROP_MARGIN_MM = 15.0


@dataclass(frozen=True)
class _Panel:
    """One finished view, ``(rows, columns, 3)``, and the side that it is seen from."""

    rgb: NDArray[np.uint8]
    view: View


def render_mip(
    suv: SuvVolume,
    segmentation: Segmentation | None,
    timepoint: Timepoint,
    *,
    suv_window: tuple[float, float] = DEFAULT_SUV_WINDOW,
    is_simulated: bool = False,
) -> NDArray[np.uint8]:
    """Draw the anterior and the left lateral projection side by side on one SUV scale.

    Inverted grey; isotropic pixels whatever the spacing; head up, the patient's left on the right of
    the anterior view. Lesions are tinted in the colour of their segment and numbered as in the tables;
    excluded and rejected ones have a grey outline only. Only columns that would show white are cropped.

    Parameters
    ----------
    suv : SuvVolume
        ``(k, j, i)``, SUVbw in g/ml.
    segmentation : Segmentation or None
        Segments on the same grid; ``None`` draws the PET alone.
    timepoint : Timepoint
        Lesions, their states, study date and tracer; no patient name or ID is drawn.
    suv_window : tuple of float
        SUVbw (g/ml) shown white and black.
    is_simulated : bool
        Whether the watermark for simulated data lies across the picture.

    Returns
    -------
    numpy.ndarray
        ``(rows, columns, 3)``, uint8, sRGB.

    Raises
    ------
    GeometryError
        If the segments lie on another grid.
    UsageError
        If the window is empty.
    """
    if not 0 <= suv_window[0] < suv_window[1]:
        raise UsageError(f"the SUV window must rise from 0 or more, not {suv_window}")
    if segmentation is not None and not segmentation.geometry.is_same_grid(suv.geometry):
        raise GeometryError("the segments to be drawn do not lie on the grid of the PET")
    projectors = {view: projector_for(suv.geometry, view) for view in View}
    pictures = {view: projector.picture(suv.values) for view, projector in projectors.items()}
    crops = {view: _shown_columns(pictures[view], projectors[view].column_mm, suv_window) for view in View}
    pixel_mm = _pixel_mm(projectors, crops)
    panels = []
    for view, projector in projectors.items():
        labels = np.zeros(suv.geometry.shape, dtype=np.uint16) if segmentation is None else segmentation.labels
        segments = segment_picture(labels, suv.values, projector, timepoint.lesions)
        columns = crops[view]
        size = (
            max(1, round(projector.n_rows * projector.row_mm / pixel_mm)),
            max(1, round((columns.stop - columns.start) * projector.column_mm / pixel_mm)),
        )
        rgb = _panel(pictures[view], segments, columns, size, timepoint.lesions, suv_window)
        panels.append(_Panel(rgb, view))
    logger.debug("MIP of study %s at %.2f mm a pixel", timepoint.study.uid, pixel_mm)
    return _compose(panels, timepoint, suv_window=suv_window, pixel_mm=pixel_mm, is_simulated=is_simulated)


def encode_png(rgb: NDArray[np.uint8]) -> bytes:
    """Return the picture ``(rows, columns, 3)`` as a PNG file; the same picture always gives the same bytes."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, format="PNG")
    return stream.getvalue()


def _shown_columns(picture: NDArray[np.float32], column_mm: float, suv_window: tuple[float, float]) -> slice:
    """Return the columns that hold anything but white, with a margin; all where the picture is white."""
    low, high = suv_window
    shown = np.flatnonzero((picture > low + _SHOWN_FRACTION * (high - low)).any(axis=0))
    if not shown.size:
        return slice(0, picture.shape[1])
    margin = round(_CROP_MARGIN_MM / column_mm)
    return slice(max(0, int(shown[0]) - margin), min(picture.shape[1], int(shown[-1]) + 1 + margin))


def _pixel_mm(projectors: dict[View, Projector], crops: dict[View, slice]) -> float:
    height_mm = max(projector.n_rows * projector.row_mm for projector in projectors.values())
    width_mm = sum(
        (crops[view].stop - crops[view].start) * projector.column_mm for view, projector in projectors.items()
    )
    return float(max(height_mm / _HEIGHT_PX, width_mm / _WIDTH_PX, _FINEST_MM))


def _panel(
    picture: NDArray[np.float32],
    segments: SegmentPicture,
    shown: slice,
    size: tuple[int, int],
    lesions: tuple[Lesion, ...],
    suv_window: tuple[float, float],
) -> NDArray[np.uint8]:
    """Return the ``shown`` columns of one view at ``size`` (rows, columns) in pixels, with its lesions."""
    rows, columns = size
    picture, numbers = picture[:, shown], segments.numbers[:, shown]
    scale = rows / picture.shape[0], columns / picture.shape[1]
    smooth = Image.fromarray(np.ascontiguousarray(picture, dtype=np.float32)).resize(
        (columns, rows), Image.Resampling.BILINEAR
    )
    low, high = suv_window
    darkness = np.clip((np.asarray(smooth) - low) / (high - low), 0, 1)
    grey = np.rint(255 * (1 - darkness)).astype(np.uint8)
    row_index = np.minimum((np.arange(rows) + 0.5) / scale[0], picture.shape[0] - 1).astype(np.intp)
    column_index = np.minimum((np.arange(columns) + 0.5) / scale[1], picture.shape[1] - 1).astype(np.intp)
    large = numbers[np.ix_(row_index, column_index)]
    image = Image.fromarray(tint(np.repeat(grey[:, :, None], 3, axis=2), large, lesions))
    marks = marks_of(segments.centres, lesions, left=shown.start, scale=scale)
    draw_marks(ImageDraw.Draw(image), marks, large > 0)
    return np.asarray(image)


def _compose(
    panels: list[_Panel],
    timepoint: Timepoint,
    *,
    suv_window: tuple[float, float],
    pixel_mm: float,
    is_simulated: bool,
) -> NDArray[np.uint8]:
    height = max(panel.rgb.shape[0] for panel in panels)
    width = sum(panel.rgb.shape[1] for panel in panels) + _GAP_PX * (len(panels) - 1)
    canvas_width = max(640, 2 * _MARGIN_PX + width + _SCALE_PX)
    foot = _wrapped(_foot_words(timepoint), canvas_width - 2 * _MARGIN_PX)
    canvas_height = _HEAD_PX + height + 34 + _FOOT_LINE_PX * len(foot) + _MARGIN_PX // 2
    image = Image.new("RGB", (canvas_width, canvas_height), _WHITE)
    draw = ImageDraw.Draw(image)
    head = f"{ReportWords.of(timepoint.tracer).tracer}, {dicom_moment_words(timepoint.study.date)}"
    draw.text((_MARGIN_PX, 7), head, font=pixel_font(17, is_bold=True), fill=_INK)
    left = _MARGIN_PX
    for panel in panels:
        image.paste(Image.fromarray(panel.rgb), (left, _HEAD_PX))
        _letter_panel(draw, panel, left)
        left += panel.rgb.shape[1] + _GAP_PX
    _draw_scale(draw, left + 12, suv_window, min(height, 360))
    _draw_ruler(draw, (_MARGIN_PX, _HEAD_PX + height + 12), pixel_mm)
    for number, line in enumerate(foot):
        draw.text((_MARGIN_PX, _HEAD_PX + height + 34 + number * _FOOT_LINE_PX), line, font=pixel_font(14), fill=_INK)
    words = watermark_words(is_simulated=is_simulated, is_simulation_trained=timepoint.is_watermarked)
    if words:
        image = _watermarked(image, words)
    return np.asarray(image)


def _letter_panel(draw: ImageDraw.ImageDraw, panel: _Panel, left: int) -> None:
    """Write the side letters and the view's name above a panel."""
    name, left_letter, right_letter = panel.view.value
    right, base = left + panel.rgb.shape[1] - 1, _HEAD_PX - 6
    draw.text((left + 2, base), left_letter, font=pixel_font(16, is_bold=True), fill=_INK, anchor="ls")
    draw.text((right - 2, base), right_letter, font=pixel_font(16, is_bold=True), fill=_INK, anchor="rs")
    draw.text(((left + right) / 2, base), name, font=pixel_font(13), fill=_FAINT, anchor="ms")
    draw.rectangle([left, _HEAD_PX, right, _HEAD_PX + panel.rgb.shape[0] - 1], outline=(215, 215, 215))


def _draw_scale(draw: ImageDraw.ImageDraw, left: int, suv_window: tuple[float, float], height: int) -> None:
    """Draw the grey scale with its values, SUV rising upwards."""
    low, high = suv_window
    top, width = _HEAD_PX + 30, 22
    bar = max(20, height - 30)
    for row in range(bar):
        level = round(255 * row / max(1, bar - 1))
        draw.line([(left, top + row), (left + width, top + row)], fill=(level, level, level))
    draw.rectangle([left, top, left + width, top + bar - 1], outline=_FAINT)
    draw.text((left, top - 16), SUV_UNIT, font=pixel_font(12, is_bold=True), fill=_INK, anchor="ls")
    for fraction in np.linspace(0.0, 1.0, 6 if bar > 90 else 3).tolist():
        level_row = top + (bar - 1) * (1 - fraction)
        words = f"{low + fraction * (high - low):g}"
        words = f"≥ {words}" if fraction == 1 else words
        draw.line([(left + width, level_row), (left + width + 5, level_row)], fill=_INK)
        draw.text((left + width + 9, level_row), words, font=pixel_font(13), fill=_INK, anchor="lm")


def _draw_ruler(draw: ImageDraw.ImageDraw, origin: tuple[int, int], pixel_mm: float) -> None:
    """Draw a bar of 100 mm, or of 20 mm where the picture is small."""
    left, top = origin
    length_mm = 100 if pixel_mm > 0.6 else 20
    right = left + round(length_mm / pixel_mm)
    draw.line([(left, top), (right, top)], fill=_INK, width=2)
    for end in (left, right):
        draw.line([(end, top - 4), (end, top + 4)], fill=_INK, width=2)
    draw.text((right + 8, top), f"{length_mm} mm", font=pixel_font(13), fill=_INK, anchor="lm")


def _foot_words(timepoint: Timepoint) -> tuple[str, ...]:
    lines = [status_line(timepoint.lesions)]
    found = timepoint.classification
    if found is not None and found.has_stopped_segmentation:
        lines.append("Classified as normal by AI, so lesions were not looked for.")
    elif timepoint.totals is None:
        lines.append("Physiological uptake not excluded: coloured regions are candidates.")
    if any(lesion.state is LesionState.EXCLUDED_CANDIDATE for lesion in timepoint.lesions):
        lines.append("Grey outline: excluded candidate (physiological uptake), not counted.")
    return tuple(lines)


def _wrapped(lines: tuple[str, ...], width_px: int) -> list[str]:
    """Break lines between words so that each fits."""
    font, fitted = pixel_font(14), []
    for line in lines:
        current = ""
        for word in line.split():
            longer = f"{current} {word}".strip()
            if current and font.getlength(longer) > width_px:
                fitted.append(current)
                longer = word
            current = longer
        fitted.append(current)
    return fitted


def _watermarked(image: Image.Image, words: str) -> Image.Image:
    """Return the picture with ``words`` across it, faint enough to read through."""
    size = image.width / 13 * min(1.0, len(SIMULATED_DATA) / len(words))
    font = pixel_font(max(24, round(size)), is_bold=True)
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    centre = (image.width / 2, image.height / 2)
    ImageDraw.Draw(layer).text(centre, words, font=font, fill=(200, 30, 30, 60), anchor="mm")
    layer = layer.rotate(32, resample=Image.Resampling.BICUBIC)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")
