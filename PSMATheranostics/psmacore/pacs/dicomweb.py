"""A DICOMweb root to an archive that can be searched, fetched from and stored to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import requests
from pydicom import Dataset

from psmacore.errors import PacsTransferError, UsageError
from psmacore.model.volumes import SeriesRef, StudyRef
from psmacore.pacs.client import FetchReport, IsCancelled, OnProgress, SeriesFetch, StoreReport, TransferProgress
from psmacore.pacs.encoding import PlainQueryClient
from psmacore.pacs.fetch import SeriesFetcher
from psmacore.pacs.landing import SeriesLanding
from psmacore.pacs.part10 import Identity, is_uid
from psmacore.pacs.query import StudyQuery
from psmacore.pacs.retry import RetryPolicy, raise_if, with_retries
from psmacore.pacs.search import SERIES_FIELDS, STUDY_FIELDS, Record, paged, series_ref, study_ref, text
from psmacore.pacs.session import make_session, without_credentials
from psmacore.pacs.store import Storer
from psmacore.pacs.transport import FOREIGN, StatusError, Timeouts, Transport

logger = logging.getLogger(__name__)

_STUDIES_A_PAGE = 200
_TIMEOUTS = Timeouts()
_POLICY = RetryPolicy()
_INSTANCES_A_PAGE = 1000


class DicomWebPacs:
    """An archive over QIDO-RS, WADO-RS and STOW-RS; satisfies :class:`psmacore.pacs.client.Pacs`.

    Parameters
    ----------
    url : str
        DICOMweb root, for example ``https://pacs.example.org/dicom-web``.
    session : requests.Session, optional
        Authenticated, as :func:`psmacore.pacs.session.make_session` builds it, which else builds one
        from the URL alone.
    timeouts : Timeouts
        Limits in s.
    policy : RetryPolicy
        How often and how patiently what is transient is tried again.
    page_size : int
        Studies asked for at once.

    Notes
    -----
    Searches go through dicomweb-client. Retrieve and store use its session but not its methods:
    ``iter_series`` holds a whole instance in memory, parses it, so that the bytes as sent are lost, and
    takes the head of a cut one for a whole one; ``store_instances`` holds the whole request in memory.
    """

    def __init__(
        self,
        url: str,
        *,
        session: requests.Session | None = None,
        timeouts: Timeouts = _TIMEOUTS,
        policy: RetryPolicy = _POLICY,
        page_size: int = _STUDIES_A_PAGE,
    ) -> None:
        self.root = without_credentials(url)
        self._page_size = page_size
        self._transport = Transport(self.root, session or make_session(url), timeouts, policy)
        self._client = PlainQueryClient(
            self.root,
            session=self._transport.session,
            permissive_uid=True,
            timeout=(timeouts.connect_s, timeouts.read_s),
        )
        self._client.host = self._transport.server  # with its port, which the Host header needs
        self._client.set_http_retry_params(retry=False)  # retries are ours: they cover lost connections too

    def search_studies(self, query: StudyQuery) -> Iterator[StudyRef]:
        """Yield the studies that match, page by page as they are consumed; each study once.

        What a server sends although it does not match is left out (see :meth:`StudyQuery.admits`).
        """
        ask = partial(self._client.search_for_studies, fields=STUDY_FIELDS, search_filters=query.filters())
        n_foreign = 0
        for match in self._pages(ask, "StudyInstanceUID", self._page_size, is_absent_empty=False):
            study = study_ref(match)
            if query.admits(study):
                yield study
            else:
                n_foreign += 1
        if n_foreign:
            logger.warning("%s sent %s studies that do not match and were left out", self._transport.server, n_foreign)

    def list_series(self, study_uid: str) -> tuple[SeriesRef, ...]:
        """Return the series of a study; empty where the archive does not know it."""
        _require_uid(study_uid)

        ask = partial(self._client.search_for_series, study_uid, fields=SERIES_FIELDS)
        matches = self._pages(ask, "SeriesInstanceUID", self._page_size, is_absent_empty=True)
        return tuple(series_ref(match, study_uid) for match in matches)

    def list_instances(self, study_uid: str, series_uid: str) -> tuple[str, ...]:
        """Return the SOP Instance UIDs of a series; empty where the archive does not know it."""
        _require_uid(study_uid, series_uid)

        ask = partial(self._client.search_for_instances, study_uid, series_uid)
        matches = self._pages(ask, "SOPInstanceUID", _INSTANCES_A_PAGE, is_absent_empty=True)
        return tuple(text(match, "SOPInstanceUID") for match in matches)

    def fetch_study(
        self,
        study_uid: str,
        folder: Path,
        *,
        series_uids: Sequence[str] | None = None,
        on_progress: OnProgress | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> FetchReport:
        """Bring a study, or some of its series, to ``folder/<series UID>/<SOP Instance UID>.dcm``.

        Parameters
        ----------
        study_uid : str
            Study Instance UID.
        folder : pathlib.Path
            Made where absent; may hold an earlier, unfinished fetch of this study.
        series_uids : sequence of str, optional
            Only these; all of the study's where absent.
        on_progress, is_cancelled : callable, optional
            Told and asked in this thread.

        Raises
        ------
        PacsTransferError
            If the archive lacks the study or one of the series, or what it lists cannot be had whole.
        PacsConnectionError, PacsAccessError
            As named.
        CancelledError
            If cancelled; whole instances stay, nothing half-written does.
        """
        cancelled = is_cancelled or _never
        listed = self._wanted_series(study_uid, series_uids)
        uids = {one.series_uid: self.list_instances(study_uid, one.series_uid) for one in listed}
        raise_if(cancelled)
        tally = _Tally(sum(map(len, uids.values())), on_progress)
        fetched = tuple(self._fetch_series(one, uids[one.series_uid], folder, tally, cancelled) for one in listed)
        return FetchReport(study_uid, folder, fetched)

    def store(self, paths: Sequence[Path], *, on_progress: OnProgress | None = None) -> StoreReport:
        """Send DICOM files and report on each; the caller decides what a partial failure means.

        Raises
        ------
        PacsConnectionError, PacsAccessError, PacsTransferError
            If the server cannot be reached, refuses the user or offers no store.
        """
        return Storer(self._transport).store(paths, on_progress)

    def _fetch_series(
        self, series: SeriesRef, uids: tuple[str, ...], folder: Path, tally: _Tally, is_cancelled: IsCancelled
    ) -> SeriesFetch:
        landing = SeriesLanding(series.study_uid, series.series_uid, folder / series.series_uid)
        path = f"/studies/{series.study_uid}/series/{series.series_uid}"
        before = tally.n_fetched, tally.n_bytes
        fetcher = SeriesFetcher(
            self._transport, landing, path, list(uids), on_landed=tally.add, is_cancelled=is_cancelled
        )
        tally.skip(len(uids) - fetcher.n_missing)
        fetcher.fetch()
        logger.info("series %s: %s instances, %s fetched", series.series_uid, len(uids), tally.n_fetched - before[0])
        return SeriesFetch(series, landing.folder, len(uids), tally.n_fetched - before[0], tally.n_bytes - before[1])

    def _wanted_series(self, study_uid: str, series_uids: Sequence[str] | None) -> list[SeriesRef]:
        listed = {one.series_uid: one for one in self.list_series(study_uid)}
        if not listed:
            raise PacsTransferError(f"{self._transport.server}: the archive has no study {study_uid}")
        for uid in series_uids or ():
            if uid not in listed:
                raise PacsTransferError(f"{self._transport.server}: study {study_uid} has no series {uid}")
        return list(listed.values()) if series_uids is None else [listed[uid] for uid in dict.fromkeys(series_uids)]

    def _pages(self, ask: _Ask, uid_keyword: str, page_size: int, *, is_absent_empty: bool) -> Iterator[Dataset]:
        """Yield the matches of a search, each page's request tried again where that may help."""

        def page(limit: int, offset: int) -> list[Record]:
            try:
                return ask(limit=limit, offset=offset)
            except FOREIGN as error:
                raise self._transport.translated(error) from None

        def persistent_page(limit: int, offset: int) -> list[Record]:
            try:
                answer = with_retries(lambda: page(limit, offset), self._transport.policy, _never)
            except StatusError as error:
                if error.status == HTTPStatus.NOT_FOUND and is_absent_empty:
                    return []
                raise
            if not isinstance(answer, list):
                raise PacsTransferError(f"{self._transport.server}: the answer to a search is not a list")
            return answer

        return paged(persistent_page, page_size, uid_keyword)


class _Ask(Protocol):
    """A search method of dicomweb-client with all arguments but the page's."""

    def __call__(self, *, limit: int, offset: int) -> list[Record]: ...


class _Tally:
    """Counts what has come and tells the caller."""

    def __init__(self, n_total: int, on_progress: OnProgress | None) -> None:
        self._n_total = n_total
        self._n_done = 0
        self._on_progress = on_progress
        self.n_fetched = 0
        self.n_bytes = 0

    def skip(self, n_there: int) -> None:
        """Count instances that were on disk already."""
        self._n_done += n_there
        self._tell()

    def add(self, identity: Identity) -> None:
        """Count an instance that came."""
        self._n_done += 1
        self.n_fetched += 1
        self.n_bytes += identity.n_bytes
        self._tell()

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(TransferProgress(self._n_done, self._n_total, self.n_bytes))


def _require_uid(*uids: str) -> None:
    for uid in uids:
        if not is_uid(uid):
            raise UsageError(f"{uid!r} is not a UID")


def _never() -> bool:
    return False
