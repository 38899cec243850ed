"""What a reader enters in place of the header (``KEY=VALUE``) to typed values and their record."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psmacore.errors import UsageError
from psmacore.model.administration import PetAcquisition
from psmacore.model.suv import Override

BQ_PER_MBQ = 1e6
_DICOM_DATETIME = re.compile(r"(\d{8})(\d{4}|\d{6})(\.\d{1,6})?([+-]\d{4})?")


@dataclass(frozen=True)
class ReaderEntries:
    """The reader's values, typed; ``None`` where the header counts.

    Parameters
    ----------
    weight_kg, height_m, sex, half_life_s, decay_correction
        In place of the attribute of that name.
    injected_activity_bq : float or None
        In place of Radionuclide Total Dose, in Bq at the time of injection.
    residual_activity_mbq : float or None
        Left in syringe and line, in MBq at ``residual_at``, or at injection where that is ``None``.
    extravasated_fraction, extravasated_activity_mbq : float or None
        Share (0 to 1) or activity in MBq at injection that stayed at the injection site.
    injected_at, reference_at, residual_at : datetime or None
        Injection, decay reference of the images, and when the residual was measured.
    tracer : str or None
        Name of the radiopharmaceutical.
    """

    weight_kg: float | None = None
    height_m: float | None = None
    sex: str | None = None
    injected_activity_bq: float | None = None
    residual_activity_mbq: float | None = None
    residual_at: datetime | None = None
    extravasated_fraction: float | None = None
    extravasated_activity_mbq: float | None = None
    injected_at: datetime | None = None
    reference_at: datetime | None = None
    half_life_s: float | None = None
    decay_correction: str | None = None
    tracer: str | None = None

    @property
    def loses_activity(self) -> bool:
        """Whether part of the administered activity did not circulate."""
        lost = (self.residual_activity_mbq, self.extravasated_fraction, self.extravasated_activity_mbq)
        return any(value is not None for value in lost)

    @property
    def changes_activity(self) -> bool:
        """Whether the injected activity is another than the header's."""
        return self.injected_activity_bq is not None or self.loses_activity

    @property
    def changes_suv(self) -> bool:
        """Whether an SUV that the scanner computed would no longer hold."""
        return (
            self.changes_activity
            or self.weight_kg is not None
            or self.injected_at is not None
            or self.half_life_s is not None
            or self.reference_at is not None
        )


def _positive(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise ValueError("must be a positive number")
    return value


def _not_negative(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise ValueError("must be zero or a positive number")
    return value


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError("must be at least 0 and below 1")
    return value


def _within(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not lowest <= value <= highest:
            raise ValueError(f"must lie between {lowest:g} and {highest:g}")
        return value

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.upper() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text.upper()

    return parse


def _datetime(text: str) -> datetime:
    dicom = _DICOM_DATETIME.fullmatch(text)  # DT, PS3.5 6.2; strptime would read 0830 as 08:03:0
    if dicom is not None:
        day, clock, fraction, offset = dicom.groups(default="")
        return datetime.fromisoformat(f"{day}T{clock}{fraction}{offset}")
    if len(text) <= len("2026-01-31"):
        raise ValueError("must be a date and a time such as 2026-01-31T09:30:00")
    return datetime.fromisoformat(text)


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


_PARSERS: dict[str, Callable[[str], Any]] = {
    "weight_kg": _within(0.3, 650.0),
    "height_m": _within(0.3, 2.8),
    "sex": _one_of("M", "F", "O"),
    "injected_activity_bq": _positive,
    "injected_activity_mbq": _positive,
    "residual_activity_mbq": _not_negative,
    "residual_at": _datetime,
    "extravasated_fraction": _fraction,
    "extravasated_activity_mbq": _not_negative,
    "injected_at": _datetime,
    "reference_at": _datetime,
    "half_life_s": _positive,
    "decay_correction": _one_of("START", "ADMIN", "NONE"),
    "tracer": _text,
}
KNOWN_KEYS = tuple(_PARSERS)


def _parsed(key: str, value: str) -> Any:
    if key not in _PARSERS:
        raise UsageError(f"unknown override {key!r}; known are {', '.join(KNOWN_KEYS)}")
    try:
        return _PARSERS[key](value)
    except ValueError as error:
        raise UsageError(f"override {key}={value!r}: {error}") from error


def parse_override(text: str, *, reader: str = "", reason: str = "") -> Override:
    """Return the override that ``KEY=VALUE`` names.

    Parameters
    ----------
    text : str
        For example ``weight_kg=80`` or ``injected_at=2026-01-31T09:30:00``.
    reader : str
        Who enters it.
    reason : str
        Why.

    Returns
    -------
    Override
        With ``old_value`` ``None``: the derivation fills it in from the header.

    Raises
    ------
    UsageError
        If the key is unknown (the error names the known ones) or the value does not fit it.
    """
    key, separator, value = (part.strip() for part in text.partition("="))
    if not separator:
        raise UsageError(f"an override is KEY=VALUE, not {text!r}; known keys are {', '.join(KNOWN_KEYS)}")
    key = key.lower()
    _parsed(key, value)
    return Override(key=key, value=value, old_value=None, reader=reader, reason=reason)


def entries_of(overrides: Sequence[Override]) -> ReaderEntries:
    """Return the typed values of ``overrides``.

    Raises
    ------
    UsageError
        If a key is unknown, a value does not fit, or two overrides enter the same quantity.
    """
    fields: dict[str, Any] = {}
    for override in overrides:
        value = _parsed(override.key, override.value)
        name = override.key
        if name == "injected_activity_mbq":
            name, value = "injected_activity_bq", value * BQ_PER_MBQ
        if name in fields:
            raise UsageError(f"two overrides enter {name}: give one")
        fields[name] = value
    entries = ReaderEntries(**fields)
    if entries.extravasated_fraction is not None and entries.extravasated_activity_mbq is not None:
        raise UsageError("give extravasated_fraction or extravasated_activity_mbq, not both")
    if entries.residual_at is not None and entries.residual_activity_mbq is None:
        raise UsageError("residual_at needs residual_activity_mbq")
    return entries


def _header_value(key: str, acquisition: PetAcquisition) -> object:
    administration = acquisition.administration
    if key in ("weight_kg", "height_m", "sex"):
        body = acquisition.body
        return {"weight_kg": body.weight, "height_m": body.size, "sex": body.sex or None}[key]
    if key == "decay_correction":
        return acquisition.decay_correction or None
    if key == "reference_at":
        return acquisition.series_at
    if administration is None:
        return None
    if key in ("injected_activity_bq", "injected_activity_mbq"):
        return administration.total_dose
    if key == "injected_at":
        return administration.start_datetime or administration.start_time or None
    if key == "half_life_s":
        return administration.half_life_s
    if key == "tracer":
        return administration.tracer_text or (administration.tracer.meaning if administration.tracer else None)
    return None


def with_old_values(overrides: Sequence[Override], acquisition: PetAcquisition) -> tuple[Override, ...]:
    """Return ``overrides`` with the header's values, as stored, as their old values; ``None`` where absent."""
    recorded = []
    for override in overrides:
        old = _header_value(override.key, acquisition)
        words = old.isoformat(sep=" ") if isinstance(old, datetime) else None if old is None else str(old)
        recorded.append(replace(override, old_value=words))
    return tuple(recorded)
