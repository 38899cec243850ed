"""QIDO-RS keys to SQL conditions and to the matching rules of DICOM PS3.4 C.2.2.2."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from web_bridge.errors import BadRequestError
from web_bridge.store.dicom_json import DicomJson, text_value
from web_bridge.uids import require_uid

_WILD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_NUMBER_VRS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "UL", "US", "SV", "UV"})
_RANGE_VRS = frozenset({"DA", "TM", "DT"})
_TEMPORAL = {
    "DA": re.compile(r"[0-9]{8}"),
    "TM": re.compile(r"[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:\.[0-9]{1,6})?)?)?"),
    "DT": re.compile(r"[0-9]{4,14}(?:\.[0-9]{1,6})?(?:[+-][0-9]{4})?"),
}
_ALL_DAY = {"DA": "99999999", "TM": "235959.999999", "DT": "99991231235959.999999"}


def fold(text: str) -> str:
    """Return text without case and accents, for names (PS3.4 C.2.2.2.1 lets PN be matched without case)."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


def has_wildcard(value: str) -> bool:
    """Return whether ``*`` or ``?`` is in the value."""
    return "*" in value or "?" in value


def glob_of(value: str) -> str:
    """Return SQLite's GLOB pattern for DICOM wild cards: both know ``*`` and ``?``, GLOB also ``[``."""
    return value.replace("[", "[[]")


@lru_cache(maxsize=512)
def pattern_of(value: str) -> re.Pattern[str]:
    """Return the regular expression for DICOM wild cards."""
    pieces = (".*" if character == "*" else "." if character == "?" else re.escape(character) for character in value)
    return re.compile("".join(pieces), re.DOTALL)


def split_range(value: str, vr: str) -> tuple[str, str]:
    """Return the inclusive bounds of a date or time range, each empty where it is open.

    Raises
    ------
    BadRequestError
        If a bound is not of that VR (PS3.4 C.2.2.2.5).
    """
    low, dash, high = value.partition("-")
    if not dash:
        low = high = value
    for bound in (low, high):
        if bound and not _TEMPORAL[vr].fullmatch(bound):
            raise BadRequestError(f"{bound[:32]!r} is not a {vr} value; a range is A-B, A- or -B")
    if not low and not high:
        raise BadRequestError("a range needs at least one bound")
    return low, high


def split_list(value: str) -> list[str]:
    r"""Return the values of a list key; ``,`` and ``\`` both separate."""
    return [item.strip() for item in re.split(r"[,\\]", value) if item.strip()]


def check_key(tag: str, vr: str, value: str) -> None:
    """Raise `BadRequestError` for a key that could match nothing because it is malformed."""
    if vr == "UI":
        for uid in split_list(value):
            require_uid(uid, tag)
    elif vr in _RANGE_VRS:
        split_range(value, vr)


def matches(vr: str, value: str, attributes: DicomJson, tag: str, *, fuzzy: bool = False) -> bool:
    """Return whether an attribute matches a key (PS3.4 C.2.2.2).

    Parameters
    ----------
    vr, value : str
        The key; ``*`` and empty match everything.
    attributes : DicomJson
        What is stored.
    tag : str
        Eight hex digits.
    fuzzy : bool
        For names: each word of the key must begin a component of the name.
    """
    if value in ("", "*"):
        return True
    if vr == "PN":
        return match_name(value, text_value(attributes, tag), fuzzy=fuzzy)
    stored = [str(item) for item in attributes.get(tag, {}).get("Value") or [] if item is not None]
    if vr == "UI" or (vr == "CS" and not has_wildcard(value)):
        return bool(set(split_list(value)) & set(stored))
    if vr in _RANGE_VRS:
        return any(in_range(value, vr, item) for item in stored)
    if vr in _NUMBER_VRS:
        return any(_is_same_number(value, item) for item in stored)
    if vr in _WILD_VRS and has_wildcard(value):
        return any(pattern_of(value).fullmatch(item) for item in stored)
    return value in stored


def _is_same_number(value: str, stored: str) -> bool:
    try:
        return float(value) == float(stored)
    except ValueError:
        return value == stored


def match_name(value: str, stored: str, *, fuzzy: bool) -> bool:
    """Return whether a person name matches, without case and accents; any component group may match."""
    wanted = fold(value)
    groups = [fold(group) for group in stored.split("=")]
    if fuzzy and not has_wildcard(value):
        words = [word for word in re.split(r"[\^\s=]+", wanted) if word]
        components = [word for group in groups for word in re.split(r"[\^\s]+", group) if word]
        return all(any(component.startswith(word) for component in components) for word in words)
    pattern = pattern_of(wanted.rstrip("^"))
    return any(pattern.fullmatch(group.rstrip("^")) for group in (*groups, fold(stored)))


def in_range(value: str, vr: str, stored: str) -> bool:
    """Return whether a stored date or time lies within a key's inclusive range."""
    low, high = split_range(value, vr)
    moment = _pad(stored, vr, low=True)
    return (not low or _pad(low, vr, low=True) <= moment) and (not high or moment <= _pad(high, vr, low=False))


def _pad(value: str, vr: str, *, low: bool) -> str:
    """Fill the missing end of a time with its first or last moment."""
    value = value.replace(":", "").replace(".", "")
    last = _ALL_DAY[vr].replace(".", "")
    fill = "0" * len(last) if low else last
    return value + fill[len(value) :]
