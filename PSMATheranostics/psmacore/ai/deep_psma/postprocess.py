"""What a paired model says on both grids to the mask of one tracer's lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.ai.preprocess.grid import Interpolation, resample, to_image
from psmacore.errors import UsageError
from psmacore.model.geometry import Geometry
from psmacore.pipeline.request import Postprocessing

Mask = NDArray[np.bool_]

GROWTH_MM = 5.0
"""Default of the organisers' ``DEEP-PSMA_Refine.py`` and of the released method; their baseline grows by 7 mm."""
NO_GROWTH_ORGANS = (2, 3, 5, 21)
"""Kidneys, liver, urinary bladder (TotalSegmentator v2), as the released method has it (D19)."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Growth:
    """How the organisers' refinement grows a mask (D19).

    Parameters
    ----------
    radius_mm : float
        Between voxel centres.
    excluded_organs : tuple of int
        Organ labels within which the mask stays as it was.

    Raises
    ------
    UsageError
        If the radius is negative or no number.
    """

    radius_mm: float = GROWTH_MM
    excluded_organs: tuple[int, ...] = NO_GROWTH_ORGANS

    def __post_init__(self) -> None:
        if not 0.0 <= self.radius_mm < np.inf:
            raise UsageError(f"a mask grows by 0 mm or more, not by {self.radius_mm!r}")


def moved_back(mask: Mask, source: Geometry, target: Geometry, source_from_target: sitk.Transform) -> Mask:
    """Return a mask made in the other tracer's space, in one's own (D21).

    Zeros and ones are interpolated linearly, and whatever is above 0 counts: the mask grows by up to one voxel of
    ``source``. Weights below 1e-9, which a transform's rounding leaves, are 0.

    Parameters
    ----------
    mask : numpy.ndarray
        ``(k, j, i)`` on ``source``.
    source_from_target : SimpleITK.Transform
        Takes points of the target to those of the source.

    References
    ----------
    Dexl et al. 2025, section 2.4 (linear was better than nearest neighbour); the same authors'
    ``inference_single_bothways.py``.
    """
    moved = resample(
        mask.astype(np.float32),
        source,
        target,
        interpolation=Interpolation.LINEAR,
        source_from_target=source_from_target,
    )
    return np.asarray(moved > _ROUNDING, dtype=np.bool_)


def grown(mask: Mask, is_hot: Mask, organs: NDArray[np.uint16], geometry: Geometry, growth: Growth) -> Mask:
    """Return a mask grown by a radius and cut to the threshold, as it was within organs that it must not grow in.

    A lesion within such an organ is painted back, never erased (D20).

    Parameters
    ----------
    mask : numpy.ndarray
        ``(k, j, i)``, bool.
    is_hot : numpy.ndarray
        ``(k, j, i)``, bool: where the PET reaches its threshold.
    organs : numpy.ndarray
        ``(k, j, i)``, uint16.
    geometry : Geometry
        Grid of all three.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, bool; empty where the mask is.

    References
    ----------
    D19; Peter-MacCallum-Cancer-Centre/DEEP-PSMA, ``DEEP-PSMA_Refine.py``.
    """
    if not mask.any():
        return mask.copy()
    near = _distance_mm(mask, geometry) <= growth.radius_mm
    result = near & is_hot
    is_excluded = np.isin(organs, growth.excluded_organs)
    result[is_excluded] = mask[is_excluded]
    return np.asarray(result, dtype=np.bool_)


def lesion_mask(
    method: Postprocessing,
    own: Mask,
    other: Mask | None,
    is_hot: Mask,
    organs: NDArray[np.uint16],
    geometry: Geometry,
    *,
    growth: Growth,
) -> Mask:
    """Return the lesions of one tracer on its own grid, every voxel of them at or above its threshold.

    Parameters
    ----------
    method : Postprocessing
        ``single`` is the prediction of the tracer on its own grid (D18), ``bothways`` its union with the one made in
        the other tracer's space (D21); ``single+`` and ``bothways+`` let these grow (D19, D22).
    own : numpy.ndarray
        ``(k, j, i)``, bool: predicted on the tracer's own grid.
    other : numpy.ndarray or None
        The same lesions as predicted in the other tracer's space, moved back; ``single`` ignores it.
    is_hot : numpy.ndarray
        Where the PET reaches its threshold.
    organs : numpy.ndarray
        ``(k, j, i)``, uint16.

    Raises
    ------
    UsageError
        If both ways are wanted and there is one.
    """
    predicted = own
    if method.is_both_ways:
        if other is None:
            raise UsageError(f"{method.value} needs the prediction in the other tracer's space")
        predicted = own | other
    lesions = predicted & is_hot
    return grown(lesions, is_hot, organs, geometry, growth) if method.is_grown else lesions


def _distance_mm(mask: Mask, geometry: Geometry) -> NDArray[np.float32]:
    """Return the distance to the mask's outermost voxel centres, in mm, negative within, as ITK measures it."""
    image = to_image(mask.astype(np.uint8), geometry)
    measured = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return np.asarray(sitk.GetArrayFromImage(measured), dtype=np.float32)
