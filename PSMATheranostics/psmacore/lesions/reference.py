"""Organ labels to the reference uptake that lesions are compared with."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.errors import InputRefusedError
from psmacore.lesions.checks import require_same_grid
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import ReferenceRegion
from psmacore.model.organs import AORTA, KIDNEYS, LACRIMALS, LIVER, PAROTIDS, SPLEEN, SUBMANDIBULARS
from psmacore.model.volumes import OrganMap, SuvVolume

LIVER_SPHERE_MM = 30.0  # diameter; PERCIST 1.0, Wahl et al., JNM 2009;50:122S
_LEAST_INSCRIBED_MM = 9.0  # radius below which the liver in view is too thin to stand for the organ
_DOME_FRACTION = 0.3  # of the liver's height, left out at the top: breathing blurs it
_EROSION_MM = 4.0  # off each organ's surface, against spill-out and misregistration
_LEAST_CORE_VOXELS = 30
_OTHERS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("blood_pool", (AORTA,)),
    ("parotid", PAROTIDS),
    ("spleen", (SPLEEN,)),
    ("kidneys", KIDNEYS),
    ("submandibular", SUBMANDIBULARS),
    ("lacrimal", LACRIMALS),
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiverSphere:
    """Uptake in a sphere of 3 cm in the right lobe of the liver, SUVbw in g/ml."""

    centre_lps_mm: tuple[float, float, float]
    diameter_mm: float
    suv_mean: float
    suv_sd: float
    n_voxels: int

    @property
    def lesion_level(self) -> float:
        """1.5 x mean + 2 SD: what a lesion inside the liver must exceed (PERCIST 1.0, JNM 2009;50:122S)."""
        return 1.5 * self.suv_mean + 2.0 * self.suv_sd


@dataclass(frozen=True)
class Parenchyma:
    """Uptake of an organ in which a lesion is told by its height, SUVbw in g/ml.

    Parameters
    ----------
    suv : float
        The organ's own.
    lesion_level : float
        What a lesion inside must exceed: 1.5 x mean + 2 SD.
    """

    suv: float
    lesion_level: float


def liver_sphere(suv: SuvVolume, organs: OrganMap) -> LiverSphere:
    """Measure the liver in a sphere of 3 cm diameter, deep in the right lobe.

    The centre is the voxel of the right half of the liver that lies farthest from the organ's surface, from
    its dome and from voxels that stand out of the parenchyma (a lesion, the gallbladder's spill).

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap
        On the same grid.

    Returns
    -------
    LiverSphere
        Mean, standard deviation (n - 1) and centre.

    Raises
    ------
    InputRefusedError
        If the map holds no liver, or too little of it.
    GeometryError
        If the map lies on another grid.
    """
    require_same_grid(suv, organs.geometry, "organ map")
    liver = organs.labels == LIVER
    box = _box(liver)
    if box is None:
        raise InputRefusedError("the organ map holds no liver (label 5), so its uptake cannot be measured")
    geometry = _cropped(suv.geometry, box)
    mask, values = liver[box], suv.values[box]
    calm = _without_outliers(mask, values)
    depth_mm = ndimage.distance_transform_edt(np.pad(calm, 1), sampling=geometry.spacing_kji_mm)[1:-1, 1:-1, 1:-1]
    points = np.argwhere(mask)
    lps = geometry.lps_of_kji(points)
    depth = depth_mm[mask]
    preferred = _right_lobe_below_dome(lps)
    if preferred.any() and depth[preferred].max() >= _LEAST_INSCRIBED_MM:
        depth = np.where(preferred, depth, 0.0)
    centre = int(np.argmax(depth))
    if depth[centre] < _LEAST_INSCRIBED_MM:
        raise InputRefusedError(
            f"the liver in the organ map is at most {2 * depth[centre]:.0f} mm thick: no room for a 3 cm sphere"
        )
    inside = np.linalg.norm(lps - lps[centre], axis=1) <= LIVER_SPHERE_MM / 2
    sample = values[mask][inside].astype(np.float64)
    where = (float(lps[centre, 0]), float(lps[centre, 1]), float(lps[centre, 2]))
    return LiverSphere(where, LIVER_SPHERE_MM, float(sample.mean()), _sd(sample), int(sample.size))


def reference_regions(suv: SuvVolume, organs: OrganMap) -> tuple[ReferenceRegion, ...]:
    """Measure the organs that lesions are compared with.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap
        On the same grid.

    Returns
    -------
    tuple of ReferenceRegion
        Of ``liver`` (3 cm sphere), ``blood_pool`` (aorta), ``parotid``, ``spleen``, ``kidneys``, ``submandibular``
        and ``lacrimal`` (each without its outer 4 mm where that leaves a core), in this order; organs that the map
        lacks are left out. Lacrimal glands are so small that blur takes part of their uptake away.

    Raises
    ------
    GeometryError
        If the map lies on another grid.

    References
    ----------
    Blood pool, liver and parotid are the references of the PROMISE expression score (Seifert et al.,
    Eur Urol 2023;83:405).
    """
    require_same_grid(suv, organs.geometry, "organ map")
    regions: list[ReferenceRegion] = []
    try:
        sphere = liver_sphere(suv, organs)
        regions.append(ReferenceRegion("liver", sphere.suv_mean, sphere.suv_sd, sphere.n_voxels))
    except InputRefusedError as refusal:
        _log.info("no liver reference: %s", refusal)
    for name, numbers in _OTHERS:
        sample = _core_values(suv, organs, numbers)
        if sample.size:
            regions.append(ReferenceRegion(name, float(sample.mean()), _sd(sample), int(sample.size)))
    return tuple(regions)


def parenchyma_levels(suv: SuvVolume, organs: OrganMap, numbers: tuple[int, ...]) -> dict[int, Parenchyma]:
    """Return each parenchymatous organ's uptake, and what a lesion inside must exceed: 1.5 x mean + 2 SD.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap
        On the same grid.
    numbers : tuple of int
        Organs; the liver is measured in its sphere, the others in their core.

    Returns
    -------
    dict of int to Parenchyma
        Without organs that are absent or too thin to measure: nothing inside them is told from their uptake.

    References
    ----------
    PERCIST 1.0, Wahl et al., JNM 2009;50:122S.
    """
    levels: dict[int, Parenchyma] = {}
    for number in numbers:
        if number == LIVER:
            try:
                sphere = liver_sphere(suv, organs)
                levels[number] = Parenchyma(sphere.suv_mean, sphere.lesion_level)
            except InputRefusedError as refusal:
                _log.info("no lesion level for the liver: %s", refusal)
            continue
        sample = _core_values(suv, organs, (number,))
        if sample.size >= _LEAST_CORE_VOXELS:
            middle = float(np.median(sample))
            spread = 1.4826 * float(np.median(np.abs(sample - middle)))  # robust: a lesion inside is no part of it
            levels[number] = Parenchyma(middle, 1.5 * middle + 2.0 * spread)
    return levels


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice] | None:
    found = ndimage.find_objects(mask.view(np.uint8))
    return found[0] if found else None


def _cropped(geometry: Geometry, box: tuple[slice, slice, slice]) -> Geometry:
    start = [part.start for part in box]
    matrix = geometry.lps_from_ijk.copy()
    matrix[:3, 3] = geometry.lps_of_kji([start])[0]
    shape = (box[0].stop - start[0], box[1].stop - start[1], box[2].stop - start[2])
    return Geometry(shape, matrix, geometry.frame_of_reference_uid)


def _without_outliers(mask: NDArray[np.bool_], values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Take voxels out of the liver that a lesion or a misplaced border explains better than parenchyma does."""
    smooth = ndimage.uniform_filter(values, 3)
    middle = float(np.median(smooth[mask]))
    spread = 1.4826 * float(np.median(np.abs(smooth[mask] - middle)))
    margin = max(4.0 * spread, 0.2 * abs(middle), 1e-6)
    return np.asarray(mask & (np.abs(smooth - middle) <= margin))


def _right_lobe_below_dome(lps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which liver voxels lie in its right half (smaller L) and below the dome (smaller S)."""
    left, superior = lps[:, 0], lps[:, 2]
    top = superior.max() - _DOME_FRACTION * (superior.max() - superior.min())
    return np.asarray((left <= (left.min() + left.max()) / 2) & (superior <= top))


def _core_values(suv: SuvVolume, organs: OrganMap, numbers: tuple[int, ...]) -> NDArray[np.float64]:
    mask = organs.mask(*numbers)
    box = _box(mask)
    if box is None:
        return np.empty(0)
    crop = np.pad(mask[box], 1)
    depth_mm = ndimage.distance_transform_edt(crop, sampling=suv.geometry.spacing_kji_mm)[1:-1, 1:-1, 1:-1]
    core = depth_mm > min(_EROSION_MM, 0.6 * float(depth_mm.max()))
    return np.asarray(suv.values[box][core], dtype=np.float64)


def _sd(sample: NDArray[np.float64]) -> float:
    return float(sample.std(ddof=1)) if sample.size > 1 else 0.0
