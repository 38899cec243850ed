"""Requests to the same requests, refused if foreign, and answers with the headers that keep a browser safe."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# OHIF runs inline scripts, compiles WebAssembly, starts workers from blobs and shows PDF from blobs; nothing of it
# comes from, or goes to, another host.
_VIEWER_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' blob: data:; frame-src 'self' blob:; object-src 'self' blob:; media-src 'self' blob:; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'self'"
_PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


class Guard:
    """Pure ASGI middleware.

    A page of another site can make the user's browser send requests here. What it could do with them is
    stopped by the host name (DNS rebinding names a foreign one) and, where a request changes something,
    by the origin. Answers with patient data are never kept in the browser's cache on disk.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, answer, add headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = str(scope["path"])

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), path)
            await send(message)

        objection = _objection(scope)
        if objection:
            await PlainTextResponse(objection, 403)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)


def _objection(scope: Scope) -> str:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if _name(host) not in LOOPBACK_HOSTS:
        return "this archive answers on this computer only, under 127.0.0.1 or localhost"
    origin = headers.get("origin")
    if scope["method"] not in _SAFE_METHODS and origin is not None and urlsplit(origin).netloc != host:
        return "another site's page may not change this archive"
    return ""


def _name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _add_headers(headers: MutableHeaders, path: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if path.startswith("/dicom-web"):
        is_pdf = headers.get("content-type", "").startswith("application/pdf")
        headers["Content-Security-Policy"] = _PDF_POLICY if is_pdf else _DATA_POLICY
        headers["Cache-Control"] = "no-store"
    elif path.startswith("/psma"):
        headers["Content-Security-Policy"] = _PAGE_POLICY
        headers.setdefault("Cache-Control", "no-store")
    else:
        headers["Content-Security-Policy"] = _VIEWER_POLICY
