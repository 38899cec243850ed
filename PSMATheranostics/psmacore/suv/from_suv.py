"""Stored SUV of any type to SUVbw."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from psmacore.errors import DicomInputError
from psmacore.model.suv import SuvFactors, SuvType
from psmacore.suv.administration import administered_activity_bq, net_activity_bq
from psmacore.suv.attributes import (
    DECAY_CORRECTION,
    PHILIPS_ACTIVITY_FACTOR,
    PHILIPS_SUV_FACTOR,
    SIZE,
    TOTAL_DOSE,
    WEIGHT,
)
from psmacore.suv.body import BodyMeasures, height_of, sex_of, weight_of
from psmacore.suv.factors import suv_factors
from psmacore.suv.from_activity import entered_injection_change, injection_if_given, quantify_activity
from psmacore.suv.journal import Journal
from psmacore.suv.nuclide import half_life_of
from psmacore.suv.overrides import ReaderEntries
from psmacore.suv.quantified import Case, Quantified
from psmacore.suv.reference_time import decay_reference, earliest_acquisition
from psmacore.suv.units import StoredActivity, StoredSuv


def quantify_suv(stored: StoredSuv, case: Case) -> Quantified:
    """Return the way from stored SUV to SUVbw.

    Weight, dose and times do not enter SUVbw here; what the header says of them is reported, and what
    the reader enters in their place rescales the values.

    Raises
    ------
    DicomInputError
        If the type is not BW and the header lacks weight or height, or an entry cannot be applied.

    References
    ----------
    Comprehensive Manual for SUV Computation (OncoRay/IBSI, 2026): SUVbw = SUVlbm x W / LBM.
    """
    acquisition, entries, rules, journal = case.acquisition, case.entries, case.rules, case.journal
    if case.decay_correction not in ("START", "ADMIN"):
        journal.warn(
            f"{DECAY_CORRECTION} is {case.decay_correction or 'absent'} although the values are SUV: they are taken "
            "as the scanner gives them."
        )
    body = _measures(case, entries, journal)
    half_life = journal.attempt(lambda: half_life_of(case.administration, entries, rules, journal))
    injected_at = (
        injection_if_given(case, half_life)  # the reader's own entry is held to the scan's times
        if entries.injected_at is not None
        else journal.attempt(lambda: injection_if_given(case, half_life))
    )
    administered_bq = journal.attempt(lambda: administered_activity_bq(case.administration, entries, rules, journal))
    half_life_s = half_life.seconds if half_life else None
    activity_bq = administered_bq
    if administered_bq is not None:
        activity_bq = net_activity_bq(
            administered_bq, entries, half_life_s=half_life_s, injected_at=injected_at, journal=journal
        )
    scale = stored.scale / _type_factor(stored, case, body)
    scale *= _weight_change(case, body) * _activity_change(case, activity_bq)
    scale *= entered_injection_change(case, injected_at, half_life)
    if entries.reference_at is not None or entries.half_life_s is not None:
        journal.warn("The scanner computed these SUV: reference_at and half_life_s do not enter.")
    _compare_philips_factors(stored, case)
    reference_at = _reference(case, injected_at)
    journal.step(f"SUVbw = value x {scale:.9g}.")
    return Quantified(
        suvbw_per_value=np.full(len(acquisition.frames), scale),
        factor_g_per_bq=None if stored.bqml_per_unit is None else scale / stored.bqml_per_unit,
        body=body,
        injected_at=injected_at,
        reference_at=reference_at,
        scan_at=earliest_acquisition(acquisition) or acquisition.series_at,
        activity_bq=activity_bq,
        half_life_s=half_life_s,
    )


def _measures(case: Case, entries: ReaderEntries, journal: Journal) -> BodyMeasures:
    body, rules = case.acquisition.body, case.rules
    weight_kg = journal.attempt(lambda: weight_of(body, entries, rules, journal))
    return BodyMeasures(weight_kg, height_of(body, weight_kg, entries, rules, journal), sex_of(body, entries, journal))


def _of_type(factors: SuvFactors, suv_type: SuvType) -> float | None:
    return {
        SuvType.BW: factors.bw,
        SuvType.LBM: factors.lbm,
        SuvType.LBM_JAMES128: factors.lbm_james128,
        SuvType.LBM_JANMA: factors.lbm_janma,
        SuvType.BSA: factors.bsa,
        SuvType.IBW: factors.ibw,
    }[suv_type]


def _type_factor(stored: StoredSuv, case: Case, body: BodyMeasures) -> float:
    """Return stored type over SUVbw, from the body measures that the scanner had, else from the reader's."""
    if stored.suv_type is SuvType.BW:
        return 1.0
    scanners = _measures(case, ReaderEntries(), Journal(case.journal.series_uid))
    used = BodyMeasures(
        scanners.weight_kg or body.weight_kg,
        scanners.height_m or body.height_m,
        scanners.sex if scanners.sex != "O" else body.sex,
    )
    factors = suv_factors(weight_kg=used.weight_kg, height_m=used.height_m, sex=used.sex, journal=case.journal)
    factor = _of_type(factors, stored.suv_type)
    if factor is None:
        attribute, value = (
            (WEIGHT, case.acquisition.body.weight) if used.weight_kg is None else (SIZE, case.acquisition.body.size)
        )
        raise attribute.refused(
            f"SUV type {stored.dicom_type} becomes SUVbw only with a usable weight and height: enter them as override "
            "weight_kg and height_m",
            value,
            case.acquisition.series_uid,
        )
    case.journal.step(
        f"SUVbw = stored SUV / {factor:.9g}, the SUV of type {stored.dicom_type} for SUVbw 1 at {used.weight_kg:g} kg, "
        f"{used.height_m:g} m, sex {used.sex}."
    )
    return factor


