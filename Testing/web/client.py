"""Requests to the application in this process, and multipart bodies for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from email import message_from_bytes

import httpx
from starlette.applications import Starlette

BOUNDARY = "psma-test-boundary"


class InProcess:
    """Sends requests to an application without a socket."""

    def __init__(self, app: Starlette, base_url: str = "http://127.0.0.1:8042") -> None:
        self._app = app
        self._base_url = base_url

    def request(self, method: str, url: str, **kwargs: object) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url) as client:
                return await client.request(method, url, **kwargs)  # type: ignore[arg-type]

        return asyncio.run(send())

    def get(self, url: str, **kwargs: object) -> httpx.Response:
        return self.request("GET", url, **kwargs)

    def store(self, parts: Iterable[bytes], url: str = "/dicom-web/studies") -> httpx.Response:
        return self.request("POST", url, content=multipart_body(parts), headers=stow_headers())


def stow_headers() -> dict[str, str]:
    return {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'}


def multipart_body(parts: Iterable[bytes], content_type: str = "application/dicom") -> bytes:
    pieces = [f"--{BOUNDARY}\r\nContent-Type: {content_type}\r\n\r\n".encode() + part + b"\r\n" for part in parts]
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


def parts_of(response: httpx.Response) -> list[bytes]:
    """Return the parts of a multipart answer, by the standard library's own parser."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    return [part.get_payload(decode=True) for part in message_from_bytes(head + response.content).get_payload()]
