"""Parts to a ``multipart/related`` answer, streamed (DICOM PS3.18 8.6.1.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_hex

from starlette.responses import Response, StreamingResponse

_CHUNK = 1 << 20
Part = tuple[str, str, Path | bytes]
"""Content type, location (or empty) and content, as bytes or as the file that holds them."""


def multipart_response(parts: Iterable[Part], content_type: str) -> StreamingResponse:
    """Return an answer that reads each part only when it is sent.

    Parameters
    ----------
    parts : iterable of Part
        At least one.
    content_type : str
        Media type of the parts, for the ``type`` parameter.
    """
    boundary = token_hex(16)
    return StreamingResponse(_stream(parts, boundary), media_type=_header(content_type, boundary))


def multipart_bytes(parts: list[Part], content_type: str) -> Response:
    """Return a short answer in one piece; every part must be bytes."""
    boundary = token_hex(16)
    return Response(b"".join(_stream(parts, boundary)), media_type=_header(content_type, boundary))


def _header(content_type: str, boundary: str) -> str:
    name, _, parameters = content_type.partition(";")
    syntax = f"; {parameters.strip()}" if parameters else ""
    return f'multipart/related; type="{name.strip()}"{syntax}; boundary={boundary}'


def _stream(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    before = b""
    for content_type, location, content in parts:
        lines = [f"--{boundary}", f"Content-Type: {content_type}"]
        if location:
            lines.append(f"Content-Location: {location}")
        yield before + ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        before = b"\r\n"
        if isinstance(content, bytes):
            yield content
        else:
            yield from _read(content)
    yield before + f"--{boundary}--\r\n".encode("latin-1")


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
