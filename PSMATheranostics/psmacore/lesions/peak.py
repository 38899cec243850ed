"""SUV and a lesion's voxels to its two SUVpeaks: the mean of a 1 cm3 sphere, at its best and at its hottest place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry

PEAK_RADIUS_MM = 6.2035  # (3 / (4 pi))^(1/3) cm: a sphere of 1 cm3; PERCIST 1.0, Wahl et al., JNM 2009;50:122S
_SUPERSAMPLING = 9  # points along each voxel axis: the sphere's volume comes out within 0.1 %
_CHUNK = 1 << 22  # sphere values gathered at a time: 16 MB of float32


class SphereRule(Enum):
    """How voxels that the sphere's surface cuts are counted.

    ``PARTIAL`` weights each voxel by the part of it that lies inside the sphere; ``CENTRES`` counts a voxel
    whole when its centre lies inside, as the reference values of the IBSI digital phantom do.
    """

    PARTIAL = "partial"
    CENTRES = "centres"


@dataclass(frozen=True)
class Peaks:
    """Both SUVpeaks of one lesion, SUVbw in g/ml.

    Parameters
    ----------
    highest : float
        The highest mean of a sphere centred at any voxel of the lesion (PERCIST; IBSI global intensity peak).
    hottest : float
        The mean of the sphere around the hottest voxel (IBSI local intensity peak); where several are equally
        hot, the highest of theirs.
    """

    highest: float
    hottest: float


@dataclass(frozen=True, eq=False)
class Sphere:
    """The sphere on a voxel grid: offsets ``(n, 3)`` in ``(k, j, i)`` order, and the weight of each, summing to 1."""

    offsets: NDArray[np.int64]
    weights: NDArray[np.float32]


def peak_sphere(geometry: Geometry, rule: SphereRule = SphereRule.PARTIAL) -> Sphere:
    """Return the 1 cm3 sphere around a voxel's centre on a grid, oblique and anisotropic grids included.

    Parameters
    ----------
    geometry : Geometry
        The grid.
    rule : SphereRule
        ``PARTIAL``: 9 x 9 x 9 points per voxel decide which part of it lies inside.

    References
    ----------
    IBSI reference manual, 3.2 local and global intensity peak (Zwanenburg et al., Radiology 2020;295:328).
    """
    return _sphere(tuple(geometry.lps_from_ijk[:3, :3].ravel().tolist()), rule)


def peaks(
    values: NDArray[np.float32],
    geometry: Geometry,
    voxels_kji: NDArray[np.int64],
    rule: SphereRule = SphereRule.PARTIAL,
) -> Peaks:
    """Measure both SUVpeaks of one lesion.

    Parameters
    ----------
    values : numpy.ndarray
        SUVbw, ``(k, j, i)``, g/ml; the whole image, not only the lesion.
    geometry : Geometry
        Its grid.
    voxels_kji : numpy.ndarray
        The lesion's voxels, ``(n, 3)``.
    rule : SphereRule
        How cut voxels count.

    Returns
    -------
    Peaks
        The sphere may extend outside the lesion; the part of it outside the image is not counted.

    Raises
    ------
    InputRefusedError
        If there is no voxel, or a value that a sphere covers is not finite.
    """
    if not len(voxels_kji):
        raise InputRefusedError("SUVpeak of a lesion without voxels")
    sphere = peak_sphere(geometry, rule)
    low, high = sphere.offsets.min(axis=0), sphere.offsets.max(axis=0)
    start, stop = voxels_kji.min(axis=0) + low, voxels_kji.max(axis=0) + high + 1
    clipped_start, clipped_stop = np.maximum(start, 0), np.minimum(stop, values.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(clipped_start, clipped_stop, strict=True))
    padding = [(int(c - a), int(b - d)) for a, b, c, d in zip(start, stop, clipped_start, clipped_stop, strict=True)]
    crop = np.pad(np.asarray(values[box], dtype=np.float32), padding)
    if not np.isfinite(crop.sum(dtype=np.float64)):
        raise InputRefusedError("SUVpeak: the SUV next to a lesion holds NaN or infinite voxels")
    strides = np.array([crop.shape[1] * crop.shape[2], crop.shape[2], 1])
    centres = (np.asarray(voxels_kji, dtype=np.int64) - start) @ strides
    means = _means(crop, centres, sphere.offsets @ strides, sphere.weights)
    if any(before or after for before, after in padding):
        inside = np.pad(np.ones([b - a for a, b in zip(clipped_start, clipped_stop, strict=True)], np.float32), padding)
        means = means / _means(inside, centres, sphere.offsets @ strides, sphere.weights)
    at_centres = crop.ravel()[centres]
    return Peaks(highest=float(means.max()), hottest=float(means[at_centres == at_centres.max()].max()))


def _means(
    crop: NDArray[np.float32], centres: NDArray[np.int64], steps: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the weighted sum over ``steps`` around each of ``centres``, by gathering or by shifted sums of the box."""
    flat = crop.ravel()
    low, high = int(steps.min()), int(steps.max())
    n_span = flat.size + low - high
    if n_span < 4 * len(centres):  # a compact lesion fills its box: whole rows shifted are cheaper than gathering
        total = np.zeros(n_span, np.float32)
        for step, weight in zip(steps.tolist(), weights.tolist(), strict=True):
            total += np.float32(weight) * flat[step - low : step - low + n_span]
        return np.asarray(total[centres + low], dtype=np.float32)
    result = np.empty(len(centres), np.float32)
    n_rows = max(1, _CHUNK // len(steps))
    for first in range(0, len(centres), n_rows):
        some = centres[first : first + n_rows]
        result[first : first + n_rows] = np.take(flat, some[:, None] + steps[None, :]) @ weights
    return result


@lru_cache(maxsize=16)
def _sphere(lps_from_ijk: tuple[float, ...], rule: SphereRule) -> Sphere:
    matrix = np.array(lps_from_ijk).reshape(3, 3)
    # reach of the sphere along each index axis: the rows of the inverse bound |index| for |lps| <= radius
    reach_ijk = np.ceil(np.linalg.norm(np.linalg.inv(matrix), axis=1) * PEAK_RADIUS_MM + 0.5).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach_ijk[::-1]), indexing="ij"), axis=-1)
    offsets = grid.reshape(-1, 3)  # (k, j, i)
    n_points = _SUPERSAMPLING if rule is SphereRule.PARTIAL else 1
    ticks = (np.arange(n_points) + 0.5) / n_points - 0.5
    within = np.stack(np.meshgrid(ticks, ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 3) @ matrix.T
    centres = offsets[:, ::-1].astype(np.float64) @ matrix.T
    parts = np.empty(len(offsets))
    for n, centre in enumerate(centres):
        parts[n] = np.mean(np.einsum("nd,nd->n", within + centre, within + centre) <= PEAK_RADIUS_MM**2)
    kept = parts > 0
    if not kept.any():  # a voxel larger than the sphere, whose sample points all miss it: its own value stands
        kept = (offsets == 0).all(axis=1)
        parts = kept.astype(np.float64)
    return Sphere(offsets[kept].astype(np.int64), (parts[kept] / parts[kept].sum()).astype(np.float32))
