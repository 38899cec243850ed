"""A pydicom data set to the DICOM JSON model of PS3.18 Annex F."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

logger = logging.getLogger(__name__)

DicomJson = dict[str, dict[str, Any]]
"""A data set in the DICOM JSON model: tag in eight hex digits to ``{"vr", "Value" | ...}``."""

BULK_BYTES = 1024
DEFER_BYTES = 64 * 1024
"""Values above this are not even read from the file."""
PIXEL_GROUP = 0x7FE0
BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
BULK_MARK = "@bulk/"
"""Begins a stored BulkDataURI; the instance's own URL takes its place when it is sent."""

_SPECIFIC_CHARACTER_SET = "00080005"
_UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}


def hex_tag(tag: BaseTag | int) -> str:
    """Return a tag as eight upper-case hex digits."""
    return f"{int(tag):08X}"


def dataset_to_json(dataset: Dataset, *, path: str = "") -> DicomJson:
    """Return the data set without its group lengths; binary values above 1 KiB become BulkDataURI.

    Parameters
    ----------
    dataset : pydicom.Dataset
        May hold deferred elements (``defer_size``): these are not read, but become BulkDataURI.
    path : str
        Way to the data set inside its instance, as in ``00540016/1/``: tag, item number from 1.

    Notes
    -----
    An element whose value cannot be expressed in JSON (a damaged number, say) is left out and logged
    by its tag; the stored file keeps it.
    """
    result: DicomJson = {}
    for tag in sorted(dataset.keys(), key=int):
        if tag.element == 0:  # group length, retired (PS3.5 7.2)
            continue
        key = hex_tag(tag)
        vr = _bulk_vr(raw_element(dataset, tag))
        if vr is not None:
            result[key] = {"vr": vr, "BulkDataURI": f"{BULK_MARK}{path}{key}"}
            continue
        converted = _convert(dataset, tag, f"{path}{key}")
        if converted is not None:
            result[key] = converted
    if _SPECIFIC_CHARACTER_SET in result and not path:
        result[_SPECIFIC_CHARACTER_SET] = dict(_UTF8)  # JSON is UTF-8, whatever the file was
    return result


def raw_element(dataset: Dataset, tag: BaseTag | int) -> RawDataElement | None:
    """Return an element as it was read, its value maybe deferred; ``None`` once it was converted."""
    element: object = dataset.get_item(tag, keep_deferred=True)
    return element if isinstance(element, RawDataElement) else None


def _bulk_vr(element: RawDataElement | None) -> str | None:
    """Return the VR of an element that is bulk data without a look at its value, or ``None``."""
    if element is None or element.length == 0:
        return None
    if element.value is not None and element.tag.group != PIXEL_GROUP:
        return None
    vr = element.VR
    if vr is None or vr == "UN":
        vr = dictionary_VR(element.tag) if dictionary_has_tag(element.tag) else "UN"
    if vr.endswith("OW"):  # "OB or OW", "US or OW", "US or SS or OW" of implicit VR
        vr = "OW"
    return vr if vr in BULK_VRS else None


def _convert(dataset: Dataset, tag: BaseTag, path: str) -> dict[str, Any] | None:
    try:
        element = dataset[tag]
        if element.VR == "SQ":
            items = [dataset_to_json(item, path=f"{path}/{n}/") for n, item in enumerate(element.value, start=1)]
            return {"vr": "SQ", "Value": items}
        return _finite(element.to_json_dict(_bulk_handler(path), BULK_BYTES))
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, NotImplementedError) as error:
        logger.warning("(%s) cannot be put into metadata: %s", path, type(error).__name__)
        return None


def _bulk_handler(path: str) -> Callable[[DataElement], str]:
    return lambda _element: f"{BULK_MARK}{path}"


def _finite(element: dict[str, Any]) -> dict[str, Any]:
    """Write infinities and NaN as strings, which JSON numbers cannot be (PS3.18 F.2.3)."""
    values = element.get("Value")
    if element["vr"] == "OB or OW":
        element["vr"] = "OW"
    if values and any(isinstance(value, float) and not math.isfinite(value) for value in values):
        element["Value"] = [
            value if not isinstance(value, float) or math.isfinite(value) else str(value) for value in values
        ]
    return element


def first_value(attributes: Mapping[str, Mapping[str, Any]], tag: str) -> Any:
    """Return the first value of an attribute, or ``None`` where it is absent or empty."""
    values = attributes.get(tag, {}).get("Value") or [None]
    return values[0]


def text_value(attributes: Mapping[str, Mapping[str, Any]], tag: str) -> str:
    """Return the first value as text; a person name as ``alphabetic=ideographic=phonetic``; empty where absent."""
    value = first_value(attributes, tag)
    if isinstance(value, Mapping):
        groups = [str(value.get(name, "")) for name in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)


def number_value(attributes: Mapping[str, Mapping[str, Any]], tag: str) -> int | None:
    """Return the first value as integer, or ``None`` where it is absent or none."""
    try:
        return int(first_value(attributes, tag))
    except (TypeError, ValueError, OverflowError):
        return None
