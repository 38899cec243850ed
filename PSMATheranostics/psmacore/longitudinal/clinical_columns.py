"""The cells of a clinical file to dates, numbers in the model's units and words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime

from psmacore.errors import InputRefusedError
from psmacore.model.clinical import Analyte

_DA = re.compile(r"\d{8}")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers.

    Parameters
    ----------
    field : str
        What it holds: ``activity`` or the name of an analyte.
    factor : float
        From its unit to the model's.
    """

    field: str
    factor: float = 1.0


@dataclass(frozen=True)
class Cell:
    """A number as it was read, in the model's unit; ``is_below`` where it was given as ``<0.01``."""

    value: float
    is_below: bool = False


ACTIVITY = "activity"

NUMBER_COLUMNS = {
    "activity_gbq": NumberColumn(ACTIVITY),
    "activity_mbq": NumberColumn(ACTIVITY, 1e-3),
    "psa": NumberColumn(Analyte.PSA.value),
    "psa_ng_ml": NumberColumn(Analyte.PSA.value),
    "psa_ug_l": NumberColumn(Analyte.PSA.value),
    "alp": NumberColumn(Analyte.ALP.value),
    "alp_u_l": NumberColumn(Analyte.ALP.value),
    "alp_ukat_l": NumberColumn(Analyte.ALP.value, 60.0),  # 1 kat is 1 mol/s, 1 U is 1 umol/min
    "ldh": NumberColumn(Analyte.LDH.value),
    "ldh_u_l": NumberColumn(Analyte.LDH.value),
    "ldh_ukat_l": NumberColumn(Analyte.LDH.value, 60.0),
    "hb": NumberColumn(Analyte.HB.value),
    "hb_g_dl": NumberColumn(Analyte.HB.value),
    "hb_g_l": NumberColumn(Analyte.HB.value, 0.1),
    "hb_mmol_l": NumberColumn(Analyte.HB.value, 1.6114),  # of the monomer, 16.114 kg/mol
    "egfr": NumberColumn(Analyte.EGFR.value),
    "egfr_ml_min_173m2": NumberColumn(Analyte.EGFR.value),
}
"""Columns by name. Without a unit in the name, the model's is meant."""

CREDIBLE = {
    ACTIVITY: (0.05, 20.0, "GBq"),
    Analyte.PSA.value: (0.0, 50_000.0, Analyte.PSA.unit),
    Analyte.ALP.value: (1.0, 20_000.0, Analyte.ALP.unit),
    Analyte.LDH.value: (10.0, 50_000.0, Analyte.LDH.unit),
    Analyte.HB.value: (2.0, 25.0, Analyte.HB.unit),
    Analyte.EGFR.value: (0.0, 250.0, Analyte.EGFR.unit),
}
"""What a living patient can have: wide, to catch a wrong unit (7400 for GBq, 132 for g/dl) and not an illness."""


def is_empty(cell: object) -> bool:
    """Return whether a cell holds nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def read_date(cell: object, where: str) -> date:
    """Return the date of a cell: ``2026-03-05``, or ``20260305`` as DICOM writes it.

    Raises
    ------
    InputRefusedError
        If it is none of the two; day and month of other forms may be confused.
    """
    text = cell.strip() if isinstance(cell, str) else ""
    try:
        if _DA.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  a date has no time zone
        if _ISO.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise InputRefusedError(f"{where}: {cell!r} is no date of the calendar") from error
    raise InputRefusedError(f"{where}: {cell!r} is no date; write it as 2026-03-05")


def read_number(cell: object, column: str, where: str) -> Cell:
    """Return the number of a cell in the model's unit; ``<0.01`` gives the limit and says so.

    Raises
    ------
    InputRefusedError
        If it is no number, has a decimal comma, or is not credible in its unit.
    """
    known = NUMBER_COLUMNS[column]
    is_below = isinstance(cell, str) and cell.strip().startswith("<")
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        raise InputRefusedError(f"{where}: {cell!r} is no number")
    text = str(cell).strip().removeprefix("<").strip()
    if "," in text:
        raise InputRefusedError(f"{where}: {cell!r} has a comma; write decimals with a point and no thousands mark")
    try:
        value = float(text)
    except ValueError as error:
        raise InputRefusedError(f"{where}: {cell!r} is no number") from error
    value *= known.factor
    lowest, highest, unit = CREDIBLE[known.field]
    if not math.isfinite(value) or not lowest <= value <= highest:
        others = [name for name, one in NUMBER_COLUMNS.items() if one.field == known.field and name != column]
        raise InputRefusedError(
            f"{where}: {cell!r} gives {value:g} {unit}, credible are {lowest:g} to {highest:g}. "
            f"For another unit name the column {', '.join(others)}"
        )
    return Cell(value, is_below)


def read_words(cell: object, where: str) -> str:
    """Return the words of a cell; empty where it holds nothing.

    Raises
    ------
    InputRefusedError
        If it holds something else than words.
    """
    if is_empty(cell):
        return ""
    if not isinstance(cell, str):
        raise InputRefusedError(f"{where}: {cell!r} is not text")
    return " ".join(cell.split())
