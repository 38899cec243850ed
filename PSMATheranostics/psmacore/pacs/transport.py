"""HTTP requests to a DICOMweb server to answers, or to the core's errors, free of what must not be logged."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from psmacore.errors import PacsAccessError, PacsConnectionError, PacsTransferError
from psmacore.pacs.retry import RetryPolicy, TransientError

_PIECE_BYTES = 64 * 1024  # what a broken line costs at most
_TRANSIENT_STATUSES = frozenset({408, 425, 429, 502, 503, 504})
_LOST = (
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.HTTPError,
    ConnectionError,
)
FOREIGN = (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for a connection, for the next bytes, and for the answer to a store, in s."""

    connect_s: float = 10.0
    read_s: float = 60.0
    store_s: float = 300.0


class StatusError(PacsTransferError):
    """The server answered with a status that is neither success nor a refusal of the user."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Transport:
    """One server: its root, session, patience.

    Parameters
    ----------
    root : str
        DICOMweb root without credentials.
    session : requests.Session
        Authenticated elsewhere.
    """

    def __init__(self, root: str, session: requests.Session, timeouts: Timeouts, policy: RetryPolicy) -> None:
        self.root = root
        self.session = session
        self.timeouts = timeouts
        self.policy = policy
        self.server = urlsplit(root).netloc
        # Both write whole URLs, patient IDs included, at DEBUG; urllib3 does so even at WARNING.
        logging.getLogger("dicomweb_client").setLevel(logging.ERROR)
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def translated(self, error: Exception) -> Exception:
        """Return what a :data:`FOREIGN` error means: one of the core's, or :class:`TransientError`.

        The original is to be dropped (``from None``): its words hold the URL with its query.
        """
        match error:
            case requests.exceptions.SSLError():
                return PacsConnectionError(
                    f"{self.server}: the server's certificate is not trusted; name the hospital's CA file"
                )
            case requests.HTTPError(response=requests.Response() as answer):
                return self.error_of(answer) or PacsTransferError(f"{self.server}: the request failed")
            case requests.exceptions.InvalidJSONError():
                return PacsTransferError(f"{self.server}: the answer is not DICOM JSON")
            case requests.Timeout() | TimeoutError():
                return TransientError(PacsConnectionError(f"{self.server}: no answer in time"))
            case _ if isinstance(error, _LOST):
                words = f"{self.server}: not reachable, or the connection was closed half way"
                return TransientError(PacsConnectionError(words))
        return PacsConnectionError(f"{self.server}: the request failed ({type(error).__name__})")

    def error_of(self, answer: requests.Response) -> Exception | None:
        """Return what the status of an answer means, ``None`` where it is a success."""
        status = answer.status_code
        if status < 300:
            return None
        if status in (401, 403):
            word = "wants other credentials" if status == 401 else "does not allow this"
            return PacsAccessError(f"{self.server}: the server {word} (HTTP {status})")
        words = f"{self.server}: HTTP {status} {answer.reason or ''}".rstrip()
        if status in _TRANSIENT_STATUSES:
            return TransientError(PacsConnectionError(words), _retry_after_s(answer.headers.get("Retry-After", "")))
        return StatusError(words, status)

    def raise_for(self, answer: requests.Response) -> None:
        """Raise what the status of an answer means; return where it is a success."""
        error = self.error_of(answer)
        if error is not None:
            raise error

    @contextlib.contextmanager
    def get(self, path: str, accept: str) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Open a resource and yield its Content-Type and its body in pieces, decoded from the transfer only."""
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        limits = (self.timeouts.connect_s, self.timeouts.read_s)
        try:
            with self.session.get(f"{self.root}{path}", headers=headers, stream=True, timeout=limits) as answer:
                self.raise_for(answer)
                yield answer.headers.get("Content-Type", ""), answer.iter_content(_PIECE_BYTES)
        except FOREIGN as error:
            raise self.translated(error) from None

    def post(self, path: str, body: Iterable[bytes], headers: Mapping[str, str]) -> requests.Response:
        """Send a body and return the answer, whatever its status is."""
        limits = (self.timeouts.connect_s, self.timeouts.store_s)
        try:
            return self.session.post(f"{self.root}{path}", data=body, headers=dict(headers), timeout=limits)
        except FOREIGN as error:
            raise self.translated(error) from None


def _retry_after_s(text: str) -> float | None:
    """Return the wait that a Retry-After header asks for (RFC 9110 10.2.3), or ``None``."""
    if text.strip().isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
