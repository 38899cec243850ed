"""Parsed instances to an index that can be searched, and back to what is stored."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from web_bridge.errors import StoreFullError
from web_bridge.store.dicom_json import DicomJson, number_value, text_value
from web_bridge.store.levels import Level, attributes_of
from web_bridge.store.parse import ParsedInstance
from web_bridge.store.query import Query, statement_for
from web_bridge.store.schema import connect, create, pack, unpack


@dataclass(frozen=True)
class StoredInstance:
    """One instance of the index; see `ParsedInstance` for the fields.

    ``attributes_json`` holds the attributes of `Level.INSTANCE` as JSON text.
    """

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    digest: str
    size: int
    pixel_offset: int | None
    pixel_length: int | None
    attributes_json: str

    @property
    def attributes(self) -> DicomJson:
        """Attributes of `Level.INSTANCE`."""
        return _load(self.attributes_json)


@dataclass(frozen=True)
class Match:
    """One row of a search: identity, attributes of its levels and what the archive counts."""

    study_uid: str
    series_uid: str | None
    sop_uid: str | None
    study: DicomJson
    series: DicomJson
    instance: DicomJson
    modalities: tuple[str, ...]
    n_series: int | None
    n_instances: int | None
    transfer_syntax_uid: str | None


_INSTANCE_COLUMNS = (
    "study_uid, series_uid, sop_uid, sop_class_uid, transfer_syntax_uid, digest, size, pixel_offset, pixel_length, "
    "attributes"
)
_INSTANCE_ORDER = "ORDER BY series_uid, instance_number, sop_uid"


class Index:
    """The index of one store: any number of readers, one writer.

    Parameters
    ----------
    path : Path
        The SQLite file; created where absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._write_lock = threading.RLock()
        self._writer = connect(path, writable=True)
        create(self._writer)
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()

    def close(self) -> None:
        """Close every connection; the write-ahead log is folded in."""
        with self._write_lock:
            self._writer.close()
        while not self._idle.empty():
            self._idle.get_nowait().close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the writer; all is kept or nothing."""
        with self._write_lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield
                self._writer.execute("COMMIT")
            except BaseException as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                    raise StoreFullError("the disk of the store is full; nothing of this request was stored") from error
                raise

    def stored(self, sop_uid: str) -> StoredInstance | None:
        """Return the instance with that UID as the writer sees it; call inside `transaction`."""
        sql = f"SELECT {_INSTANCE_COLUMNS} FROM instances WHERE sop_uid = ?"  # noqa: S608
        row = self._writer.execute(sql, (sop_uid,)).fetchone()
        return None if row is None else StoredInstance(*row)

    def study_of_series(self, series_uid: str) -> str | None:
        """Return the study that a series belongs to; call inside `transaction`."""
        row = self._writer.execute("SELECT study_uid FROM series WHERE series_uid = ?", (series_uid,)).fetchone()
        return None if row is None else str(row[0])

    def insert(self, instance: ParsedInstance) -> None:
        """Add an instance, its series and its study; call inside `transaction`."""
        meta = instance.metadata
        study, series = attributes_of(meta, Level.STUDY), attributes_of(meta, Level.SERIES)
        self._writer.execute(
            "INSERT OR IGNORE INTO studies VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                instance.study_uid,
                *(text_value(meta, tag) for tag in ("00100020", "00100010", "00080020", "00080030", "00080050")),
                _dump(study),
            ),
        )
        self._writer.execute(
            "INSERT OR IGNORE INTO series (series_uid, study_uid, modality, series_number, attributes) "
            "VALUES (?, ?, ?, ?, ?)",
            (
                instance.series_uid,
                instance.study_uid,
                text_value(meta, "00080060"),
                number_value(meta, "00200011"),
                _dump(series),
            ),
        )
        self._writer.execute(
            "INSERT INTO instances (sop_uid, series_uid, study_uid, sop_class_uid, instance_number, "
            "transfer_syntax_uid, digest, size, pixel_offset, pixel_length, attributes) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                instance.sop_uid,
                instance.series_uid,
                instance.study_uid,
                instance.sop_class_uid,
                number_value(meta, "00200013"),
                instance.transfer_syntax_uid,
                instance.digest,
                instance.size,
                instance.pixel_offset,
                instance.pixel_length,
                _dump(attributes_of(meta, Level.INSTANCE)),
            ),
        )
        self._writer.execute(
            "INSERT INTO metadata VALUES (?, ?)", (instance.sop_uid, pack(_dump(meta).encode("utf-8")))
        )

    def delete(self, instances: Sequence[StoredInstance]) -> None:
        """Remove instances, and the series and studies that they leave empty; call inside `transaction`."""
        self._writer.executemany("DELETE FROM instances WHERE sop_uid = ?", [(item.sop_uid,) for item in instances])
        for series_uid in {item.series_uid for item in instances}:
            self._writer.execute(
                "DELETE FROM series WHERE series_uid = ?1 "
                "AND NOT EXISTS (SELECT 1 FROM instances WHERE series_uid = ?1)",
                (series_uid,),
            )
        for study_uid in {item.study_uid for item in instances}:
            self._writer.execute(
                "DELETE FROM studies WHERE study_uid = ?1 AND NOT EXISTS (SELECT 1 FROM series WHERE study_uid = ?1)",
                (study_uid,),
            )

    def all_uids(self) -> set[tuple[str, str, str]]:
        """Return (study, series, instance) UID of everything indexed."""
        rows = self._read("SELECT study_uid, series_uid, sop_uid FROM instances", ())
        return {(str(study), str(series), str(sop)) for study, series, sop in rows}

    def instances(
        self, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> list[StoredInstance]:
        """Return the instances of a study, series or the one instance, by series and number; empty where none."""
        where, parameters = _scope(study_uid, series_uid, sop_uid)
        sql = f"SELECT {_INSTANCE_COLUMNS} FROM instances WHERE {where} {_INSTANCE_ORDER}"  # noqa: S608
        return [StoredInstance(*row) for row in self._read(sql, parameters)]

    def metadata(
        self, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> list[tuple[StoredInstance, bytes]]:
        """Return each instance with its metadata as UTF-8 JSON text, marks in place of bulk data."""
        where, parameters = _scope(study_uid, series_uid, sop_uid)
        tables = "instances JOIN metadata USING (sop_uid)"
        sql = f"SELECT {_INSTANCE_COLUMNS}, json FROM {tables} WHERE {where} {_INSTANCE_ORDER}"  # noqa: S608
        return [(StoredInstance(*row[:-1]), unpack(row[-1])) for row in self._read(sql, parameters)]

    def search(self, query: Query) -> list[Match]:
        """Return what matches, in a stable order."""
        statement = statement_for(query)
        return [_match(row) for row in self._read(statement.sql, statement.parameters)]

    def _read(self, sql: str, parameters: Sequence[str | int]) -> list[tuple[Any, ...]]:
        with self._reading() as connection:
            return connection.execute(sql, parameters).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; there are as many as were ever needed at the same time."""
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = connect(self._path, writable=False)
        try:
            yield connection
        finally:
            self._idle.put(connection)


def _scope(study_uid: str, series_uid: str | None, sop_uid: str | None) -> tuple[str, tuple[str, ...]]:
    uids = {"study_uid": study_uid, "series_uid": series_uid, "sop_uid": sop_uid}
    given = {column: uid for column, uid in uids.items() if uid is not None}
    return " AND ".join(f"{column} = ?" for column in given), tuple(given.values())


def _match(row: Sequence[object]) -> Match:
    study_uid, series_uid, sop_uid, study, series, instance, modalities, n_series, n_instances, syntax = row
    return Match(
        study_uid=str(study_uid),
        series_uid=None if series_uid is None else str(series_uid),
        sop_uid=None if sop_uid is None else str(sop_uid),
        study=_load(study),
        series=_load(series),
        instance=_load(instance),
        modalities=tuple(str(modalities).split("\\")) if modalities else (),
        n_series=n_series if isinstance(n_series, int) else None,
        n_instances=n_instances if isinstance(n_instances, int) else None,
        transfer_syntax_uid=None if syntax is None else str(syntax),
    )


def _dump(attributes: DicomJson) -> str:
    return json.dumps(attributes, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _load(text: object) -> DicomJson:
    loaded: DicomJson = json.loads(text) if isinstance(text, str) else {}
    return loaded
