"""Arrays of a measurement to the same arrays, or to the error that names why they cannot be measured."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import Segmentation, SuvVolume


def require_finite(values: NDArray[np.floating[Any]], what: str) -> None:
    """Refuse NaN or infinite values.

    Parameters
    ----------
    values : numpy.ndarray
        Any shape.
    what : str
        Names the values in the error.

    Raises
    ------
    InputRefusedError
        If a value is not finite; the error counts them.
    """
    # NaN and infinity survive min and max: two passes without a mask of the whole volume
    if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        n_bad = int(values.size - np.count_nonzero(np.isfinite(values)))
        raise InputRefusedError(f"{what}: {n_bad} of {values.size} voxels are NaN or infinite")


def require_same_grid(suv: SuvVolume | Segmentation, geometry: Geometry, what: str) -> None:
    """Refuse a map on another grid than the SUV or its segments.

    Raises
    ------
    GeometryError
        If shape or position differ by more than 0.01 mm at a corner.
    """
    if not suv.geometry.is_same_grid(geometry):
        raise GeometryError(
            f"the {what} lies on another grid ({geometry.shape}) than the PET ({suv.geometry.shape}, k, j, i): "
            "resample it to the PET first, so that measurements stay on the native PET grid"
        )