def _weight_change(case: Case, body: BodyMeasures) -> float:
    if case.entries.weight_kg is None or body.weight_kg is None:
        return 1.0
    original = case.as_stored()
    try:
        stored_kg = weight_of(case.acquisition.body, original.entries, case.rules, original.journal)
    except DicomInputError:
        case.journal.warn(
            "The header does not tell the weight that the scanner used: SUVbw stays as stored, the weight entered "
            "serves the other SUV types."
        )
        return 1.0
    change = body.weight_kg / stored_kg
    case.journal.step(
        f"The scanner used {stored_kg:g} kg: with the weight entered SUVbw is multiplied by {change:.6g}."
    )
    return change


def _activity_change(case: Case, activity_bq: float | None) -> float:
    if not case.entries.changes_activity:
        return 1.0
    original, entries = case.as_stored(), case.entries
    try:
        stored_bq = administered_activity_bq(case.administration, original.entries, case.rules, original.journal)
    except DicomInputError as error:
        if entries.loses_activity:
            raise TOTAL_DOSE.refused(
                "an SUV that the scanner computed can be corrected for residual or extravasated activity only with the "
                "dose it used",
                error.value,
                case.acquisition.series_uid,
            ) from error
        case.journal.warn(
            "The header does not tell the activity that the scanner used: SUVbw stays as stored, the activity entered "
            "is recorded only."
        )
        return 1.0
    if activity_bq is None:
        return 1.0
    change = stored_bq / activity_bq
    case.journal.step(f"With the activity entered in place of the scanner's, SUV is multiplied by {change:.6g}.")
    return change


def _reference(case: Case, injected_at: datetime | None) -> datetime | None:
    if case.decay_correction == "ADMIN":
        return injected_at
    if case.decay_correction == "START":
        return case.journal.attempt(lambda: decay_reference(case.acquisition, case.entries, case.journal))
    return None


def _compare_philips_factors(stored: StoredSuv, case: Case) -> None:
    """Warn where Philips' two factors, whose ratio is the SUV factor, disagree with dose, weight and times."""
    if stored.bqml_per_unit is None or case.entries.changes_suv:
        return
    original = case.as_stored()
    try:
        header = quantify_activity(StoredActivity(stored.bqml_per_unit), original)
    except DicomInputError:
        return  # a comparison only: the SUV factor does not need what the other way lacks
    ratio = float(np.max(np.abs(header.suvbw_per_value / stored.scale - 1.0)))
    text = f"{PHILIPS_SUV_FACTOR} and the way over {PHILIPS_ACTIVITY_FACTOR}"
    if ratio > case.rules.deviation_limit:
        case.journal.warn(f"{text} differ by up to {100 * ratio:.1f} %: the former is used.")
    else:
        case.journal.step(f"{text} agree within {100 * ratio:.2f} %.")
