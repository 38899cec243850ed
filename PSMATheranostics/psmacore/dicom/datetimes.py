"""DICOM DA, TM and DT values to datetimes in the scanner's local time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from pydicom.dataset import Dataset

from psmacore.dicom.headers import place, private_text, refusal, text

TIMEZONE_OFFSET = 0x00080201

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")  # with the dots of ACR-NEMA, PS3.5 6.2
_TIME = re.compile(r"(\d{2}):?(?:(\d{2}):?(?:(\d{2})(?:\.(\d{1,6})\d*)?)?)?")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_DATETIME = re.compile(r"(\d{4}\d{2}\d{2})(\d{2}(?:\d{2}(?:\d{2}(?:\.\d+)?)?)?)([+-]\d{4})?")


def parse_date(value: str) -> date | None:
    """Return the day that a DA value names; ``None`` where it is none."""
    match = _DATE.fullmatch(value)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def parse_time(value: str) -> timedelta | None:
    """Return the time since midnight that a TM value names; ``None`` where it is none.

    Missing minutes and seconds count as zero (PS3.5 6.2, TM); second 60 is the leap second.
    """
    match = _TIME.fullmatch(value)
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    micros = int((match[4] or "").ljust(6, "0") or 0)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)


def parse_offset(value: str) -> tzinfo | None:
    """Return the time zone that an offset such as ``-0400`` names; ``None`` where it is none."""
    match = _OFFSET.fullmatch(value)
    if match is None:
        return None
    shift = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if shift > timedelta(hours=14):
        return None
    return timezone(shift if match[1] == "+" else -shift)


def zone_of(dataset: Dataset) -> tzinfo | None:
    """Return the zone of (0008,0201) Timezone Offset From UTC; ``None`` where it is absent.

    Raises
    ------
    DicomInputError
        If it holds no offset.
    """
    value = text(dataset, TIMEZONE_OFFSET)
    if not value:
        return None
    zone = parse_offset(value)
    if zone is None:
        raise refusal("is not an offset from UTC", TIMEZONE_OFFSET, value=value, where=place(dataset))
    return zone


def _placed(moment: datetime, zone: tzinfo | None) -> datetime:
    return moment if zone is None else moment.replace(tzinfo=zone)


def date_and_time(dataset: Dataset, date_tag: int, time_tag: int) -> datetime | None:
    """Return the moment that a DA and a TM attribute name together.

    Returns
    -------
    datetime or None
        ``None`` where either is absent. Aware if (0008,0201) is present, else naive.

    Raises
    ------
    DicomInputError
        If one of the two is present and unreadable.
    """
    day_text, time_text = text(dataset, date_tag), text(dataset, time_tag)
    if not day_text or not time_text:
        return None
    day, clock = parse_date(day_text), parse_time(time_text)
    if day is None:
        raise refusal("is not a date", date_tag, value=day_text, where=place(dataset))
    if clock is None:
        raise refusal("is not a time of day", time_tag, value=time_text, where=place(dataset))
    return _placed(datetime(day.year, day.month, day.day) + clock, zone_of(dataset))  # noqa: DTZ001


def moment_of(value: str, zone: tzinfo | None) -> tuple[datetime, bool] | None:
    """Return the moment of a DT value and whether it carries an offset of its own; ``None`` where it is none.

    The moment is naive without ``zone`` and aware, in ``zone``, with it. Without ``zone`` an offset in
    the value is taken for the scanner's own, so that clock times compare (PS3.5 6.2, DT).
    A value without a time of day is none: an SUV cannot be made from a date alone.
    """
    match = _DATETIME.fullmatch(value)
    if match is None:
        return None
    day, clock = parse_date(match[1]), parse_time(match[2])
    own = parse_offset(match[3]) if match[3] else None
    if day is None or clock is None or (match[3] and own is None):
        return None
    moment = datetime(day.year, day.month, day.day) + clock  # noqa: DTZ001
    if own is not None and zone is not None:
        return moment.replace(tzinfo=own).astimezone(UTC).astimezone(zone), True
    return _placed(moment, zone), own is not None


def datetime_of(dataset: Dataset, tag: int, zone: tzinfo | None) -> datetime | None:
    """Return the moment of a DT attribute; ``None`` where it is absent.

    Raises
    ------
    DicomInputError
        If it holds no date with a time.
    """
    value = text(dataset, tag)
    if not value:
        return None
    found = moment_of(value, zone)
    if found is None:
        raise refusal("is not a date with a time", tag, value=value, where=place(dataset))
    return found[0]


def start_datetime_of(administration: Dataset, zone: tzinfo | None, where: str) -> datetime | None:
    """Return (0018,1078) Radiopharmaceutical Start DateTime; ``None`` where it is absent.

    Raises
    ------
    DicomInputError
        If it is unreadable, or carries an offset from UTC that nothing else in the header carries and
        differs from (0018,1072) Radiopharmaceutical Start Time: then its clock is not the scanner's.
    """
    tag = 0x00181078
    value = text(administration, tag)
    if not value:
        return None
    found = moment_of(value, zone)
    if found is None:
        raise refusal("is not a date with a time", tag, value=value, where=where)
    moment, has_own_offset = found
    clock = parse_time(text(administration, 0x00181072))
    if zone is None and has_own_offset and clock is not None:
        midnight = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
        if abs((moment - midnight) - clock) >= timedelta(minutes=1):
            raise refusal(
                "carries an offset from UTC, (0008,0201) is absent, and (0018,1072) Start Time tells another time",
                tag,
                value=value,
                where=where,
            )
    return moment


def private_datetime(dataset: Dataset, group: int, creator: str, offset: int, zone: tzinfo | None) -> datetime | None:
    """Return the moment of a vendor's private DT attribute; ``None`` where it is absent or unreadable."""
    found = moment_of(private_text(dataset, group, creator, offset), zone)
    return found[0] if found else None
