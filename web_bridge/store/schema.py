"""The SQLite tables of the index."""

from __future__ import annotations

import json
import sqlite3
import zlib
from pathlib import Path

from web_bridge.store.matching import match_name, matches

VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS studies (
    study_uid TEXT PRIMARY KEY, patient_id TEXT, patient_name TEXT, study_date TEXT, study_time TEXT,
    accession_number TEXT, attributes TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS studies_by_patient ON studies (patient_id, study_date, study_time);
CREATE INDEX IF NOT EXISTS studies_by_date ON studies (study_date DESC, study_time DESC, study_uid);
CREATE INDEX IF NOT EXISTS studies_by_accession ON studies (accession_number);
CREATE TABLE IF NOT EXISTS series (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT, series_uid TEXT NOT NULL UNIQUE,
    study_uid TEXT NOT NULL REFERENCES studies ON DELETE CASCADE,
    modality TEXT, series_number INTEGER, attributes TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS series_of_study ON series (study_uid, modality);
CREATE INDEX IF NOT EXISTS series_by_modality ON series (modality, study_uid);
CREATE TABLE IF NOT EXISTS instances (
    sop_uid TEXT PRIMARY KEY, series_uid TEXT NOT NULL REFERENCES series (series_uid) ON DELETE CASCADE,
    study_uid TEXT NOT NULL, sop_class_uid TEXT NOT NULL, instance_number INTEGER,
    transfer_syntax_uid TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    pixel_offset INTEGER, pixel_length INTEGER, attributes TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS instances_of_series ON instances (series_uid, instance_number, sop_uid);
CREATE INDEX IF NOT EXISTS instances_of_study ON instances (study_uid);
CREATE TABLE IF NOT EXISTS metadata (
    sop_uid TEXT PRIMARY KEY REFERENCES instances ON DELETE CASCADE, json BLOB NOT NULL
);
"""
_TABLES = ("metadata", "instances", "series", "studies")


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open the index; readers never wait for the writer (write-ahead log).

    SQL gains the functions ``dicom_match(vr, value, attributes, tag)``, which takes attributes as DICOM
    JSON, plain or compressed, and ``name_match(value, name, fuzzy)``.
    """
    connection = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -16000")
    if writable:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    else:
        connection.execute("PRAGMA query_only = ON")
    connection.create_function("dicom_match", 4, _dicom_match, deterministic=True)
    connection.create_function("name_match", 3, _name_match, deterministic=True)
    return connection


def create(connection: sqlite3.Connection) -> None:
    """Create the tables; an index of another version is emptied, and filled again from the files."""
    if int(connection.execute("PRAGMA user_version").fetchone()[0]) != VERSION:
        for table in _TABLES:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def pack(metadata: bytes) -> bytes:
    """Return metadata as the index keeps it."""
    return zlib.compress(metadata, 3)


def unpack(blob: bytes) -> bytes:
    """Return the bytes given to `pack`."""
    return zlib.decompress(blob)


def _dicom_match(vr: str, value: str, attributes: str | bytes, tag: str) -> bool:
    text = attributes if isinstance(attributes, str) else unpack(attributes)
    return matches(vr, value, json.loads(text), tag)


def _name_match(value: str, name: str | None, fuzzy: int) -> bool:
    return match_name(value, name or "", fuzzy=bool(fuzzy))
