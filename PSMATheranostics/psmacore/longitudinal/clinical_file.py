"""A file of therapy cycles, laboratory values and medication changes to a clinical course, and back to its record."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from psmacore.errors import InputRefusedError
from psmacore.longitudinal.clinical_columns import (
    ACTIVITY,
    NUMBER_COLUMNS,
    Cell,
    is_empty,
    read_date,
    read_number,
    read_words,
)
from psmacore.model.clinical import Analyte, ClinicalCourse, LabResult, MedicationChange, TherapyCycle

_LISTS = {
    "cycles": ("date", "activity_gbq", "activity_mbq", "agent"),
    "labs": ("date", *(name for name, column in NUMBER_COLUMNS.items() if column.field != ACTIVITY)),
    "medication_changes": ("date", "medication", "change"),
}
_PATIENT = "patient_id"
_CSV_COLUMNS = ("date", *NUMBER_COLUMNS, "agent", "medication", "change", _PATIENT)


def read_clinical_file(path: Path) -> ClinicalCourse:
    """Read what ``--clinical`` names.

    JSON holds ``cycles`` [date, activity_gbq, agent], ``labs`` [date, psa, alp, ldh, hb, egfr], ``medication_changes``
    [date, medication, change] and, if wanted, ``patient_id``. CSV has one row a date with any of these columns, in
    any order, separated by comma or semicolon; a row may hold a cycle, laboratory values and a medication change. Units
    are those of the names (``psa_ng_ml``, ``hb_g_l``); without one: GBq, ng/ml, U/l, g/dl, ml/min/1.73 m2.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.json`` or ``.csv``; UTF-8.

    Returns
    -------
    ClinicalCourse
        In order of date, laboratory values of one day together.

    Raises
    ------
    InputRefusedError
        If the file cannot be read, holds nothing, or a cell does not fit: the message names row, column and value.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefusedError(f"clinical file {path.name} cannot be read as UTF-8 text: {error}") from error
    kind = path.suffix.lower()
    if kind == ".csv":
        course = _of_csv(text)
    elif kind == ".json":
        try:
            course = clinical_of(json.loads(text))
        except json.JSONDecodeError as error:
            raise InputRefusedError(f"{path.name} is no JSON: {error}") from error
    else:
        raise InputRefusedError(f"clinical file {path.name}: known are .json and .csv, not {path.suffix!r}")
    if not (course.cycles or course.labs or course.medication_changes):
        raise InputRefusedError(
            f"clinical file {path.name} holds no cycle, no laboratory value and no medication change"
        )
    return course


def clinical_of(record: object) -> ClinicalCourse:
    """Return the clinical course of a record as JSON holds it; see :func:`read_clinical_file`.

    Raises
    ------
    InputRefusedError
        Naming list, entry, key and value that do not fit.
    """
    if not isinstance(record, Mapping):
        raise InputRefusedError(f"clinical data must be an object with {', '.join(_LISTS)}, not {record!r:.40}")
    lists = {_key(name): content for name, content in record.items()}
    _require_known(lists, (*_LISTS, _PATIENT), "clinical data")
    gathered = _Gathered(patient_id=read_words(lists.pop(_PATIENT, None), _PATIENT) or None)
    for name, content in lists.items():
        if not isinstance(content, list):
            raise InputRefusedError(f"{name}: must be a list, not {content!r:.40}")
        for number, entry in enumerate(content):
            where = f"{name}[{number}]"
            if not isinstance(entry, Mapping):
                raise InputRefusedError(f"{where}: must be an object with {', '.join(_LISTS[name])}, not {entry!r:.40}")
            cells = {_key(key): cell for key, cell in entry.items()}
            _require_known(cells, _LISTS[name], where)
            if not gathered.add(cells, where, f"{where}."):
                raise InputRefusedError(f"{where}: holds a date and nothing else")
    return gathered.course()


def clinical_record(course: ClinicalCourse) -> dict[str, Any]:
    """Return the record of a clinical course that :func:`clinical_of` reads back to an equal one."""
    record: dict[str, Any] = {
        "cycles": [
            {"date": one.date.isoformat(), "activity_gbq": one.activity_gbq, "agent": one.agent}
            for one in course.cycles
        ],
        "labs": [{"date": one.date.isoformat(), **dict(_lab_cells(one))} for one in course.labs],
        "medication_changes": [
            {"date": one.date.isoformat(), "medication": one.medication, "change": one.change}
            for one in course.medication_changes
        ],
    }
    return record if course.patient_id is None else {_PATIENT: course.patient_id, **record}


