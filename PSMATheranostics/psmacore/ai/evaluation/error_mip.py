"""PET, truth and prediction to one picture of where they agree: TP green, FN cyan, FP magenta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from psmacore.errors import GeometryError, UsageError
from psmacore.model.geometry import Geometry
from psmacore.report.fonts import pixel_font
from psmacore.report.views import Projector, View, projector_for

TRUE_POSITIVE_RGB = (0, 200, 0)
FALSE_NEGATIVE_RGB = (0, 220, 230)
FALSE_POSITIVE_RGB = (230, 0, 200)
DEFAULT_SUV_WINDOW = (0.0, 10.0)

_KINDS = (("TP", TRUE_POSITIVE_RGB), ("FN", FALSE_NEGATIVE_RGB), ("FP", FALSE_POSITIVE_RGB))
_WHITE, _INK = (255, 255, 255), (20, 20, 20)
_HEIGHT_PX, _MARGIN_PX, _GAP_PX, _LINE_PX = 720, 14, 14, 22
_TINT = 0.75  # of the colour; the rest shows the PET

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class _Masks:
    """Voxels ``(k, j, i)``, bool, by kind, in the order of the legend."""

    kinds: tuple[NDArray[np.bool_], ...]
    voxel_ml: float

    def legend(self) -> tuple[str, ...]:
        return tuple(
            f"{name} {np.count_nonzero(mask) * self.voxel_ml:.1f} ml"
            for (name, _), mask in zip(_KINDS, self.kinds, strict=True)
        )


def error_mip(
    suv: NDArray[np.float32],
    truth: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    geometry: Geometry,
    *,
    title: str,
    suv_window: tuple[float, float] = DEFAULT_SUV_WINDOW,
) -> Rgb:
    """Draw the anterior and the left lateral projection with agreement and errors in colour.

    Inverted grey maximum intensity projection of the PET, head up, the patient's left on the right of the anterior
    view, square pixels whatever the spacing. A pixel has the colour of the kind that most voxels on its ray are of,
    so that the rim of a lesion does not hide that its body was found; at a tie an error is shown.

    Parameters
    ----------
    suv : numpy.ndarray
        ``(k, j, i)``, float32, g/ml.
    truth, prediction : numpy.ndarray
        ``(k, j, i)``, bool, on the same grid.
    geometry : Geometry
        That grid.
    title : str
        Written above; no patient's name or identifier belongs there.
    suv_window : tuple of float
        SUV in g/ml shown white and black.

    Returns
    -------
    numpy.ndarray
        ``(rows, columns, 3)``, uint8, sRGB. Without any mask it shows the PET alone.

    Raises
    ------
    GeometryError
        If an array does not fill the grid.
    UsageError
        If the window is empty.

    References
    ----------
    D27 (figure 1 of the DEEP-PSMA method paper): green, cyan and magenta.
    """
    if not suv_window[0] < suv_window[1]:
        raise UsageError(f"the SUV window must rise, not {suv_window}")
    for name, values in (("SUV", suv), ("truth", truth), ("prediction", prediction)):
        if values.shape != geometry.shape:
            raise GeometryError(f"the {name} {values.shape} does not fill the grid {geometry.shape} (k, j, i)")
    masks = _Masks((truth & prediction, truth & ~prediction, prediction & ~truth), geometry.voxel_volume_ml)
    panels = [_panel(suv, masks, projector_for(geometry, view), suv_window) for view in View]
    return _composed(panels, title, masks.legend())


def _panel(
    suv: NDArray[np.float32], masks: _Masks, projector: Projector, suv_window: tuple[float, float]
) -> NDArray[np.uint8]:
    low, high = suv_window
    mm_per_px = projector.n_rows * projector.row_mm / _HEIGHT_PX
    size = max(1, round(projector.n_columns * projector.column_mm / mm_per_px)), _HEIGHT_PX
    picture = Image.fromarray(np.ascontiguousarray(projector.picture(suv), dtype=np.float32))
    large = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
    darkness = np.clip((large - low) / (high - low), 0, 1)
    grey = np.repeat((255 * (1 - darkness))[:, :, None], 3, axis=2)
    kind = np.asarray(Image.fromarray(_kinds(masks, projector)).resize(size, Image.Resampling.NEAREST))
    for number, (_, rgb) in enumerate(_KINDS, start=1):
        is_kind = kind == number
        grey[is_kind] = (1 - _TINT) * grey[is_kind] + _TINT * np.asarray(rgb, dtype=np.float64)
    return np.rint(grey).astype(np.uint8)


def _kinds(masks: _Masks, projector: Projector) -> NDArray[np.uint8]:
    """Return the number of the kind that most voxels on a pixel's ray are of, from 1; 0 where there is none."""
    counts = np.stack(
        [projector.picture(mask.sum(axis=projector.depth_axis, keepdims=True)) for mask in reversed(masks.kinds)]
    )
    winner = len(_KINDS) - counts.argmax(axis=0)
    return np.where(counts.any(axis=0), winner, 0).astype(np.uint8)


def _composed(panels: list[Rgb], title: str, legend: tuple[str, ...]) -> Rgb:
    head = _MARGIN_PX + 2 * _LINE_PX + 6
    width = max(460, sum(panel.shape[1] for panel in panels) + _GAP_PX * (len(panels) - 1) + 2 * _MARGIN_PX)
    image = Image.new("RGB", (width, head + _HEIGHT_PX + _MARGIN_PX), _WHITE)
    draw = ImageDraw.Draw(image)
    draw.text((_MARGIN_PX, _MARGIN_PX - 4), title, font=pixel_font(15, is_bold=True), fill=_INK)
    left = _MARGIN_PX
    for words, (_, rgb) in zip(legend, _KINDS, strict=True):
        top = _MARGIN_PX + _LINE_PX
        draw.rectangle([left, top, left + 14, top + 14], fill=rgb)
        draw.text((left + 20, top - 2), words, font=pixel_font(14), fill=_INK)
        left += 36 + round(draw.textlength(words, font=pixel_font(14)))
    left = _MARGIN_PX
    for panel, view in zip(panels, View, strict=True):
        image.paste(Image.fromarray(panel), (left, head))
        right = left + panel.shape[1] - 1
        draw.rectangle([left, head, right, head + _HEIGHT_PX - 1], outline=(215, 215, 215))
        _, left_letter, right_letter = view.value
        draw.text((left + 5, head + 4), left_letter, font=pixel_font(15, is_bold=True), fill=_INK)
        draw.text((right - 5, head + 4), right_letter, font=pixel_font(15, is_bold=True), fill=_INK, anchor="ra")
        left += panel.shape[1] + _GAP_PX
    return np.asarray(image)
