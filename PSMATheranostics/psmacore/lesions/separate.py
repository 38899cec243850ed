"""Voxels above the threshold to lesion or organ, voxel by voxel: whose part of the SUV is the larger."""

from __future__ import annotations

from dataclasses import dataclass, field

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.lesions.alignment import aligned
from psmacore.lesions.hosts import host_tissue, lesion_part_in_host
from psmacore.lesions.ownership import Nearness, OwnershipSettings, owned_by_organs
from psmacore.lesions.physiology import (
    HEART,
    ILIAC_VESSELS,
    MOVABLE,
    PARENCHYMA,
    THIN,
    URINARY,
    VESSELS,
    listed_as,
    physiological_organs,
)
from psmacore.lesions.reference import Parenchyma
from psmacore.lesions.spill import PointSpread, deblur, part_of
from psmacore.model.organs import AORTA, PROSTATE
from psmacore.model.volumes import OrganMap, SuvVolume

Box = tuple[slice, slice, slice]
_MAX_LABEL = np.iinfo(np.uint16).max
_MOSTLY = 0.5
_NEAR_VOXELS = 2  # a component this close to an organ is looked at together with it


@dataclass(frozen=True)
class SeparationSettings:
    """Numbers of the separation.

    Parameters
    ----------
    fwhm_mm : float
        Blur that an organ's spill-out is explained with: the reconstructed image's 4 to 7 mm, and what voxel-wise
        labels and breathing add. Too small a value leaves rings around organs among the lesions.
    n_iterations : int
        Of the deconvolution.
    least_lesion_share : float
        A component is a lesion if the lesion's share of the SUV reaches this in one voxel at least; below, it
        is a rim of the organ's spill-out.
    least_hot_part : float
        An organ of which a smaller part reaches the threshold is cold: only what lies inside it is its own.
    ownership : OwnershipSettings
        Distances.
    """

    fwhm_mm: float = 7.5
    n_iterations: int = 12
    least_lesion_share: float = 0.6
    least_hot_part: float = 0.15
    ownership: OwnershipSettings = field(default_factory=OwnershipSettings)


@dataclass(frozen=True, eq=False)
class Separation:
    """Every voxel above the threshold, ``(k, j, i)``: in ``is_lesion``, or with its organ's number in ``organ``.

    ``prostate_suv`` is the normal gland's uptake, 0 without one.
    """

    is_lesion: NDArray[np.bool_]
    organ: NDArray[np.uint16]
    prostate_suv: float


def separate(
    suv: SuvVolume,
    hot: NDArray[np.bool_],
    organs: OrganMap,
    *,
    is_fdg: bool,
    parenchyma_levels: dict[int, Parenchyma],
    settings: SeparationSettings,
) -> Separation:
    """Tell lesions from physiological uptake.

    The image around organs is deconvolved; the activity is divided between organs and lesions
    (``ownership``) and blurred again, which gives the two parts of every voxel. A voxel is the lesion's where
    the lesion's part is larger than the background's. Inside liver and spleen, whose own uptake
    fills the threshold, a component stands out above their level after other organs' spill-out is taken off.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    hot : numpy.ndarray
        ``(k, j, i)``, bool: voxels at or above the threshold.
    organs : OrganMap
        On the same grid.
    is_fdg : bool
        Adds brain and heart to the organs.
    parenchyma_levels : dict of int to Parenchyma
        By organ number; organs that are not in it hold no lesion.
    settings : SeparationSettings
        Numbers.

    Returns
    -------
    Separation
        Together they hold every hot voxel exactly once.
    """
    spacing_kji_mm = suv.geometry.spacing_kji_mm
    numbers = (*physiological_organs(is_fdg=is_fdg), *_hot_vessels(hot, organs, settings.least_hot_part))
    physiological = aligned(_listed(organs, numbers), suv.values, spacing_kji_mm, MOVABLE)
    cold = _cold_organs(physiological, hot, settings.least_hot_part)
    own = np.where(np.isin(physiological, cold), np.uint16(0), physiological)
    spread = PointSpread(settings.fwhm_mm, suv.geometry.spacing_kji_mm)
    hosts = host_tissue(suv, organs, spread, _lowest(suv, hot))
    is_lesion = hot.copy()
    box = hosts.box
    if box is not None:
        activity = deblur(suv.values[box], spread, n_iterations=settings.n_iterations)
        part = lesion_part_in_host(suv.values[box], hosts.field[box], hosts.level[box], activity, hot[box])
        is_lesion[box] &= part * 2 > suv.values[box]
    organ = np.where(hot & ~is_lesion, hosts.organ, np.uint16(0))
    components, n_components = cc3d.connected_components(hot, connectivity=26, return_N=True)
    touching = np.bincount(components[_dilated(own > 0, _NEAR_VOXELS) & hot], minlength=n_components + 1) > 0
    touching[0] = False
    boxes = ndimage.find_objects(components, max_label=n_components)
    for number in np.flatnonzero(touching).tolist():
        box = _grown(boxes[number - 1], spread.margin_kji, hot.shape)
        member = components[box] == number
        tissue = hosts.field[box], hosts.level[box]
        lesion, nearest = _separate_box(
            suv.values[box], hot[box], own[box], tissue, spread, parenchyma_levels, settings
        )
        is_lesion[box][member] = lesion[member]
        organ[box][member] = np.where(lesion, 0, nearest)[member]
    _give_to_cold_organs(is_lesion, organ, np.where(np.isin(physiological, cold), physiological, np.uint16(0)))
    if hosts.prostate is not None:
        _give_faint_to_prostate(is_lesion, organ, suv, organs, hosts.prostate.lesion_level)
    return Separation(is_lesion, organ, hosts.prostate.suv if hosts.prostate is not None else 0.0)


