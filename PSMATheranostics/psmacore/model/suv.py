"""How an SUV was derived: the factor, its inputs, and the words that explain it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SuvType(StrEnum):
    """SUV normalisations by their name in results and DICOM (0054,1006)."""

    BW = "bw"
    LBM = "lbm"
    LBM_JAMES128 = "lbm_james128"
    LBM_JANMA = "lbm_janma"
    BSA = "bsa"
    IBW = "ibw"


@dataclass(frozen=True)
class SuvFactors:
    """Factor from SUVbw (g/ml) to each other normalisation; ``None`` where height or sex is missing.

    ``bw`` is 1. ``bsa`` gives cm2/ml, all others g/ml.
    """

    bw: float
    lbm: float | None
    lbm_james128: float | None
    lbm_janma: float | None
    bsa: float | None
    ibw: float | None


@dataclass(frozen=True)
class Override:
    """A value that a reader entered in place of the header's."""

    key: str
    value: str
    old_value: str | None
    reader: str
    reason: str = ""


@dataclass(frozen=True)
class SuvDerivation:
    """The way from stored PET values to SUVbw.

    Parameters
    ----------
    series_uid : str
        PET series.
    units_stored : str
        (0054,1001) Units.
    suv_type_stored : str or None
        SUV type that the series itself is stored in, for Units GML and CM2ML.
    decay_correction : str
        ``START``, ``ADMIN`` or ``NONE``.
    factor_g_per_bq : float or None
        Factor from Bq/ml to SUVbw in g/Bq; ``None`` where it differs by slice or Bq/ml is unknown.
    factors : SuvFactors
        From SUVbw to the other normalisations.
    reference_at, injected_at : datetime or None
        Decay reference of the images, and injection.
    injected_activity_bq : float or None
        At injection, after residual and extravasated activity were taken off.
    half_life_s, weight_kg, height_m : float or None
        As used.
    sex : str
        As used: ``M``, ``F``, or ``O`` where it is missing.
    uptake_min : float or None
        From injection to the start of the acquisition.
    steps : tuple of str
        The derivation in words, in order.
    warnings : tuple of str
        What the reader should know.
    overrides : tuple of Override
        What the reader entered.
    """

    series_uid: str
    units_stored: str
    suv_type_stored: str | None
    decay_correction: str
    factor_g_per_bq: float | None
    factors: SuvFactors
    reference_at: datetime | None
    injected_at: datetime | None
    injected_activity_bq: float | None
    half_life_s: float | None
    weight_kg: float | None
    height_m: float | None
    sex: str
    uptake_min: float | None
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    overrides: tuple[Override, ...] = ()
