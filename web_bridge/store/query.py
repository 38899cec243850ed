"""A QIDO-RS search to one SQL statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from web_bridge.errors import BadRequestError
from web_bridge.store.levels import LEVEL_TAGS, Level, level_of, vr_of
from web_bridge.store.matching import check_key, glob_of, has_wildcard, split_list, split_range

MODALITIES_IN_STUDY = "00080061"
COMPUTED_TAGS = frozenset({"00080056", "00081190", "00201206", "00201208", "00201209", "00083002"})
"""Answered by the archive itself and so not to be searched for."""
MAX_RESULTS = 10_000


class Order(StrEnum):
    """How studies follow each other: the newest first, or by patient with dates in order."""

    NEWEST = "newest"
    PATIENT = "patient"


@dataclass(frozen=True)
class Filter:
    """One attribute that must match; ``tag`` in eight hex digits."""

    tag: str
    value: str


@dataclass(frozen=True)
class Query:
    """A search at one level (DICOM PS3.18 10.6.1).

    Parameters
    ----------
    include : frozenset of str
        Tags to be returned beside the usual ones.
    include_all : bool
        Return every attribute of the level.
    limit : int
        At most `MAX_RESULTS`.
    """

    level: Level
    filters: tuple[Filter, ...] = ()
    study_uid: str | None = None
    series_uid: str | None = None
    include: frozenset[str] = field(default_factory=frozenset)
    include_all: bool = False
    limit: int = MAX_RESULTS
    offset: int = 0
    fuzzy: bool = False
    order: Order = Order.NEWEST


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters; values never enter the text."""

    sql: str
    parameters: tuple[str | int, ...]


_FROM = {
    Level.STUDY: "studies s",
    Level.SERIES: "series e JOIN studies s ON s.study_uid = e.study_uid",
    Level.INSTANCE: (
        "instances i JOIN series e ON e.series_uid = i.series_uid JOIN studies s ON s.study_uid = i.study_uid"
    ),
}
_COLUMNS = {
    Level.STUDY: (
        "s.study_uid, NULL, NULL, s.attributes, NULL, NULL, "
        "(SELECT group_concat(m, '\\') FROM (SELECT DISTINCT modality m FROM series WHERE study_uid = s.study_uid "
        "AND modality <> '' ORDER BY m)), "
        "(SELECT count(*) FROM series WHERE study_uid = s.study_uid), "
        "(SELECT count(*) FROM instances WHERE study_uid = s.study_uid), NULL"
    ),
    Level.SERIES: (
        "e.study_uid, e.series_uid, NULL, s.attributes, e.attributes, NULL, NULL, NULL, "
        "(SELECT count(*) FROM instances WHERE series_uid = e.series_uid), NULL"
    ),
    Level.INSTANCE: (
        "i.study_uid, i.series_uid, i.sop_uid, s.attributes, e.attributes, i.attributes, NULL, NULL, NULL, "
        "i.transfer_syntax_uid"
    ),
}
_ORDER = {
    (Level.STUDY, Order.NEWEST): "s.study_date DESC, s.study_time DESC, s.study_uid",
    (Level.STUDY, Order.PATIENT): "s.patient_id, s.study_date, s.study_time, s.study_uid",
    (Level.SERIES, Order.NEWEST): "e.study_uid, e.series_number, e.arrival",
    (Level.INSTANCE, Order.NEWEST): "i.series_uid, i.instance_number, i.sop_uid",
}
# Attributes with a column of their own, and so an index.
_INDEXED = {
    "0020000D": "s.study_uid",
    "00100020": "s.patient_id",
    "00080020": "s.study_date",
    "00080050": "s.accession_number",
    "00080060": "e.modality",
    "0020000E": "e.series_uid",
    "00080018": "i.sop_uid",
    "00080016": "i.sop_class_uid",
}
_ALIAS = {Level.STUDY: "s", Level.SERIES: "e", Level.INSTANCE: "i"}
_RANK = {Level.STUDY: 0, Level.SERIES: 1, Level.INSTANCE: 2}


