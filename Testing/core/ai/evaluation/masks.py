"""Masks whose counts can be done by hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def empty(shape: tuple[int, int, int] = (12, 12, 12)) -> Mask:
    return np.zeros(shape, np.bool_)


def boxes(
    *corners: tuple[tuple[int, int, int], tuple[int, int, int]], shape: tuple[int, int, int] = (12, 12, 12)
) -> Mask:
    """Return a mask of boxes, each from its first corner up to but without its second, ``(k, j, i)``."""
    mask = empty(shape)
    for (k, j, i), (k_end, j_end, i_end) in corners:
        mask[k:k_end, j:j_end, i:i_end] = True
    return mask
