"""An archive and a viewer to one web application."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from web_bridge.errors import (
    BadRequestError,
    BridgeError,
    ForbiddenError,
    NotAcceptableError,
    NotFoundError,
    StoreFullError,
    UnsupportedMediaError,
)
from web_bridge.guard import Guard
from web_bridge.routes import pages, qido, rendered, stow, viewer, wado
from web_bridge.routes.common import DICOMWEB_ROOT, Services
from web_bridge.store import Archive
from web_bridge.viewer import Viewer

logger = logging.getLogger(__name__)

_STUDY = "/studies/{study}"
_SERIES = "/studies/{study}/series/{series}"
_INSTANCE = "/studies/{study}/series/{series}/instances/{instance}"

DICOMWEB_ROUTES = [
    Route("/studies", qido.search_studies, methods=["GET"]),
    Route("/series", qido.search_series, methods=["GET"]),
    Route("/instances", qido.search_instances, methods=["GET"]),
    Route(f"{_STUDY}/series", qido.search_series, methods=["GET"]),
    Route(f"{_STUDY}/instances", qido.search_instances, methods=["GET"]),
    Route(f"{_SERIES}/instances", qido.search_instances, methods=["GET"]),
    Route("/studies", stow.store, methods=["POST"]),
    Route(_STUDY, stow.store, methods=["POST"]),
    Route(_STUDY, stow.delete, methods=["DELETE"]),
    Route(_SERIES, stow.delete, methods=["DELETE"]),
    Route(_INSTANCE, stow.delete, methods=["DELETE"]),
    Route(_STUDY, wado.retrieve, methods=["GET"]),
    Route(_SERIES, wado.retrieve, methods=["GET"]),
    Route(_INSTANCE, wado.retrieve, methods=["GET"]),
    Route(f"{_STUDY}/metadata", wado.metadata, methods=["GET"]),
    Route(f"{_SERIES}/metadata", wado.metadata, methods=["GET"]),
    Route(f"{_INSTANCE}/metadata", wado.metadata, methods=["GET"]),
    Route(f"{_INSTANCE}/frames/{{frames}}", wado.frames, methods=["GET"]),
    Route(f"{_INSTANCE}/frames/{{frame}}/rendered", rendered.rendered, methods=["GET"]),
    Route(f"{_INSTANCE}/rendered", rendered.rendered, methods=["GET"]),
    Route(f"{_INSTANCE}/thumbnail", rendered.thumbnail, methods=["GET"]),
    Route(f"{_INSTANCE}/bulkdata/{{path:path}}", wado.bulkdata, methods=["GET"]),
]
ROUTES = [
    Route("/", viewer.root, methods=["GET"]),
    Mount(DICOMWEB_ROOT, routes=DICOMWEB_ROUTES),
    Route("/psma/studies", pages.study_list, methods=["GET"]),
    Route("/psma/studies/{study}", pages.study, methods=["GET"]),
    Route("/psma/launch/{study}", pages.launch, methods=["GET"]),
    Route("/psma/style.css", pages.style, methods=["GET"]),
    Route("/app-config.js", viewer.config, methods=["GET"]),
    Route("/{path:path}", viewer.files, methods=["GET"]),
]
# The first class that fits decides.
STATUS: tuple[tuple[type[Exception], int], ...] = (
    (BadRequestError, 400),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (FileNotFoundError, 404),  # deleted between the search and the read
    (NotAcceptableError, 406),
    (UnsupportedMediaError, 415),
    (StoreFullError, 507),
    (ClientDisconnect, 400),
    (BridgeError, 500),
)


def build_app(archive: Archive, viewer_files: Viewer) -> Starlette:
    """Return the application; the caller opens and closes the archive."""
    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Guard)],
        exception_handlers={error: _answer_error for error, _ in STATUS},
    )
    app.state.services = Services(archive, viewer_files)
    return app


def status_of(error: Exception) -> int:
    """Return the HTTP status that an exception means."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def _answer_error(_request: Request, error: Exception) -> Response:
    status = status_of(error)
    if status >= 500:
        logger.error("answered %d: %s", status, error)
    words = "the file is gone" if isinstance(error, OSError) else str(error)
    return PlainTextResponse(f"{words}\n", status)
