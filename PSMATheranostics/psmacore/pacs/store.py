"""DICOM files to STOW-RS requests, and their answers to a result for each file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import Dataset

from psmacore.errors import PacsTransferError
from psmacore.pacs.client import InstanceStored, OnProgress, StoreReport, TransferProgress
from psmacore.pacs.multipart import MultipartUpload
from psmacore.pacs.part10 import BrokenFileError, Identity, identify
from psmacore.pacs.retry import with_retries
from psmacore.pacs.transport import StatusError, Transport

logger = logging.getLogger(__name__)

_MAX_BATCH_BYTES = 64 * 1024 * 1024
_MAX_BATCH = 200
_JSON = "application/dicom+json"
_FATAL_STATUSES = frozenset({404, 405, 501})
# DICOM PS3.18 Table I.2-2, PS3.4 Table B.2-1, PS3.7 Annex C
_REASONS: dict[int, str] = {
    0x0110: "processing failure",
    0x0111: "an instance of this UID is stored already",
    0x0112: "no such instance",
    0x0117: "invalid instance",
    0x0119: "class and instance do not match",
    0x0122: "the SOP class is not supported",
    0x0124: "not authorised",
    0xC122: "the transfer syntax is not supported",
}
_REASON_CLASSES: dict[int, str] = {
    0xA700: "the archive is out of resources",
    0xA900: "the data set does not match its SOP class",
    0xC000: "the archive cannot understand the data set",
}
_UNANSWERED = "the archive did not say what became of it"


@dataclass(frozen=True)
class _Item:
    """A file to store."""

    path: Path
    uid: str
    n_bytes: int


def reason_in_words(code: int) -> str:
    """Return what a (0008,1197) Failure Reason means."""
    words = _REASONS.get(code) or _REASON_CLASSES.get(code & 0xFF00) or _REASON_CLASSES.get(code & 0xF000)
    return f"{words or 'unknown reason'} ({code:04X}H)"


def is_transient(result: InstanceStored) -> bool:
    """Return whether a second try may succeed: out of resources, or a processing failure."""
    code = result.reason_code
    return not result.is_accepted and code is not None and (code & 0xFF00 == 0xA700 or code == 0x0110)


class Storer:
    """Sends files in batches of bounded size.

    Parameters
    ----------
    transport : Transport
        The server.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def store(self, paths: Sequence[Path], on_progress: OnProgress | None) -> StoreReport:
        """Send the files and return what became of each, in the order given.

        A file that is no whole DICOM file is not sent, and reported as failed.

        Raises
        ------
        PacsError
            If the server cannot be reached, refuses the user or offers no store. What was sent until
            then may be in the archive; sending it once more does no harm.
        """
        results: dict[Path, InstanceStored] = {}
        items: list[_Item] = []
        for path in dict.fromkeys(paths):
            try:
                identity: Identity = identify(path)
            except BrokenFileError as error:
                results[path] = InstanceStored(path, "", is_accepted=False, reason=str(error))
            else:
                items.append(_Item(path, identity.sop_instance_uid, identity.n_bytes))
        n_total, n_bytes = len(items) + len(results), 0
        for batch in _batches(items):
            stored = self._send(batch)
            again = [item for item, result in zip(batch, stored, strict=True) if is_transient(result)]
            results.update((result.path, result) for result in stored)
            if again:
                logger.warning("%s instances failed for the moment and are sent once more", len(again))
                results.update((result.path, result) for result in self._send(again))
            n_bytes += sum(item.n_bytes for item in batch)
            if on_progress is not None:
                on_progress(TransferProgress(len(results), n_total, n_bytes))
        return StoreReport(tuple(results[path] for path in paths))

    def _send(self, batch: list[_Item]) -> list[InstanceStored]:
        """Send one batch; where the server refuses it as a whole, halves find what it refuses."""
        try:
            answer = with_retries(lambda: self._post(batch), self._transport.policy, lambda: False)
        except StatusError as error:
            if error.status in _FATAL_STATUSES:
                raise
            if len(batch) == 1:
                return [InstanceStored(batch[0].path, batch[0].uid, is_accepted=False, reason=str(error))]
            middle = len(batch) // 2
            return self._send(batch[:middle]) + self._send(batch[middle:])
        return [_result(item, answer) for item in batch]

    def _post(self, batch: list[_Item]) -> _Answer:
        body = MultipartUpload([item.path for item in batch])
        response = self._transport.post("/studies", body, {"Content-Type": body.content_type, "Accept": _JSON})
        answer = _answer(response.content) if response.status_code in (200, 202, 400, 409) else None
        if answer is None:
            self._transport.raise_for(response)
            if response.status_code == 200 and not response.content.strip():
                return _Answer({}, {}, has_lists=False)
            raise PacsTransferError(f"{self._transport.server}: the answer to a store is not DICOM JSON")
        if not answer.has_lists:
            self._transport.raise_for(response)
        return answer


@dataclass(frozen=True)
class _Answer:
    """A store's answer: failure code by UID, warning code (or ``None``) by accepted UID."""

    failed: dict[str, int | None]
    accepted: dict[str, int | None]
    has_lists: bool


def _answer(body: bytes) -> _Answer | None:
    """Return the answer that DICOM JSON describes (PS3.18 10.5.3), or ``None`` where it is something else."""
    try:
        record = json.loads(body)
        if isinstance(record, list):
            record = record[0] if record else {}
        with pydicom.config.disable_value_validation():
            dataset = Dataset.from_json(record)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    failed = _codes(dataset, "FailedSOPSequence", "FailureReason")
    accepted = _codes(dataset, "ReferencedSOPSequence", "WarningReason")
    return _Answer(failed, accepted, has_lists=bool(failed or accepted))


def _codes(dataset: Dataset, sequence: str, keyword: str) -> dict[str, int | None]:
    items = dataset.get(sequence) or []
    codes = {str(item.get("ReferencedSOPInstanceUID", "")): item.get(keyword) for item in items}
    return {uid: code if isinstance(code, int) else None for uid, code in codes.items()}


def _result(item: _Item, answer: _Answer) -> InstanceStored:
    if item.uid in answer.failed:
        code = answer.failed[item.uid]
        words = "the archive gives no reason" if code is None else reason_in_words(code)
        return InstanceStored(item.path, item.uid, is_accepted=False, reason=words, reason_code=code)
    if item.uid in answer.accepted:
        if answer.accepted[item.uid] is not None:
            logger.warning("instance %s was stored with warning %04XH", item.uid, answer.accepted[item.uid])
        return InstanceStored(item.path, item.uid, is_accepted=True)
    if not answer.has_lists:  # success without a word
        return InstanceStored(item.path, item.uid, is_accepted=True)
    return InstanceStored(item.path, item.uid, is_accepted=False, reason=_UNANSWERED)


def _batches(items: list[_Item]) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    n_bytes = 0
    for item in items:
        if batch and (n_bytes + item.n_bytes > _MAX_BATCH_BYTES or len(batch) >= _MAX_BATCH):
            yield batch
            batch, n_bytes = [], 0
        batch.append(item)
        n_bytes += item.n_bytes
    if batch:
        yield batch
