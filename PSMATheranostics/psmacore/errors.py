"""The exceptions of the core, and the exit code that each of them means at the command line.

::

    PsmaError                      1  unexpected
    ├── UsageError                 2  the command was called wrongly
    ├── InputRefusedError          3  the input cannot give a safe result
    │   ├── DicomInputError        3  names the attribute, its tag and the value met
    │   ├── GeometryError          3  slices do not make one volume, or two grids do not match
    │   └── StudyContentError      3  the study lacks a series that is needed
    ├── PacsError                  4  PACS or network
    │   ├── PacsConnectionError    4  unreachable, timed out or closed half way
    │   ├── PacsAccessError        4  refused: 401 or 403
    │   └── PacsTransferError      4  answered, but not with what was asked for
    ├── ModelError                 5  model missing or unfit
    │   ├── ModelMissingError      5
    │   └── ModelUnfitError        5  tracer, licence or checksum
    ├── TrainingError              1  a training diverged, ran out of memory or cannot go on
    └── CancelledError           130  the user ended the job
"""

from __future__ import annotations

from typing import ClassVar


class PsmaError(Exception):
    """Root of all errors that the core raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(PsmaError):
    """The command or function was called in a way that it does not offer."""

    exit_code = 2


class InputRefusedError(PsmaError):
    """The input is readable or not, but no safe result can be made from it."""

    exit_code = 3


class DicomInputError(InputRefusedError):
    """A DICOM attribute is missing or holds a value that forbids the result.

    Parameters
    ----------
    reason : str
        What is wrong, in words that tell the user what to do.
    tag : int, optional
        The attribute's tag, for example ``0x00101030``.
    keyword : str
        The attribute's name as users know it, for example ``Patient's Weight``.
    value : object
        The value met; ``None`` where it is absent.
    where : str
        The series UID or file name that the attribute was read from.
    """

    def __init__(
        self, reason: str, *, tag: int | None = None, keyword: str = "", value: object = None, where: str = ""
    ) -> None:
        self.reason = reason
        self.tag = tag
        self.keyword = keyword
        self.value = value
        self.where = where
        head = f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword}: " if tag is not None else ""
        met = "" if tag is None else f" [value met: {'absent' if value is None else repr(value)}]"
        tail = f" in {where}" if where else ""
        super().__init__(f"{head}{reason}{met}{tail}")


class GeometryError(InputRefusedError):
    """Slices do not make one volume, or two grids that must match do not."""


class StudyContentError(InputRefusedError):
    """The study lacks a series, or holds several where one is needed."""


class PacsError(PsmaError):
    """The PACS or the network failed."""

    exit_code = 4


class PacsConnectionError(PacsError):
    """The server could not be reached, timed out or closed the connection half way."""


class PacsAccessError(PacsError):
    """The server refused the user (HTTP 401 or 403)."""


class PacsTransferError(PacsError):
    """The server answered, but not with what was asked for."""


class ModelError(PsmaError):
    """A model is missing or does not fit the study."""

    exit_code = 5


class ModelMissingError(ModelError):
    """No model of that name is registered, or its weights are absent."""


class ModelUnfitError(ModelError):
    """The model may not be used here: tracer, scan range, licence or checksum."""


class TrainingError(PsmaError):
    """A training diverged, ran out of memory or cannot go on from what was left of it."""


class CancelledError(PsmaError):
    """The user ended the job."""

    exit_code = 130
