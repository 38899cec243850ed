"""Uptake inside an organ that has some of its own to the lesion's part of it."""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.lesions.physiology import HEART, VESSELS
from psmacore.lesions.reference import Parenchyma, reference_regions
from psmacore.lesions.spill import PointSpread
from psmacore.model.organs import BLADDER, PROSTATE
from psmacore.model.volumes import OrganMap, SuvVolume

# Normal prostate: SUVmean 2 to 4 with PSMA-11 (typical uptake); a gland that is tumour throughout must not pass for it.
NORMAL_PROSTATE_LIMIT_SUV = 4.0
_INNER = 0.5  # of the gland's blurred outline: voxels beyond its surface say nothing about it
_HARDLY = 0.05  # of the bladder's uptake spilled: voxels with more say nothing about the gland
_FAR_FROM_NORMAL = 1.6  # times the lower quartile: 3 SD of voxel noise of 0.2; what exceeds it is lesion
_NO_HOST = np.float32(1e-3)
_LEAST_CONTRAST = np.float32(1.5)  # PERCIST 1.0: a lesion inside an organ is at least 1.5 times as high


@dataclass(frozen=True, eq=False)
class HostTissue:
    """Normal uptake of organs that lesions grow in or beside, each ``(k, j, i)``.

    Parameters
    ----------
    field : numpy.ndarray
        float32: the SUVbw that the image would show without lesions; 0 away from them.
    level : numpy.ndarray
        float32: the SUVbw deep inside the nearest of them.
    organ : numpy.ndarray
        uint16: the number under which their uptake is listed.
    prostate : Parenchyma or None
        The normal gland.
    """

    field: NDArray[np.float32]
    level: NDArray[np.float32]
    organ: NDArray[np.uint16]
    prostate: Parenchyma | None

    @property
    def box(self) -> tuple[slice, ...] | None:
        """The smallest box that holds them; ``None`` without any."""
        found = ndimage.find_objects((self.field > _NO_HOST).view(np.uint8))
        return found[0] if found else None


def host_tissue(suv: SuvVolume, organs: OrganMap, spread: PointSpread, threshold_suv: float) -> HostTissue:
    """Return the uptake of the prostate, and of heart and great vessels where it can outweigh a lesion's.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap
        On the same grid.
    spread : PointSpread
        The image's blur.
    threshold_suv : float
        What a voxel must reach: tissue with less than half of it explains the larger part of no such voxel.
    """
    shape = suv.values.shape
    field, level = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    number = np.full(shape, PROSTATE, np.uint16)
    gland, blood = prostate_level(suv, organs, spread), blood_level(suv, organs)
    normal = gland.suv if gland is not None else None
    for suv_inside, listed, labels in ((normal, PROSTATE, (PROSTATE,)), (blood, HEART, tuple(sorted(VESSELS)))):
        if suv_inside is None or 2 * suv_inside <= threshold_suv:
            continue
        inside = organs.mask(*labels)
        box = _around(inside, spread)
        shown = np.float32(suv_inside) * spread.blur(inside[box].astype(np.float32))
        higher = shown > field[box]
        field[box] = np.where(higher, shown, field[box])
        level[box] = np.where(higher, np.float32(suv_inside), level[box])
        number[box] = np.where(higher, np.uint16(listed), number[box])
    return HostTissue(field, level, number, gland)


def blood_level(suv: SuvVolume, organs: OrganMap) -> float | None:
    """Return the blood pool's SUVmean in the aorta; ``None`` without one."""
    found = [region.suv_mean for region in reference_regions(suv, organs) if region.name == "blood_pool"]
    return found[0] if found else None


def _around(mask: NDArray[np.bool_], spread: PointSpread) -> tuple[slice, ...]:
    """Return the box of a mask that is not empty, grown by the blur's reach."""
    return tuple(
        slice(max(part.start - margin, 0), part.stop + margin)
        for part, margin in zip(ndimage.find_objects(mask.view(np.uint8))[0], spread.margin_kji, strict=True)
    )


