"""Measured values to the words that every table, page and picture shows for them."""

from __future__ import annotations

import math
import re
from datetime import datetime

from psmacore.errors import InputRefusedError

NOT_KNOWN = "not known"
DASH = "–"
SUV_UNIT = "SUVbw (g/ml)"
_DICOM_DT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?(?:\.\d{1,6})?([+-]\d{4})?")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise InputRefusedError(f"a report cannot show the value {value}: it is not a finite number")
    return value


def suv_words(value: float) -> str:
    """Return an SUV (g/ml) with two decimals, without unit."""
    return f"{_finite(value):.2f}"


def volume_words(value_ml: float) -> str:
    """Return a volume (ml), two decimals below 10 ml and one from there, without unit."""
    return f"{value_ml:.2f}" if round(_finite(value_ml), 2) < 10 else f"{value_ml:.1f}"


def total_uptake_words(value_ml: float) -> str:
    """Return a volume times SUVmean (g/ml x ml) with the decimals of a volume, without unit."""
    return volume_words(value_ml)


def length_words(value_mm: float | None) -> str:
    """Return a length (mm) with one decimal, without unit; a dash where it was not measured."""
    return DASH if value_mm is None else f"{_finite(value_mm):.1f}"


def activity_words(value_bq: float | None) -> str:
    """Return an activity (Bq) in MBq with its unit."""
    return NOT_KNOWN if value_bq is None else f"{_finite(value_bq) / 1e6:.1f} MBq"


def minutes_words(value_min: float | None) -> str:
    """Return a time span (min) in whole minutes with its unit."""
    return NOT_KNOWN if value_min is None else f"{_finite(value_min):.0f} min"


def factor_words(value_g_per_bq: float | None) -> str:
    """Return the SUVbw factor (g/Bq) with seven significant digits and its unit."""
    return "differs by slice, or not applicable" if value_g_per_bq is None else f"{_finite(value_g_per_bq):.6e} g/Bq"


def weight_words(value_kg: float | None) -> str:
    """Return a body weight (kg) with one decimal and its unit."""
    return NOT_KNOWN if value_kg is None else f"{_finite(value_kg):.1f} kg"


def height_words(value_m: float | None) -> str:
    """Return a body height (m) with two decimals and its unit."""
    return NOT_KNOWN if value_m is None else f"{_finite(value_m):.2f} m"


def half_life_words(value_s: float | None) -> str:
    """Return a half-life (s) with one decimal and its unit."""
    return NOT_KNOWN if value_s is None else f"{_finite(value_s):.1f} s"


def probability_words(value: float) -> str:
    """Return a probability, 0 to 1, in per cent with one decimal."""
    return f"{100 * _finite(value):.1f} %"


def moment_words(at: datetime | None) -> str:
    """Return a date and time to the second, with its offset from UTC where it has one."""
    if at is None:
        return NOT_KNOWN
    offset = at.strftime("%z")
    return f"{at:%Y-%m-%d %H:%M:%S}{' UTC' + offset if offset else ''}"


def dicom_moment_words(value: str) -> str:
    """Return a DICOM DA or DT (PS3.5 6.2) as date and time to the second; other text as it is.

    An empty value gives ``not known``.
    """
    match = _DICOM_DT.fullmatch(value.strip())
    if match is None:
        return value.strip() or NOT_KNOWN
    year, month, day, hour, minute, second, offset = match.groups()
    words = f"{year}-{month}-{day}"
    if hour:
        words += f" {hour}:{minute}" + (f":{second}" if second else "")
    return words + (f" UTC{offset}" if offset else "")
