"""A job to job.json in its folder, for the worker process to read back."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from psmacore.errors import UsageError

JOB_FILE = "job.json"
_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEYS = frozenset({"job", "kind", "inputs", "parameters", "out"})


class JobKind(StrEnum):
    """What a worker can be asked to do."""

    ANALYSE = "analyse"
    COMPARE = "compare"
    TRAIN = "train"
    EVALUATE = "evaluate"


def new_job_id() -> str:
    """Return a fresh identifier, 32 hexadecimal digits, that tells nothing of the patient."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Job:
    """One piece of work for a worker process.

    Parameters
    ----------
    kind : JobKind
        What to do.
    inputs, parameters : mapping of str to JSON value
        What to read and how to treat it. Passwords and tokens do not belong here: the file lies on
        disk while the worker runs; hand them over in the worker's environment.
    out : pathlib.Path
        Folder that holds the results once the job is done; made absolute, links followed.
    job : str
        Identifier, letters, digits, ``_`` and ``-`` only; it becomes part of a folder's name.

    Raises
    ------
    UsageError
        If the identifier could not be a file name.
    """

    kind: JobKind
    inputs: Mapping[str, object]
    parameters: Mapping[str, object]
    out: Path
    job: str = field(default_factory=new_job_id)

    def __post_init__(self) -> None:
        if not _ID_PATTERN.fullmatch(self.job):
            raise UsageError(f"{JOB_FILE}: job must be 1 to 64 letters, digits, '_' or '-', not {self.job!r}")
        object.__setattr__(self, "out", Path(self.out).expanduser().resolve())

    def to_json(self) -> str:
        """Return the text of job.json.

        Raises
        ------
        UsageError
            If ``inputs`` or ``parameters`` hold what JSON cannot.
        """
        record = {
            "job": self.job,
            "kind": str(self.kind),
            "inputs": dict(self.inputs),
            "parameters": dict(self.parameters),
            "out": str(self.out),
        }
        try:
            return json.dumps(record, indent=1, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise UsageError(f"{JOB_FILE}: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Return the job that the text of a job.json describes.

        Raises
        ------
        UsageError
            If the text is no JSON object, a key is missing, unknown or of the wrong type.
        """
        try:
            record = json.loads(text)
        except ValueError as error:
            raise UsageError(f"{JOB_FILE} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise UsageError(f"{JOB_FILE} must hold one object, not {type(record).__name__}")
        if set(record) != _KEYS:
            wrong = sorted(_KEYS ^ set(record))
            raise UsageError(f"{JOB_FILE}: missing or unknown key: {', '.join(wrong)}")
        for key in ("job", "kind", "out"):
            if not isinstance(record[key], str) or not record[key]:
                raise UsageError(f"{JOB_FILE}: {key} must be text, not {record[key]!r}")
        for key in ("inputs", "parameters"):
            if not isinstance(record[key], dict):
                raise UsageError(f"{JOB_FILE}: {key} must be an object, not {type(record[key]).__name__}")
        if record["kind"] not in set(JobKind):
            raise UsageError(f"{JOB_FILE}: kind must be one of {', '.join(JobKind)}, not {record['kind']!r}")
        return cls(
            kind=JobKind(record["kind"]),
            inputs=record["inputs"],
            parameters=record["parameters"],
            out=Path(record["out"]),
            job=record["job"],
        )


def write_job(job: Job, folder: Path) -> Path:
    """Write ``folder/job.json``, whole or not at all, and return its path."""
    return write_text_whole(folder / JOB_FILE, job.to_json())


def read_job(folder: Path) -> Job:
    """Read ``folder/job.json``.

    Raises
    ------
    UsageError
        If the file is missing or does not describe a job.
    """
    path = folder / JOB_FILE
    try:
        return Job.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{JOB_FILE} cannot be read: {error}") from error


def write_text_whole(path: Path, text: str) -> Path:
    """Write ``text`` aside, flush it to disk and rename it to ``path``."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with aside.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path