def prostate_level(suv: SuvVolume, organs: OrganMap, spread: PointSpread) -> Parenchyma | None:
    """Return the normal gland's uptake and what a lesion inside must exceed, 1.5 x level + 2 SD as in the liver.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap
        On the same grid.
    spread : PointSpread
        The image's blur.

    Returns
    -------
    Parenchyma or None
        SUVbw in g/ml: the median of the voxels that no lesion explains better, each without the bladder's spill
        and divided by what blur leaves of the gland there; at most ``NORMAL_PROSTATE_LIMIT_SUV``. ``None`` without
        a prostate.
    """
    gland = organs.labels == PROSTATE
    if not gland.any():
        return None
    box = _around(gland, spread)
    labels, values = organs.labels[box], suv.values[box]
    gland, bladder = labels == PROSTATE, labels == BLADDER
    outline, spilled = spread.blur(gland.astype(np.float32)), spread.blur(bladder.astype(np.float32))
    urine = float(np.median(values[bladder])) if bladder.any() else 0.0
    usable = gland & (outline > _INNER) & (spilled < _HARDLY)
    if not usable.any():
        usable = gland
    sample = (values - np.float32(urine) * spilled)[usable] / np.maximum(outline[usable], _INNER)
    quartile = float(np.percentile(sample, 25))
    normal = sample[sample <= _FAR_FROM_NORMAL * max(quartile, 0.0)]
    level, deviation = _middle(normal if len(normal) else sample)
    near = sample[np.abs(sample - level) <= 2.0 * deviation]  # without what lesions spill into the gland
    level, _ = _middle(near if len(near) else sample)
    level = float(np.clip(level, 0.0, NORMAL_PROSTATE_LIMIT_SUV))
    return Parenchyma(level, 1.5 * level + 2.0 * deviation)


def _middle(sample: NDArray[np.float32]) -> tuple[float, float]:
    """Return the median and the standard deviation estimated from the median absolute deviation."""
    median = float(np.median(sample))
    return median, 1.4826 * float(np.median(np.abs(sample - median)))


def lesion_part_in_host(
    remaining: NDArray[np.float32],
    host: NDArray[np.float32],
    level: NDArray[np.float32] | float,
    activity: NDArray[np.float32],
    hot: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return the lesion's part of what other organs leave, where a lesion replaces tissue with uptake of its own.

    A voxel that is lesion by the part c and tissue by the rest shows ``u c + t (1 - c)``; blur, being linear,
    keeps this. So the lesion's part is ``u c = u (v - t) / (u - t)``. It exceeds the tissue's from the harmonic
    mean of u and t on, not only from 2 t.

    Parameters
    ----------
    remaining : numpy.ndarray
        v: SUVbw without other organs' spill, ``(k, j, i)``.
    host : numpy.ndarray
        t: what the tissue alone would show, ``(k, j, i)``; 0 outside it.
    level : numpy.ndarray or float
        The same deep inside the tissue.
    activity : numpy.ndarray
        Deconvolved SUVbw that no other organ owns; its highest value in a component is that lesion's u.
    hot : numpy.ndarray
        ``(k, j, i)``, bool: at or above the threshold.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, float32; ``remaining`` outside the tissue, never above it.
    """
    inside = host > _NO_HOST
    excess = np.maximum(remaining - host, 0)
    labels, n_labels = cc3d.connected_components(
        hot & inside & (remaining >= _LEAST_CONTRAST * host), connectivity=26, return_N=True
    )
    if not n_labels:
        return np.where(inside, excess, remaining)
    heights = ndimage.maximum(np.maximum(activity, remaining), labels, np.arange(1, n_labels + 1))
    inner = np.concatenate(([0], heights)).astype(np.float32)[labels]
    reached = np.where(labels > 0, inner, ndimage.maximum_filter(inner, 3))  # its edge is fainter than its contrast
    lesion_suv = np.where(reached > 0, reached, np.float32(np.inf))
    with np.errstate(invalid="ignore"):
        scale = np.where(np.isfinite(lesion_suv), lesion_suv / np.maximum(lesion_suv - level, _NO_HOST), 1)
    return np.where(inside, np.minimum(excess * scale, np.maximum(remaining, 0)), remaining).astype(np.float32)
