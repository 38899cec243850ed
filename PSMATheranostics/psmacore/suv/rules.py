"""Limits that decide when a header is believed, corrected with a warning, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


def _overnight_limits() -> Mapping[str, float]:
    return MappingProxyType({"F-18": 6.0, "Ga-68": 6.0})


@dataclass(frozen=True)
class DerivationRules:
    """Limits of the SUV derivation; the defaults follow the sources named here.

    Parameters
    ----------
    overnight_uptake_h : mapping of str to float
        Nuclide to the longest uptake time, in h, for which an injection known by time of day only
        may have happened on the day before the scan (midnight in between). Nuclides that are not
        named here are never moved to the day before.
    deviation_limit : float
        Relative difference between two ways to the same quantity above which the reader is warned
        (decay reference, private factors) or the series is refused (half-life against nuclide).
    dose_mbq_range : tuple of float
        Radionuclide Total Dose within these bounds is read as MBq: vendors write Bq and MBq, with
        peaks near 4e8 and 4e2 (Comprehensive Manual for SUV Computation, OncoRay/IBSI 2026).
    lowest_dose_bq : float
        A dose below it that is no plausible MBq value is refused (5.2 could be mCi).
    weight_g_above : float
        Patient's Weight above it is read as g.
    heaviest_kg : float
        A weight above it that is not in g is refused; no human has weighed more.
    height_cm_above : float
        Patient's Size above it is read as cm.
    height_range_m, bmi_range : tuple of float
        A height outside, or one that makes such a body mass index in kg/m2, is not used: Patient's
        Size sometimes holds the weight.
    same_number_within : float
        Relative difference within which a size above 3 is the weight again.
    longest_uptake_half_lives : float
        More half-lives than these between injection and scan are refused: 0.1 % would be left.
    """

    overnight_uptake_h: Mapping[str, float] = field(default_factory=_overnight_limits)
    deviation_limit: float = 0.01
    dose_mbq_range: tuple[float, float] = (20.0, 2000.0)
    lowest_dose_bq: float = 1e5
    weight_g_above: float = 1000.0
    heaviest_kg: float = 650.0
    height_cm_above: float = 3.0
    height_range_m: tuple[float, float] = (0.3, 2.8)
    bmi_range: tuple[float, float] = (8.0, 100.0)
    same_number_within: float = 0.02
    longest_uptake_half_lives: float = 10.0


DEFAULT_RULES = DerivationRules()