@dataclass
class _Gathered:
    """A clinical course while its rows come in."""

    cycles: list[TherapyCycle] = field(default_factory=list)
    labs: dict[date, dict[Analyte, Cell]] = field(default_factory=dict)
    changes: list[MedicationChange] = field(default_factory=list)
    patient_id: str | None = None

    def add(self, cells: Mapping[str, object], row: str, prefix: str) -> bool:
        """Take in one row; return whether it held anything beside a date."""
        filled = {name: cell for name, cell in cells.items() if not is_empty(cell)}
        if "date" not in filled:
            raise InputRefusedError(f"{row}: the date is missing")
        day = read_date(filled["date"], f"{prefix}date")
        numbers: dict[str, Cell] = {}
        for name in NUMBER_COLUMNS:
            if name in filled:
                known = NUMBER_COLUMNS[name].field
                if known in numbers:
                    raise InputRefusedError(f"{prefix}{name}: {known} is given twice, in two units")
                numbers[known] = read_number(filled[name], name, f"{prefix}{name}")
        words = {name: read_words(cells.get(name), f"{prefix}{name}") for name in ("agent", "medication", "change")}
        self._add_cycle(day, numbers.pop(ACTIVITY, None), words["agent"], prefix)
        for known, cell in numbers.items():
            self._add_lab(day, Analyte(known), cell, prefix)
        if words["medication"] or words["change"]:
            self.changes.append(MedicationChange(day, words["medication"], words["change"]))
        return len(filled) > 1

    def _add_cycle(self, day: date, activity: Cell | None, agent: str, prefix: str) -> None:
        if activity is not None and activity.is_below:
            raise InputRefusedError(f"{prefix}activity: an activity is a number, not below one")
        if activity is not None or agent:
            self.cycles.append(TherapyCycle(day, None if activity is None else activity.value, agent))

    def _add_lab(self, day: date, analyte: Analyte, cell: Cell, prefix: str) -> None:
        own = self.labs.setdefault(day, {})
        if own.setdefault(analyte, cell) != cell:
            raise InputRefusedError(
                f"{prefix}{analyte.value}: {cell.value:g} {analyte.unit}, but {own[analyte].value:g} was given for the "
                f"same day, {day}"
            )

    def course(self) -> ClinicalCourse:
        """Return all of it in order of date."""
        return ClinicalCourse(
            tuple(sorted(self.cycles, key=lambda one: one.date)),
            tuple(_lab(day, self.labs[day]) for day in sorted(self.labs)),
            tuple(sorted(self.changes, key=lambda one: one.date)),
            self.patient_id,
        )


def _of_csv(text: str) -> ClinicalCourse:
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    gathered = _Gathered()
    try:
        names = [_key(name) for name in next(rows, [])]
        _require_known(names, _CSV_COLUMNS, "row 1")
        if "date" not in names or len(set(names)) < len(names):
            raise InputRefusedError(
                f"row 1: must name each column once and date among them, not {header.strip()!r:.80}"
            )
        for number, cells in enumerate(rows, start=2):
            _add_row(gathered, names, cells, f"row {number}")
    except csv.Error as error:
        raise InputRefusedError(f"row {rows.line_num}: is no CSV: {error}") from error
    return gathered.course()


def _add_row(gathered: _Gathered, names: list[str], cells: list[str], row: str) -> None:
    if all(is_empty(cell) for cell in cells):
        return
    if len(cells) != len(names):
        raise InputRefusedError(f"{row}: has {len(cells)} cells, row 1 names {len(names)} columns")
    named = dict(zip(names, cells, strict=True))
    patient = read_words(named.pop(_PATIENT, None), f"{row}, column {_PATIENT}")
    if patient and gathered.patient_id not in (None, patient):
        raise InputRefusedError(f"{row}, column {_PATIENT}: is another patient than in the rows before")
    gathered.patient_id = gathered.patient_id or patient or None
    if not gathered.add(named, row, f"{row}, column "):
        raise InputRefusedError(f"{row}: holds a date and nothing else")


def _lab(day: date, cells: Mapping[Analyte, Cell]) -> LabResult:
    values = {analyte: cell.value for analyte, cell in cells.items()}
    return LabResult(
        day,
        values.get(Analyte.PSA),
        values.get(Analyte.ALP),
        values.get(Analyte.LDH),
        values.get(Analyte.HB),
        values.get(Analyte.EGFR),
        tuple(analyte for analyte in Analyte if analyte in cells and cells[analyte].is_below),
    )


def _lab_cells(lab: LabResult) -> Iterator[tuple[str, float | str]]:
    for analyte in Analyte:
        value = lab.value(analyte)
        if value is not None:
            yield analyte.value, f"<{value!r}" if analyte in lab.below_detection else value


def _key(name: str) -> str:
    """Return a name as the tables have it: ``Medication changes`` is ``medication_changes``."""
    return "_".join(name.strip().lower().replace("-", " ").split())


def _require_known(names: Mapping[str, object] | list[str], known: tuple[str, ...], where: str) -> None:
    strange = [name for name in names if name not in known]
    if strange:
        raise InputRefusedError(f"{where}: {strange[0]!r} is not known; known are {', '.join(known)}")
