"""A bulk data address to the bytes of the attribute that it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pydicom
from pydicom import DataElement, Dataset
from pydicom.tag import Tag

from web_bridge.errors import BadRequestError, NotFoundError
from web_bridge.store.archive import Archive
from web_bridge.store.dicom_json import number_value
from web_bridge.store.index import StoredInstance

_STEP = re.compile(r"[0-9A-Fa-f]{8}")
_OCTETS = "application/octet-stream"
_PDF = "application/pdf"


@dataclass(frozen=True)
class Bulk:
    """The values of one attribute, more than one only for the frames of compressed pixels."""

    items: tuple[bytes, ...]
    media_type: str


def read_bulk(archive: Archive, instance: StoredInstance, path: str) -> Bulk:
    """Return an attribute's bytes, little endian.

    Parameters
    ----------
    path : str
        As in ``7FE00010`` or ``54000100/1/54001010``: tags, with item numbers from 1 between them.

    Raises
    ------
    NotFoundError
        If there is no such attribute.
    """
    steps = path.split("/")
    if len(steps) % 2 == 0 or not all(_STEP.fullmatch(tag) for tag in steps[::2]):
        raise BadRequestError("bulk data is named by tags of eight hex digits with item numbers between them")
    if steps == ["7FE00010"]:
        n_frames = number_value(instance.attributes, "00280008") or 1
        if instance.pixel_length is None or instance.pixel_length < 0:
            frames = archive.frames(instance, range(1, n_frames + 1), as_stored=False)
            return Bulk(tuple(frame.data for frame in frames), _OCTETS)
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(archive.path(instance), defer_size="1 MB")
        element = _walk(dataset, steps)
        value = element.value
        media_type = str(dataset.get("MIMETypeOfEncapsulatedDocument", "")) if steps == ["00420011"] else ""
    if not isinstance(value, bytes):
        raise NotFoundError("the attribute is not bulk data")
    if media_type == _PDF:
        length = int(dataset.get("EncapsulatedDocumentLength", 0) or 0)
        return Bulk((value[:length] if 0 < length <= len(value) else value,), _PDF)
    return Bulk((value,), _OCTETS)  # a document of another type could be a script: octets


def _walk(dataset: Dataset, steps: Sequence[str]) -> DataElement:
    for tag, item in zip(steps[:-1:2], steps[1::2], strict=True):
        sequence = dataset.get(Tag(int(tag, 16)))
        if sequence is None or sequence.VR != "SQ" or not item.isdigit() or not 1 <= int(item) <= len(sequence.value):
            raise NotFoundError("the instance has no such attribute")
        dataset = sequence.value[int(item) - 1]
    element = dataset.get(Tag(int(steps[-1], 16)))
    if element is None:
        raise NotFoundError("the instance has no such attribute")
    return element
