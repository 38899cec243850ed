"""Uptake inside an organ that has some of its own to the lesion's part of it."""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

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


def prostate_level(suv: SuvVolume, organs: OrganMap, spread: PointSpread) -> float | None:
    """Return the normal gland's uptake.

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
    float or None
        SUVbw in g/ml: the median of the voxels that no lesion explains better, each without the bladder's spill
        and divided by what blur leaves of the gland there; at most ``NORMAL_PROSTATE_LIMIT_SUV``. ``None`` without
        a prostate.
    """
    found = ndimage.find_objects((organs.labels == PROSTATE).view(np.uint8))
    if not found:
        return None
    box = tuple(
        slice(max(part.start - margin, 0), part.stop + margin)
        for part, margin in zip(found[0], spread.margin_kji, strict=True)
    )
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
    level = float(np.median(normal)) if len(normal) else quartile
    return float(np.clip(level, 0.0, NORMAL_PROSTATE_LIMIT_SUV))


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
    lesion_suv = np.concatenate(([np.inf], heights)).astype(np.float32)[labels]
    with np.errstate(invalid="ignore"):
        scale = np.where(np.isfinite(lesion_suv), lesion_suv / np.maximum(lesion_suv - level, _NO_HOST), 1)
    return np.where(inside, np.minimum(excess * scale, np.maximum(remaining, 0)), remaining).astype(np.float32)
