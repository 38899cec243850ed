"""QIDO-RS: search requests to lists of studies, series and instances (DICOM PS3.18 10.6)."""

from __future__ import annotations

import json
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from web_bridge.errors import BadRequestError, NotAcceptableError
from web_bridge.media import accepts_json
from web_bridge.routes.common import accepted, archive, dicomweb_root, resource_url, target
from web_bridge.store import Filter, Level, Match, Query
from web_bridge.store.dicom_json import DicomJson
from web_bridge.store.levels import DEFAULT_TAGS, LEVEL_TAGS, OPTIONAL_TAGS, level_of, resolve_tag, vr_of
from web_bridge.store.query import MAX_RESULTS

_CONTROL_KEYS = frozenset({"limit", "offset", "includefield", "fuzzymatching", "accept", "charset"})
_TOO_MANY = (
    '299 psma-bridge "The number of results exceeded the maximum supported by the server. '
    'Additional results can be requested."'
)


def search_studies(request: Request) -> Response:
    """Answer ``/studies``."""
    return _search(request, Level.STUDY)


def search_series(request: Request) -> Response:
    """Answer ``/series`` and ``/studies/{study}/series``."""
    return _search(request, Level.SERIES)


def search_instances(request: Request) -> Response:
    """Answer ``/instances``, ``/studies/{study}/instances`` and ``…/series/{series}/instances``."""
    return _search(request, Level.INSTANCE)


def parse_query(request: Request, level: Level) -> Query:
    """Return the search that a request asks for.

    Raises
    ------
    BadRequestError
        If a key is unknown or malformed: a filter that is ignored would show the wrong patients.
    """
    where = target(request)
    filters: list[Filter] = []
    include: set[str] = set()
    include_all = False
    for name, value in request.query_params.multi_items():
        if name == "includefield":
            # OHIF sends the list's commas as %2C, some proxies twice encoded.
            for item in unquote(value).split(","):
                include_all |= item.strip() == "all"
                if item.strip() not in ("", "all"):
                    include.add(resolve_tag(item.strip()))
        elif name not in _CONTROL_KEYS:
            filters.append(Filter(resolve_tag(name), value))
    return Query(
        level=level,
        filters=tuple(filters),
        study_uid=where.study_uid,
        series_uid=where.series_uid,
        include=frozenset(include),
        include_all=include_all,
        limit=min(_count(request, "limit", MAX_RESULTS), MAX_RESULTS),
        offset=_count(request, "offset", 0),
        fuzzy=request.query_params.get("fuzzymatching", "").lower() == "true",
    )


def _count(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise BadRequestError(f"{name} must be a whole number from 0, not {text[:32]!r}")
    return int(text)


def _search(request: Request, level: Level) -> Response:
    if not accepts_json(accepted(request)):
        raise NotAcceptableError("searches are answered as application/dicom+json only")
    query = parse_query(request, level)
    found = archive(request).search(query)
    if not found:
        return Response(status_code=204)  # PS3.18 Table 10.6.3-1: no matches
    root = dicomweb_root(request)
    rows = [_row(request, match, query, root) for match in found]
    headers = {"Warning": _TOO_MANY} if len(found) == MAX_RESULTS else None
    body = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return Response(body, media_type="application/dicom+json", headers=headers)


def _row(request: Request, match: Match, query: Query, root: str) -> DicomJson:
    row: DicomJson = {}
    for level, attributes in ((Level.STUDY, match.study), (Level.SERIES, match.series)):
        if level is query.level or (match.series_uid is not None and not _named(query, level)):
            _copy(row, attributes, DEFAULT_TAGS[level])
    if query.level is Level.INSTANCE:
        _copy(row, match.instance, DEFAULT_TAGS[Level.INSTANCE])
    _copy_included(request, row, match, query)
    row["0020000D"] = {"vr": "UI", "Value": [match.study_uid]}
    if match.series_uid is not None:
        row["0020000E"] = {"vr": "UI", "Value": [match.series_uid]}
    row["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
    row["00081190"] = {
        "vr": "UR",
        "Value": [resource_url(root, match.study_uid, match.series_uid, match.sop_uid)],
    }
    _count_related(row, match, query.level)
    return dict(sorted(row.items()))


def _named(query: Query, level: Level) -> bool:
    """Whether the URL names the study (series), so that its attributes need not be repeated."""
    return (query.study_uid if level is Level.STUDY else query.series_uid) is not None


def _copy(row: DicomJson, attributes: DicomJson, tags: tuple[str, ...]) -> None:
    for tag in tags:
        if tag in attributes:
            row[tag] = attributes[tag]
        elif tag not in OPTIONAL_TAGS:
            row[tag] = {"vr": vr_of(tag)}  # type 2: present and empty


def _copy_included(request: Request, row: DicomJson, match: Match, query: Query) -> None:
    held = {**match.study, **match.series, **match.instance}
    if query.include_all:
        row.update(held)
    deep = [tag for tag in query.include if level_of(tag) is Level.INSTANCE and tag not in LEVEL_TAGS[Level.INSTANCE]]
    if match.sop_uid is not None and (deep or query.include_all):
        [(_, text)] = archive(request).metadata(match.study_uid, match.series_uid, match.sop_uid)
        metadata: DicomJson = json.loads(text)
        held.update(metadata)
        if query.include_all:
            deep = list(metadata)
    for tag in {*query.include, *deep}:
        if tag in held and "BulkDataURI" not in held[tag]:
            row[tag] = held[tag]


def _count_related(row: DicomJson, match: Match, level: Level) -> None:
    if level is Level.STUDY:
        row["00080061"] = {"vr": "CS", "Value": list(match.modalities)} if match.modalities else {"vr": "CS"}
        row["00201206"] = {"vr": "IS", "Value": [match.n_series]}
        row["00201208"] = {"vr": "IS", "Value": [match.n_instances]}
    elif level is Level.SERIES:
        row["00201209"] = {"vr": "IS", "Value": [match.n_instances]}
    elif match.transfer_syntax_uid:
        row["00083002"] = {"vr": "UI", "Value": [match.transfer_syntax_uid]}
