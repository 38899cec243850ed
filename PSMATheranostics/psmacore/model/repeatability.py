"""How much a measurement may differ between two scans without any change of disease."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from psmacore.errors import InputRefusedError


class Metric(StrEnum):
    """The measurements that have a test-retest limit: of the whole body, then of one lesion."""

    PSMA_TV = "psma_tv"
    TL_PSMA = "tl_psma"
    SUV_MAX = "suv_max"
    SUV_MEAN = "suv_mean"
    LESION_VOLUME = "lesion_volume"
    LESION_TL_PSMA = "lesion_tl_psma"
    LESION_SUV_MAX = "lesion_suv_max"
    LESION_SUV_MEAN = "lesion_suv_mean"
    LESION_SUV_PEAK = "lesion_suv_peak"

    @property
    def is_of_lesion(self) -> bool:
        """Whether it is measured for each lesion."""
        return self.value.startswith("lesion_")


@dataclass(frozen=True)
class RepeatabilityLimit:
    """The difference that 95 % of scan pairs without a change stay within.

    Parameters
    ----------
    metric : Metric
        What is measured.
    limit_pct : float
        Repeatability coefficient in %, as the source gives it: above 0 and below 200.
    source : str
        Where it was published.
    below_ml : float or None
        For lesions smaller than this at the earlier date only; ``None`` for all.

    Notes
    -----
    Test-retest studies divide the difference by the mean of both scans, a response rule by the first scan. A limit
    of 17 % of the mean is a rise of 18.6 % or a fall of 15.7 % from the first scan. A change counts as beyond the
    limit only if both readings of it say so, which keeps false alarms at or below 5 % for either.

    Raises
    ------
    InputRefusedError
        If the limit is not above 0 and below 200, or its source is not named.
    """

    metric: Metric
    limit_pct: float
    source: str
    below_ml: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.limit_pct < 200.0:
            raise InputRefusedError(
                f"the limit of {self.metric.value} must lie above 0 and below 200 %, not at {self.limit_pct!r}"
            )
        if not self.source.strip():
            raise InputRefusedError(f"the repeatability limit of {self.metric.value} needs its source")

    @property
    def rise_pct(self) -> float:
        """Rise from the first scan, in %, that the limit's definition allows."""
        half = self.limit_pct / 200.0
        return 100.0 * ((1.0 + half) / (1.0 - half) - 1.0)

    def is_beyond(self, change_pct: float) -> bool:
        """Return whether a change (in % of the first scan) is more than noise."""
        return change_pct > self.rise_pct or change_pct < -self.limit_pct


@dataclass(frozen=True)
class MetricChange:
    """One metric at two dates, beside its test-retest limit.

    Parameters
    ----------
    metric : Metric
        What was measured.
    tracks : tuple of str
        Tracking UIDs of the lesion's tracks, several where they merged or split; empty for the whole body.
    before, after : float
        In ml for volumes, g/ml for SUV, g/ml x ml for TL-PSMA.
    change_pct : float
        In % of ``before``.
    limit : RepeatabilityLimit
        What it is held against.
    """

    metric: Metric
    tracks: tuple[str, ...]
    before: float
    after: float
    change_pct: float
    limit: RepeatabilityLimit

    @property
    def is_beyond(self) -> bool:
        """Whether the change is more than noise."""
        return self.limit.is_beyond(self.change_pct)

    @property
    def points_outside(self) -> float:
        """How far the change lies outside the limit, in points of per cent; negative inside."""
        return abs(self.change_pct) - self.limit.limit_pct
