"""A stored instance to the bytes of its frames, by seek where they lie in the file as they are sent."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom.encaps import parse_basic_offsets
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRLittleEndian

from web_bridge.errors import BridgeError, NotAcceptableError, NotFoundError
from web_bridge.store.dicom_json import DicomJson, number_value, text_value
from web_bridge.store.index import StoredInstance
from web_bridge.store.parse import is_native_little_endian

_ITEM = 0xFFFEE000
_SEQUENCE_END = 0xFFFEE0DD
_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True)
class Frame:
    """The bytes of one frame and the transfer syntax that they are in."""

    data: bytes
    transfer_syntax_uid: str


def read_frames(path: Path, instance: StoredInstance, numbers: Sequence[int], *, as_stored: bool) -> list[Frame]:
    """Return frames in the order asked for.

    Parameters
    ----------
    numbers : sequence of int
        From 1 (DICOM PS3.18 10.4.1.1.6).
    as_stored : bool
        Whether the client takes the stored transfer syntax; uncompressed Explicit VR Little Endian otherwise.

    Raises
    ------
    NotFoundError
        If the instance has no pixels or no such frame.
    NotAcceptableError
        If the frames cannot be decompressed.
    """
    attributes = instance.attributes
    n_frames = number_value(attributes, "00280008") or 1
    missing = [number for number in numbers if not 1 <= number <= n_frames]
    if not number_value(attributes, "00280010"):
        raise NotFoundError("the instance has no frames")
    if missing:
        raise NotFoundError(f"the instance has {n_frames} frames, there is no frame {missing[0]}")
    if instance.pixel_offset is not None and instance.pixel_length is not None:
        if instance.pixel_length >= 0 and is_native_little_endian(instance.transfer_syntax_uid):
            return _native(path, instance, attributes, numbers, n_frames)
        if instance.pixel_length < 0 and as_stored:
            return _encapsulated(path, instance, numbers, n_frames)
    return _decoded(path, numbers)


def _native(
    path: Path, instance: StoredInstance, attributes: DicomJson, numbers: Sequence[int], n_frames: int
) -> list[Frame]:
    n_bits = bits_per_frame(attributes)
    offset, length = instance.pixel_offset or 0, instance.pixel_length or 0
    if (n_bits * n_frames + 7) // 8 > length:
        raise BridgeError("Pixel Data is shorter than its frames")
    frames = []
    with path.open("rb") as file:
        for number in numbers:
            start = (number - 1) * n_bits
            first, last = start // 8, (start + n_bits + 7) // 8
            file.seek(offset + first)
            data = file.read(last - first)
            if start % 8 or n_bits % 8:
                data = _realign(data, start % 8, n_bits)
            frames.append(Frame(data, ExplicitVRLittleEndian))
    return frames


def bits_per_frame(attributes: DicomJson) -> int:
    """Return the size of one uncompressed frame in bits, without padding (PS3.5 8.1.1)."""
    rows, columns = number_value(attributes, "00280010") or 0, number_value(attributes, "00280011") or 0
    samples, bits = number_value(attributes, "00280002") or 1, number_value(attributes, "00280100") or 0
    n_bits = rows * columns * samples * bits
    return n_bits * 2 // 3 if text_value(attributes, "00280004") == "YBR_FULL_422" else n_bits


def _realign(data: bytes, skip_bits: int, n_bits: int) -> bytes:
    """Shift a frame of single bits to a byte boundary; frames of BINARY SEGs follow each other without padding."""
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little")
    return np.packbits(bits[skip_bits : skip_bits + n_bits], bitorder="little").tobytes()


def _encapsulated(path: Path, instance: StoredInstance, numbers: Sequence[int], n_frames: int) -> list[Frame]:
    with path.open("rb") as file:
        file.seek(instance.pixel_offset or 0)
        items = _items(file)
        if not items:
            raise BridgeError("encapsulated Pixel Data has no Basic Offset Table item (PS3.5 A.4)")
        groups = _group(file, items, n_frames)
        if groups is None:
            return _decoded(path, numbers)
        return [
            Frame(b"".join(_read(file, *item) for item in groups[number - 1]), instance.transfer_syntax_uid)
            for number in numbers
        ]


def _items(file: BinaryIO) -> list[tuple[int, int]]:
    """Return offset and length of each item's value, the Basic Offset Table first."""
    items: list[tuple[int, int]] = []
    while len(header := file.read(8)) == 8:
        group, element, length = struct.unpack("<HHL", header)
        tag = group << 16 | element
        if tag == _SEQUENCE_END:
            return items
        if tag != _ITEM:
            raise BridgeError(f"({group:04X},{element:04X}) lies between the fragments of Pixel Data")
        items.append((file.tell(), length))
        file.seek(length, 1)
    return items


def _group(file: BinaryIO, items: list[tuple[int, int]], n_frames: int) -> list[list[tuple[int, int]]] | None:
    """Return the fragments of each frame, or ``None`` where only their content could tell."""
    table, fragments = items[0], items[1:]
    if len(fragments) == n_frames:
        return [[fragment] for fragment in fragments]
    if n_frames == 1:
        return [fragments]
    file.seek(table[0] - 8)
    offsets = parse_basic_offsets(file, endianness="<") if table[1] else []
    if len(offsets) != n_frames or not fragments:
        return None
    first = fragments[0][0] - 8
    bounds = [*(first + offset for offset in offsets), fragments[-1][0] + fragments[-1][1] + 1]
    return [[fragment for fragment in fragments if low <= fragment[0] - 8 < high] for low, high in pairwise(bounds)]


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _decoded(path: Path, numbers: Sequence[int]) -> list[Frame]:
    """Decode through pydicom: compressed, big endian and deflated instances."""
    dataset = pydicom.dcmread(path)
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    try:
        decoder = get_decoder(syntax)
        decoded = [decoder.as_buffer(dataset, index=number - 1)[0] for number in numbers]
    except (NotImplementedError, RuntimeError, ValueError, AttributeError) as error:
        raise NotAcceptableError(
            f"frames of transfer syntax {syntax} cannot be decompressed here; ask for transfer-syntax=*"
        ) from error
    swap = not syntax.is_little_endian and dataset.BitsAllocated > 8
    width = dataset.BitsAllocated // 8
    return [Frame(_swapped(bytes(data), width) if swap else bytes(data), ExplicitVRLittleEndian) for data in decoded]


def _swapped(data: bytes, width: int) -> bytes:
    return np.frombuffer(data, dtype=f">u{width}").astype(f"<u{width}").tobytes()


def as_explicit_little_endian(path: Path) -> bytes:
    """Return the whole instance as an Explicit VR Little Endian file (PS3.18 8.7.3.5.2, the default).

    Raises
    ------
    NotAcceptableError
        If its pixels cannot be decompressed.
    """
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(path)
        syntax = UID(dataset.file_meta.TransferSyntaxUID)
        try:
            if syntax.is_compressed and any(keyword in dataset for keyword in _PIXEL_KEYWORDS):
                dataset.decompress(generate_instance_uid=False)
        except (NotImplementedError, RuntimeError, ValueError, AttributeError) as error:
            raise NotAcceptableError(
                f"transfer syntax {syntax} cannot be decompressed here; ask for transfer-syntax=*"
            ) from error
        if not syntax.is_little_endian:
            raise NotAcceptableError("Explicit VR Big Endian is sent only as stored; ask for transfer-syntax=*")
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        buffer = BytesIO()
        dataset.save_as(buffer, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return buffer.getvalue()
