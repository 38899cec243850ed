"""A view or any widget to a PNG file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget


def grabbed(widget: QWidget) -> np.ndarray:
    """Return what the widget shows after everything due has been rendered: (row, column, RGB) uint8."""
    QApplication.processEvents()
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def screenshot(widget: QWidget, path: str | Path, *, n_colors: int | None = None) -> Path:
    """Write what the widget shows; `n_colors` reduces the palette, for pictures kept in the repository."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(grabbed(widget))
    if n_colors is not None:
        image = image.quantize(n_colors, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    return path
