"""A stored image to a PNG for thumbnails and our own pages (DICOM PS3.18 10.4.1.1.3)."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array
from starlette.requests import Request
from starlette.responses import Response

from web_bridge.errors import BadRequestError, NotAcceptableError, NotFoundError
from web_bridge.routes.common import accepted, archive, target
from web_bridge.store.dicom_json import number_value

_PNG = "image/png"
_THUMBNAIL_PX = 192


def rendered(request: Request) -> Response:
    """Answer ``…/rendered`` and ``…/frames/{n}/rendered`` with the whole picture."""
    return _answer(request, longest_side_px=None)


def thumbnail(request: Request) -> Response:
    """Answer ``…/thumbnail`` with a small picture."""
    return _answer(request, longest_side_px=_THUMBNAIL_PX)


def _answer(request: Request, *, longest_side_px: int | None) -> Response:
    if not any(item.name in (_PNG, "image/*", "*/*") for item in accepted(request)):
        raise NotAcceptableError("pictures are rendered as image/png only")
    where = target(request)
    store = archive(request)
    [instance] = store.instances(where.required_study_uid, where.series_uid, where.sop_uid)
    n_frames = number_value(instance.attributes, "00280008") or 1
    frame = request.path_params.get("frame", str((n_frames + 1) // 2))
    if not (frame.isascii() and frame.isdigit() and len(frame) < 10):
        raise BadRequestError("a frame is named by a whole number from 1")
    if not number_value(instance.attributes, "00280010") or not 1 <= int(frame) <= n_frames:
        raise NotFoundError("the instance has no such frame")
    try:
        picture = Image.fromarray(grey_or_rgb(pydicom.dcmread(store.path(instance)), int(frame) - 1))
    except (NotImplementedError, RuntimeError, ValueError, AttributeError) as error:
        raise NotAcceptableError("the frame cannot be rendered here") from error
    if longest_side_px is not None:
        picture.thumbnail((longest_side_px, longest_side_px))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return Response(buffer.getvalue(), media_type=_PNG)


def grey_or_rgb(dataset: pydicom.Dataset, index: int) -> NDArray[np.uint8]:
    """Return one frame as display values.

    Parameters
    ----------
    index : int
        From 0.

    Returns
    -------
    numpy.ndarray
        ``(j, i)`` or ``(j, i, 3)``, uint8. Grey values go through the Modality LUT and the first linear
        window; without a window from the frame's lowest to its highest value.

    References
    ----------
    DICOM PS3.3 C.11.2.1.2.1 (Default LINEAR Function).
    """
    values = pixel_array(dataset, index=index)
    if int(dataset.get("SamplesPerPixel", 1)) > 1:
        return np.asarray(values, dtype=np.uint8)
    levels = np.asarray(apply_modality_lut(values, dataset), dtype=np.float64)
    low, high = _window(dataset) or (float(levels.min()), float(levels.max()))
    scaled = np.clip((levels - low) / max(high - low, 1e-9), 0.0, 1.0) * 255.0
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        scaled = 255.0 - scaled
    return np.asarray(np.rint(scaled), dtype=np.uint8)


def _window(dataset: pydicom.Dataset) -> tuple[float, float] | None:
    """Return the values that become black and white, or ``None`` where the image names no window."""
    centers, widths = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    if centers is None or widths is None:
        return None
    center = float(centers[0] if isinstance(centers, MultiValue) else centers)
    width = float(widths[0] if isinstance(widths, MultiValue) else widths)
    return (center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2) if width > 1 else None
