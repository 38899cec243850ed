"""The colour of a segment, the same in SEG, MIP, report and viewers."""

from __future__ import annotations

import colorsys

EXCLUDED_RGB = (150, 150, 150)
UNION_RGB = (255, 90, 60)
_GOLDEN_RATIO = 0.618033988749895


def segment_rgb(number: int) -> tuple[int, int, int]:
    """Return the sRGB colour, 0 to 255, of lesion segment ``number`` (from 1): vivid, and unlike its neighbours'."""
    hue = (0.02 + (number - 1) * _GOLDEN_RATIO) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
