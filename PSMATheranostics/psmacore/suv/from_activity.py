"""Activity concentration (Bq/ml) to SUVbw for each way of decay correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from psmacore.suv.administration import administered_activity_bq, injection_of, net_activity_bq
from psmacore.suv.attributes import ACQUISITION_DATETIME, DECAY_CORRECTION, FRAME_DURATION
from psmacore.suv.body import BodyMeasures, height_of, sex_of, weight_of
from psmacore.suv.factors import frame_mean_decay, suvbw_factor
from psmacore.suv.journal import Journal
from psmacore.suv.nuclide import HalfLife, half_life_of
from psmacore.suv.overrides import BQ_PER_MBQ
from psmacore.suv.quantified import Case, Quantified
from psmacore.suv.reference_time import check_reference, decay_reference, earliest_acquisition
from psmacore.suv.units import StoredActivity


@dataclass(frozen=True)
class _Decayed:
    """Factor of each slice from Bq/ml to SUVbw in g/Bq, ``(k,)``, and the times it rests on."""

    g_per_bq: NDArray[np.float64]
    injected_at: datetime | None
    reference_at: datetime | None
    activity_bq: float
    half_life: HalfLife | None


def quantify_activity(stored: StoredActivity, case: Case) -> Quantified:
    """Return the way from activity concentration to SUVbw.

    Raises
    ------
    DicomInputError
        If weight, activity, decay correction, half-life or a time is missing or contradictory.

    References
    ----------
    DICOM PS3.3 C.8.9.1.1.5 (Decay Correction); QIBA vendor-neutral SUV pseudo-code; Comprehensive Manual
    for SUV Computation (OncoRay/IBSI, 2026).
    """
    acquisition, entries, rules, journal = case.acquisition, case.entries, case.rules, case.journal
    ways = {"START": _corrected_to_start, "ADMIN": _corrected_to_injection, "NONE": _not_corrected}
    if case.decay_correction not in ways:
        raise DECAY_CORRECTION.refused(
            "must be START, ADMIN or NONE: enter it as override decay_correction",
            acquisition.decay_correction or None,
            acquisition.series_uid,
        )
    weight_kg = weight_of(acquisition.body, entries, rules, journal)
    height_m = height_of(acquisition.body, weight_kg, entries, rules, journal)
    sex = sex_of(acquisition.body, entries, journal)
    administered_bq = administered_activity_bq(case.administration, entries, rules, journal)
    decayed = ways[case.decay_correction](case, weight_kg, administered_bq)
    common = float(decayed.g_per_bq[0]) if np.ptp(decayed.g_per_bq) == 0.0 else None
    return Quantified(
        suvbw_per_value=decayed.g_per_bq * stored.bqml_per_unit,
        factor_g_per_bq=common,
        body=BodyMeasures(weight_kg, height_m, sex),
        injected_at=decayed.injected_at,
        reference_at=decayed.reference_at,
        scan_at=earliest_acquisition(acquisition) or acquisition.series_at,
        activity_bq=decayed.activity_bq,
        half_life_s=decayed.half_life.seconds if decayed.half_life else None,
    )


def _net(case: Case, administered_bq: float, half_life: HalfLife | None, injected_at: datetime | None) -> float:
    return net_activity_bq(
        administered_bq,
        case.entries,
        half_life_s=half_life.seconds if half_life else None,
        injected_at=injected_at,
        journal=case.journal,
    )


def _corrected_to_start(case: Case, weight_kg: float, administered_bq: float) -> _Decayed:
    journal = case.journal
    half_life = half_life_of(case.administration, case.entries, case.rules, journal)
    reference_at = decay_reference(case.acquisition, case.entries, journal)
    scan_at = min(reference_at, earliest_acquisition(case.acquisition) or reference_at)
    injected_at = injection_of(
        case.administration,
        scan_at=scan_at,
        half_life=half_life,
        decays=True,
        entries=case.entries,
        rules=case.rules,
        journal=journal,
    )
    check_reference(case.acquisition, reference_at, half_life.seconds, rules=case.rules, journal=journal)
    activity_bq = _net(case, administered_bq, half_life, injected_at)
    elapsed_s = (reference_at - injected_at).total_seconds()
    factor = suvbw_factor(
        weight_kg=weight_kg, activity_bq=activity_bq, half_life_s=half_life.seconds, elapsed_s=elapsed_s
    )
    left_mbq = weight_kg * 1000.0 / factor / BQ_PER_MBQ
    journal.step(
        f"{DECAY_CORRECTION} START: {elapsed_s:g} s after injection the activity is {activity_bq / BQ_PER_MBQ:.6g} MBq "
        f"x exp(-ln 2 x {elapsed_s:g} s / {half_life.seconds:g} s) = {left_mbq:.6g} MBq."
    )
    _note_factor(weight_kg, left_mbq, factor, journal)
    return _Decayed(np.full(len(case.acquisition.frames), factor), injected_at, reference_at, activity_bq, half_life)


def _corrected_to_injection(case: Case, weight_kg: float, administered_bq: float) -> _Decayed:
    journal = case.journal
    half_life = journal.attempt(lambda: half_life_of(case.administration, case.entries, case.rules, journal))
    injected_at = injection_if_given(case, half_life)
    activity_bq = _net(case, administered_bq, half_life, injected_at)
    factor = suvbw_factor(weight_kg=weight_kg, activity_bq=activity_bq, half_life_s=1.0, elapsed_s=0.0)
    journal.step(f"{DECAY_CORRECTION} ADMIN: the images refer to the injection, the activity does not decay.")
    _note_factor(weight_kg, activity_bq / BQ_PER_MBQ, factor, journal)
    factor *= entered_injection_change(case, injected_at, half_life)
    if case.entries.reference_at is not None or case.entries.half_life_s is not None:
        journal.warn("The scanner corrected these images to the injection: reference_at and half_life_s do not enter.")
    return _Decayed(np.full(len(case.acquisition.frames), factor), injected_at, injected_at, activity_bq, half_life)


def _not_corrected(case: Case, weight_kg: float, administered_bq: float) -> _Decayed:
    journal, series_uid = case.journal, case.acquisition.series_uid
    half_life = half_life_of(case.administration, case.entries, case.rules, journal)
    moments, durations_s = [], []
    for k, frame in enumerate(case.acquisition.frames):
        if frame.acquired_at is None:
            raise ACQUISITION_DATETIME.refused(
                f"images without decay correction need it (image {k + 1})", None, series_uid
            )
        if frame.frame_duration_s is None or not frame.frame_duration_s > 0:
            raise FRAME_DURATION.refused(
                f"images without decay correction need it (image {k + 1})", frame.frame_duration_s, series_uid
            )
        moments.append(frame.acquired_at)
        durations_s.append(frame.frame_duration_s)
    injected_at = injection_of(
        case.administration,
        scan_at=min(moments),
        half_life=half_life,
        decays=True,
        entries=case.entries,
        rules=case.rules,
        journal=journal,
    )
    if case.entries.reference_at is not None:
        journal.warn("Images without decay correction have no common decay reference: reference_at does not enter.")
    activity_bq = _net(case, administered_bq, half_life, injected_at)
    factors = [
        suvbw_factor(
            weight_kg=weight_kg,
            activity_bq=activity_bq,
            half_life_s=half_life.seconds,
            elapsed_s=(moment - injected_at).total_seconds(),
        )
        * frame_mean_decay(half_life_s=half_life.seconds, duration_s=duration_s)
        for moment, duration_s in zip(moments, durations_s, strict=True)
    ]
    journal.step(
        f"{DECAY_CORRECTION} NONE: SUVbw factor of each image = {weight_kg:g} kg x 1000 g/kg / "
        f"{activity_bq / BQ_PER_MBQ:.6g} MBq x lambda T / (1 - exp(-lambda T)) x exp(lambda x time since injection), "
        f"T = {min(durations_s):g} to {max(durations_s):g} s: {min(factors):.9g} to {max(factors):.9g} g/Bq."
    )
    return _Decayed(np.asarray(factors, dtype=np.float64), injected_at, None, activity_bq, half_life)


def _note_factor(weight_kg: float, activity_mbq: float, factor: float, journal: Journal) -> None:
    journal.step(
        f"SUVbw factor = {weight_kg:g} kg x 1000 g/kg / {activity_mbq:.6g} MBq = {factor:.9g} g/Bq (Bq/ml to g/ml)."
    )


def injection_if_given(case: Case, half_life: HalfLife | None) -> datetime | None:
    """Return the injection time for images whose SUV does not decay with it; ``None`` with a warning if absent.

    Raises
    ------
    DicomInputError
        If a time is given and contradicts the scan's.
    """
    administration, entries = case.administration, case.entries
    scan_at = earliest_acquisition(case.acquisition) or case.acquisition.series_at
    is_given = bool(administration.start_datetime or administration.start_time or entries.injected_at)
    if scan_at is None or not is_given:
        case.journal.warn("Injection or acquisition time is absent: the uptake time is unknown.")
        return None
    return injection_of(
        administration,
        scan_at=scan_at,
        half_life=half_life,
        decays=False,
        entries=entries,
        rules=case.rules,
        journal=case.journal,
    )


def entered_injection_change(case: Case, injected_at: datetime | None, half_life: HalfLife | None) -> float:
    """Return by what the values change that the scanner referred to another injection time; 1 where none was entered.

    The scanner multiplied by ``exp(lambda x (scan - its injection time))``, or divided the activity by it.

    Raises
    ------
    DicomInputError
        If the header's injection time is given but contradicts the scan's.
    """
    if case.entries.injected_at is None or injected_at is None:
        return 1.0
    stored_at = injection_if_given(case.as_stored(), half_life)
    if stored_at is None or half_life is None:
        case.journal.warn(
            "The header does not tell the injection time and half-life that the scanner used: the time entered gives "
            "the uptake time only."
        )
        return 1.0
    change = float(2.0 ** ((stored_at - injected_at).total_seconds() / half_life.seconds))
    case.journal.step(
        f"The scanner referred the values to an injection at {stored_at}: with the time entered they are multiplied by "
        f"{change:.6g}."
    )
    return change
