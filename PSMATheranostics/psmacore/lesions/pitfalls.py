"""A faint component to the normal structure that is known to look like a lesion there."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.local_region import local_site
from psmacore.lesions.physiology import BONES, ILIAC_VESSELS, RIBS, VESSELS
from psmacore.lesions.reference import reference_regions
from psmacore.lesions.site_codes import SEMINAL_VESICLE
from psmacore.model.volumes import OrganMap, SuvVolume

FAINT_FACTOR = 5.0 / 3.0  # SUVmax up to SUV 5 at the threshold of 3: nothing brighter is taken for a pitfall
_BLOOD_EXCESS = 1.5  # SUVmean up to this many times the blood pool's: PROMISE expression score 0 to low 1
_BLOOD_EXTREME_SD = 4.0  # above its mean: the highest of some ten thousand voxels of pure noise
_BLOOD_NOISE_SD = 3.0  # above the blood pool's mean: of the voxels of heart and vessels, one in 700 by chance alone
_MUCOSA_EXCESS = 1.5  # no lymph node lies where mucosa does, so it may be brighter
_CENTRAL_VESSELS = tuple(sorted(VESSELS - ILIAC_VESSELS))  # nodes lie against the iliac vessels
_VESSEL_PART = 0.75  # of a component inside heart or vessel: a node only touches it
_BONE_PART = 0.3  # of a component inside bone that makes it a bone's
_RIB_PART = 0.5  # of a component inside a rib: a supraclavicular node only touches the first
_RIB_LIMIT_ML = 1.5
_MIRROR_REACH_MM = 12.0
_MIRROR_PART = 0.5  # of its SUVmax that the other side must show
_GANGLION_LATERAL_MM = 45.0
_GANGLION_LIMIT_ML = 3.0


class Pitfall(StrEnum):
    """Normal structures with faint PSMA uptake, in words for the reader.

    References
    ----------
    Ganglia: Rischpler et al., JNM 2018;59:1406. Ribs: Chen et al., BJU Int 2020;126:396 (solitary rib lesions are
    usually not malignant); Rauscher et al., JNM 2020;61:51. Overview: Ceci et al., EJNMMI 2021;48:1626 (E-PSMA).
    """

    COELIAC_GANGLION = "faint and two-sided beside T12 to L2: typical of coeliac ganglia"
    STELLATE_GANGLION = "faint and two-sided at C7 to T2: typical of stellate ganglia"
    SACRAL_GANGLION = "faint and two-sided at the sacrum: typical of sacral ganglia"
    RIB = "faint and small in a rib: unspecific rib uptake or a healing fracture"
    MUCOSA = "faint in the head outside bone: mucosa and glands"
    SEMINAL_VESICLE = "faint between bladder and rectum: seminal vesicles"
    BLOOD_POOL = "hardly above the blood pool"
    VESSEL = "faint inside a vessel or the heart: blood pool, or spill of an organ beside it"


class PitfallFinder:
    """Recognizes pitfalls in one study by place, faintness, size and symmetry.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap
        On the same grid.
    landmarks : Landmarks
        Of the same map.
    threshold_suv : float
        Components up to ``FAINT_FACTOR`` times this are looked at.
    """

    def __init__(self, suv: SuvVolume, organs: OrganMap, landmarks: Landmarks, threshold_suv: float) -> None:
        self._suv, self._organs, self._marks = suv, organs, landmarks
        self._limit_suv = FAINT_FACTOR * threshold_suv
        blood = [region for region in reference_regions(suv, organs) if region.name == "blood_pool"]
        self._blood_limit_suv = _BLOOD_EXCESS * blood[0].suv_mean if blood else 0.0
        self._blood_highest_suv = max(
            self._limit_suv, blood[0].suv_mean + _BLOOD_EXTREME_SD * blood[0].suv_sd if blood else 0.0
        )
        self._blood_noise_suv = blood[0].suv_mean + _BLOOD_NOISE_SD * blood[0].suv_sd if blood else 0.0

    def find(self, voxels_kji: NDArray[np.int64]) -> Pitfall | None:
        """Return what a component is taken for, or ``None``.

        Parameters
        ----------
        voxels_kji : numpy.ndarray
            ``(n, 3)``.
        """
        at = tuple(voxels_kji.T)
        uptake = self._suv.values[at].astype(np.float64)
        if uptake.mean() <= self._blood_limit_suv and uptake.max() <= self._blood_highest_suv:
            return Pitfall.BLOOD_POOL
        if uptake.max() > self._limit_suv * _MUCOSA_EXCESS:
            return None
        labels = self._organs.labels[at]
        if uptake.max() <= self._blood_noise_suv and np.isin(labels, tuple(BONES)).mean() <= _BONE_PART:
            return Pitfall.BLOOD_POOL
        volume_ml = len(voxels_kji) * self._suv.geometry.voxel_volume_ml
        centre = self._suv.geometry.lps_of_kji(np.average(voxels_kji, axis=0, weights=uptake))[0]
        if uptake.max() > self._limit_suv:
            is_bone = np.isin(labels, tuple(BONES)).mean() > _BONE_PART
            return Pitfall.MUCOSA if self._is_in_head(centre) and not is_bone else None
        return self._faint(centre, labels, volume_ml, float(uptake.max()))

    def _faint(
        self, centre: NDArray[np.float64], labels: NDArray[np.uint16], volume_ml: float, suv_max: float
    ) -> Pitfall | None:
        if np.isin(labels, _CENTRAL_VESSELS).mean() >= _VESSEL_PART:
            return Pitfall.VESSEL
        if np.isin(labels, tuple(RIBS)).mean() >= _RIB_PART:
            return Pitfall.RIB if volume_ml <= _RIB_LIMIT_ML else None
        if volume_ml <= _GANGLION_LIMIT_ML:
            ganglion = self._ganglion(centre)
            if ganglion is not None and self._is_two_sided(centre, suv_max):
                return ganglion
        if np.isin(labels, tuple(BONES)).mean() > _BONE_PART:
            return None
        if self._is_in_head(centre):
            return Pitfall.MUCOSA
        return Pitfall.SEMINAL_VESICLE if local_site(centre, self._marks) == SEMINAL_VESICLE else None

    def _ganglion(self, centre: NDArray[np.float64]) -> Pitfall | None:
        middle = self._marks.midline_l_mm(float(centre[2]))
        if middle is None or not 5.0 <= abs(centre[0] - middle) <= _GANGLION_LATERAL_MM:
            return None
        levels = (
            (Pitfall.COELIAC_GANGLION, ("vertebrae_T12", "vertebrae_L1", "vertebrae_L2")),
            (Pitfall.STELLATE_GANGLION, ("vertebrae_C7", "vertebrae_T1", "vertebrae_T2")),
            (Pitfall.SACRAL_GANGLION, ("sacrum",)),
        )
        for pitfall, names in levels:
            extent = self._marks.extent(*names)
            if extent is not None and extent[0, 2] <= centre[2] <= extent[1, 2]:
                return pitfall
        return None

    def _is_two_sided(self, centre: NDArray[np.float64], suv_max: float) -> bool:
        """Return whether the mirrored place takes up as well, and no more than a pitfall does."""
        middle = self._marks.midline_l_mm(float(centre[2]))
        if middle is None:
            return False
        mirrored = np.array([2 * middle - centre[0], centre[1], centre[2]])
        kji = np.round(self._suv.geometry.kji_of_lps(mirrored)[0]).astype(int)
        reach = np.ceil(_MIRROR_REACH_MM / np.array(self._suv.geometry.spacing_kji_mm)).astype(int)
        box = tuple(slice(max(int(c - r), 0), max(int(c + r) + 1, 0)) for c, r in zip(kji, reach, strict=True))
        around = self._suv.values[box]
        if not around.size:
            return False
        grown = tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in box)
        highest_near = ndimage.maximum_filter(self._suv.values[grown], 3)
        inner = tuple(
            slice(part.start - wide.start, part.start - wide.start + size)
            for part, wide, size in zip(box, grown, around.shape, strict=True)
        )
        # a peak of its own, not the shoulder of something hotter at the border of the box
        peaks = around[around == highest_near[inner]]
        return bool(np.any((peaks >= _MIRROR_PART * suv_max) & (peaks <= self._limit_suv)))

    def _is_in_head(self, centre: NDArray[np.float64]) -> bool:
        base = self._marks.bottom_s_mm("brain")
        if base is None:
            base = self._marks.top_s_mm("vertebrae_C2")
        return base is not None and bool(centre[2] > base)
