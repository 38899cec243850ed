"""Body measures and activity to the factors of every SUV normalisation.

The formulas are those of the Comprehensive Manual for SUV Computation (OncoRay/IBSI, 2026), which
DICOM names in (0054,1006) SUV Type and PS3.16 CID 85.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from psmacore.errors import DicomInputError
from psmacore.model.suv import SuvFactors
from psmacore.suv.journal import Journal

_G_PER_KG = 1000.0
_CM2_PER_M2 = 1e4


def suvbw_factor(*, weight_kg: float, activity_bq: float, half_life_s: float, elapsed_s: float) -> float:
    """Return the factor that turns Bq/ml into SUVbw.

    Parameters
    ----------
    weight_kg : float
        Body weight in kg.
    activity_bq : float
        Net administered activity in Bq at the time of injection.
    half_life_s : float
        Half-life of the nuclide in s.
    elapsed_s : float
        From injection to the decay reference of the images, in s; 0 for images that are corrected
        to the injection (Decay Correction ADMIN).

    Returns
    -------
    float
        Factor in g/Bq.

    Raises
    ------
    DicomInputError
        If the images' reference lies before the injection, or a value is not a positive number.

    References
    ----------
    DICOM PS3.3 C.8.9.1 (PET Series, Decay Correction); QIBA vendor-neutral SUV pseudo-code.
    """
    for name, value in (("weight in kg", weight_kg), ("activity in Bq", activity_bq), ("half-life in s", half_life_s)):
        if not (math.isfinite(value) and value > 0):
            raise DicomInputError(f"the {name} must be a positive number, not {value!r}")
    if not (math.isfinite(elapsed_s) and elapsed_s >= 0):
        raise DicomInputError(f"the images refer to a time {-elapsed_s:g} s before the injection")
    return weight_kg * _G_PER_KG / (activity_bq * math.exp(-math.log(2.0) * elapsed_s / half_life_s))


def frame_mean_decay(*, half_life_s: float, duration_s: float) -> float:
    """Return activity at the start of a frame over its mean during the frame, 1 or more, without unit.

    ``lambda T / (1 - exp(-lambda T))``; 1 for an infinitely short frame.
    """
    exponent = math.log(2.0) * duration_s / half_life_s
    return 1.0 if exponent == 0.0 else exponent / -math.expm1(-exponent)


def lean_body_mass_james_kg(*, weight_kg: float, height_m: float, sex: str) -> float:
    """Return the lean body mass by James with 120 in men, as Morgan published it; SUV type LBM."""
    squared = (weight_kg / (height_m * 100.0)) ** 2
    return 1.10 * weight_kg - 120.0 * squared if sex == "M" else 1.07 * weight_kg - 148.0 * squared


def lean_body_mass_james128_kg(*, weight_kg: float, height_m: float, sex: str) -> float:
    """Return the lean body mass by James with 128 in men; SUV type LBMJAMES128."""
    squared = (weight_kg / (height_m * 100.0)) ** 2
    return 1.10 * weight_kg - 128.0 * squared if sex == "M" else 1.07 * weight_kg - 148.0 * squared


def lean_body_mass_janma_kg(*, weight_kg: float, height_m: float, sex: str) -> float:
    """Return the lean body mass by Janmahasatian (Clin Pharmacokinet 2005;44:1051); SUV type LBMJANMA."""
    bmi = weight_kg / height_m**2
    base, slope = (6680.0, 216.0) if sex == "M" else (8780.0, 244.0)
    return 9270.0 * weight_kg / (base + slope * bmi)


def ideal_body_weight_kg(*, weight_kg: float, height_m: float, sex: str) -> float:
    """Return the ideal body weight in kg, which the weight does not enter and does not cap; SUV type IBW."""
    above_cm = height_m * 100.0 - 152.0
    return 48.0 + 1.06 * above_cm if sex == "M" else 45.5 + 0.91 * above_cm


def body_surface_area_m2(*, weight_kg: float, height_m: float) -> float:
    """Return the body surface area in m2 by Du Bois (Arch Intern Med 1916;17:863); SUV type BSA."""
    return float(0.007184 * (height_m * 100.0) ** 0.725 * weight_kg**0.425)


_BodyMass = Callable[..., float]


def _mass_factor(mass_kg: _BodyMass, weight_kg: float, height_m: float, sex: str, journal: Journal) -> float | None:
    """Return body mass over weight; the mean of both sexes where the sex is neither M nor F."""
    sexes = (sex,) if sex in ("M", "F") else ("M", "F")
    masses = [mass_kg(weight_kg=weight_kg, height_m=height_m, sex=one) for one in sexes]
    if min(masses) <= 0:
        journal.warn(
            f"{mass_kg.__name__} is not positive for {weight_kg:g} kg and {height_m:g} m: this SUV type is not given."
        )
        return None
    return sum(masses) / len(masses) / weight_kg


def suv_factors(
    *, weight_kg: float | None, height_m: float | None, sex: str, journal: Journal | None = None
) -> SuvFactors:
    """Return the factors from SUVbw to each other normalisation.

    Parameters
    ----------
    weight_kg, height_m : float or None
        Body measures; without either, all types but ``bw`` are ``None``.
    sex : str
        ``M``, ``F``, or anything else for the mean of the male and the female factor.
    journal : Journal, optional
        Where warnings go.

    Returns
    -------
    SuvFactors
        ``bw`` is 1; ``bsa`` turns g/ml into cm2/ml.
    """
    notes = journal if journal is not None else Journal("")
    if weight_kg is None or height_m is None:
        return SuvFactors(bw=1.0, lbm=None, lbm_james128=None, lbm_janma=None, bsa=None, ibw=None)
    if sex not in ("M", "F"):
        notes.warn(
            f"Patient's Sex (0010,0040) is {sex or 'absent'}: lean and ideal body weight are the mean of the male "
            "and the female value; there is no consensus for this case."
        )

    def factor(mass_kg: _BodyMass) -> float | None:
        return _mass_factor(mass_kg, weight_kg, height_m, sex, notes)

    area_cm2 = body_surface_area_m2(weight_kg=weight_kg, height_m=height_m) * _CM2_PER_M2
    return SuvFactors(
        bw=1.0,
        lbm=factor(lean_body_mass_james_kg),
        lbm_james128=factor(lean_body_mass_james128_kg),
        lbm_janma=factor(lean_body_mass_janma_kg),
        bsa=area_cm2 / (weight_kg * _G_PER_KG),
        ibw=factor(ideal_body_weight_kg),
    )
