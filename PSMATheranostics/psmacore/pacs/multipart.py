"""A stream of multipart/related bytes to its parts, and files to such a stream, never a whole body in memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

_MAX_HEADER_BYTES = 64 * 1024
_PIECE_BYTES = 256 * 1024


class TruncatedBodyError(Exception):
    """The body ended before its closing delimiter; never leaves the room."""


class MalformedBodyError(Exception):
    """The body is not multipart as its Content-Type says; never leaves the room."""


@dataclass(frozen=True)
class Part:
    """One part: its content in pieces, which must be consumed before the next part is asked for."""

    pieces: Iterator[bytes]


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart Content-Type, or ``None`` where it is another type.

    Raises
    ------
    MalformedBodyError
        If a multipart type names no boundary.
    """
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_maintype() != "multipart":
        return None
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise MalformedBodyError("the multipart answer names no boundary")
    return boundary.encode("latin-1")


class MultipartReader:
    """Pieces of a body to its parts (RFC 2046 5.1.1).

    The memory held is one incoming piece and one delimiter, whatever the size of a part. A body
    without its closing delimiter raises :class:`TruncatedBodyError`, so that half an instance is
    never taken for a whole one.

    Parameters
    ----------
    pieces : iterator of bytes
        The body as it comes from the network.
    boundary : bytes
        As the Content-Type names it.
    """

    def __init__(self, pieces: Iterator[bytes], boundary: bytes) -> None:
        self._pieces = pieces
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # the first delimiter may open the body without a line end

    def parts(self) -> Iterator[Part]:
        """Yield the parts in order; none where the body holds only the closing delimiter."""
        for _ in self._until_delimiter():  # the preamble
            pass
        while self._opens_part():
            self._skip_header()
            pieces = self._until_delimiter()
            yield Part(pieces)
            for _ in pieces:  # what the caller did not want
                pass

    def _opens_part(self) -> bool:
        while len(self._buffer) < 2:
            self._fill()
        if self._buffer.startswith(b"--"):
            return False
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._fill_header()
        if self._buffer[:end].strip(b" \t"):
            raise MalformedBodyError("a multipart delimiter is followed by other bytes")
        del self._buffer[:end]  # the line end stays: it opens the header, or the blank line where there is none
        return True

    def _skip_header(self) -> None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._fill_header()
        del self._buffer[: end + 4]

    def _until_delimiter(self) -> Iterator[bytes]:
        """Yield content up to the next delimiter and drop that."""
        tail = len(self._delimiter) - 1
        while (found := self._buffer.find(self._delimiter)) < 0:
            safe = len(self._buffer) - tail
            if safe > 0:
                yield bytes(self._buffer[:safe])
                del self._buffer[:safe]
            self._fill()
        content = bytes(self._buffer[:found])
        del self._buffer[: found + len(self._delimiter)]
        if content:
            yield content

    def _fill_header(self) -> None:
        if len(self._buffer) > _MAX_HEADER_BYTES:
            raise MalformedBodyError("a part's header has no end")
        self._fill()

    def _fill(self) -> None:
        for piece in self._pieces:
            if piece:
                self._buffer += piece
                return
        raise TruncatedBodyError("the multipart answer ended half way")


class MultipartUpload:
    """Files as a multipart/related body of known length, read from disk as it is sent (DICOM PS3.18 10.5).

    Parameters
    ----------
    paths : sequence of pathlib.Path
        DICOM files; they must not change while they are sent.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        self._paths = tuple(paths)
        self._head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._foot = f"--{boundary}--\r\n".encode()
        self._length = sum(len(self._head) + path.stat().st_size + 2 for path in self._paths) + len(self._foot)
        self._source: Iterator[bytes] | None = None
        self._pending = b""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        for path in self._paths:
            yield self._head
            with path.open("rb") as stream:
                while piece := stream.read(_PIECE_BYTES):
                    yield piece
            yield b"\r\n"
        yield self._foot

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the body, at most ``size``, or nothing at its end."""
        if self._source is None:
            self._source = iter(self)
        wanted = self._length if size is None or size < 0 else size
        while len(self._pending) < wanted:
            piece = next(self._source, b"")
            if not piece:
                break
            self._pending += piece
        answer, self._pending = self._pending[:wanted], self._pending[wanted:]
        return answer
