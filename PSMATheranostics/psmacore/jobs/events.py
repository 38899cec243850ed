"""Worker events to one JSON object a line, and such lines back to events."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

_MAX_LINE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Started:
    """The worker has read its job and begins."""

    job: str


@dataclass(frozen=True)
class Progress:
    """How far the worker is: ``fraction`` of the whole job, 0 to 1, in the stage of that name."""

    job: str
    stage: str
    fraction: float


@dataclass(frozen=True)
class Log:
    """A line for the log; ``level`` is one of Python's level names."""

    job: str
    message: str
    level: str = "INFO"


@dataclass(frozen=True)
class Result:
    """The job is done and its folder is whole."""

    job: str
    result: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The job failed: the exit code of the command line, the error's class and its words."""

    job: str
    exit_code: int
    message: str
    error: str = ""


@dataclass(frozen=True)
class Cancelled:
    """The user ended the job."""

    job: str


Event = Started | Progress | Log | Result | Failed | Cancelled
_NAMES: dict[type[Event], str] = {
    Started: "started",
    Progress: "progress",
    Log: "log",
    Result: "result",
    Failed: "failed",
    Cancelled: "cancelled",
}


def to_line(event: Event) -> str:
    """Return the event as one JSON object on one line, with the line end.

    Raises
    ------
    TypeError, ValueError
        If a result holds what JSON cannot.
    """
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)}, allow_nan=False) + "\n"


def from_line(line: str, job: str) -> Event:
    """Return the event of one line; what is no valid event becomes a :class:`Log` of the same words.

    Parameters
    ----------
    line : str
        One line, with or without its end.
    job : str
        Identifier for lines that carry none.
    """
    text = line.strip()
    try:
        record = json.loads(text)
    except ValueError:
        return Log(job, text)
    if not isinstance(record, dict):
        return Log(job, text)
    try:
        return _from_record(record, str(record.get("job", job)))
    except (KeyError, TypeError, ValueError):
        return Log(job, text, "WARNING")


def _from_record(record: dict[str, object], job: str) -> Event:
    match record["event"]:
        case "started":
            return Started(job)
        case "progress":
            fraction = _number(record["fraction"])
            return Progress(job, str(record.get("stage", "")), min(max(fraction, 0.0), 1.0))
        case "log":
            level = str(record.get("level", "INFO")).upper()
            return Log(job, str(record["message"]), level if level in logging.getLevelNamesMapping() else "INFO")
        case "result":
            result = record.get("result", {})
            if not isinstance(result, dict):
                raise TypeError("result must be an object")
            return Result(job, result)
        case "failed":
            code = record.get("exit_code", 1)
            if not isinstance(code, int):
                raise TypeError("exit_code must be an integer")
            return Failed(job, code, str(record.get("message", "")), str(record.get("error", "")))
        case "cancelled":
            return Cancelled(job)
    raise ValueError("unknown event")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("fraction must be a number")
    return float(value)


class EventReader:
    """Pieces of a byte stream to events, however the pieces are cut.

    Parameters
    ----------
    job : str
        Identifier for lines that carry none.
    """

    def __init__(self, job: str) -> None:
        self._job = job
        self._pending = bytearray()

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events of the lines that ``piece`` completes; empty lines are none."""
        self._pending += piece
        if b"\n" not in piece and len(self._pending) < _MAX_LINE_BYTES:
            return []
        *lines, rest = bytes(self._pending).split(b"\n")
        if len(rest) >= _MAX_LINE_BYTES:
            lines, rest = [*lines, rest], b""
        self._pending = bytearray(rest)
        return self._events(lines)

    def close(self) -> list[Event]:
        """Return the event of an unfinished last line, if there is one."""
        lines, self._pending = [bytes(self._pending)], bytearray()
        return self._events(lines)

    def _events(self, lines: list[bytes]) -> list[Event]:
        texts = (line.decode("utf-8", errors="replace") for line in lines)
        return [from_line(text, self._job) for text in texts if text.strip()]
