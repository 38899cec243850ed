"""A lesion and its measurements at one time point."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from psmacore.model.codes import Code


class LesionState(StrEnum):
    """What is known of a lesion, by whom it counts, and why it is kept."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    REJECTED = "rejected"
    CANDIDATE = "candidate"
    EXCLUDED_CANDIDATE = "excluded_candidate"
    BELOW_THRESHOLD = "below_threshold"

    @property
    def counts(self) -> bool:
        """Whether the lesion enters the totals."""
        return self in (LesionState.CONFIRMED, LesionState.UNCONFIRMED)


@dataclass(frozen=True)
class Lesion:
    """One lesion, measured on the native PET grid.

    Parameters
    ----------
    tracking_uid, tracking_id : str
        (0062,0021) and (0062,0020) of its segment.
    segment_number : int
        Its number in the published per-lesion SEG, from 1.
    site : Code
        Anatomic region.
    volume_ml : float
        Voxels times voxel volume.
    suv_max, suv_mean : float
        Over its voxels, SUVbw in g/ml.
    suv_peak : float
        Highest mean of a 1 cm3 sphere centred in the lesion (g/ml).
    suv_peak_hottest : float
        Mean of a 1 cm3 sphere around the hottest voxel (g/ml).
    tl_psma_ml : float
        Volume times SUVmean (g/ml x ml).
    short_axis_mm : float or None
        Largest diameter perpendicular to the longest, in the axial slice where the longest is greatest.
    centroid_lps_mm : tuple of float
        Mean of its voxel centres.
    n_voxels : int
        Number of voxels.
    mi_tnm, expression_score : optional
        PROMISE region class and expression score.
    confirmed_by : str or None
        Reader.
    site_alternative : Code or None
        Second region where the lesion lies at a border; ``None`` where the site is clear.
    is_score_borderline : bool
        Whether SUVmean lies so near a step of the expression score that a repeated scan may give another.
    confidence : float or None
        Mean model probability over its voxels, 0 to 1; ``None`` where no model drew it.
    """

    tracking_uid: str
    tracking_id: str
    segment_number: int
    state: LesionState
    site: Code
    volume_ml: float
    suv_max: float
    suv_mean: float
    suv_peak: float
    suv_peak_hottest: float
    tl_psma_ml: float
    short_axis_mm: float | None
    centroid_lps_mm: tuple[float, float, float]
    n_voxels: int
    mi_tnm: str | None = None
    expression_score: int | None = None
    confirmed_by: str | None = None
    site_alternative: Code | None = None
    is_score_borderline: bool = False
    confidence: float | None = None


@dataclass(frozen=True)
class Totals:
    """Whole-body burden of the lesions that count.

    ``suv_mean`` is ``tl_psma_ml / psma_tv_ml``, so voxel-weighted; 0 where there is no lesion, as is ``suv_max``.
    """

    n_lesions: int
    psma_tv_ml: float
    tl_psma_ml: float
    suv_max: float
    suv_mean: float


@dataclass(frozen=True)
class ReferenceRegion:
    """Uptake in an organ that lesions are compared with, SUVbw in g/ml."""

    name: str
    suv_mean: float
    suv_sd: float
    n_voxels: int
