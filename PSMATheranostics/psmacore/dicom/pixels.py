"""A dataset's pixel data, native or compressed, to arrays of stored values."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID, ExplicitVRBigEndian, RLELossless

from psmacore.dicom import codestreams
from psmacore.dicom.files import PIXEL_DATA, TRANSFER_SYNTAX, transfer_syntax_of
from psmacore.dicom.headers import PARSE_ERRORS, integer, place, refusal, text, value_of
from psmacore.errors import DicomInputError

logger = logging.getLogger(__name__)

DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
"""Deflated Image Frame Compression (PS3.5 A.4.13)."""

_NATIVE = frozenset(
    {
        "",  # no meta information: the default of PS3.5 10.1 is native
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
    }
)
SUPPORTED_TRANSFER_SYNTAXES = _NATIVE | codestreams.SUPPORTED | {str(RLELossless), DEFLATED_FRAMES}

_RLE_MOST = 64  # a replicate run turns 2 bytes into 128, PS3.5 G.3.1
_DEFLATE_MOST = 1040  # zlib's highest ratio is 1032


@dataclass(frozen=True)
class PixelFormat:
    """How stored values lie in the pixel data (PS3.3 C.7.6.3)."""

    rows: int
    columns: int
    n_frames: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    transfer_syntax: str

    @property
    def frame_bytes(self) -> int:
        """Bytes of one native frame, rounded up."""
        return (self.rows * self.columns * self.bits_allocated + 7) // 8

    @property
    def total_bytes(self) -> int:
        """Bytes of all native frames: single bits are packed across frames (PS3.5 8.1.1)."""
        return (self.rows * self.columns * self.n_frames * self.bits_allocated + 7) // 8


def pixel_format(dataset: Dataset) -> PixelFormat:
    """Return how the pixel data are laid out.

    Raises
    ------
    DicomInputError
        If an attribute is missing or names a layout that PET, CT and segmentations do not have:
        colour, more than 16 bit, an encoding unknown here.
    """
    where = place(dataset)

    def needed(tag: int, allowed: range | tuple[int, ...]) -> int:
        value = integer(dataset, tag)
        if value is None or value not in allowed:
            raise refusal("is missing or cannot be used here", tag, value=value, where=where)
        return value

    syntax = transfer_syntax_of(dataset)
    if syntax not in SUPPORTED_TRANSFER_SYNTAXES:
        raise refusal(f"cannot be decoded here ({UID(syntax).name})", TRANSFER_SYNTAX, value=syntax, where=where)
    needed(0x00280002, (1,))
    bits_allocated = needed(0x00280100, (1, 8, 16))
    return PixelFormat(
        rows=needed(0x00280010, range(1, 65536)),
        columns=needed(0x00280011, range(1, 65536)),
        n_frames=needed(0x00280008, range(1, 2**31)) if text(dataset, 0x00280008) else 1,
        bits_allocated=bits_allocated,
        bits_stored=needed(0x00280101, range(1, bits_allocated + 1)),
        is_signed=bool(needed(0x00280103, (0, 1))),
        transfer_syntax=syntax,
    )


def is_lossy(dataset: Dataset) -> bool:
    """Return whether (0028,2110) Lossy Image Compression says that values were lost."""
    return text(dataset, 0x00282110) == "01"


def decode_frames(dataset: Dataset) -> Iterator[NDArray[Any]]:
    """Yield the frames' stored values in order, before any rescaling.

    Yields
    ------
    numpy.ndarray
        ``(rows, columns)``; uint8, int8, uint16 or int16, single bits as uint8 0 and 1.

    Raises
    ------
    DicomInputError
        If the header declares more than the pixel data can hold, before anything of that size is
        allocated; if a frame is damaged; or if the encoding is unknown here.
    """
    layout = pixel_format(dataset)
    content = value_of(dataset, PIXEL_DATA)
    where = place(dataset)
    if not isinstance(content, bytes):
        raise refusal("is missing", PIXEL_DATA, value=None, where=where)
    if layout.transfer_syntax in _NATIVE:
        yield from _native_frames(content, layout, dataset)
    else:
        yield from _compressed_frames(content, layout, where)


def _refuse_excess(declared: int, possible: int, layout: PixelFormat, where: str) -> None:
    if declared > possible:
        raise refusal(
            f"is shorter than the {layout.n_frames} x {layout.rows} x {layout.columns} values of "
            f"{layout.bits_allocated} bit that the header declares ({declared} bytes)",
            PIXEL_DATA,
            value=f"{possible} bytes",
            where=where,
        )


def _native_frames(content: bytes, layout: PixelFormat, dataset: Dataset) -> Iterator[NDArray[Any]]:
    where = place(dataset)
    _refuse_excess(layout.total_bytes, len(content), layout, where)
    if len(content) - layout.total_bytes >= max(layout.frame_bytes // layout.rows, 2):
        raise refusal(
            f"is longer than the {layout.n_frames} x {layout.rows} x {layout.columns} values that the header declares",
            PIXEL_DATA,
            value=f"{len(content)} bytes for {layout.total_bytes}",
            where=where,
        )
    size = layout.rows * layout.columns
    is_little_endian = _is_little_endian(dataset, layout)
    if layout.bits_allocated == 1:
        packed = np.frombuffer(content, np.uint8)
        for index in range(layout.n_frames):
            first, last = index * size, (index + 1) * size
            bits = np.unpackbits(packed[first // 8 : (last + 7) // 8], bitorder="little")
            yield bits[first % 8 : first % 8 + size].reshape(layout.rows, layout.columns)
        return
    for index in range(layout.n_frames):
        frame = content[index * layout.frame_bytes : (index + 1) * layout.frame_bytes]
        values = _words(frame, layout, is_little_endian=is_little_endian)
        yield _stored_bits(values, layout)


def _is_little_endian(dataset: Dataset, layout: PixelFormat) -> bool:
    if layout.transfer_syntax:
        return layout.transfer_syntax != ExplicitVRBigEndian
    return dataset.original_encoding[1] is not False


def _words(frame: bytes, layout: PixelFormat, *, is_little_endian: bool) -> NDArray[Any]:
    kind = "u1" if layout.bits_allocated == 8 else ("<u2" if is_little_endian else ">u2")
    native = np.uint8 if layout.bits_allocated == 8 else np.uint16
    return np.frombuffer(frame, kind).astype(native).reshape(layout.rows, layout.columns)


def _compressed_frames(content: bytes, layout: PixelFormat, where: str) -> Iterator[NDArray[Any]]:
    n_decoded = 0
    try:
        for stream in generate_frames(content, number_of_frames=layout.n_frames):
            yield _compressed_frame(stream, layout, where)
            n_decoded += 1
            if n_decoded == layout.n_frames:
                return
    except DicomInputError:
        raise
    except PARSE_ERRORS as error:
        raise refusal("is damaged", PIXEL_DATA, value=str(error), where=where) from error
    raise refusal(
        f"holds fewer compressed frames than the {layout.n_frames} of (0028,0008) Number of Frames",
        PIXEL_DATA,
        value=f"{n_decoded} frames",
        where=where,
    )


def _compressed_frame(stream: bytes, layout: PixelFormat, where: str) -> NDArray[Any]:
    if layout.transfer_syntax in codestreams.SUPPORTED:
        values = codestreams.decode(
            stream, layout.transfer_syntax, rows=layout.rows, columns=layout.columns, where=where
        )
        return _stored_bits(values.view(f"u{values.dtype.itemsize}"), layout)
    if layout.transfer_syntax == DEFLATED_FRAMES:
        _refuse_excess(layout.frame_bytes, len(stream) * _DEFLATE_MOST, layout, where)
        frame = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream, layout.frame_bytes)
        _refuse_excess(layout.frame_bytes, len(frame), layout, where)
        if layout.bits_allocated == 1:
            bits = np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")
            return bits[: layout.rows * layout.columns].reshape(layout.rows, layout.columns)
    else:
        _refuse_excess(layout.frame_bytes, len(stream) * _RLE_MOST, layout, where)
        frame = codestreams.decode_rle(
            stream, n_values=layout.rows * layout.columns, bytes_per_value=layout.bits_allocated // 8, where=where
        )
    return _stored_bits(_words(frame, layout, is_little_endian=True), layout)


def _stored_bits(values: NDArray[Any], layout: PixelFormat) -> NDArray[Any]:
    """Return unsigned words as the stored values: unused high bits off, sign extended (PS3.5 8.1.1)."""
    if layout.bits_stored == values.dtype.itemsize * 8:
        return values.view(f"i{values.dtype.itemsize}") if layout.is_signed else values
    if not layout.is_signed:
        low_bits: NDArray[Any] = values & values.dtype.type((1 << layout.bits_stored) - 1)
        return low_bits
    shift = values.dtype.itemsize * 8 - layout.bits_stored
    shifted = np.left_shift(values, values.dtype.type(shift))
    extended: NDArray[Any] = shifted.view(f"i{values.dtype.itemsize}") >> shift
    return extended
