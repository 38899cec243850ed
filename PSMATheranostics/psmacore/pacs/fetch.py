"""A series in the archive to whole files in a folder, resumed where an earlier fetch stopped."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from psmacore.errors import PacsTransferError
from psmacore.pacs.finishing import FinishingLine
from psmacore.pacs.landing import SeriesLanding
from psmacore.pacs.multipart import MalformedBodyError, MultipartReader, TruncatedBodyError, boundary_of
from psmacore.pacs.part10 import Identity
from psmacore.pacs.retry import TransientError, pause, raise_if
from psmacore.pacs.transport import StatusError, Transport

logger = logging.getLogger(__name__)

_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_FEW = 3
_WHOLE_SERIES_SHARE = 0.5
_NO_SERIES_RETRIEVE = frozenset({400, 404, 405, 406, 500, 501})


class SeriesFetcher:
    """Fetches one series.

    Most of a series comes as one multipart answer, each instance going to disk as it arrives: a
    thousand single requests would cost a thousand round trips. Few missing ones are asked for one by
    one. After a failure only what is still missing is asked for again; attempts that bring at least
    one instance do not use up patience, so that a long transfer over a poor line ends at last.

    Parameters
    ----------
    transport : Transport
        The server.
    landing : SeriesLanding
        Where files go.
    path : str
        ``/studies/<uid>/series/<uid>``.
    uids : list of str
        SOP Instance UIDs that the archive lists.
    on_landed : callable
        Called with each instance that came.
    is_cancelled : callable
        Asked with every piece from the network.
    """

    def __init__(
        self,
        transport: Transport,
        landing: SeriesLanding,
        path: str,
        uids: list[str],
        *,
        on_landed: Callable[[Identity], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._transport = transport
        self._landing = landing
        self._path = path
        self._missing = dict.fromkeys(uid for uid in uids if not landing.has(uid))
        self._n_listed = len(uids)
        self._on_landed = on_landed
        self._is_cancelled = is_cancelled
        self._is_series_offered = True

    @property
    def n_missing(self) -> int:
        """Instances that are not on disk yet."""
        return len(self._missing)

    def fetch(self) -> None:
        """Bring all that is missing.

        Raises
        ------
        PacsError
            If patience ends, or the server sends something else.
        CancelledError
            If cancelled; whole instances stay.
        """
        policy = self._transport.policy
        n_failed = 0
        while self._missing:
            n_before = len(self._missing)
            try:
                self._attempt()
            except TransientError as error:
                n_failed = 1 if len(self._missing) < n_before else n_failed + 1
                if n_failed >= policy.n_attempts:
                    raise error.final from None
                pause(policy, n_failed, error, self._is_cancelled)

    def _attempt(self) -> None:
        if self._is_series_offered and self._is_whole_series_worth_it():
            try:
                self._get_series()
            except StatusError as error:
                if error.status not in _NO_SERIES_RETRIEVE:
                    raise
                logger.warning("the server does not send whole series (%s); one by one then", error)
            self._is_series_offered = False  # what it left out is asked for by name
        for uid in tuple(self._missing):
            self._get_instance(uid)

    def _is_whole_series_worth_it(self) -> bool:
        return len(self._missing) > max(_FEW, _WHOLE_SERIES_SHARE * self._n_listed)

    def _get_series(self) -> None:
        with self._bodies(self._path) as bodies, FinishingLine(self._landing.publish, self._landed) as line:
            for pieces in bodies:
                line.add(self._landing.write(self._watched(pieces)))

    def _get_instance(self, uid: str) -> None:
        n_parts = 0
        with self._bodies(f"{self._path}/instances/{uid}") as bodies:
            for pieces in bodies:
                n_parts += 1
                self._landed(self._landing.land(self._watched(pieces), expected_uid=uid))
        if n_parts == 0:
            raise TransientError(PacsTransferError(f"the server sent nothing for instance {uid}"))

    def _landed(self, identity: Identity) -> None:
        if identity.sop_instance_uid in self._missing:
            del self._missing[identity.sop_instance_uid]
            self._on_landed(identity)

    def _watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            raise_if(self._is_cancelled)
            yield piece

    @contextlib.contextmanager
    def _bodies(self, path: str) -> Iterator[Iterator[Iterator[bytes]]]:
        """Open a resource and yield the instances in its answer, each in pieces."""
        server = self._transport.server
        try:
            with self._transport.get(path, _ACCEPT) as (content_type, pieces):
                boundary = boundary_of(content_type)
                if boundary is not None:
                    yield (part.pieces for part in MultipartReader(pieces, boundary).parts())
                elif content_type.split(";")[0].strip().lower() == "application/dicom":
                    yield iter([pieces])  # some servers send a single instance bare
                else:
                    raise PacsTransferError(f"{server}: asked for DICOM, the server sent {content_type or 'no type'}")
        except TruncatedBodyError as error:
            raise TransientError(PacsTransferError(f"{server}: {error}")) from None
        except MalformedBodyError as error:
            raise PacsTransferError(f"{server}: {error}") from None
