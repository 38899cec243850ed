"""Multipart bodies: found however they are cut, refused where they end early."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from psmacore.pacs.multipart import (
    MalformedBodyError,
    MultipartReader,
    MultipartUpload,
    TruncatedBodyError,
    boundary_of,
)

CONTENTS = [b"first", b"", b"\r\n--", b"almost \r\n--BOUNDAR a delimiter\r\n", bytes(range(256)) * 40]


def a_body(*, preamble: bytes = b"", header: bytes = b"Content-Type: application/dicom\r\n") -> bytes:
    parts = [b"--BOUNDARY\r\n" + header + b"\r\n" + one + b"\r\n" for one in CONTENTS]
    return preamble + b"".join(parts) + b"--BOUNDARY--\r\n"


def cut_up(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def contents(body: bytes, size: int = 4096) -> list[bytes]:
    return [b"".join(part.pieces) for part in MultipartReader(cut_up(body, size), b"BOUNDARY").parts()]


@pytest.mark.parametrize("size", [1, 2, 3, 10, 11, 12, 100, 100_000])
def test_parts_are_found_however_the_body_is_cut(size: int) -> None:
    assert contents(a_body(), size) == CONTENTS


@pytest.mark.parametrize("header", [b"", b"Content-Type: a/b\r\nContent-Location: x\r\n"])
@pytest.mark.parametrize("preamble", [b"", b"\r\n", b"to be ignored\r\n"])
def test_headers_and_preamble_are_passed_over(header: bytes, preamble: bytes) -> None:
    assert contents(a_body(preamble=preamble, header=header), 7) == CONTENTS


def test_a_body_cut_anywhere_is_never_whole() -> None:
    body = a_body()
    for length in range(0, len(body) - 4, 61):
        with pytest.raises(TruncatedBodyError):
            contents(body[:length])


def test_a_body_without_parts_has_none() -> None:
    assert contents(b"--BOUNDARY--") == []


def test_a_part_that_is_not_read_is_passed_over() -> None:
    reader = MultipartReader(cut_up(a_body(), 50), b"BOUNDARY")
    assert sum(1 for _ in reader.parts()) == len(CONTENTS)


def test_a_large_part_is_not_gathered_in_memory() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"--B\r\n\r\n"
        for _ in range(1000):
            yield bytes(1000)
        yield b"\r\n--B--"

    (sizes,) = ([len(piece) for piece in part.pieces] for part in MultipartReader(pieces(), b"B").parts())
    assert sum(sizes) == 1_000_000
    assert max(sizes) <= 1010


def test_a_header_without_end_is_refused() -> None:
    with pytest.raises(MalformedBodyError):
        contents(b"--BOUNDARY\r\n" + b"x" * 200_000)


def test_other_bytes_after_a_delimiter_are_refused() -> None:
    with pytest.raises(MalformedBodyError):
        contents(b"--BOUNDARYMORE\r\n\r\nbody\r\n--BOUNDARY--")


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', b"abc"),
        ('Multipart/Related;boundary="a b=c";type="application/dicom"', b"a b=c"),
        ("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", None),
        ("", None),
    ],
)
def test_the_boundary_is_read_from_the_type(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


def test_a_multipart_type_without_boundary_is_refused() -> None:
    with pytest.raises(MalformedBodyError):
        boundary_of("multipart/related")


@pytest.mark.parametrize("size", [-1, 1, 1000, 16384])
def test_an_upload_is_read_back_as_its_files(tmp_path: Path, size: int) -> None:
    paths = [tmp_path / str(number) for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 3000 * number)
    upload = MultipartUpload(paths)
    body = b"".join(iter(lambda: upload.read(size), b""))
    assert len(body) == len(upload)
    boundary = boundary_of(upload.content_type)
    assert boundary is not None
    parts = MultipartReader(iter([body]), boundary).parts()
    assert [b"".join(part.pieces) for part in parts] == [path.read_bytes() for path in paths]
