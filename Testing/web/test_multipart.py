"""Bodies of store requests, cut in every way that a network cuts them."""

import pytest

from Testing.web.client import BOUNDARY, multipart_body
from web_bridge.errors import MultipartError
from web_bridge.multipart import MultipartParser, PartBegin, PartData, PartEnd

PARTS = [b"first", b"", b"\r\n--almost a boundary\r\n" * 3, bytes(range(256)) * 40]


def contents(body: bytes, step: int) -> list[bytes]:
    parser, parts = MultipartParser(BOUNDARY), []
    for start in range(0, len(body), step):
        for event in parser.feed(body[start : start + step]):
            if isinstance(event, PartBegin):
                parts.append(bytearray())
            elif isinstance(event, PartData):
                parts[-1] += event.data
    parser.finish()
    return [bytes(part) for part in parts]


@pytest.mark.parametrize("step", [1, 2, 7, 64, 4096, 1 << 20])
def test_parts_are_the_same_however_the_body_is_cut(step):
    assert contents(multipart_body(PARTS), step) == PARTS


def test_preamble_and_epilogue_are_left_out():
    body = b"preamble\r\n" + multipart_body([b"content"]) + b"epilogue"
    assert contents(body, 5) == [b"content"]


def test_part_without_any_header_is_read():
    body = f"--{BOUNDARY}\r\n\r\ncontent\r\n--{BOUNDARY}--".encode()
    assert contents(body, 3) == [b"content"]


def test_content_type_of_each_part_is_told():
    parser = MultipartParser(BOUNDARY)
    events = list(parser.feed(multipart_body([b"x"], content_type="application/dicom; transfer-syntax=1.2")))
    assert events == [PartBegin("application/dicom; transfer-syntax=1.2"), PartData(b"x"), PartEnd()]


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_body_that_ends_half_way_is_refused(kept):
    body = multipart_body([b"content" * 100])
    with pytest.raises(MultipartError, match="closing boundary"):
        contents(body[: int(len(body) * kept)], 64)


def test_data_is_handed_on_before_the_part_is_complete():
    parser = MultipartParser(BOUNDARY)
    head = f"--{BOUNDARY}\r\n\r\n".encode()
    events = list(parser.feed(head + b"x" * 10_000))
    handed_on = sum(len(event.data) for event in events if isinstance(event, PartData))
    assert handed_on > 9_900


def test_endless_header_is_refused():
    parser = MultipartParser(BOUNDARY)
    with pytest.raises(MultipartError, match="header"):
        list(parser.feed(f"--{BOUNDARY}\r\nX: ".encode() + b"a" * 20_000))


def test_garbage_after_a_boundary_is_refused():
    with pytest.raises(MultipartError, match="boundary"):
        contents(f"--{BOUNDARY}garbage\r\n\r\nx\r\n--{BOUNDARY}--".encode(), 1 << 20)


@pytest.mark.parametrize("boundary", ["", "b" * 71])
def test_missing_or_overlong_boundary_is_refused(boundary):
    with pytest.raises(MultipartError, match="boundary"):
        MultipartParser(boundary)
