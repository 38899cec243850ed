"""Values to the content items of a structured report, as plain datasets.

They are written here and not by a general toolkit because reports have thousands of them: a toolkit
that copies and parses each tree again needs most of the time of a publication. What repeats, the
coded concepts, is made once and shared between items, so a dataset that comes from here is not to be
changed.

References: DICOM PS3.3 C.17.3 (SR Document Content Module), C.18 (value types), PS3.16 Section 6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import BaseTag
from pydicom.valuerep import format_number_as_ds

from psmacore.dicom.codes import concept
from psmacore.dicom.publishing import dicom_dt, reference_to
from psmacore.errors import UsageError
from psmacore.model.codes import Code

_REFERENCED_SOP = BaseTag(0x00081199)
_RELATIONSHIP_TYPE = BaseTag(0x0040A010)
_VALUE_TYPE = BaseTag(0x0040A040)
_CONCEPT_NAME = BaseTag(0x0040A043)
_CONTINUITY = BaseTag(0x0040A050)
_DATE_TIME = BaseTag(0x0040A120)
_PERSON_NAME = BaseTag(0x0040A123)
_UID = BaseTag(0x0040A124)
_TEXT_VALUE = BaseTag(0x0040A160)
_FLOATING_POINT_VALUE = BaseTag(0x0040A161)
_CONCEPT_CODE = BaseTag(0x0040A168)
_MEASURED_VALUE = BaseTag(0x0040A300)
_NUMERIC_VALUE = BaseTag(0x0040A30A)
_UNITS = BaseTag(0x004008EA)
_TEMPLATE = BaseTag(0x0040A504)
_CONTENT = BaseTag(0x0040A730)
_GRAPHIC_DATA = BaseTag(0x00700022)
_GRAPHIC_TYPE = BaseTag(0x00700023)
_CONTINUOUS = "CONTINUOUS"


class Relation(StrEnum):
    """(0040,A010) Relationship Type of an item to the one that holds it (PS3.3 C.17.3.2.4)."""

    CONTAINS = "CONTAINS"
    OBSERVATION_CONTEXT = "HAS OBS CONTEXT"
    ACQUISITION_CONTEXT = "HAS ACQ CONTEXT"
    CONCEPT_MODIFIER = "HAS CONCEPT MOD"
    SELECTED_FROM = "SELECTED FROM"


def coded(name: Code, value: Code, relation: Relation = Relation.CONTAINS, children: Sequence[Dataset] = ()) -> Dataset:
    """Return a CODE item."""
    return _item("CODE", name, relation, [_code_element(_CONCEPT_CODE, value)], children)


def text(name: Code, value: str, relation: Relation = Relation.CONTAINS) -> Dataset:
    """Return a TEXT item."""
    return _item("TEXT", name, relation, [DataElement(_TEXT_VALUE, "UT", value)])


def moment(name: Code, value: datetime, relation: Relation = Relation.CONTAINS) -> Dataset:
    """Return a DATETIME item, with its offset from UTC where ``value`` has one."""
    return _item("DATETIME", name, relation, [DataElement(_DATE_TIME, "DT", dicom_dt(value))])


def person(name: Code, value: str, relation: Relation) -> Dataset:
    """Return a PNAME item."""
    return _item("PNAME", name, relation, [DataElement(_PERSON_NAME, "PN", value)])


def uid_reference(name: Code, uid: str, relation: Relation = Relation.CONTAINS) -> Dataset:
    """Return a UIDREF item."""
    return _item("UIDREF", name, relation, [DataElement(_UID, "UI", uid)])


def number(
    name: Code,
    value: float,
    unit: Code,
    relation: Relation = Relation.CONTAINS,
    children: Sequence[Dataset] = (),
) -> Dataset:
    """Return a NUM item.

    A float is given twice: to the 16 characters of a decimal string, and exactly, as (0040,A161)
    Floating Point Value. An integer is exact as a string.

    Raises
    ------
    UsageError
        If the number is not finite.

    References
    ----------
    DICOM PS3.3 C.18.1 (Numeric Measurement Macro).
    """
    if not math.isfinite(value):
        raise UsageError(f"{name.meaning} is {value}, not a number that a report can hold")
    elements = [_code_element(_UNITS, unit)]
    if isinstance(value, int):
        elements.append(DataElement(_NUMERIC_VALUE, "DS", str(value)))
    else:
        elements.append(DataElement(_NUMERIC_VALUE, "DS", format_number_as_ds(float(value))))
        elements.append(DataElement(_FLOATING_POINT_VALUE, "FD", float(value)))
    return _item("NUM", name, relation, [_sequence(_MEASURED_VALUE, [_dataset(elements)])], children)


def image(name: Code, reference: Dataset, relation: Relation = Relation.CONTAINS) -> Dataset:
    """Return an IMAGE item for what ``reference_to`` makes of an image (PS3.3 C.18.4)."""
    return _item("IMAGE", name, relation, [_sequence(_REFERENCED_SOP, [reference])])


def segment(name: Code, segmentation: Dataset, number_of_segment: int) -> Dataset:
    """Return an IMAGE item for one segment of a SEG."""
    reference = reference_to(segmentation)
    reference.ReferencedSegmentNumber = number_of_segment
    return image(name, reference)


def composite(name: Code, instance: Dataset) -> Dataset:
    """Return a COMPOSITE item for an object that is no image."""
    return _item("COMPOSITE", name, Relation.CONTAINS, [_sequence(_REFERENCED_SOP, [reference_to(instance)])])


def polyline(name: Code, points: NDArray[np.float64], source: Dataset) -> Dataset:
    """Return an SCOORD item of type POLYLINE.

    Parameters
    ----------
    points : numpy.ndarray
        ``(n, 2)``: column and row in pixels, 0.5, 0.5 being the first pixel's centre (PS3.3 C.18.6.1.2).
    source : Dataset
        IMAGE item that they were selected from.
    """
    elements = [
        DataElement(_GRAPHIC_DATA, "FL", points.astype(np.float32).ravel().tolist()),
        DataElement(_GRAPHIC_TYPE, "CS", "POLYLINE"),
    ]
    return _item("SCOORD", name, Relation.CONTAINS, elements, [source])


def container(
    name: Code, children: Sequence[Dataset], relation: Relation | None = Relation.CONTAINS, *, template: str = ""
) -> Dataset:
    """Return a CONTAINER item.

    Parameters
    ----------
    relation : Relation or None
        ``None`` for the root of a document.
    template : str
        Number of the template of PS3.16 that the container follows; empty where none is named.
    """
    elements = [DataElement(_CONTINUITY, "CS", _CONTINUOUS)]
    if template:
        elements.append(_template_element(template))
    return _item("CONTAINER", name, relation, elements, children)


def _item(
    value_type: str,
    name: Code,
    relation: Relation | None,
    elements: Sequence[DataElement],
    children: Sequence[Dataset] = (),
) -> Dataset:
    made = [_value_type_element(value_type), _code_element(_CONCEPT_NAME, name), *elements]
    if relation is not None:
        made.append(_relation_element(relation))
    if children:
        made.append(_sequence(_CONTENT, children))
    return _dataset(made)


def _dataset(elements: Sequence[DataElement]) -> Dataset:
    return Dataset({element.tag: element for element in elements})


def _sequence(tag: BaseTag, items: Sequence[Dataset]) -> DataElement:
    return DataElement(tag, "SQ", DicomSequence(items))


@lru_cache(maxsize=4096)
def _code_element(tag: BaseTag, code: Code) -> DataElement:
    return _sequence(tag, [concept(code)])


@lru_cache
def _relation_element(relation: Relation) -> DataElement:
    return DataElement(_RELATIONSHIP_TYPE, "CS", relation.value)


@lru_cache
def _value_type_element(value_type: str) -> DataElement:
    return DataElement(_VALUE_TYPE, "CS", value_type)


@lru_cache
def _template_element(template: str) -> DataElement:
    """Return (0040,A504) Content Template Sequence (PS3.3 C.18.8)."""
    item = Dataset()
    item.MappingResource = "DCMR"
    item.TemplateIdentifier = template
    return _sequence(_TEMPLATE, [item])
