"""Deconvolved activity around organs to its owner: the organ, or a lesion that touches it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtri

from psmacore.lesions.basins import Basins, partition

_SMEAR = 0.5
_TINY = np.float32(1e-6)
_TUBE_SMOOTHING = (1.0, 0.7, 0.7)  # voxels: along the body more, since tubes run head to foot
_FLANK_VOXELS = 3  # a spill of a voxel's reach touches no more than two beyond the tolerance
_TUBE_PEAK = 3.0  # 2 pi 0.7^2


@dataclass(frozen=True)
class OwnershipSettings:
    """How far organs may reach beyond their labels.

    Parameters
    ----------
    tolerance_mm : float
        Misregistration of PET and organ map that is forgiven: uptake this close to an organ, without a peak
        of its own, is the organ's.
    thin_tolerance_mm : float
        The same for tubes (ureters, bowel), which move and are as thin as a voxel.
    prominence : float
        How many times its saddle a peak must reach to be one of its own.
    core_part : float
        Part of a lesion core's height from which it reclaims voxels next to the organ.
    """

    tolerance_mm: float = 4.0
    thin_tolerance_mm: float = 5.0
    prominence: float = 1.15
    core_part: float = 0.5

    def on_grid(self, spacing_kji_mm: tuple[float, float, float]) -> OwnershipSettings:
        """Return the settings with tolerances of at least one voxel; for tubes just short of an edge neighbour."""
        step = max(spacing_kji_mm)
        return replace(
            self,
            tolerance_mm=max(self.tolerance_mm, 1.05 * step),
            thin_tolerance_mm=max(self.thin_tolerance_mm, 1.4 * step),
        )


@dataclass(frozen=True, eq=False)
class Nearness:
    """Distance to the nearest organ and which one that is, each ``(k, j, i)``; 0 mm inside.

    Along k, distances to organs that breathing moves count half: the PET shows them smeared head to foot.
    """

    distance_mm: NDArray[np.float32]
    organ: NDArray[np.uint16]

    @classmethod
    def of(
        cls, labels: NDArray[np.uint16], spacing_kji_mm: tuple[float, float, float], movable: frozenset[int]
    ) -> Nearness:
        """Measure from labels that hold physiological organs only; infinite where there is none."""
        moves = np.isin(labels, tuple(movable))
        still = _nearest(np.where(moves, np.uint16(0), labels), spacing_kji_mm)
        smeared = (spacing_kji_mm[0] * _SMEAR, *spacing_kji_mm[1:])
        moving = _nearest(np.where(moves, labels, np.uint16(0)), smeared)
        is_moving = moving[0] < still[0]
        return cls(np.minimum(still[0], moving[0]), np.where(is_moving, moving[1], still[1]))


def _nearest(
    labels: NDArray[np.uint16], spacing_kji_mm: tuple[float, float, float]
) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    if not labels.any():
        return np.full(labels.shape, np.inf, np.float32), np.zeros(labels.shape, np.uint16)
    distance, indices = ndimage.distance_transform_edt(labels == 0, sampling=spacing_kji_mm, return_indices=True)
    return distance.astype(np.float32), labels[tuple(indices)]


def owned_by_organs(
    activity: NDArray[np.float32],
    region: NDArray[np.bool_],
    nearness: Nearness,
    thin_organs: frozenset[int],
    settings: OwnershipSettings,
) -> NDArray[np.float32]:
    """Return which part of each voxel's activity is the organs'.

    An organ owns what lies inside it, and what lies within the tolerance without a peak of its own. Uptake
    that goes on beyond the tolerance is a lesion, which then reclaims its side of the tolerance zone, less what
    the organ's edge contributes to voxels that it cuts.

    Parameters
    ----------
    activity : numpy.ndarray
        Deconvolved uptake, ``(k, j, i)``.
    region : numpy.ndarray
        ``(k, j, i)``, bool: voxels at or above the threshold; outside, nearness alone decides.
    nearness : Nearness
        To the physiological organs.
    thin_organs : frozenset of int
        Organs with the larger tolerance.
    settings : OwnershipSettings
        Distances.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, float32, 0 to 1.
    """
    is_thin = np.isin(nearness.organ, tuple(thin_organs))
    tolerance = np.where(is_thin, settings.thin_tolerance_mm, settings.tolerance_mm).astype(np.float32)
    inside = nearness.distance_mm <= 0
    near = nearness.distance_mm <= tolerance
    owned = near.copy()
    basins = partition(activity, region, prominence=settings.prominence)
    own_peak = _with_peak_of_their_own(basins, near, nearness.distance_mm, activity, settings)
    owned[own_peak & ~inside] = False
    cores = region & ~near & ~own_peak
    height = _reclaimed_height(activity, cores, near & ~inside & region, is_thin, settings)
    organ_part = np.maximum(_edge_activity(activity, inside), np.where(height > 0, activity - height, np.float32(0)))
    owned[height > 0] = False
    share = np.clip(organ_part / np.maximum(activity, _TINY), 0, 1)
    share = np.maximum(share, _tube_coverage(inside & is_thin))
    return np.where(owned, np.float32(1), np.where(near, share, np.float32(0))).astype(np.float32)


def _edge_activity(activity: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return what organs contribute to the voxels that their surface cuts: their level beside it, times coverage.

    Where the surface runs between voxel centres follows from the label smoothed by one voxel: beside a plane at
    distance d its value is the normal distribution function of d.
    """
    smooth = ndimage.gaussian_filter(inside.astype(np.float32), 1.0, truncate=3.0)
    coverage = np.clip(0.5 + ndtri(np.clip(smooth, 1e-4, 1 - 1e-4)), 0, 1)
    weight = ndimage.gaussian_filter(inside.astype(np.float32), 1.5, truncate=3.0)
    held = ndimage.gaussian_filter(np.where(inside, activity, np.float32(0)), 1.5, truncate=3.0)
    return np.asarray(coverage * held / np.maximum(weight, 1e-3), dtype=np.float32)


