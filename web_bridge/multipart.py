"""Chunks of a ``multipart/related`` request body to its parts, as they arrive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from web_bridge.errors import MultipartError

_MAX_HEADER_BYTES = 16 * 1024
_END_OF_HEADERS = b"\r\n\r\n"


@dataclass(frozen=True)
class PartBegin:
    """A part starts; ``content_type`` is empty where its header names none."""

    content_type: str


@dataclass(frozen=True)
class PartData:
    """A piece of the part's content, never empty."""

    data: bytes


@dataclass(frozen=True)
class PartEnd:
    """The part is complete."""


PartEvent = PartBegin | PartData | PartEnd


class _State(Enum):
    PREAMBLE = auto()
    AFTER_DELIMITER = auto()
    HEADERS = auto()
    DATA = auto()
    EPILOGUE = auto()


class MultipartParser:
    """Incremental reader of RFC 2046 multipart bodies; holds at most a delimiter's length back.

    Parameters
    ----------
    boundary : str
        The ``boundary`` parameter of the request's Content-Type.
    """

    def __init__(self, boundary: str) -> None:
        if not 0 < len(boundary) <= 70:
            raise MultipartError("the Content-Type names no boundary of 1 to 70 characters (RFC 2046 5.1.1)")
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._buffer = bytearray(b"\r\n")  # so that a delimiter at the very start looks like any other
        self._state = _State.PREAMBLE

    def feed(self, chunk: bytes) -> Iterator[PartEvent]:
        """Yield what ``chunk`` completes.

        Raises
        ------
        MultipartError
            If the body breaks RFC 2046.
        """
        self._buffer += chunk
        progress = True
        while progress:
            before = (self._state, len(self._buffer))
            yield from self._step()
            progress = before != (self._state, len(self._buffer))

    def finish(self) -> None:
        """Check that the closing boundary was met.

        Raises
        ------
        MultipartError
            If the body ended before it.
        """
        if self._state is not _State.EPILOGUE:
            raise MultipartError("the multipart body ends before its closing boundary; nothing was stored")

    def _step(self) -> Iterator[PartEvent]:
        if self._state is _State.PREAMBLE:
            self._skip_preamble()
        elif self._state is _State.AFTER_DELIMITER:
            self._read_delimiter_end()
        elif self._state is _State.HEADERS:
            yield from self._read_headers()
        elif self._state is _State.DATA:
            yield from self._read_data()
        else:
            self._buffer.clear()

    def _skip_preamble(self) -> None:
        at = self._buffer.find(self._delimiter)
        if at >= 0:
            del self._buffer[: at + len(self._delimiter)]
            self._state = _State.AFTER_DELIMITER
        else:
            self._keep_tail()

    def _read_delimiter_end(self) -> None:
        if self._buffer.startswith(b"--"):
            self._state = _State.EPILOGUE
            return
        end = self._buffer.find(b"\r\n")
        if end >= 0 and not self._buffer[:end].strip(b" \t"):
            del self._buffer[:end]  # the CRLF stays: headers may be empty
            self._state = _State.HEADERS
        elif end >= 0 or len(self._buffer) > 256:
            raise MultipartError("a boundary is followed by neither a line end nor '--' (RFC 2046 5.1.1)")

    def _read_headers(self) -> Iterator[PartEvent]:
        end = self._buffer.find(_END_OF_HEADERS)
        if end < 0:
            if len(self._buffer) > _MAX_HEADER_BYTES:
                raise MultipartError(f"the header of a part is longer than {_MAX_HEADER_BYTES} bytes")
            return
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + len(_END_OF_HEADERS)]
        self._state = _State.DATA
        names = (line.partition(":") for line in lines if line)
        content_types = [value.strip() for name, _, value in names if name.strip().lower() == "content-type"]
        yield PartBegin(content_types[0] if content_types else "")

    def _read_data(self) -> Iterator[PartEvent]:
        at = self._buffer.find(self._delimiter)
        if at >= 0:
            if at:
                yield PartData(bytes(self._buffer[:at]))
            del self._buffer[: at + len(self._delimiter)]
            self._state = _State.AFTER_DELIMITER
            yield PartEnd()
            return
        ready = len(self._buffer) - len(self._delimiter) + 1
        if ready > 0:
            yield PartData(bytes(self._buffer[:ready]))
            del self._buffer[:ready]

    def _keep_tail(self) -> None:
        excess = len(self._buffer) - len(self._delimiter) + 1
        if excess > 0:
            del self._buffer[:excess]
