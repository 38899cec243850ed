"""Two CT volumes of one patient to the rigid transform between them, with its quality."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.errors import GeometryError
from psmacore.model.geometry import FloatArray
from psmacore.model.volumes import CtVolume

WORST_BONE_MM = 8.0
"""Median distance between the bones above which a registration has failed: two voxels of a coarse PET."""
LEAST_SHARED = 0.3
"""Part of the smaller body that both fields of view must share."""

_GRID_MM = 4.0
_COARSE_MM = 12.0
_BONE_HU = 180.0
_AIR_HU, _TOP_HU = -300.0, 300.0  # fat to bone; the lungs and the table's foam breathe and move
_BODY_HU = -200.0
_NOWHERE_HU = -1e4
_N_REFINED = 5
_APART_MM = 30.0
_OVERLAP_WEIGHT = 0.5
_FEWEST_BONE_VOXELS = 50
_STARTS_MM = 12.0  # between the heights that are tried first: vertebrae, 25 to 35 mm apart, look alike

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RigidRegistration:
    """Where a place of the body in one study lies in the other.

    Parameters
    ----------
    moving_lps_from_fixed_lps : numpy.ndarray
        4 x 4, rigid, LPS in mm.
    bone_distance_mm : float
        Median distance from a bone voxel of the fixed CT to the nearest of the moving one, on a 4 mm grid.
    shared_fraction : float
        Part of the smaller body that both fields of view hold.
    """

    moving_lps_from_fixed_lps: FloatArray
    bone_distance_mm: float
    shared_fraction: float


def register_rigid(fixed: CtVolume, moving: CtVolume) -> RigidRegistration:
    """Return the rigid transform that brings bones and body of two CTs together.

    Many heights are tried first on a coarse grid, because scans of one patient may start at the skull or at the
    vertex and one vertebra looks like the next. The best of them are refined there, and the best of those at 4 mm, by
    the correlation of HU clipped to fat and bone.

    Raises
    ------
    GeometryError
        If too little of the body is in both, bones stay more than 8 mm apart, or there is no bone.

    References
    ----------
    SimpleITK, Lowekamp et al., Frontiers in Neuroinformatics 2013;7:45.
    """
    at_rest, movable = _prepared(fixed, _GRID_MM), _prepared(moving, _GRID_MM)
    start = _best_start(_prepared(fixed, _COARSE_MM), _prepared(moving, _COARSE_MM))
    transform = _refined(at_rest, movable, start, shrinks=(2, 1))
    shared, distance_mm = _quality(at_rest, movable, transform)
    logger.info("rigid registration: bones %.1f mm apart, %.0f %% shared", distance_mm, 100 * shared)
    if shared < LEAST_SHARED:
        raise GeometryError(
            f"the CTs of the two studies share {100 * shared:.0f} % of the body, at least {100 * LEAST_SHARED:.0f} % "
            "are needed to register them"
        )
    if not distance_mm <= WORST_BONE_MM:
        raise GeometryError(
            f"rigid registration failed: after it bones lie {distance_mm:.1f} mm apart (median), at most "
            f"{WORST_BONE_MM:.0f} mm are accepted. Is it the same patient?"
        )
    return RigidRegistration(_matrix(transform), distance_mm, shared)


def _prepared(ct: CtVolume, spacing_mm: float) -> sitk.Image:
    """Return the CT, clipped and averaged to ``spacing_mm``, in its own orientation."""
    geometry = ct.geometry
    image: Any = sitk.GetImageFromArray(np.clip(ct.values, _AIR_HU, _TOP_HU).astype(np.float32))
    image.SetOrigin(geometry.origin_lps_mm.tolist())
    image.SetSpacing(geometry.spacing_ijk_mm.tolist())
    image.SetDirection(geometry.directions_lps.ravel().tolist())
    n_merged = np.clip(spacing_mm // np.array(image.GetSpacing()), 1, image.GetSize()).astype(int)
    image = sitk.BinShrink(image, n_merged.tolist())
    spacing = np.array(image.GetSpacing())
    size = np.maximum(((np.array(image.GetSize()) - 1) * spacing / spacing_mm).astype(int) + 1, 2)  # none outside
    resampled: sitk.Image = sitk.Resample(
        image, size.tolist(), sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), [spacing_mm] * 3,
        image.GetDirection(), _AIR_HU,
    )  # fmt: skip
    return resampled


def _best_start(fixed: sitk.Image, moving: sitk.Image) -> sitk.Euler3DTransform:
    """Return the best of some heights, each refined on the coarse grid."""
    centre, other = _body_centre(fixed), _body_centre(moving)
    span = (_length_mm(fixed) + _length_mm(moving)) / 2
    tried = []
    for height in np.arange(-span, span + 1, _STARTS_MM):
        transform = sitk.Euler3DTransform()
        transform.SetCenter(centre.tolist())
        transform.SetTranslation((other - centre + (0, 0, height)).tolist())
        tried.append((_mismatch(fixed, moving, transform), float(height), transform))
    best: list[tuple[float, sitk.Euler3DTransform]] = []
    apart: list[float] = []
    for _mismatched, height, transform in sorted(tried, key=lambda one: (one[0], abs(one[1]))):
        if len(apart) == _N_REFINED:
            break
        if all(abs(height - one) >= _APART_MM for one in apart):
            apart.append(height)
            refined = _refined(fixed, moving, transform, shrinks=(1,))
            best.append((_mismatch(fixed, moving, refined), refined))
    return min(best, key=lambda one: one[0])[1]


def _mismatch(fixed: sitk.Image, moving: sitk.Image, transform: sitk.Transform) -> float:
    """Return how little two images agree: lack of correlation where either body is in both fields, and lack of overlap.

    The overlap counts because a small one, of a spine for instance, may agree by chance; 2 where hardly anything is
    shared.
    """
    moved, inside = _on(fixed, moving, transform)
    here = sitk.GetArrayViewFromImage(fixed)
    shared = np.count_nonzero((here > _BODY_HU) & (moved > _BODY_HU)) / max(min(_n_body(fixed), _n_body(moving)), 1)
    either = inside & ((here > _BODY_HU) | (moved > _BODY_HU))
    a, b = here[either], moved[either]
    if shared < LEAST_SHARED or a.std() == 0 or b.std() == 0:
        return 2.0
    return 1.0 - float(np.corrcoef(a, b)[0, 1]) + _OVERLAP_WEIGHT * (1.0 - shared)


def _refined(
    fixed: sitk.Image, moving: sitk.Image, start: sitk.Euler3DTransform, *, shrinks: tuple[int, ...]
) -> sitk.Euler3DTransform:
    """Return the start moved to where the images correlate best, or the start where there is no way from it."""
    spacing_mm = float(fixed.GetSpacing()[0])
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.2 if spacing_mm < _COARSE_MM else 1.0)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=spacing_mm, minStep=0.0025 * spacing_mm, numberOfIterations=150, relaxationFactor=0.6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(shrinks))
    method.SetSmoothingSigmasPerLevel([(shrink - 1) * spacing_mm for shrink in shrinks])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    transform = sitk.Euler3DTransform(start)
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError as error:  # the images lost each other; the start's own quality decides
        logger.info("rigid registration: %s", str(error).strip().splitlines()[-1])
        return sitk.Euler3DTransform(start)
    return transform


def _quality(fixed: sitk.Image, moving: sitk.Image, transform: sitk.Transform) -> tuple[float, float]:
    """Return the shared part of the smaller body, and the median distance between bones in mm."""
    here = sitk.GetArrayViewFromImage(fixed)
    moved, inside = _on(fixed, moving, transform)
    smaller = min(_n_body(fixed), _n_body(moving))
    shared = np.count_nonzero((here > _BODY_HU) & (moved > _BODY_HU)) / max(smaller, 1)
    bone, other_bone = (here > _BONE_HU) & inside, moved > _BONE_HU
    if min(np.count_nonzero(bone), np.count_nonzero(other_bone)) < _FEWEST_BONE_VOXELS:
        return float(shared), float("inf")
    distance = ndimage.distance_transform_edt(~other_bone, sampling=_GRID_MM)
    return float(shared), float(np.median(distance[bone]))


def _on(
    fixed: sitk.Image, moving: sitk.Image, transform: sitk.Transform
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the moving image on the fixed one's grid, and where it has a value there."""
    image = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, _NOWHERE_HU)
    moved = np.asarray(sitk.GetArrayFromImage(image), dtype=np.float32)
    return moved, moved > _NOWHERE_HU / 2


def _body_centre(image: sitk.Image) -> NDArray[np.float64]:
    """Return the mean place of the body in LPS, mm; of the image where there is none."""
    body = np.argwhere(sitk.GetArrayViewFromImage(image) > _BODY_HU)
    middle = body.mean(axis=0) if len(body) else (np.array(image.GetSize()[::-1]) - 1) / 2
    return np.array(image.TransformContinuousIndexToPhysicalPoint([float(value) for value in middle[::-1]]))


def _n_body(image: sitk.Image) -> int:
    return int(np.count_nonzero(sitk.GetArrayViewFromImage(image) > _BODY_HU))


def _length_mm(image: sitk.Image) -> float:
    """Return how far the image reaches along S."""
    axes = np.reshape(image.GetDirection(), (3, 3))
    return float(np.abs(axes[2]) @ (np.array(image.GetSize()) * np.array(image.GetSpacing())))


def _matrix(transform: sitk.Transform) -> FloatArray:
    """Return the 4 x 4 matrix of a rigid transform, from where it takes four points."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    axes = [np.array(transform.TransformPoint(tuple(row))) - origin for row in np.eye(3)]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.stack(axes, axis=1), origin
    return matrix
