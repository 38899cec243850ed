"""A small DICOMweb server that fails on demand, as no real one can be made to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pydicom

_BOUNDARY = "b-o-u-n-d"


@dataclass(frozen=True)
class Answer:
    """What to send: status, type and body; ``length`` lies where it is not the body's."""

    status: int
    content_type: str = "application/dicom+json"
    body: bytes = b"[]"
    length: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[["Request"], Answer | None]


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    headers: dict[str, str]


class FaultServer(ThreadingHTTPServer):
    """Serves files as DICOMweb; ``fault`` may answer first, and an answer of ``None`` lets the request pass."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RequestHandler)
        self.root = f"http://127.0.0.1:{self.server_port}/dicom-web"
        self.requests: list[Request] = []
        self.fault: Handler = lambda _request: None
        self.release = threading.Event()
        self._files: dict[str, tuple[str, str, Path]] = {}
        self._modality_of: dict[str, str] = {}

    def serve(self, paths: tuple[Path, ...]) -> None:
        """Add files to what it serves."""
        for path in paths:
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            uids = (str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID))
            self._files[str(dataset.SOPInstanceUID)] = (*uids, path)
            self._modality_of[uids[1]] = str(dataset.get("Modality", ""))

    def answer(self, request: Request) -> Answer:
        """Answer as a faultless server does."""
        if request.method == "POST":
            return Answer(200, body=b"")
        levels = dict(zip(request.path.split("/")[2::2], request.path.split("/")[3::2], strict=False))
        study, series, instance = (levels.get(name) for name in ("studies", "series", "instances"))
        found = {
            uid: (one_study, one_series, path)
            for uid, (one_study, one_series, path) in self._files.items()
            if study in (None, one_study) and series in (None, one_series) and instance in (None, uid)
        }
        last = request.path.rsplit("/", 1)[1]
        if last in ("studies", "series", "instances"):
            return Answer(200, body=json.dumps(self._page(last, found, request)).encode())
        return multipart([path.read_bytes() for _, _, path in found.values()])

    def _page(self, level: str, found: dict[str, tuple[str, str, Path]], request: Request) -> list[object]:
        column = {"studies": 0, "series": 1}.get(level)
        tag = {"studies": "0020000D", "series": "0020000E"}.get(level, "00080018")
        uids = dict.fromkeys(uid if column is None else row[column] for uid, row in found.items())
        offset = int(request.query.get("offset", ["0"])[0])
        return [{tag: {"vr": "UI", "Value": [uid]}, **self._modality(uid)} for uid in list(uids)[offset:]]

    def _modality(self, uid: str) -> dict[str, object]:
        return {"00080060": {"vr": "CS", "Value": [self._modality_of[uid]]}} if uid in self._modality_of else {}


def multipart(bodies: list[bytes], *, cut: int = 0) -> Answer:
    """Return the bodies as one answer, its last ``cut`` bytes left out without a word."""
    head = f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = b"".join(head + one + b"\r\n" for one in bodies) + f"--{_BOUNDARY}--\r\n".encode()
    content_type = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'
    return Answer(200, content_type, body[: len(body) - cut])


class _RequestHandler(BaseHTTPRequestHandler):
    server: FaultServer

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _handle(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        request = Request(self.command, parts.path, parse_qs(parts.query), body, dict(self.headers.items()))
        self.server.requests.append(request)
        answer = self.server.fault(request) or self.server.answer(request)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def running_fault_server() -> Iterator[FaultServer]:
    """Serve in a thread while the context is open."""
    server = FaultServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
