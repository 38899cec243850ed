"""Lesion components to their outlines at a percentage of each one's SUVmax."""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def outlined_at_fraction(
    values: NDArray[np.float32], labels: NDArray[np.uint16], barred: NDArray[np.bool_], fraction: float
) -> NDArray[np.uint16]:
    """Return each component redrawn at a fraction of its own SUVmax.

    Parameters
    ----------
    values : numpy.ndarray
        SUVbw, ``(k, j, i)``.
    labels : numpy.ndarray
        ``(k, j, i)``, uint16: components, found at a fixed SUV.
    barred : numpy.ndarray
        ``(k, j, i)``, bool: voxels that no outline enters (organs).
    fraction : float
        0.41 or 0.5.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, uint16, the same numbers: the voxels at or above the level that are 26-connected with the
        hottest one, within twice the component's box; where two outlines meet, the hotter component's holds.

    References
    ----------
    Boellaard et al., EJNMMI 2015;42:328 (41 % and 50 % isocontours).
    """
    outlined = np.zeros_like(labels)
    boxes = ndimage.find_objects(labels)
    peaks = [(float(values[box][labels[box] == n].max()), n, box) for n, box in enumerate(boxes, 1) if box is not None]
    for highest, number, box in sorted(peaks, key=lambda peak: (-peak[0], peak[1])):
        grown = tuple(
            slice(max(part.start - size, 0), part.stop + size)
            for part, size in zip(box, (part.stop - part.start for part in box), strict=True)
        )
        own = labels[grown] == number
        free = (own | ((labels[grown] == 0) & ~barred[grown])) & (outlined[grown] == 0)
        above = free & (values[grown] >= fraction * highest)
        parts = cc3d.connected_components(above, connectivity=26)
        seeds = parts[own & above & (values[grown] >= highest)]
        if seeds.size:
            outlined[grown][parts == seeds.flat[0]] = number
    return outlined
