"""A file to its DICOM dataset, or to the reason why it has none that can be trusted."""

from __future__ import annotations

import logging
import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from psmacore.dicom.headers import PARSE_ERRORS, text
from psmacore.errors import DicomInputError

logger = logging.getLogger(__name__)

PIXEL_DATA = 0x7FE00010
TRANSFER_SYNTAX = 0x00020010
UNDEFINED_LENGTH = 0xFFFFFFFF

_PREAMBLE = 128
_PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00")
_ITEM = b"\xfe\xff\x00\xe0"
_DELIMITER = b"\xfe\xff\xdd\xe0"
_EXPLICIT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT OB OW PN SH SL SQ SS ST TM UI UL UN US UT".split())


@dataclass(frozen=True)
class Header:
    """A DICOM file's attributes up to its pixels.

    Parameters
    ----------
    path : Path
        The file.
    dataset : pydicom.Dataset
        All attributes before the pixel data.
    damage : str
        Why the file cannot be used, in words; empty where it is whole.
    """

    path: Path
    dataset: Dataset
    damage: str


def looks_like_dicom(head: bytes) -> bool:
    """Return whether a file starts as DICOM: ``DICM`` after the preamble, or a plausible first attribute without one.

    Parameters
    ----------
    head : bytes
        The first 132 bytes or more; shorter content is judged as far as it goes.

    References
    ----------
    DICOM PS3.10 7.1 (preamble and prefix). Files without them hold a bare dataset, which starts with
    group 0002 or 0008 in one of the encodings of PS3.5 7.1.
    """
    if head[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return True
    if len(head) < 8 or head[:2] not in (b"\x02\x00", b"\x08\x00") or head[3] != 0 or head[2] > 0x60:
        return False
    return head[4:6] in _EXPLICIT_VRS or int.from_bytes(head[4:8], "little") <= 0x400


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap | None]:
    """Map a file, so that a declared length beyond its end reads short instead of allocating; ``None`` if empty."""
    try:
        with path.open("rb") as stream:
            if stream.seek(0, 2) == 0:
                yield None
                return
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
                yield view
    except OSError as error:
        raise DicomInputError(f"the file cannot be read: {error.strerror}", where=path.name) from error


def _parse(view: mmap.mmap, *, with_pixels: bool) -> FileDataset:
    view.seek(0)
    return pydicom.dcmread(cast("BinaryIO", view), force=True, stop_before_pixels=not with_pixels)


def read_header(path: Path) -> Header | None:
    """Return the attributes before the pixel data, and whether the file is whole.

    Reads nothing of the pixels but their declared length, so a folder of thousands stays fast.

    Returns
    -------
    Header or None
        ``None`` where the content is plainly not DICOM: empty, text, another format.

    Raises
    ------
    DicomInputError
        If the file starts as DICOM but its attributes cannot be parsed, or the file cannot be opened.
    """
    with _mapped(path) as view:
        if view is None or not looks_like_dicom(view[: _PREAMBLE + 4]):
            return None
        try:
            dataset: Dataset = _parse(view, with_pixels=False)
            if _is_deflated(dataset):
                # the dataset was inflated aside: the file position says nothing
                dataset = _parse(view, with_pixels=True)
                damage = _short_element(dataset)
            else:
                damage = _short_element(dataset) or _short_pixels(view, dataset)
        except PARSE_ERRORS as error:
            raise DicomInputError(f"the file is damaged: {error}", where=path.name) from error
    return Header(path, dataset, damage)


def read_dataset(path: Path) -> Dataset:
    """Return the whole dataset of a DICOM file.

    Raises
    ------
    DicomInputError
        If the file is no DICOM, cannot be parsed, or ends before its declared content does.
    """
    with _mapped(path) as view:
        if view is None:
            raise DicomInputError("the file is empty", where=path.name)
        if not looks_like_dicom(view[: _PREAMBLE + 4]):
            raise DicomInputError("the file is not DICOM", where=path.name)
        try:
            dataset = _parse(view, with_pixels=True)
            damage = _short_element(dataset)
        except PARSE_ERRORS as error:
            raise DicomInputError(f"the file is damaged: {error}", where=path.name) from error
    if damage:
        raise DicomInputError(damage, where=path.name)
    return dataset


def transfer_syntax_of(dataset: Dataset) -> str:
    """Return (0002,0010) Transfer Syntax UID; empty where the file has no meta information."""
    meta = getattr(dataset, "file_meta", None)
    return "" if meta is None else text(meta, TRANSFER_SYNTAX)


def _is_deflated(dataset: Dataset) -> bool:
    return transfer_syntax_of(dataset) == DeflatedExplicitVRLittleEndian


def _short_element(dataset: Dataset) -> str:
    """Return which top-level attribute holds fewer bytes than it declares; empty where none does."""
    for tag in dataset.keys():  # noqa: SIM118  (iterating a Dataset converts every element)
        stored: object = dataset.get_item(tag)
        if not isinstance(stored, RawDataElement) or stored.value is None:
            continue
        if stored.length != UNDEFINED_LENGTH and len(stored.value) < stored.length:
            return (
                f"the file is truncated: ({tag >> 16:04X},{tag & 0xFFFF:04X}) declares {stored.length} bytes "
                f"and {len(stored.value)} are there"
            )
    return ""


def _short_pixels(view: mmap.mmap, dataset: Dataset) -> str:
    """Return why the pixel data at the current position are short; empty where they are whole or there are none."""
    start = view.tell()
    if view[start : start + 4] not in _PIXEL_TAGS:
        return ""
    is_implicit = bool(dataset.original_encoding[0])
    head = 8 if is_implicit else 12
    declared = int.from_bytes(view[start + head - 4 : start + head], "little")
    body = start + head
    if declared == UNDEFINED_LENGTH:
        return "" if _fragments_end(view, body) else "the file is truncated: its compressed pixel data have no end"
    if body + declared > len(view):
        return (
            f"the file is truncated: (7FE0,0010) Pixel Data declares {declared} bytes "
            f"and {max(len(view) - body, 0)} are there"
        )
    return ""


def _fragments_end(view: mmap.mmap, position: int) -> bool:
    """Return whether the items of encapsulated pixel data reach their delimiter (PS3.5 A.4)."""
    while position + 8 <= len(view):
        tag = view[position : position + 4]
        if tag == _DELIMITER:
            return True
        if tag != _ITEM:
            return False
        position += 8 + int.from_bytes(view[position + 4 : position + 8], "little")
    return False


def each_file(folder: Path, *, keep: Callable[[Path], bool] = lambda _path: True) -> Iterator[Path]:
    """Yield all files below a folder in a stable order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and keep(path):
            yield path
