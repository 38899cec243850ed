"""Patient's weight, size and sex as stored to kg, m and a sex, with their units judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

from psmacore.model.administration import PatientBody
from psmacore.suv.attributes import SEX, SIZE, WEIGHT
from psmacore.suv.journal import Journal
from psmacore.suv.overrides import ReaderEntries
from psmacore.suv.rules import DerivationRules

_G_PER_KG = 1000.0
_CM_PER_M = 100.0


@dataclass(frozen=True)
class BodyMeasures:
    """Body measures as used; ``None`` where the header gives nothing usable. Sex is M, F or O."""

    weight_kg: float | None
    height_m: float | None
    sex: str


def weight_of(body: PatientBody, entries: ReaderEntries, rules: DerivationRules, journal: Journal) -> float:
    """Return the body weight in kg.

    Raises
    ------
    DicomInputError
        If (0010,1030) Patient's Weight is absent, zero, negative or no weight of a human, and the
        reader entered none.

    References
    ----------
    Comprehensive Manual for SUV Computation (OncoRay/IBSI, 2026): values above 1000 are in g.
    """
    if entries.weight_kg is not None:
        journal.step(f"Body weight {entries.weight_kg:g} kg, entered by the reader.")
        return entries.weight_kg
    weight = body.weight
    if weight is None or not math.isfinite(weight) or weight <= 0:
        raise WEIGHT.refused(
            "no SUV without the body weight: enter it as override weight_kg", weight, journal.series_uid
        )
    if weight > rules.weight_g_above:
        journal.warn(f"{WEIGHT} is {weight:g}, read as g: {weight / _G_PER_KG:g} kg.")
        return weight / _G_PER_KG
    lightest_kg = 0.3
    looks_swapped = weight < rules.height_cm_above and body.size is not None and body.size > rules.height_cm_above
    if weight > rules.heaviest_kg or weight < lightest_kg or looks_swapped:
        raise WEIGHT.refused(
            f"no weight of a human in kg (Patient's Size is {body.size}): enter it as override weight_kg",
            weight,
            journal.series_uid,
        )
    journal.step(f"Body weight {weight:g} kg from {WEIGHT}.")
    return weight


def height_of(
    body: PatientBody, weight_kg: float | None, entries: ReaderEntries, rules: DerivationRules, journal: Journal
) -> float | None:
    """Return the height in m, or ``None`` with a warning where Patient's Size gives none.

    Parameters
    ----------
    body : PatientBody
        As stored. A size above 3 is read as cm; it sometimes holds the weight.
    weight_kg : float or None
        The weight as used, for the body mass index that a height must make.
    entries, rules, journal
        The reader's values, the limits, and where the words go.
    """
    if entries.height_m is not None:
        journal.step(f"Height {entries.height_m:g} m, entered by the reader.")
        return entries.height_m
    size = body.size
    if size is None or not math.isfinite(size) or size <= 0:
        journal.warn(
            f"{SIZE} is {'absent' if size is None else f'{size:g}'}: no SUV by lean body mass, ideal body weight or "
            "body surface area."
        )
        return None
    height_m = size / _CM_PER_M if size > rules.height_cm_above else size
    lowest, highest = rules.height_range_m
    is_plausible = lowest <= height_m <= highest
    if is_plausible and weight_kg is not None:
        leanest, heaviest = rules.bmi_range
        is_plausible = leanest <= weight_kg / height_m**2 <= heaviest
    if not is_plausible or _holds_the_weight(size, body.weight, rules):
        journal.warn(
            f"{SIZE} is {size:g}, which is no height for this weight and may be the weight itself: it is not used; no "
            "SUV by lean body mass, ideal body weight or body surface area."
        )
        return None
    if height_m != size:
        journal.warn(f"{SIZE} is {size:g}, read as cm: {height_m:g} m.")
    else:
        journal.step(f"Height {height_m:g} m from {SIZE}.")
    return height_m


def _holds_the_weight(size: float, stored_weight: float | None, rules: DerivationRules) -> bool:
    if stored_weight is None or size <= rules.height_cm_above:
        return False
    return abs(size - stored_weight) <= rules.same_number_within * stored_weight


def sex_of(body: PatientBody, entries: ReaderEntries, journal: Journal) -> str:
    """Return ``M``, ``F``, or ``O`` where Patient's Sex is another, empty or absent."""
    if entries.sex is not None:
        journal.step(f"Sex {entries.sex}, entered by the reader.")
        return entries.sex
    stored = body.sex.strip().upper()
    if stored in ("M", "F"):
        journal.step(f"Sex {stored} from {SEX}.")
        return stored
    return "O"
