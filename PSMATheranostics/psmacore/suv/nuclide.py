"""Radionuclide code and half-life as stored to one half-life that both agree on."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from psmacore.model.administration import RadiopharmaceuticalAdministration
from psmacore.model.codes import Code
from psmacore.suv.attributes import HALF_LIFE, RADIONUCLIDE_CODE
from psmacore.suv.journal import Journal
from psmacore.suv.overrides import ReaderEntries
from psmacore.suv.rules import DerivationRules


@dataclass(frozen=True)
class Nuclide:
    """A radionuclide with its half-life and the codes that name it.

    ``sct`` is its SNOMED CT code and ``srt`` the older SNOMED-RT one (schemes SRT, SNM3, 99SDM), both of
    DICOM PS3.16 CID 18 and CID 4020.
    """

    name: str
    half_life_s: float
    sct: str
    srt: str


# Half-lives as the Comprehensive Manual for SUV Computation (OncoRay/IBSI, 2026) lists them.
NUCLIDES = (
    Nuclide("F-18", 6586.2, "77004003", "C-111A1"),
    Nuclide("Ga-68", 4057.7, "35337001", "C-131A3"),
    Nuclide("Cu-64", 45_720.0, "3932008", "C-127A2"),
    Nuclide("Zr-89", 282_300.0, "63360001", "C-168A4"),
    Nuclide("Lu-177", 574_300.0, "447553000", "C-101ED"),
)
_ELEMENTS = {"F": "fluorine", "GA": "gallium", "CU": "copper", "ZR": "zirconium", "LU": "lutetium"}


@dataclass(frozen=True)
class HalfLife:
    """A half-life in s, and the nuclide's name where it is known."""

    seconds: float
    nuclide: str | None


def _names(nuclide: Nuclide, text: str) -> bool:
    symbol, mass = nuclide.name.split("-")
    element = f"(?:{symbol}|{_ELEMENTS[symbol.upper()]})"
    forward = rf"(?<![a-z]){element}[\s^\[-]*{mass}(?!\d)"
    backward = rf"(?<!\d){mass}[\s^\]-]*{element}(?![a-z])"
    return re.search(f"{forward}|{backward}", text, re.IGNORECASE) is not None


def identify_nuclide(code: Code | None) -> Nuclide | None:
    """Return the nuclide that ``code`` names by value or, failing that, by its meaning; else ``None``."""
    if code is None:
        return None
    for nuclide in NUCLIDES:
        if code.value in (nuclide.sct, nuclide.srt):
            return nuclide
    named = [nuclide for nuclide in NUCLIDES if _names(nuclide, code.meaning)]
    return named[0] if len(named) == 1 else None


def _words(code: Code | None) -> str:
    return "absent" if code is None else f"{code.value} {code.scheme} {code.meaning!r}"


def half_life_of(
    administration: RadiopharmaceuticalAdministration, entries: ReaderEntries, rules: DerivationRules, journal: Journal
) -> HalfLife:
    """Return the half-life that the decay is computed with.

    (0018,1075) Radionuclide Half Life counts; where it is absent, the nuclide's. A nuclide that is not
    in ``NUCLIDES`` is fine if the header gives its half-life.

    Raises
    ------
    DicomInputError
        If neither is known, or if they differ by more than 1 %.
    """
    nuclide = identify_nuclide(administration.nuclide)
    stored = administration.half_life_s
    if stored is not None and not (math.isfinite(stored) and stored > 0):
        stored = None
    if entries.half_life_s is not None:
        return _entered(entries.half_life_s, nuclide, rules, journal)
    if stored is None:
        if nuclide is None:
            raise HALF_LIFE.refused(
                f"no half-life and no known nuclide ({RADIONUCLIDE_CODE} is {_words(administration.nuclide)}): "
                "enter it as override half_life_s",
                administration.half_life_s,
                journal.series_uid,
            )
        journal.step(f"Half-life {nuclide.half_life_s:g} s of {nuclide.name}, named by {RADIONUCLIDE_CODE}.")
        return HalfLife(nuclide.half_life_s, nuclide.name)
    if nuclide is None:
        return _from_tag_alone(stored, administration.nuclide, rules, journal)
    deviation = abs(stored / nuclide.half_life_s - 1.0)
    if deviation > rules.deviation_limit:
        raise HALF_LIFE.refused(
            f"differs by {100 * deviation:.1f} % from the {nuclide.half_life_s:g} s of {nuclide.name}, which "
            f"{RADIONUCLIDE_CODE} names: enter the true one as override half_life_s",
            stored,
            journal.series_uid,
        )
    journal.step(
        f"Half-life {stored:g} s from {HALF_LIFE}; {nuclide.name} by {RADIONUCLIDE_CODE} has "
        f"{nuclide.half_life_s:g} s (difference {100 * deviation:.2f} %)."
    )
    return HalfLife(stored, nuclide.name)


def _entered(half_life_s: float, nuclide: Nuclide | None, rules: DerivationRules, journal: Journal) -> HalfLife:
    journal.step(f"Half-life {half_life_s:g} s, entered by the reader.")
    if nuclide is not None and abs(half_life_s / nuclide.half_life_s - 1.0) > rules.deviation_limit:
        journal.warn(f"The half-life entered is not that of {nuclide.name} ({nuclide.half_life_s:g} s).")
        return HalfLife(half_life_s, _nuclide_by_half_life(half_life_s, rules))
    return HalfLife(half_life_s, nuclide.name if nuclide else _nuclide_by_half_life(half_life_s, rules))


def _from_tag_alone(stored: float, code: Code | None, rules: DerivationRules, journal: Journal) -> HalfLife:
    name = _nuclide_by_half_life(stored, rules)
    which = f"that of {name}" if name else "of a nuclide that is not in the table"
    journal.step(f"Half-life {stored:g} s from {HALF_LIFE}, {which} ({RADIONUCLIDE_CODE} is {_words(code)}).")
    return HalfLife(stored, name)


def _nuclide_by_half_life(half_life_s: float, rules: DerivationRules) -> str | None:
    for nuclide in NUCLIDES:
        if abs(half_life_s / nuclide.half_life_s - 1.0) <= rules.deviation_limit:
            return nuclide.name
    return None
