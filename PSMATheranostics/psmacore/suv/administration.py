"""Administered activity and injection time as stored to net activity and a datetime on the scanner's clock."""

from __future__ import annotations

import math
import re
from datetime import datetime, time, timedelta

from psmacore.errors import UsageError
from psmacore.model.administration import RadiopharmaceuticalAdministration
from psmacore.suv.attributes import START_DATETIME, START_TIME, TOTAL_DOSE
from psmacore.suv.journal import Journal
from psmacore.suv.nuclide import HalfLife
from psmacore.suv.overrides import BQ_PER_MBQ, ReaderEntries
from psmacore.suv.rules import DerivationRules

_TIME = re.compile(r"(\d\d):?(\d\d)?:?(\d\d)?(?:\.(\d{1,6}))?")
_CLOCK_DIFFERENCE_S = 60.0
_SAME_DAY_HALF_LIFE_S = 6 * 3600.0
_DAY_S = 86400.0


def parse_dicom_time(text: str) -> time | None:
    """Return the time of day of a DICOM TM value (PS3.5 6.2), ``None`` where it is none.

    The colons of ACR-NEMA are accepted; a leap second counts as the second before it.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hour, minute, second, fraction = match.groups(default="0")
    try:
        return time(int(hour), int(minute), min(int(second), 59), int(fraction.ljust(6, "0")))
    except ValueError:
        return None


def same_clock(moment: datetime, other: datetime, what: str) -> datetime:
    """Return ``moment`` so that it can be compared with ``other``.

    Raises
    ------
    UsageError
        If ``moment`` carries a time zone and the header's times do not: the difference is unknown.
    """
    if moment.tzinfo is None:
        return moment if other.tzinfo is None else moment.replace(tzinfo=other.tzinfo)
    if other.tzinfo is None:
        raise UsageError(f"{what} carries a time zone, but the series' times do not: give the scanner's local time")
    return moment


def administered_activity_bq(
    administration: RadiopharmaceuticalAdministration, entries: ReaderEntries, rules: DerivationRules, journal: Journal
) -> float:
    """Return the activity that was drawn up for the patient, in Bq, before residuals are taken off.

    Raises
    ------
    DicomInputError
        If (0018,1074) Radionuclide Total Dose is absent, zero, or a number that is neither Bq nor MBq.

    References
    ----------
    DICOM PS3.3 C.8.9.2 gives Bq; the wild gives MBq too (Comprehensive Manual for SUV Computation,
    OncoRay/IBSI, 2026).
    """
    if entries.injected_activity_bq is not None:
        activity = entries.injected_activity_bq
        journal.step(f"Administered activity {activity / BQ_PER_MBQ:.6g} MBq, entered by the reader.")
        return activity
    dose = administration.total_dose
    if dose is None or not math.isfinite(dose) or dose <= 0:
        raise TOTAL_DOSE.refused(
            "no SUV without the administered activity: enter it as override injected_activity_mbq",
            dose,
            journal.series_uid,
        )
    lowest, highest = rules.dose_mbq_range
    if lowest <= dose <= highest:
        journal.warn(f"{TOTAL_DOSE} is {dose:g}, read as MBq; by the standard it is in Bq.")
        return dose * BQ_PER_MBQ
    if dose < rules.lowest_dose_bq:
        raise TOTAL_DOSE.refused(
            "neither an activity in Bq nor in MBq (it could be mCi): enter it as override injected_activity_mbq",
            dose,
            journal.series_uid,
        )
    journal.step(f"Administered activity {dose / BQ_PER_MBQ:.6g} MBq from {TOTAL_DOSE}.")
    return dose


def net_activity_bq(
    administered_bq: float,
    entries: ReaderEntries,
    *,
    half_life_s: float | None,
    injected_at: datetime | None,
    journal: Journal,
) -> float:
    """Return the activity that circulates, in Bq at injection: without residual and extravasated activity.

    Neither is part of Radionuclide Total Dose; both come from the reader.

    Raises
    ------
    DicomInputError
        If nothing is left, or the residual's time cannot be related to the injection.
    """
    net = administered_bq
    if entries.residual_activity_mbq is not None:
        residual_mbq = entries.residual_activity_mbq
        if entries.residual_at is None:
            journal.step(f"Less residual activity {residual_mbq:g} MBq (reader), taken as of the injection.")
        else:
            residual_mbq *= _growth_to_injection(entries.residual_at, injected_at, half_life_s, journal)
            journal.step(
                f"Less residual activity {entries.residual_activity_mbq:g} MBq (reader) at {entries.residual_at}, "
                f"{residual_mbq:.6g} MBq at injection."
            )
        net -= residual_mbq * BQ_PER_MBQ
    if entries.extravasated_fraction is not None:
        net *= 1.0 - entries.extravasated_fraction
        journal.step(f"Less extravasated share {100 * entries.extravasated_fraction:g} % (reader).")
    if entries.extravasated_activity_mbq is not None:
        net -= entries.extravasated_activity_mbq * BQ_PER_MBQ
        journal.step(f"Less extravasated activity {entries.extravasated_activity_mbq:g} MBq (reader) at injection.")
    if net <= 0:
        raise TOTAL_DOSE.refused(
            "the residual and extravasated activity entered leave nothing of it", administered_bq, journal.series_uid
        )
    if net != administered_bq:
        journal.step(f"Net activity {net / BQ_PER_MBQ:.6g} MBq at injection.")
    return net


def _growth_to_injection(
    residual_at: datetime, injected_at: datetime | None, half_life_s: float | None, journal: Journal
) -> float:
    if injected_at is None or half_life_s is None:
        raise START_DATETIME.refused(
            "residual_at needs the injection time and the half-life", injected_at, journal.series_uid
        )
    elapsed = (same_clock(residual_at, injected_at, "override residual_at") - injected_at).total_seconds()
    return float(2.0 ** (elapsed / half_life_s))


def injection_of(
    administration: RadiopharmaceuticalAdministration,
    *,
    scan_at: datetime,
    half_life: HalfLife | None,
    decays: bool,
    entries: ReaderEntries,
    rules: DerivationRules,
    journal: Journal,
) -> datetime:
    """Return when the radiopharmaceutical was injected.

    (0018,1078) counts before (0018,1072), which holds a time of day only and takes the scan's date. It is
    moved to the day before only where the nuclide is short-lived and the uptake time that results is
    within the rule's limit: minus one day on a clock error of ten minutes would multiply the SUV by
    thousands.

    Parameters
    ----------
    administration : RadiopharmaceuticalAdministration
        As stored.
    scan_at : datetime
        The earlier of first acquisition and decay reference.
    half_life : HalfLife or None
        ``None`` where the decay does not enter the SUV and the header does not name it.
    decays : bool
        Whether the decay since the injection enters the SUV, so that its date must be certain.
    entries, rules, journal
        The reader's values, the limits, and where the words go.

    Raises
    ------
    DicomInputError
        If no time is given, the injection lies after the scan, its date is not known but matters, or
        too many half-lives lie in between.
    """
    if entries.injected_at is not None:
        injected = same_clock(entries.injected_at, scan_at, "override injected_at")
        journal.step(f"Injection at {injected}, entered by the reader.")
    elif administration.start_datetime is not None:
        injected = same_clock(administration.start_datetime, scan_at, str(START_DATETIME))
        journal.step(f"Injection at {injected} from {START_DATETIME}.")
        _compare_with_time(injected, administration.start_time, journal)
    else:
        if decays and half_life is not None:
            _require_date(administration.start_time, half_life, rules, journal)
        injected = _from_time_of_day(administration.start_time, scan_at, half_life, rules, journal)
    if injected > scan_at:
        attribute = START_TIME if administration.start_datetime is None else START_DATETIME
        raise attribute.refused(
            f"the injection ({injected}) lies after the scan ({scan_at}): enter the true one as override injected_at",
            administration.start_datetime or administration.start_time,
            journal.series_uid,
        )
    _limit_uptake(injected, scan_at, half_life, administration, rules, journal)
    return injected


def _compare_with_time(injected: datetime, start_time: str, journal: Journal) -> None:
    clock = parse_dicom_time(start_time)
    if clock is None:
        return
    difference = abs((injected - _at_clock(injected, clock)).total_seconds())
    if min(difference, _DAY_S - difference) > _CLOCK_DIFFERENCE_S:
        journal.warn(f"{START_DATETIME} {injected} and {START_TIME} {start_time} differ: the former is used.")


def _at_clock(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, tzinfo=day.tzinfo)


def _from_time_of_day(
    start_time: str, scan_at: datetime, half_life: HalfLife | None, rules: DerivationRules, journal: Journal
) -> datetime:
    clock = parse_dicom_time(start_time)
    if clock is None:
        raise START_TIME.refused(
            "no injection time: enter it as override injected_at", start_time or None, journal.series_uid
        )
    injected = _at_clock(scan_at, clock)
    if injected <= scan_at:
        journal.step(f"Injection at {injected}: time from {START_TIME}, date of the scan ({START_DATETIME} is absent).")
        return injected
    day_before = injected - timedelta(days=1)
    uptake_h = (scan_at - day_before).total_seconds() / 3600.0
    limit_h = rules.overnight_uptake_h.get(half_life.nuclide or "", 0.0) if half_life is not None else 0.0
    if uptake_h > limit_h:
        return injected
    journal.warn(
        f"{START_TIME} {start_time} is later in the day than the scan ({scan_at}): midnight lies in between, injection "
        f"at {day_before}, {uptake_h * 60:.1f} min before the scan."
    )
    return day_before


def _require_date(start_time: str, half_life: HalfLife, rules: DerivationRules, journal: Journal) -> None:
    """Refuse a time of day alone where the nuclide is imaged on later days and a day's decay would be seen."""
    a_day_changes = 2.0 ** (_DAY_S / half_life.seconds) - 1.0 if half_life.seconds > _SAME_DAY_HALF_LIFE_S else 0.0
    if parse_dicom_time(start_time) is not None and a_day_changes > rules.deviation_limit:
        raise START_TIME.refused(
            f"only a time of day is given, and with a half-life of {half_life.seconds:g} s the injection may have been "
            "days before the scan: enter date and time as override injected_at",
            start_time,
            journal.series_uid,
        )


def _limit_uptake(
    injected: datetime,
    scan_at: datetime,
    half_life: HalfLife | None,
    administration: RadiopharmaceuticalAdministration,
    rules: DerivationRules,
    journal: Journal,
) -> None:
    if half_life is None:
        return
    n_half_lives = (scan_at - injected).total_seconds() / half_life.seconds
    if n_half_lives > rules.longest_uptake_half_lives:
        raise START_DATETIME.refused(
            f"{n_half_lives:.0f} half-lives lie between injection ({injected}) and scan ({scan_at}), nothing would be "
            "left to see: enter the true one as override injected_at",
            administration.start_datetime or administration.start_time,
            journal.series_uid,
        )