def _separate_box(
    values: NDArray[np.float32],
    hot: NDArray[np.bool_],
    own: NDArray[np.uint16],
    tissue: tuple[NDArray[np.float32], NDArray[np.float32]],
    spread: PointSpread,
    parenchyma_levels: dict[int, Parenchyma],
    settings: SeparationSettings,
) -> tuple[NDArray[np.bool_], NDArray[np.uint16]]:
    nearness = Nearness.of(own, spread.spacing_kji_mm, MOVABLE)
    activity = deblur(values, spread, n_iterations=settings.n_iterations)
    owned = owned_by_organs(activity, hot, nearness, THIN, settings.ownership.on_grid(spread.spacing_kji_mm))
    others = activity * (1 - owned)
    remaining = values - part_of(values, activity, owned, spread)
    lesion_part = lesion_part_in_host(remaining, *tissue, others, hot)
    is_lesion = hot & (lesion_part * 2 > values)
    share = np.asarray(lesion_part / np.maximum(values, 1e-6), dtype=np.float32)
    is_lesion = _without_rims(is_lesion, share, owned, settings.least_lesion_share)
    if np.isin(own, tuple(parenchyma_levels)).any():
        is_lesion |= _inside_parenchyma(values, activity, hot, own, spread, parenchyma_levels, settings)
    return is_lesion, nearness.organ


def _without_rims(
    is_lesion: NDArray[np.bool_], share: NDArray[np.float32], owned: NDArray[np.float32], least_share: float
) -> NDArray[np.bool_]:
    """Drop components that are nowhere clearly the lesion's, or that hold no activity of their own."""
    labels, n_labels = cc3d.connected_components(is_lesion, connectivity=26, return_N=True)
    if not n_labels:
        return is_lesion
    numbers = np.arange(1, n_labels + 1)
    highest = ndimage.maximum(np.where(owned > _MOSTLY, 0, share), labels, numbers)
    return np.asarray(is_lesion & np.concatenate(([False], highest >= least_share))[labels], dtype=np.bool_)


def _inside_parenchyma(
    values: NDArray[np.float32],
    activity: NDArray[np.float32],
    hot: NDArray[np.bool_],
    own: NDArray[np.uint16],
    spread: PointSpread,
    parenchyma_levels: dict[int, Parenchyma],
    settings: SeparationSettings,
) -> NDArray[np.bool_]:
    """Return components in and around liver and spleen that exceed the level there after other organs' spill is off."""
    reach = settings.ownership.on_grid(spread.spacing_kji_mm)
    is_soft = np.isin(own, tuple(PARENCHYMA))
    soft = Nearness.of(np.where(is_soft, own, np.uint16(0)), spread.spacing_kji_mm, MOVABLE)
    others = Nearness.of(np.where(is_soft, np.uint16(0), own), spread.spacing_kji_mm, MOVABLE)
    keep_at, tissue = _tables(soft.organ, parenchyma_levels)
    zone = soft.distance_mm <= reach.tolerance_mm
    outstanding = hot & ~(zone & (activity <= keep_at))
    owned = owned_by_organs(activity, outstanding, others, THIN, reach)
    spilled = part_of(values, activity, owned, spread)
    remaining = np.asarray(values - spilled, dtype=np.float32)
    kept = hot & zone & (remaining > keep_at) & (remaining > spilled)
    if not kept.any():
        return kept
    part = lesion_part_in_host(remaining, np.where(zone, tissue, 0), tissue, activity * (1 - owned), hot)
    extent = hot & zone & (part * 2 > values)
    labels = cc3d.connected_components(extent | kept, connectivity=26)
    return np.asarray(np.isin(labels, np.unique(labels[kept])) & (extent | kept), dtype=np.bool_)


