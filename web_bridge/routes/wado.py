"""WADO-RS: addresses to instances, metadata, frames and bulk data (DICOM PS3.18 10.4)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from web_bridge.errors import BadRequestError, NotAcceptableError
from web_bridge.media import ANY, EXPLICIT_LE, MediaType, accepts_json, media_type_of
from web_bridge.routes.common import accepted, archive, dicomweb_root, resource_url, target
from web_bridge.routes.multipart_response import Part, multipart_bytes, multipart_response
from web_bridge.store import Archive, StoredInstance
from web_bridge.store.bulk import read_bulk
from web_bridge.store.dicom_json import BULK_MARK
from web_bridge.store.frames import Frame

logger = logging.getLogger(__name__)

_DICOM = "application/dicom"
_OCTETS = "application/octet-stream"
_MARKED = f'"BulkDataURI":"{BULK_MARK}'.encode()
_MAX_FRAMES = 10_000


def retrieve(request: Request) -> Response:
    """Answer ``GET`` of a study, series or instance: the files, as received or as Explicit VR Little Endian."""
    where = target(request)
    store = archive(request)
    ranges = accepted(request)
    instances = store.instances(where.required_study_uid, where.series_uid, where.sop_uid)
    multipart = [item for item in ranges if _takes_dicom_parts(item)]
    if multipart or any(item.name in ("*/*", "multipart/*") for item in ranges):
        syntaxes = _syntaxes(multipart)
        parts = _parts(store, instances, syntaxes, dicomweb_root(request), is_alone=where.sop_uid is not None)
        return multipart_response(list(parts) if where.sop_uid is not None else parts, _DICOM)
    single = [item for item in ranges if item.name in (_DICOM, "application/*")]
    if single and where.sop_uid is not None:
        return _single(store, instances[0], _syntaxes(single))
    raise NotAcceptableError('instances are sent as multipart/related; type="application/dicom"')


def metadata(request: Request) -> Response:
    """Answer ``…/metadata`` of a study, series or instance as DICOM JSON."""
    if not accepts_json(accepted(request)):
        raise NotAcceptableError("metadata is sent as application/dicom+json only")
    where = target(request)
    root = dicomweb_root(request)
    found = archive(request).metadata(where.required_study_uid, where.series_uid, where.sop_uid)
    rows = []
    for instance, text in found:
        url = resource_url(root, instance.study_uid, instance.series_uid, instance.sop_uid)
        rows.append(text.replace(_MARKED, f'"BulkDataURI":"{url}/bulkdata/'.encode()))
    return Response(b"[" + b",".join(rows) + b"]", media_type="application/dicom+json")


def frames(request: Request) -> Response:
    """Answer ``…/frames/{list}``: uncompressed pixels, or compressed where the client takes that syntax."""
    where = target(request)
    numbers = _frame_numbers(request.path_params["frames"])
    store = archive(request)
    [instance] = store.instances(where.required_study_uid, where.series_uid, where.sop_uid)
    ranges = accepted(request)
    as_stored = any(_takes_syntax(item, instance.transfer_syntax_uid) for item in ranges)
    found = store.frames(instance, numbers, as_stored=as_stored)
    if not as_stored and not any(_takes_octets(item) for item in ranges):
        raise NotAcceptableError(f"frames can be sent as {_OCTETS}, or as stored with transfer-syntax=*")
    if len(found) == 1 and not any(item.name in ("multipart/related", "*/*") for item in ranges):
        return Response(found[0].data, media_type=_frame_type(found[0], ranges))
    parts: list[Part] = [(_frame_type(frame, ranges), "", frame.data) for frame in found]
    return multipart_bytes(parts, parts[0][0])


def bulkdata(request: Request) -> Response:
    """Answer ``…/bulkdata/{path}``; an encapsulated document goes out under its own media type on wish."""
    where = target(request)
    store = archive(request)
    [instance] = store.instances(where.required_study_uid, where.series_uid, where.sop_uid)
    bulk = read_bulk(store, instance, request.path_params["path"])
    ranges = accepted(request)
    if any(item.name == "multipart/related" for item in ranges):
        return multipart_bytes([(bulk.media_type, "", item) for item in bulk.items], bulk.media_type)
    if len(bulk.items) == 1:
        headers = {"Content-Disposition": "inline"}
        return Response(bulk.items[0], media_type=bulk.media_type, headers=headers)
    return multipart_bytes([(bulk.media_type, "", item) for item in bulk.items], bulk.media_type)


def _takes_dicom_parts(item: MediaType) -> bool:
    return item.name == "multipart/related" and item.inner in (_DICOM, "application/*", "*/*", "")


def _syntaxes(ranges: Sequence[MediaType]) -> frozenset[str]:
    """Return what a client takes: Explicit VR Little Endian where it names no syntax (PS3.18 8.7.3.5.2)."""
    if not ranges:
        return frozenset({ANY})
    return frozenset(item.transfer_syntax or EXPLICIT_LE for item in ranges)


def _parts(
    store: Archive, instances: Sequence[StoredInstance], syntaxes: frozenset[str], root: str, *, is_alone: bool
) -> Iterator[Part]:
    """Yield instances; one of many that cannot be converted goes out as stored rather than break off the rest."""
    for instance in instances:
        location = resource_url(root, instance.study_uid, instance.series_uid, instance.sop_uid)
        content: Path | bytes = store.path(instance)
        syntax = instance.transfer_syntax_uid
        if not _goes_as_stored(instance, syntaxes):
            try:
                content, syntax = store.explicit_little_endian(instance), EXPLICIT_LE
            except NotAcceptableError as error:
                if is_alone:
                    raise
                logger.warning("instance %s is sent as stored: %s", instance.sop_uid, error)
        yield f"{_DICOM}; transfer-syntax={syntax}", location, content


def _goes_as_stored(instance: StoredInstance, syntaxes: frozenset[str]) -> bool:
    return ANY in syntaxes or instance.transfer_syntax_uid in syntaxes


def _single(store: Archive, instance: StoredInstance, syntaxes: frozenset[str]) -> Response:
    if _goes_as_stored(instance, syntaxes):
        return FileResponse(
            store.path(instance), media_type=f"{_DICOM}; transfer-syntax={instance.transfer_syntax_uid}"
        )
    return Response(store.explicit_little_endian(instance), media_type=f"{_DICOM}; transfer-syntax={EXPLICIT_LE}")


def _frame_numbers(text: str) -> list[int]:
    items = text.split(",")
    if len(items) > _MAX_FRAMES or not all(item.isascii() and item.isdigit() and len(item) < 10 for item in items):
        raise BadRequestError("frames are named by whole numbers from 1, separated by commas")
    return [int(item) for item in items]


def _takes_syntax(item: MediaType, stored: str) -> bool:
    syntax = item.transfer_syntax
    if syntax is not None:
        return syntax in (ANY, stored)
    compressed = media_type_of(stored)
    return compressed != _OCTETS and compressed in (item.name, item.inner)


def _takes_octets(item: MediaType) -> bool:
    wanted = item.inner if item.name == "multipart/related" else item.name
    return wanted in (_OCTETS, "application/*", "*/*", "") and item.transfer_syntax in (None, ANY, EXPLICIT_LE)


def _frame_type(frame: Frame, ranges: Sequence[MediaType]) -> str:
    """Return the part's media type: octets if the client named only these, whatever the syntax."""
    wanted = {item.inner if item.name == "multipart/related" else item.name for item in ranges}
    name = media_type_of(frame.transfer_syntax_uid)
    if wanted <= {_OCTETS}:
        name = _OCTETS
    return f"{name}; transfer-syntax={frame.transfer_syntax_uid}"
