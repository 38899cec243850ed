"""PET values as stored to SUVbw (g/ml)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import GeometryError
from psmacore.model.administration import PetAcquisition, RadiopharmaceuticalAdministration
from psmacore.model.suv import Override, SuvDerivation
from psmacore.model.volumes import PetVolume, SuvVolume
from psmacore.suv.attributes import ADMINISTRATION, CORRECTED_IMAGE, DECAY_CORRECTION
from psmacore.suv.factors import suv_factors
from psmacore.suv.from_activity import quantify_activity
from psmacore.suv.from_suv import quantify_suv
from psmacore.suv.journal import Journal
from psmacore.suv.overrides import entries_of, with_old_values
from psmacore.suv.quantified import Case, Quantified
from psmacore.suv.rules import DEFAULT_RULES, DerivationRules
from psmacore.suv.tracer import recognise_tracer
from psmacore.suv.units import StoredActivity, StoredSuv, read_units, require_quantitative

_ABSENT = RadiopharmaceuticalAdministration(
    tracer=None,
    tracer_text="",
    nuclide=None,
    total_dose=None,
    half_life_s=None,
    start_datetime=None,
    start_time="",
)


@dataclass(frozen=True, eq=False)
class Conversion:
    """The way to SUVbw of one series.

    Parameters
    ----------
    suvbw_per_value : numpy.ndarray
        ``(k,)``, float64: multiplies the rescaled values (stored value times slope) of each slice.
    derivation : SuvDerivation
        The same in words, with all inputs.
    """

    suvbw_per_value: NDArray[np.float64]
    derivation: SuvDerivation


def to_suv(pet: PetVolume, overrides: Sequence[Override] = (), *, rules: DerivationRules = DEFAULT_RULES) -> SuvVolume:
    """Return the SUVbw of a PET volume.

    Parameters
    ----------
    pet : PetVolume
        ``(k, j, i)``, rescaled values in the units of the header.
    overrides : sequence of Override
        What a reader entered in place of the header.
    rules : DerivationRules
        Limits of the derivation.

    Returns
    -------
    SuvVolume
        ``(k, j, i)``, float32, g/ml, on the same grid, with its derivation.

    Raises
    ------
    DicomInputError
        If no safe SUV can be made; the error names the attribute and the value met.
    GeometryError
        If the header does not describe as many images as the volume has slices.
    UsageError
        If an override is unknown, does not fit or is given twice.

    References
    ----------
    Comprehensive Manual for SUV Computation (OncoRay/IBSI, 2026); QIBA vendor-neutral SUV pseudo-code.
    """
    if len(pet.acquisition.frames) != pet.geometry.shape[0]:
        raise GeometryError(
            f"the header describes {len(pet.acquisition.frames)} images, the volume has {pet.geometry.shape[0]} slices"
        )
    conversion = derive(pet.acquisition, overrides, voxel_volume_ml=pet.geometry.voxel_volume_ml, rules=rules)
    factors = conversion.suvbw_per_value.astype(np.float32)
    return SuvVolume(pet.values * factors[:, None, None], pet.geometry, conversion.derivation)


def derive(
    acquisition: PetAcquisition,
    overrides: Sequence[Override] = (),
    *,
    voxel_volume_ml: float | None = None,
    rules: DerivationRules = DEFAULT_RULES,
) -> Conversion:
    """Return the factor of each slice to SUVbw, with its derivation.

    Parameters
    ----------
    acquisition : PetAcquisition
        What the header says, as stored.
    overrides : sequence of Override
        What a reader entered in place of the header.
    voxel_volume_ml : float, optional
        Needed for Units CPS alone.
    rules : DerivationRules
        Limits of the derivation.

    Raises
    ------
    DicomInputError
        If no safe SUV can be made; the error names the attribute and the value met.
    UsageError
        If an override is unknown, does not fit or is given twice.
    """
    journal = Journal(acquisition.series_uid)
    entries = entries_of(overrides)
    require_quantitative(acquisition)
    quantity = read_units(acquisition, entries, voxel_volume_ml=voxel_volume_ml, journal=journal)
    if acquisition.administration is None and isinstance(quantity, StoredActivity):
        if entries.injected_activity_bq is None:
            raise ADMINISTRATION.refused("no SUV without it", None, acquisition.series_uid)
        journal.warn(f"{ADMINISTRATION} is absent: the reader's entries stand in for it.")
    case = Case(
        acquisition=acquisition,
        administration=acquisition.administration or _ABSENT,
        decay_correction=entries.decay_correction or acquisition.decay_correction.strip().upper(),
        entries=entries,
        rules=rules,
        journal=journal,
    )
    tracer = recognise_tracer(case.administration, overrides)
    journal.step(tracer.basis)
    _compare_decay_words(case)
    if isinstance(quantity, StoredActivity):
        quantified = quantify_activity(quantity, case)
    else:
        quantified = quantify_suv(quantity, case)
    for warning in tracer.warnings:
        journal.warn(warning)
    stored_type = quantity.dicom_type if isinstance(quantity, StoredSuv) else None
    return Conversion(quantified.suvbw_per_value, _derivation(case, quantified, stored_type, overrides))


def _compare_decay_words(case: Case) -> None:
    is_corrected = "DECY" in {value.strip().upper() for value in case.acquisition.corrected_image}
    stored = case.decay_correction
    if case.entries.decay_correction is not None:
        case.journal.step(f"{DECAY_CORRECTION} {stored}, entered by the reader.")
    if stored in ("START", "ADMIN") and not is_corrected:
        case.journal.warn(f"{CORRECTED_IMAGE} lacks DECY although {DECAY_CORRECTION} is {stored}: the latter counts.")
    elif stored == "NONE" and is_corrected:
        case.journal.warn(f"{CORRECTED_IMAGE} holds DECY although {DECAY_CORRECTION} is NONE: the latter counts.")


def _derivation(
    case: Case, quantified: Quantified, stored_type: str | None, overrides: Sequence[Override]
) -> SuvDerivation:
    body, journal = quantified.body, case.journal
    factors = suv_factors(weight_kg=body.weight_kg, height_m=body.height_m, sex=body.sex, journal=journal)
    uptake_min = None
    if quantified.injected_at is not None and quantified.scan_at is not None:
        uptake_min = (quantified.scan_at - quantified.injected_at).total_seconds() / 60.0
        journal.step(f"Uptake time {uptake_min:.1f} min from injection to the start of the acquisition.")
    return SuvDerivation(
        series_uid=case.acquisition.series_uid,
        units_stored=case.acquisition.units,
        suv_type_stored=stored_type,
        decay_correction=case.decay_correction,
        factor_g_per_bq=quantified.factor_g_per_bq,
        factors=factors,
        reference_at=quantified.reference_at,
        injected_at=quantified.injected_at,
        injected_activity_bq=quantified.activity_bq,
        half_life_s=quantified.half_life_s,
        weight_kg=body.weight_kg,
        height_m=body.height_m,
        sex=body.sex,
        uptake_min=uptake_min,
        steps=tuple(journal.steps),
        warnings=tuple(journal.warnings),
        overrides=with_old_values(overrides, case.acquisition),
    )
