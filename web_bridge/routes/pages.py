"""Addresses under ``/psma`` to our own pages and into the viewer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files as package_files

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from web_bridge.errors import BadRequestError, NotFoundError
from web_bridge.pages.launch import Mode, newest_segmentation, viewer_url, warning_page
from web_bridge.pages.study import ENCAPSULATED_PDF, SECONDARY_CAPTURES, Document, study_page
from web_bridge.pages.study_list import FIELDS, PAGE_SIZE, study_list_page
from web_bridge.pages.suv_findings import SuvFinding, suv_findings
from web_bridge.routes.common import DICOMWEB_ROOT, archive, resource_url, target
from web_bridge.store import Archive, Filter, Level, Match, Order, Query
from web_bridge.store.dicom_json import text_value
from web_bridge.store.levels import resolve_tag
from web_bridge.uids import require_uid

_CONTAINS = ("PatientName", "StudyDescription")


def study_list(request: Request) -> Response:
    """Answer ``/psma/studies``: search and paging happen in the index, never here."""
    asked = {name: request.query_params.get(name, "").strip() for name in FIELDS}
    offset_text = request.query_params.get("offset", "0")
    if not (offset_text.isascii() and offset_text.isdigit() and len(offset_text) < 10):
        raise BadRequestError("offset must be a whole number from 0")
    offset = int(offset_text)
    query = Query(
        Level.STUDY, filters=_filters(asked), limit=PAGE_SIZE + 1, offset=offset, fuzzy=True, order=Order.PATIENT
    )
    found = archive(request).search(query)
    return HTMLResponse(study_list_page(found[:PAGE_SIZE], asked, offset, has_more=len(found) > PAGE_SIZE))


def _filters(asked: dict[str, str]) -> tuple[Filter, ...]:
    filters = [
        Filter(resolve_tag(name), asked[name])
        for name in ("PatientID", "PatientName", "ModalitiesInStudy")
        if asked[name]
    ]
    if asked["StudyDescription"]:
        text = asked["StudyDescription"]
        filters.append(Filter(resolve_tag("StudyDescription"), text if "*" in text else f"*{text}*"))
    low, high = (asked[name].replace("-", "") for name in ("from", "to"))
    if low or high:
        filters.append(Filter(resolve_tag("StudyDate"), low if low == high else f"{low}-{high}"))
    return tuple(filters)


def study(request: Request) -> Response:
    """Answer ``/psma/studies/{study}``."""
    study_uid = target(request).required_study_uid
    store = archive(request)
    found = _study(store, study_uid)
    series = _series(store, study_uid)
    return HTMLResponse(study_page(found, series, _documents(store, study_uid), _findings(store, series)))


def launch(request: Request) -> Response:
    """Answer ``/psma/launch/{study}``: the viewer with the newest SEG, after a warning where its SUV is wrong.

    Query parameters: ``mode`` (viewer, segmentation, tmtv) and ``series`` (shown first instead of the SEG).
    """
    study_uid = target(request).required_study_uid
    store = archive(request)
    _study(store, study_uid)
    series = _series(store, study_uid)
    chosen = request.query_params.get("series")
    first = require_uid(chosen, "series") if chosen else newest_segmentation(series)
    onward = viewer_url(study_uid, first, _mode(request))
    findings = _findings(store, series)
    if findings:
        return HTMLResponse(warning_page(study_uid, findings, series, onward))
    return RedirectResponse(onward, 303)


def style(_request: Request) -> Response:
    """Answer ``/psma/style.css``."""
    text = package_files("web_bridge.pages").joinpath("style.css").read_text(encoding="utf-8")
    return Response(text, media_type="text/css", headers={"Cache-Control": "no-cache"})


def _mode(request: Request) -> Mode:
    text = request.query_params.get("mode", Mode.VIEWER.value)
    try:
        return Mode(text)
    except ValueError as error:
        raise BadRequestError(f"mode must be one of {', '.join(Mode)}") from error


def _study(store: Archive, study_uid: str) -> Match:
    found = store.search(Query(Level.STUDY, study_uid=study_uid))
    if not found:
        raise NotFoundError("the archive holds no such study")
    return found[0]


def _series(store: Archive, study_uid: str) -> list[Match]:
    return store.search(Query(Level.SERIES, study_uid=study_uid))


def _findings(store: Archive, series: Sequence[Match]) -> list[SuvFinding]:
    findings: list[SuvFinding] = []
    for item in series:
        if text_value(item.series, "00080060") == "PT" and item.series_uid is not None:
            first = store.instances(item.study_uid, item.series_uid)[0]
            [(_, text)] = store.metadata(first.study_uid, first.series_uid, first.sop_uid)
            findings.extend(suv_findings(json.loads(text)))
    return findings


def _documents(store: Archive, study_uid: str) -> list[Document]:
    documents: list[Document] = []
    for instance in store.search(Query(Level.INSTANCE, study_uid=study_uid, filters=(_DOCUMENT_CLASSES,))):
        url = resource_url(DICOMWEB_ROOT, study_uid, instance.series_uid, instance.sop_uid)
        title = text_value(instance.instance, "00420010") or text_value(instance.series, "0008103E") or "Document"
        if text_value(instance.instance, "00080016") == ENCAPSULATED_PDF:
            documents.append(Document(title, f"{url}/bulkdata/00420011", is_picture=False))
        else:
            documents.append(Document(title, f"{url}/rendered", is_picture=True))
    return documents


_DOCUMENT_CLASSES = Filter("00080016", ",".join(sorted({ENCAPSULATED_PDF, *SECONDARY_CAPTURES})))
