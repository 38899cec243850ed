"""Paths of the OHIF viewer to its files, with a fallback to ``index.html`` for the routes inside it."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from web_bridge.errors import NotFoundError
from web_bridge.pages.viewer_missing import viewer_missing_page
from web_bridge.routes.common import DICOMWEB_ROOT, services
from web_bridge.viewer.config import app_config

_ROUTES_INSIDE = ("viewer", "segmentation", "tmtv", "basic", "longitudinal", "callback", "local", "")
_HASHED = re.compile(r"\.[0-9a-f]{16}\.js$|^[0-9a-f]{16}\.\w+$")
_MEDIA_TYPES = {
    ".wasm": "application/wasm",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".onnx": "application/octet-stream",
}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def root(request: Request) -> Response:
    """Answer ``/``: our study list, or OHIF's if the address carries its filters."""
    if request.url.query and services(request).viewer.root is not None:
        return _file(request, Path("index.html"))
    return RedirectResponse("/psma/studies", 303)


def config(request: Request) -> Response:
    """Answer ``/app-config.js``."""
    return Response(app_config(DICOMWEB_ROOT), media_type="text/javascript", headers={"Cache-Control": _ASK_AGAIN})


def files(request: Request) -> Response:
    """Answer everything that no other route does."""
    path = request.path_params["path"]
    head = path.split("/", 1)[0]
    if services(request).viewer.root is None:
        if head not in _ROUTES_INSIDE:
            raise NotFoundError("there is no such page")
        page = viewer_missing_page(services(request).viewer.status)
        return HTMLResponse(page, 503, headers={"Retry-After": "10"})
    return _file(request, Path(path))


def _file(request: Request, path: Path) -> Response:
    folder = services(request).viewer.root
    if folder is None:
        raise NotFoundError("there is no viewer")
    found = (folder / path).resolve()
    if not found.is_relative_to(folder):
        raise NotFoundError("there is no such page")
    if not found.is_file():
        if found.suffix and path.parts[:1] not in [(name,) for name in _ROUTES_INSIDE if name]:
            raise NotFoundError("the viewer has no such file")
        found = folder / "index.html"
    state = found.stat()
    etag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
    headers = {"Cache-Control": _FOREVER if _HASHED.search(found.name) else _ASK_AGAIN, "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return FileResponse(found, media_type=_MEDIA_TYPES.get(found.suffix), headers=headers, stat_result=state)