def _tube_coverage(tubes: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how much of each voxel a tube about as thick as a voxel covers.

    Its labels say where it runs to half a voxel. Smoothed along and across, they tell to which neighbour it leans;
    the smoothed value is 1 on the axis of a straight tube of one voxel.
    """
    if not tubes.any():
        return np.zeros(tubes.shape, np.float32)
    smooth = ndimage.gaussian_filter(tubes.astype(np.float32), _TUBE_SMOOTHING, truncate=3.0)
    return np.asarray(np.clip(smooth * _TUBE_PEAK, 0, 1), dtype=np.float32)


def _with_peak_of_their_own(
    basins: Basins,
    near: NDArray[np.bool_],
    distance_mm: NDArray[np.float32],
    activity: NDArray[np.float32],
    settings: OwnershipSettings,
) -> NDArray[np.bool_]:
    """Return the voxels of basins that peak outside every organ's tolerance, or inside it but reach well beyond."""
    if not len(basins.peaks):
        return np.zeros(near.shape, np.bool_)
    peak_is_far = ~near.reshape(-1)[basins.peaks]
    peak_is_outside = distance_mm.reshape(-1)[basins.peaks] > 0
    heights = activity.reshape(-1)[basins.peaks]
    half = np.concatenate(([np.inf], heights * settings.core_part))[basins.labels]
    bulk = (basins.labels > 0) & (activity >= half)
    n_bulk = np.bincount(basins.labels[bulk], minlength=len(heights) + 1)[1:]
    n_beyond = np.bincount(basins.labels[bulk & ~near], minlength=len(heights) + 1)[1:]
    is_own = peak_is_far | (peak_is_outside & (n_beyond * 2 >= n_bulk))
    return np.asarray(np.concatenate(([False], is_own))[basins.labels], dtype=np.bool_)


def _reclaimed_height(
    activity: NDArray[np.float32],
    cores: NDArray[np.bool_],
    zone: NDArray[np.bool_],
    is_thin: NDArray[np.bool_],
    settings: OwnershipSettings,
) -> NDArray[np.float32]:
    """Return, for voxels of the tolerance zone that lie beside a core, the core's height; 0 elsewhere.

    They must reach a good part of that height. What exceeds it is the organ's: a lesion is not taken to be
    hotter beside an organ than away from it.
    """
    heights = np.zeros(cores.shape, np.float32)
    labels, n_cores = cc3d.connected_components(cores, connectivity=26, return_N=True)
    for number, box in enumerate(ndimage.find_objects(labels, max_label=n_cores), start=1):
        grown = tuple(slice(max(part.start - 2, 0), part.stop + 2) for part in box)
        core = labels[grown] == number
        height = np.float32(activity[grown][core].max())
        if _is_flank(activity[grown], core, zone[grown] & is_thin[grown], height, settings):
            continue
        high_enough = zone[grown] & (activity[grown] >= settings.core_part * height)
        beside = ndimage.binary_dilation(core, np.ones((3, 3, 3)), iterations=2, mask=high_enough) & zone[grown]
        heights[grown] = np.where(beside, np.maximum(heights[grown], height), heights[grown])
    return heights


def _is_flank(
    activity: NDArray[np.float32],
    core: NDArray[np.bool_],
    tube_zone: NDArray[np.bool_],
    height: np.float32,
    settings: OwnershipSettings,
) -> bool:
    """Return whether a core of one or two voxels is the flank of a hotter tube that runs between voxel centres."""
    if np.count_nonzero(core & (activity >= settings.core_part * height)) >= _FLANK_VOXELS:
        return False
    beside = ndimage.binary_dilation(core, np.ones((3, 3, 3))) & tube_zone
    return bool(beside.any()) and float(activity[beside].max()) > float(height)
