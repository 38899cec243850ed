"""The seam to an archive: what a PACS can be asked, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from psmacore.model.volumes import SeriesRef, StudyRef
from psmacore.pacs.query import StudyQuery


@dataclass(frozen=True)
class TransferProgress:
    """How far a fetch or a store is, counted in instances."""

    n_done: int
    n_total: int
    n_bytes: int

    @property
    def fraction(self) -> float:
        """0 to 1; 1 where there is nothing to do."""
        return self.n_done / self.n_total if self.n_total else 1.0


@dataclass(frozen=True)
class SeriesFetch:
    """One fetched series.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``<SOP Instance UID>.dcm``, the bytes as the archive sent them.
    n_instances : int
        Files of the series there now, all that the archive lists.
    n_fetched, n_bytes : int
        Instances, and their bytes, that came over the network this time; the others were there.
    """

    series: SeriesRef
    folder: Path
    n_instances: int
    n_fetched: int
    n_bytes: int


@dataclass(frozen=True)
class FetchReport:
    """A fetched study: every instance that the archive lists for these series is on disk, whole."""

    study_uid: str
    folder: Path
    series: tuple[SeriesFetch, ...]

    @property
    def n_instances(self) -> int:
        """Instances on disk now."""
        return sum(one.n_instances for one in self.series)

    @property
    def n_fetched(self) -> int:
        """Instances that came over the network this time."""
        return sum(one.n_fetched for one in self.series)

    @property
    def n_bytes(self) -> int:
        """Bytes of the instances that came over the network this time."""
        return sum(one.n_bytes for one in self.series)


@dataclass(frozen=True)
class InstanceStored:
    """What became of one instance.

    ``reason_code`` is (0008,1197) Failure Reason, ``None`` where the archive gave none; ``reason`` says it in words
    and is empty where the instance was accepted.
    """

    path: Path
    sop_instance_uid: str
    is_accepted: bool
    reason: str = ""
    reason_code: int | None = None


@dataclass(frozen=True)
class StoreReport:
    """What became of every instance of a store, in the order given."""

    instances: tuple[InstanceStored, ...]

    @property
    def failed(self) -> tuple[InstanceStored, ...]:
        """The instances that the archive did not take."""
        return tuple(one for one in self.instances if not one.is_accepted)

    @property
    def n_accepted(self) -> int:
        """How many the archive took."""
        return len(self.instances) - len(self.failed)


OnProgress = Callable[[TransferProgress], None]
IsCancelled = Callable[[], bool]


class Pacs(Protocol):
    """An archive that can be searched, fetched from and stored to.

    Every method raises ``PacsConnectionError``, ``PacsAccessError`` or ``PacsTransferError``
    (exit code 4); what is transient was tried again within bounds before.
    """

    def search_studies(self, query: StudyQuery) -> Iterator[StudyRef]:
        """Yield the studies that match, page by page as they are consumed; each study once."""
        ...

    def list_series(self, study_uid: str) -> tuple[SeriesRef, ...]:
        """Return the series of a study; empty where the archive does not know it."""
        ...

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

        What is there already is not fetched again. Cancelled, it raises ``CancelledError`` and leaves
        whole files only.
        """
        ...

    def store(self, paths: Sequence[Path], *, on_progress: OnProgress | None = None) -> StoreReport:
        """Send DICOM files and report on each; the caller decides what a partial failure means."""
        ...
