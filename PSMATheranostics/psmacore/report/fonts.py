"""Typeface names to the font files that figures and PDF pages embed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
from PIL import ImageFont

REGULAR = "DejaVuSans"
BOLD = "DejaVuSans-Bold"


@cache
def font_file(name: str) -> Path:
    """Return the TrueType file of ``REGULAR`` or ``BOLD``: DejaVu, which matplotlib installs on every system."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"


@cache
def pixel_font(size_px: int, *, is_bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the font for drawing on pictures, ``size_px`` pixels high."""
    return ImageFont.truetype(str(font_file(BOLD if is_bold else REGULAR)), size_px)
