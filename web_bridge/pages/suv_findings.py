"""A PET series' header to what OHIF would show wrongly or not at all as SUV, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from web_bridge.store.dicom_json import DicomJson, first_value, text_value

_ATTENUATION_AND_DECAY = ("ATTN", "DECY")
_PHILIPS_FACTORS = ("70531000", "70531009")
_LEAST_PLAUSIBLE_BQ = 1e5
_LARGEST_PLAUSIBLE_KG = 1000.0


class Effect(StrEnum):
    """What the reader would meet in the viewer."""

    WRONG = "shows a wrong SUV"
    ABSENT = "shows no SUV"


@dataclass(frozen=True)
class SuvFinding:
    """One reason not to trust the viewer's SUV of a series; ``right`` says how the value is meant."""

    series_uid: str
    description: str
    effect: Effect
    reason: str
    right: str


def suv_findings(metadata: DicomJson) -> tuple[SuvFinding, ...]:
    """Return what OHIF 3.13 does wrong with a PET series; empty where its SUVbw is right.

    Parameters
    ----------
    metadata : DicomJson
        Of any instance of the series.

    Notes
    -----
    OHIF scales by weight over dose decayed from injection to the start of the series. It never reads
    (0054,1102) Decay Correction, needs ATTN and DECY in (0028,0051) Corrected Image, and knows the Units
    BQML and, with Philips' private factors, CNTS. Found by running it, and in the source of its SUV package.
    """
    if text_value(metadata, "00080060") != "PT":
        return ()
    administration = _administration(metadata)
    found = (
        *_unit_findings(metadata),
        *_correction_findings(metadata, administration),
        *_body_and_dose_findings(metadata, administration),
    )
    series_uid = text_value(metadata, "0020000E")
    description = text_value(metadata, "0008103E")
    return tuple(SuvFinding(series_uid, description, effect, reason, right) for effect, reason, right in found)


_Found = tuple[Effect, str, str]


def _unit_findings(metadata: DicomJson) -> list[_Found]:
    units = text_value(metadata, "00541001")
    if units == "BQML":
        return []
    if units == "GML":
        return [
            (
                Effect.ABSENT,
                "(0054,1001) Units is GML",
                f"The stored values are SUV already (type {text_value(metadata, '00541006') or 'BW'}).",
            )
        ]
    if units == "CNTS" and any(_number(metadata, tag) for tag in _PHILIPS_FACTORS):
        return []
    why = " without Philips' private factors (7053,1000) and (7053,1009)" if units == "CNTS" else ""
    met = units or "absent"
    return [(Effect.ABSENT, f"(0054,1001) Units is {met}{why}", "The viewer knows BQML only.")]


def _correction_findings(metadata: DicomJson, administration: Mapping[str, Any]) -> list[_Found]:
    found: list[_Found] = []
    corrected = [str(value) for value in metadata.get("00280051", {}).get("Value") or []]
    missing = [name for name in _ATTENUATION_AND_DECAY if name not in corrected]
    if missing:
        found.append(
            (
                Effect.ABSENT,
                f"(0028,0051) Corrected Image lacks {' and '.join(missing)}",
                "Without attenuation correction there is no SUV at all."
                if "ATTN" in missing
                else "The images are not corrected for decay; each needs its own factor.",
            )
        )
    decay = text_value(metadata, "00541102")
    if decay == "ADMIN" and not missing and text_value(metadata, "00541001") in ("BQML", "CNTS"):
        found.append(
            (
                Effect.WRONG,
                f"(0054,1102) Decay Correction is ADMIN: the images are corrected to the injection, "
                f"and the viewer corrects the dose a second time{_factor_words(metadata, administration)}",
                "The administered dose enters without decay.",
            )
        )
    elif decay not in ("START", "ADMIN") and not missing:
        found.append(
            (
                Effect.WRONG,
                f"(0054,1102) Decay Correction is {decay or 'absent'}: the viewer takes it for START",
                "The factor depends on the moment that the images are corrected to.",
            )
        )
    return found


def _body_and_dose_findings(metadata: DicomJson, administration: Mapping[str, Any]) -> list[_Found]:
    found: list[_Found] = []
    weight, dose = _number(metadata, "00101030"), _number(administration, "00181074")
    if not weight:
        found.append((Effect.ABSENT, "(0010,1030) Patient's Weight is missing", "SUV by weight needs the weight."))
    elif weight > _LARGEST_PLAUSIBLE_KG:
        found.append((Effect.WRONG, f"(0010,1030) Patient's Weight is {weight:g}", "It is in g, not kg."))
    if not dose:
        found.append((Effect.ABSENT, "(0018,1074) Radionuclide Total Dose is missing", "SUV needs the dose."))
    elif dose < _LEAST_PLAUSIBLE_BQ:
        found.append((Effect.WRONG, f"(0018,1074) Radionuclide Total Dose is {dose:g}", "It cannot be in Bq."))
    if not _number(administration, "00181075"):
        found.append(
            (Effect.ABSENT, "(0018,1075) Radionuclide Half Life is missing", "The nuclide gives the half-life.")
        )
    if not text_value(administration, "00181078") and not text_value(administration, "00181072"):
        found.append((Effect.ABSENT, "The injection time is missing", "SUV needs the time since injection."))
    return found


def _administration(metadata: DicomJson) -> Mapping[str, Any]:
    item = first_value(metadata, "00540016")
    return item if isinstance(item, Mapping) else {}


def _number(attributes: Mapping[str, Mapping[str, Any]], tag: str) -> float:
    try:
        return float(first_value(attributes, tag) or 0.0)
    except (TypeError, ValueError):
        return 0.0  # shown as missing; the analysis itself refuses it by name


def _factor_words(metadata: DicomJson, administration: Mapping[str, Any]) -> str:
    """Return by how much the viewer is too high, where the header tells."""
    half_life_s = _number(administration, "00181075")
    injected = _moment(text_value(administration, "00181078")) or _moment(
        text_value(metadata, "00080021") + text_value(administration, "00181072")
    )
    scanned = _moment(text_value(metadata, "00080021") + text_value(metadata, "00080031"))
    if half_life_s <= 0 or injected is None or scanned is None or scanned <= injected:
        return ""
    elapsed_s = (scanned - injected).total_seconds()
    factor = 2.0 ** min(elapsed_s / half_life_s, 64.0)
    return f"; its values are {factor:.2f} times too high"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007 (only differences are taken)
    except ValueError:
        return None
