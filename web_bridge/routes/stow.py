"""STOW-RS: multipart requests to stored instances (DICOM PS3.18 10.5), and their removal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from web_bridge.errors import FailureReason, InstanceRefusedError, UnsupportedMediaError
from web_bridge.media import parse_media_type
from web_bridge.multipart import MultipartParser, PartBegin, PartData
from web_bridge.routes.common import archive, dicomweb_root, resource_url, target
from web_bridge.store import Archive, Outcome, Received
from web_bridge.store.dicom_json import DicomJson
from web_bridge.store.files import StagedFile

_PART_TYPES = frozenset({"application/dicom", "application/octet-stream", ""})
_BUFFER_BYTES = 1 << 20


@dataclass
class _Intake:
    """Writes the parts of one request to the staging area as they arrive; holds no part in memory."""

    archive: Archive
    parser: MultipartParser
    received: list[Received] = field(default_factory=list)
    refused: list[Outcome] = field(default_factory=list)
    _current: StagedFile | None = None

    def feed(self, data: bytes) -> None:
        for event in self.parser.feed(data):
            if isinstance(event, PartBegin):
                self._begin(event.content_type)
            elif self._current is None:
                continue  # the rest of a part that is refused by its type
            elif isinstance(event, PartData):
                self._current.write(event.data)
            else:
                self.received.append(self.archive.inspect(self._current))
                self._current = None

    def _begin(self, content_type: str) -> None:
        name = parse_media_type(content_type).name
        if name in _PART_TYPES:
            self._current = self.archive.stage()
            return
        refusal = InstanceRefusedError(
            f"a part of type {name[:64]!r} cannot be stored", reason=FailureReason.CANNOT_UNDERSTAND
        )
        self.refused.append(Outcome("", "", "", "", refusal))

    def discard(self) -> None:
        """Remove everything that was staged."""
        for part in self.received:
            part.staged.discard()
        if self._current is not None:
            self._current.discard()


async def store(request: Request) -> Response:
    """Answer ``POST /studies`` and ``POST /studies/{study}``.

    The body is parsed as it arrives. Nothing of a request is kept unless it came whole: a body that
    ends before its closing boundary leaves no file behind.
    """
    where = target(request)
    intake = _Intake(archive(request), MultipartParser(_boundary(request)))
    try:
        pending = bytearray()
        async for chunk in request.stream():
            pending += chunk
            if len(pending) >= _BUFFER_BYTES:
                await to_thread.run_sync(intake.feed, bytes(pending))
                pending.clear()
        await to_thread.run_sync(intake.feed, bytes(pending))
        intake.parser.finish()
        outcomes = await to_thread.run_sync(lambda: intake.archive.commit(intake.received, study_uid=where.study_uid))
    except BaseException:
        intake.discard()
        raise
    return _answer([*outcomes, *intake.refused], dicomweb_root(request), where.study_uid)


def _boundary(request: Request) -> str:
    media_type = parse_media_type(request.headers.get("content-type", ""))
    if media_type.name != "multipart/related" or media_type.inner not in ("application/dicom", ""):
        raise UnsupportedMediaError('instances are stored as multipart/related; type="application/dicom" only')
    return media_type.parameters.get("boundary", "")


def _answer(outcomes: list[Outcome], root: str, study_uid: str | None) -> Response:
    """Return the Store Instances Response (PS3.18 Table 10.5.3-1 for the status, I.2 for the data set)."""
    stored = [outcome for outcome in outcomes if outcome.refusal is None]
    failed = [outcome for outcome in outcomes if outcome.refusal is not None and outcome.sop_uid]
    others = [outcome for outcome in outcomes if outcome.refusal is not None and not outcome.sop_uid]
    body: DicomJson = {}
    studies = {outcome.study_uid for outcome in stored} or ({study_uid} if study_uid else set())
    if len(studies) == 1:
        body["00081190"] = {"vr": "UR", "Value": [resource_url(root, next(iter(studies)))]}
    if failed:
        body["00081198"] = {"vr": "SQ", "Value": [{**_reference(item), **_failure(item)} for item in failed]}
    if stored:
        body["00081199"] = {
            "vr": "SQ",
            "Value": [{**_reference(item), "00081190": _location(item, root)} for item in stored],
        }
    if others:
        body["0008119A"] = {"vr": "SQ", "Value": [_failure(item) for item in others]}
    n_failed = len(failed) + len(others)
    status = 200 if not n_failed else 202 if stored else 409
    if not outcomes:
        status = 400
    return Response(json.dumps(body, separators=(",", ":")), status, media_type="application/dicom+json")


def _reference(outcome: Outcome) -> DicomJson:
    return {
        "00081150": {"vr": "UI", "Value": [outcome.sop_class_uid]} if outcome.sop_class_uid else {"vr": "UI"},
        "00081155": {"vr": "UI", "Value": [outcome.sop_uid]},
    }


def _location(outcome: Outcome, root: str) -> dict[str, object]:
    return {"vr": "UR", "Value": [resource_url(root, outcome.study_uid, outcome.series_uid, outcome.sop_uid)]}


def _failure(outcome: Outcome) -> DicomJson:
    reason = outcome.refusal.reason if outcome.refusal else FailureReason.PROCESSING_FAILURE
    words = str(outcome.refusal) if outcome.refusal else ""
    return {
        "00081197": {"vr": "US", "Value": [int(reason)]},
        "00000902": {"vr": "LO", "Value": [words[:64]]},  # Error Comment (PS3.7 Annex C)
    }


def delete(request: Request) -> Response:
    """Answer ``DELETE`` of a study, series or instance."""
    where = target(request)
    archive(request).delete(where.required_study_uid, where.series_uid, where.sop_uid)
    return Response(status_code=204)
