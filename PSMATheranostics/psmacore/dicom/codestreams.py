"""A compressed frame (RLE, JPEG-LS, JPEG 2000, HTJ2K, lossless JPEG) to its stored values."""

from __future__ import annotations

import logging
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from psmacore.errors import DicomInputError

logger = logging.getLogger(__name__)

JPEG_LOSSLESS = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
JPEG_LS = frozenset({"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"})
JPEG_2000 = frozenset(
    {
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.91",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.202",
        "1.2.840.10008.1.2.4.203",
    }
)
SUPPORTED = JPEG_LOSSLESS | JPEG_LS | JPEG_2000

_SOF3 = 0xC3  # lossless, sequential; ITU-T T.81 table B.1
_SOF55 = 0xF7  # JPEG-LS; ITU-T T.87 C.1
_WITHOUT_LENGTH = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})


def jpeg_size(stream: bytes) -> tuple[int, int] | None:
    """Return rows and columns that a JPEG or JPEG-LS stream declares; ``None`` where no frame header is found.

    References
    ----------
    ITU-T T.81 B.2.2 (frame header), T.87 C.2.2.
    """
    position = 2
    while position + 9 <= len(stream):
        if stream[position] != 0xFF:
            return None
        marker = stream[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in (_SOF3, _SOF55):
            return (
                int.from_bytes(stream[position + 5 : position + 7], "big"),
                int.from_bytes(stream[position + 7 : position + 9], "big"),
            )
        position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
    return None


def jpeg2000_size(stream: bytes) -> tuple[int, int] | None:
    """Return rows and columns that a JPEG 2000 codestream declares; ``None`` where its SIZ marker is missing.

    References
    ----------
    ITU-T T.800 A.5.1 (SIZ).
    """
    start = stream.find(b"\xff\x4f\xff\x51")  # a JP2 box may precede the codestream
    if start < 0 or start + 24 > len(stream):
        return None
    width, height, left, top = (int.from_bytes(stream[start + at : start + at + 4], "big") for at in (8, 12, 16, 20))
    return height - top, width - left


def decode(stream: bytes, transfer_syntax: str, *, rows: int, columns: int, where: str) -> NDArray[Any]:
    """Return the stored values of one compressed frame.

    The size in the stream is compared with the header before anything is decoded, so a stream that
    declares more than the image holds allocates nothing.

    Returns
    -------
    numpy.ndarray
        ``(rows, columns)``, 8 or 16 bit integer as the stream holds them.

    Raises
    ------
    DicomInputError
        If the stream is damaged or of another size.
    """
    size = jpeg2000_size(stream) if transfer_syntax in JPEG_2000 else jpeg_size(stream)
    if size != (rows, columns):
        raise DicomInputError(
            "the compressed stream holds another image size than (0028,0010) Rows and (0028,0011) Columns "
            f"({rows} x {columns})",
            tag=0x7FE00010,
            keyword="Pixel Data",
            value="no readable size" if size is None else f"{size[0]} x {size[1]}",
            where=where,
        )
    try:
        if transfer_syntax in JPEG_2000:
            values = imagecodecs.jpeg2k_decode(stream)
        elif transfer_syntax in JPEG_LS:
            values = imagecodecs.jpegls_decode(stream)
        else:
            values = imagecodecs.jpegsof3_decode(stream)
    except (RuntimeError, ValueError, TypeError) as error:  # each codec's own error is a RuntimeError
        raise DicomInputError(
            "the compressed stream is damaged", tag=0x7FE00010, keyword="Pixel Data", value=str(error), where=where
        ) from error
    decoded = np.asarray(values)
    if decoded.ndim == 3 and decoded.shape[2] == 1:
        decoded = decoded[:, :, 0]
    if decoded.shape != (rows, columns) or decoded.dtype.kind not in "iu":
        raise DicomInputError(
            "the compressed stream is no grey image", tag=0x7FE00010, keyword="Pixel Data",
            value=f"{decoded.shape} {decoded.dtype}", where=where,
        )  # fmt: skip
    return decoded


def decode_rle(stream: bytes, *, n_values: int, bytes_per_value: int, where: str) -> bytes:
    """Return the little-endian bytes of one RLE compressed frame.

    Raises
    ------
    DicomInputError
        If the stream has another number of segments or bytes than the image needs.

    References
    ----------
    DICOM PS3.5 Annex G: a header of 16 little-endian words, then one PackBits segment per byte of a
    value, the most significant first.
    """
    header = np.frombuffer(stream[:64].ljust(64, b"\0"), "<u4")
    starts = [int(one) for one in header[1 : 1 + bytes_per_value]]
    planes = []
    if header[0] == bytes_per_value and starts == sorted(starts) and starts[0] >= 64:
        for start, end in zip(starts, [*starts[1:], len(stream)], strict=True):
            try:
                plane = imagecodecs.packbits_decode(stream[start:end])
            except RuntimeError:
                break
            if len(plane) < n_values:
                break
            planes.append(np.frombuffer(plane, np.uint8)[:n_values])
    if len(planes) != bytes_per_value:
        raise DicomInputError(
            "the RLE stream is damaged", tag=0x7FE00010, keyword="Pixel Data",
            value=f"{int(header[0])} segments in {len(stream)} bytes", where=where,
        )  # fmt: skip
    return np.stack(planes[::-1], axis=1).tobytes()
