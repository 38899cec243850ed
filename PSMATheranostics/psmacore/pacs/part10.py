"""A DICOM file to the UIDs that identify it, once it is known to be whole."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom.config import IGNORE
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

_STUDY, _SERIES, _INSTANCE, _CLASS, _ROWS = 0x0020000D, 0x0020000E, 0x00080018, 0x00080016, 0x00280010
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_DEFER_BYTES = 4096
_MAX_INFLATED_BYTES = 2**30  # a small file may promise any size
_UNDEFINED = 0xFFFFFFFF
_META_LENGTH, _SYNTAX = 0x00020000, 0x00020010
_META_START = 132 + 12  # preamble, prefix, and the group length element itself (PS3.10 7.1)
# What pydicom raises on bytes that are not as it expects them.
_UNREADABLE = (
    *(InvalidDicomError, BytesLengthException, zlib.error, struct.error, EOFError, OSError, NotImplementedError),
    *(AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError),
)
_UID = re.compile(r"[0-9][0-9.]{0,63}")


class BrokenFileError(Exception):
    """The file is no whole DICOM file; never leaves the room."""


@dataclass(frozen=True)
class Identity:
    """The UIDs of an instance, and the size of its file."""

    study_uid: str
    series_uid: str
    sop_instance_uid: str
    n_bytes: int


def is_uid(text: str) -> bool:
    """Return whether the text may be a UID and, so, a file name: digits and dots, 64 at most (PS3.5 9.1)."""
    return _UID.fullmatch(text) is not None


def identify(path: Path) -> Identity:
    """Return the UIDs of a DICOM file after a walk over all of its attributes.

    Large values are skipped, not read; that they lie within the file is checked, which pydicom's
    own reader does not do.

    Raises
    ------
    BrokenFileError
        If the file is not DICOM, ends within an attribute, has rows and no pixels, or lacks a UID.
    """
    try:
        with path.open("rb") as stream:
            return _identity(stream, path.stat().st_size)
    except _UNREADABLE as error:
        raise BrokenFileError(f"no whole DICOM file ({type(error).__name__})") from error


def _identity(stream: BinaryIO, n_bytes: int) -> Identity:
    syntax = _transfer_syntax(stream)
    body, end = _inflated(stream) if syntax == DeflatedExplicitVRLittleEndian else (stream, n_bytes)
    uids: dict[int, str] = {}
    tags: set[int] = set()
    reached = body.tell()
    for element in data_element_generator(
        body, syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian, defer_size=_DEFER_BYTES
    ):
        reached = body.tell()
        if reached > end or _is_cut(element):
            raise EOFError
        tag = int(element.tag)
        tags.add(tag)
        if tag in (_STUDY, _SERIES, _INSTANCE, _CLASS) and isinstance(element.value, bytes):
            uids[tag] = _text(element.value)
    body.seek(reached)
    if body.read().strip(b"\0"):
        raise EOFError  # a piece of an attribute's head
    has_pixels = bool(tags & _PIXELS)
    if not has_pixels and (_ROWS in tags or _is_image(uids.get(_CLASS, ""))):
        raise EOFError
    if not all(is_uid(uids.get(tag, "")) for tag in (_STUDY, _SERIES, _INSTANCE)):
        raise BrokenFileError("an instance without study, series or SOP Instance UID")
    return Identity(uids[_STUDY], uids[_SERIES], uids[_INSTANCE], n_bytes)


def _is_cut(element: object) -> bool:
    """Return whether a value that was read is shorter than its length says."""
    value, length = getattr(element, "value", None), getattr(element, "length", _UNDEFINED)
    return isinstance(value, bytes) and length != _UNDEFINED and len(value) < length


def _transfer_syntax(stream: BinaryIO) -> str:
    """Read the File Meta Information (PS3.10 7.1), leave the stream at the data set, return its encoding."""
    if stream.read(132)[128:] != b"DICM":
        raise InvalidDicomError
    elements = data_element_generator(stream, False, True, _leaves_meta)
    values = {int(element.tag): element.value for element in elements if isinstance(element.value, bytes)}
    if _META_LENGTH in values:
        stream.seek(_META_START + int.from_bytes(values[_META_LENGTH], "little"))
    if _SYNTAX not in values:
        raise EOFError
    return _text(values[_SYNTAX])


def _is_image(sop_class_uid: str) -> bool:
    """Return whether instances of that class hold pixels, so that a cut between two attributes shows."""
    return UID(sop_class_uid, IGNORE).name.endswith(("Image Storage", "Segmentation Storage"))


def _leaves_meta(tag: BaseTag, *_: object) -> bool:
    return tag.group != 2


def _text(value: bytes) -> str:
    return value.decode("ascii").strip(" \0")


def _inflated(stream: BinaryIO) -> tuple[BinaryIO, int]:
    """Return a deflated data set as it was before (PS3.5 A.5) and its length."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(stream.read(), _MAX_INFLATED_BYTES)
    if not inflater.eof:
        raise EOFError
    return BytesIO(data), len(data)
