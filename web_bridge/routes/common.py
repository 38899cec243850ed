"""What every route needs of a request: the archive, its own address, checked UIDs."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from web_bridge.media import MediaType, parse_accept
from web_bridge.store import Archive
from web_bridge.uids import require_uid
from web_bridge.viewer import Viewer

DICOMWEB_ROOT = "/dicom-web"
_NAMES = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}


@dataclass(frozen=True)
class Services:
    """What the application serves."""

    archive: Archive
    viewer: Viewer


@dataclass(frozen=True)
class Target:
    """The resource that a URL names, its UIDs checked; ``None`` for the levels that it leaves open."""

    study_uid: str | None
    series_uid: str | None
    sop_uid: str | None

    @property
    def required_study_uid(self) -> str:
        """The study; the route table gives it to every route that reads this."""
        if self.study_uid is None:
            raise LookupError("the route names no study")
        return self.study_uid


def services(request: Request) -> Services:
    """Return the archive and the viewer."""
    found: Services = request.app.state.services
    return found


def archive(request: Request) -> Archive:
    """Return the archive."""
    return services(request).archive


def target(request: Request) -> Target:
    """Return what the URL names.

    Raises
    ------
    BadRequestError
        If one of its UIDs is none.
    """
    uids = {
        key: require_uid(request.path_params[key], name) if key in request.path_params else None
        for key, name in _NAMES.items()
    }
    return Target(uids["study"], uids["series"], uids["instance"])


def dicomweb_root(request: Request) -> str:
    """Return the DICOMweb root as the client addressed it, with host and port.

    Some clients (dicomweb-client) leave the port out of Host; it is then the one that the server listens on.
    """
    base = request.base_url
    server = request.scope.get("server")
    if base.port is None and server is not None and server[1] not in (None, 80, 443):
        base = base.replace(port=server[1])
    return f"{str(base).rstrip('/')}{DICOMWEB_ROOT}"


def resource_url(root: str, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None) -> str:
    """Return the address of a study, series or instance."""
    url = f"{root}/studies/{study_uid}"
    if series_uid is not None:
        url += f"/series/{series_uid}"
    return url if sop_uid is None else f"{url}/instances/{sop_uid}"


def accepted(request: Request) -> tuple[MediaType, ...]:
    """Return the media types that the client takes, by query parameter or header (PS3.18 8.3.3.1)."""
    return parse_accept(request.query_params.getlist("accept") or request.headers.getlist("accept"))