def statement_for(query: Query) -> Statement:
    """Return the statement whose rows are (study, series and instance UID, their attributes, counts, syntax).

    Raises
    ------
    BadRequestError
        If a key is malformed or cannot be searched for.
    """
    conditions: list[str] = []
    parameters: list[str | int] = []
    for column, uid in (("s.study_uid", query.study_uid), ("e.series_uid", query.series_uid)):
        if uid is not None:
            conditions.append(f"{column} = ?")
            parameters.append(uid)
    for key in query.filters:
        condition = _condition(key, query)
        if condition is not None:
            conditions.append(condition.sql)
            parameters.extend(condition.parameters)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = _ORDER.get((query.level, query.order)) or _ORDER[query.level, Order.NEWEST]
    sql = f"SELECT {_COLUMNS[query.level]} FROM {_FROM[query.level]}{where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
    return Statement(sql, (*parameters, query.limit, query.offset))


def _condition(key: Filter, query: Query) -> Statement | None:
    if key.value in ("", "*", '""'):
        return None
    if key.tag in COMPUTED_TAGS:
        raise BadRequestError(f"{key.tag} is computed by the archive and cannot be searched for")
    if key.tag == MODALITIES_IN_STUDY:
        inner = _indexed("m.modality", "CS", key.value)
        sql = f"EXISTS (SELECT 1 FROM series m WHERE m.study_uid = s.study_uid AND {inner.sql})"  # noqa: S608
        return Statement(sql, inner.parameters)
    vr = vr_of(key.tag)
    check_key(key.tag, vr, key.value)
    level = level_of(key.tag)
    inner = _own_condition(key, vr, level, fuzzy=query.fuzzy)
    if _RANK[level] <= _RANK[query.level]:
        return inner
    return Statement(_exists(level, query.level, inner.sql), inner.parameters)


def _own_condition(key: Filter, vr: str, level: Level, *, fuzzy: bool) -> Statement:
    if key.tag in _INDEXED:
        return _indexed(_INDEXED[key.tag], vr, key.value)
    if key.tag == "00100010":
        return Statement("name_match(?, s.patient_name, ?)", (key.value, int(fuzzy)))
    attributes = f"{_ALIAS[level]}.attributes"
    if level is Level.INSTANCE and key.tag not in LEVEL_TAGS[level]:
        attributes = "(SELECT json FROM metadata WHERE sop_uid = i.sop_uid)"
    return Statement(f"dicom_match(?, ?, {attributes}, ?)", (vr, key.value, key.tag))


def _indexed(column: str, vr: str, value: str) -> Statement:
    if vr == "DA":
        return _date_range(column, value)
    if vr in ("UI", "CS"):
        items = split_list(value)
        if any(has_wildcard(item) for item in items):
            return Statement(
                f"({' OR '.join(f'{column} GLOB ?' for _ in items)})", tuple(glob_of(item) for item in items)
            )
        return Statement(f"{column} IN ({', '.join('?' for _ in items)})", tuple(items))
    if has_wildcard(value):
        return Statement(f"{column} GLOB ?", (glob_of(value),))
    return Statement(f"{column} = ?", (value,))


def _date_range(column: str, value: str) -> Statement:
    low, high = split_range(value, "DA")
    if low and high:
        return Statement(f"{column} BETWEEN ? AND ?", (low, high))
    if low:
        return Statement(f"{column} >= ?", (low,))
    return Statement(f"({column} <= ? AND {column} <> '')", (high,))


def _exists(level: Level, asked: Level, condition: str) -> str:
    """Ask about something below the level searched: a study matches if one of its series (instances) does."""
    outer = "s.study_uid" if asked is Level.STUDY else "e.series_uid"
    if level is Level.SERIES:
        return f"EXISTS (SELECT 1 FROM series e WHERE e.study_uid = {outer} AND {condition})"  # noqa: S608
    column = "study_uid" if asked is Level.STUDY else "series_uid"
    return f"EXISTS (SELECT 1 FROM instances i WHERE i.{column} = {outer} AND {condition})"  # noqa: S608
