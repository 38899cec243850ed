"""A made object to the certainty that every value in it fits its value representation.

Reading is lenient in this process, because scanners write what the standard forbids, and pydicom
judges values that are set by the same switch. What we write is judged here, once it is complete.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import validate_value

from psmacore.errors import UsageError


def require_valid(made: Dataset, *, copied_tags: Collection[int], copied_uids: Collection[str]) -> None:
    """Refuse an object one of whose values does not fit its value representation.

    Parameters
    ----------
    copied_tags : collection of int
        Attributes that were taken from the images as they are.
    copied_uids : collection of str
        UIDs that were taken from the images as they are.

    Raises
    ------
    UsageError
        Names attribute and value representation, not the value, which may be a reader's name.

    References
    ----------
    DICOM PS3.5 6.2 (Value Representation).
    """
    for element in made.iterall():
        if element.VR == "SQ" or element.tag in copied_tags:
            continue
        value = element.value
        for one in value if isinstance(value, MultiValue) else (value,):
            if not _is_valid(element.VR, one) and not (element.VR == "UI" and one in copied_uids):
                raise UsageError(
                    f"({element.tag.group:04X},{element.tag.element:04X}) {element.keyword}: "
                    f"the value is no valid {element.VR} and cannot be published"
                )


def _is_valid(vr: str, value: Any) -> bool:
    if value is None or value == "":
        return True
    try:
        validate_value(vr, str(value) if vr in ("DS", "IS", "PN") else value, config.RAISE)
    except (TypeError, ValueError):
        return False
    return True