def _tables(
    organ: NDArray[np.uint16], parenchyma_levels: dict[int, Parenchyma]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return, voxel by voxel, the SUV from which a lesion is kept and that of the tissue around it."""
    size = max(int(organ.max()), *parenchyma_levels) + 1
    keep_at, tissue = np.full(size, np.inf, np.float32), np.full(size, np.inf, np.float32)
    for number, parenchyma in parenchyma_levels.items():
        keep_at[number], tissue[number] = parenchyma.lesion_level, parenchyma.suv
    return keep_at[organ], tissue[organ]


def _of_several_voxels(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask without components of a single voxel: noise."""
    labels, n_labels = cc3d.connected_components(mask, connectivity=26, return_N=True)
    n_voxels = np.bincount(labels.reshape(-1), minlength=n_labels + 1)
    return np.asarray(mask & (n_voxels > 1)[labels], dtype=np.bool_)


def _cold_organs(labels: NDArray[np.uint16], hot: NDArray[np.bool_], least_hot_part: float) -> list[int]:
    """Return the organs of which hardly a voxel reaches the threshold: they spill nothing and claim nothing.

    Urine is never cold: it comes and goes along a ureter.
    """
    n_voxels = np.bincount(labels.reshape(-1))
    n_hot = np.bincount(labels[hot], minlength=len(n_voxels))
    is_cold = (n_voxels > 0) & (n_hot < least_hot_part * n_voxels)
    return [number for number in np.flatnonzero(is_cold).tolist() if number and number not in URINARY]


def _give_to_cold_organs(is_lesion: NDArray[np.bool_], organ: NDArray[np.uint16], cold: NDArray[np.uint16]) -> None:
    """Move components that lie mostly inside a cold organ from the lesions to that organ."""
    labels, n_labels = cc3d.connected_components(is_lesion, connectivity=26, return_N=True)
    inside = np.bincount(labels[(cold > 0) & is_lesion], minlength=n_labels + 1)
    n_voxels = np.bincount(labels.reshape(-1), minlength=n_labels + 1)
    for number, box in enumerate(ndimage.find_objects(labels, max_label=n_labels), start=1):
        if inside[number] * 2 > n_voxels[number]:
            member = labels[box] == number
            held = np.bincount(cold[box][member])
            organ[box][member] = 1 + int(np.argmax(held[1:]))
            is_lesion[box][member] = False


def _give_faint_to_prostate(
    is_lesion: NDArray[np.bool_], organ: NDArray[np.uint16], suv: SuvVolume, organs: OrganMap, lesion_level: float
) -> None:
    """Move components that lie mostly inside the prostate, and nowhere exceed its lesion level, to the prostate."""
    gland = organs.labels == PROSTATE
    if not gland.any():
        return
    box = _grown(ndimage.find_objects(gland.view(np.uint8))[0], (_NEAR_VOXELS,) * 3, gland.shape)
    labels, n_labels = cc3d.connected_components(is_lesion[box], connectivity=26, return_N=True)
    if not n_labels:
        return
    n_inside = np.bincount(labels[gland[box]], minlength=n_labels + 1)
    n_voxels = np.bincount(labels.reshape(-1), minlength=n_labels + 1)
    highest = ndimage.maximum(suv.values[box], labels, np.arange(n_labels + 1))
    is_faint = (n_inside * 2 > n_voxels) & (highest <= lesion_level)
    is_faint[0] = False
    organ[box][is_faint[labels]] = PROSTATE
    is_lesion[box][is_faint[labels]] = False


def _hot_vessels(hot: NDArray[np.bool_], organs: OrganMap, least_hot_part: float) -> tuple[int, ...]:
    """Return heart and great vessels where the blood pool itself reaches the threshold, nothing otherwise.

    Heart and aorta decide for all: a node that covers a small vessel would make that vessel look hot.
    """
    blood = organs.mask(HEART, AORTA)
    is_hot = blood.any() and np.count_nonzero(hot & blood) >= least_hot_part * np.count_nonzero(blood)
    return tuple(sorted(VESSELS - ILIAC_VESSELS)) if is_hot else ()


def _listed(organs: OrganMap, numbers: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return the labels of the given organs only, each under the number that it is listed as."""
    table = np.zeros(_MAX_LABEL + 1, np.uint16)
    for number in numbers:
        table[number] = listed_as(number)
    return np.asarray(table[organs.labels], dtype=np.uint16)


def _lowest(suv: SuvVolume, hot: NDArray[np.bool_]) -> float:
    """Return the lowest SUV that was accepted; infinite where none was."""
    return float(suv.values.min(where=hot, initial=np.inf))


def _dilated(mask: NDArray[np.bool_], n_voxels: int) -> NDArray[np.bool_]:
    """Return the mask grown by a box of ``n_voxels`` on each side."""
    grown = mask.copy()
    for axis in range(3):
        source = grown.copy()
        for step in range(1, n_voxels + 1):
            ahead, behind = [slice(None)] * 3, [slice(None)] * 3
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            grown[tuple(ahead)] |= source[tuple(behind)]
            grown[tuple(behind)] |= source[tuple(ahead)]
    return grown


def _grown(box: Box, margin_kji: tuple[int, int, int], shape: tuple[int, ...]) -> Box:
    k, j, i = (
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, margin, size in zip(box, margin_kji, shape, strict=True)
    )
    return k, j, i
