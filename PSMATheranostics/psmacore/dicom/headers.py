"""Attributes of a DICOM dataset to plain Python values, ``None`` or empty where they are absent."""

from __future__ import annotations

import logging
import math
import struct
import zlib
from collections.abc import Sequence as SequenceABC
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_description, dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from psmacore.errors import DicomInputError
from psmacore.model.codes import Code

logger = logging.getLogger(__name__)

# pydicom's warnings on values that break their VR quote the value, so a name could reach a log.
# What matters here is judged below, with the tag named.
config.settings.reading_validation_mode = config.IGNORE

PARSE_ERRORS = (
    InvalidDicomError,
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom raises on bytes that are not what they claim to be."""

_TEXT_NUMBERS = ("DS", "IS")


def name_of(tag: int) -> str:
    """Return the attribute's name in PS3.6; empty where the dictionary has none."""
    return dictionary_description(tag) if dictionary_has_tag(tag) else ""


def refusal(reason: str, tag: int, *, value: object = None, where: str = "") -> DicomInputError:
    """Return the error that names the attribute, its tag and the value met."""
    return DicomInputError(reason, tag=tag, keyword=name_of(tag), value=value, where=where)


def value_of(dataset: Dataset, tag: int) -> Any:
    """Return the attribute's value as pydicom converts it; ``None`` where it is absent or empty.

    Raises
    ------
    DicomInputError
        If the bytes are no value of the attribute's type.
    """
    if tag not in dataset:
        return None
    try:
        value = dataset[tag].value
    except PARSE_ERRORS as error:
        raise refusal("cannot be decoded", tag, value="undecodable bytes", where=place(dataset)) from error
    if value is None or (isinstance(value, str | bytes | MultiValue) and len(value) == 0):
        return None
    return value


def place(dataset: Dataset) -> str:
    """Return ``series UID`` for messages; empty where the dataset names none."""
    try:
        uid = dataset.get("SeriesInstanceUID")
    except PARSE_ERRORS:
        return ""
    return f"series {uid}" if uid else ""


def texts(dataset: Dataset, tag: int) -> tuple[str, ...]:
    """Return all values as stripped text; empty where absent."""
    value = value_of(dataset, tag)
    if value is None:
        return ()
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace").strip("\0 ").split("\\")
    many = value if isinstance(value, MultiValue | list | tuple) else [value]
    return tuple(str(one).strip(" \0") for one in many)


def text(dataset: Dataset, tag: int) -> str:
    """Return the value as stripped text, several joined by a backslash; empty where absent."""
    return "\\".join(texts(dataset, tag))


def _stored_numbers(dataset: Dataset, tag: int) -> SequenceABC[Any]:
    """Return numbers as stored: DS and IS as text, because scanners write fractions into IS."""
    stored: object = dataset.get_item(tag)
    if (
        isinstance(stored, RawDataElement)
        and isinstance(stored.value, bytes)
        and (stored.VR or (dictionary_VR(tag) if dictionary_has_tag(tag) else "")) in _TEXT_NUMBERS
    ):
        plain = stored.value.decode("ascii", "replace").strip(" \0")
        return plain.split("\\") if plain else []
    value = value_of(dataset, tag)
    if value is None:
        return []
    return value if isinstance(value, MultiValue | list | tuple) else [value]


def numbers(dataset: Dataset, tag: int) -> tuple[float, ...]:
    """Return all values as finite numbers; empty where absent.

    Raises
    ------
    DicomInputError
        If one is no finite number.
    """
    stored = _stored_numbers(dataset, tag) if tag in dataset else []
    result = []
    for one in stored:
        try:
            number_met = float(one)
        except (TypeError, ValueError, OverflowError) as error:
            raise refusal("is not a number", tag, value=str(one), where=place(dataset)) from error
        if not math.isfinite(number_met):
            raise refusal("is not a finite number", tag, value=str(one), where=place(dataset))
        result.append(number_met)
    return tuple(result)


def number(dataset: Dataset, tag: int) -> float | None:
    """Return the value as a finite number; ``None`` where absent.

    Raises
    ------
    DicomInputError
        If it is no finite number, or there are several.
    """
    found = numbers(dataset, tag)
    if len(found) > 1:
        raise refusal("holds several numbers where one is defined", tag, value=found, where=place(dataset))
    return found[0] if found else None


def integer(dataset: Dataset, tag: int) -> int | None:
    """Return the value as an integer; ``None`` where absent; a fraction is refused."""
    found = number(dataset, tag)
    if found is None:
        return None
    if found != int(found):
        raise refusal("is not a whole number", tag, value=found, where=place(dataset))
    return int(found)


def items(dataset: Dataset, tag: int) -> tuple[Dataset, ...]:
    """Return the items of a sequence; empty where it is absent."""
    value = value_of(dataset, tag)
    if value is None:
        return ()
    if not isinstance(value, Sequence):
        raise refusal("is not a sequence", tag, value=type(value).__name__, where=place(dataset))
    return tuple(value)


def codes(dataset: Dataset, tag: int) -> tuple[Code, ...]:
    """Return the coded concepts of a code sequence (PS3.3 Section 8.8); items without a value are left out."""
    found = []
    for item in items(dataset, tag):
        # Code Value, Long Code Value or URN Code Value
        value = text(item, 0x00080100) or text(item, 0x00080119) or text(item, 0x00080120)
        if value:
            found.append(Code(value, text(item, 0x00080102), text(item, 0x00080104)))
    return tuple(found)


def code(dataset: Dataset, tag: int) -> Code | None:
    """Return the first coded concept of a code sequence; ``None`` where there is none."""
    found = codes(dataset, tag)
    return found[0] if found else None


def private_text(dataset: Dataset, group: int, creator: str, offset: int) -> str:
    """Return a private attribute's value as text; empty where it or its private creator is absent.

    Parameters
    ----------
    group : int
        Odd group number.
    creator : str
        Private creator whose block holds the attribute (PS3.5 7.8.1); any block of the group is searched.
    offset : int
        Low byte of the element number.
    """
    for block in range(0x10, 0x100):
        reservation = (group << 16) | block
        if reservation in dataset and text(dataset, reservation) == creator:
            found = text(dataset, (group << 16) | (block << 8) | offset)
            if found:
                return found
    return ""


def private_number(dataset: Dataset, group: int, creator: str, offset: int) -> float | None:
    """Return a private attribute's value as a number; ``None`` where absent.

    Raises
    ------
    DicomInputError
        If it is there but no finite number.
    """
    found = private_text(dataset, group, creator, offset)
    if not found:
        return None
    tag = (group << 16) | 0x1000 | offset
    try:
        value = float(found)
    except ValueError as error:
        raise DicomInputError("is not a number", tag=tag, keyword=creator, value=found, where=place(dataset)) from error
    if not math.isfinite(value):
        raise DicomInputError("is not a finite number", tag=tag, keyword=creator, value=found, where=place(dataset))
    return value
