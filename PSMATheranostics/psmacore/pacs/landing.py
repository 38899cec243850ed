"""An instance in pieces to a whole, verified file under its UID, or to no file at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path

from psmacore.errors import PacsTransferError
from psmacore.locks import OwnedLock, try_own
from psmacore.pacs.part10 import BrokenFileError, Identity, identify
from psmacore.pacs.retry import TransientError

_ASIDE = ".part"


class SeriesLanding:
    """The folder of one series while it is fetched.

    An instance is written aside, flushed to disk, checked, and renamed to ``<SOP Instance UID>.dcm``;
    so a file of that name is whole, and two processes that fetch the same write the same. The file
    aside is locked by its writer: what a killed one left is known by its lock and removed.

    Parameters
    ----------
    study_uid, series_uid : str
        What every instance must say of itself.
    folder : pathlib.Path
        The series' folder; made where absent.
    """

    def __init__(self, study_uid: str, series_uid: str, folder: Path) -> None:
        self._study_uid = study_uid
        self._series_uid = series_uid
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._remove_stale()

    def path_of(self, sop_instance_uid: str) -> Path:
        """Return where that instance lies once it is here."""
        return self.folder / f"{sop_instance_uid}.dcm"

    def has(self, sop_instance_uid: str) -> bool:
        """Return whether that instance is here."""
        return self.path_of(sop_instance_uid).is_file()

    def land(self, pieces: Iterable[bytes], *, expected_uid: str | None = None) -> Identity:
        """Write and publish one instance; see :meth:`write` and :meth:`publish`."""
        return self.publish(self.write(pieces), expected_uid=expected_uid)

    def write(self, pieces: Iterable[bytes]) -> OwnedLock:
        """Write the pieces of a file, PS3.10, aside; where they break off, no file stays."""
        path = self.folder / f".{uuid.uuid4().hex}{_ASIDE}"
        aside = try_own(path)
        if aside is None:
            raise PacsTransferError("a new file aside is locked by another process")
        try:
            for piece in pieces:
                aside.stream.write(piece)
            aside.stream.flush()
        except BaseException:
            aside.release()
            raise
        return aside

    def publish(self, aside: OwnedLock, *, expected_uid: str | None = None) -> Identity:
        """Check a file aside, flush it to disk and rename it; no file stays where that fails.

        Parameters
        ----------
        aside : OwnedLock
            What :meth:`write` returned.
        expected_uid : str, optional
            The SOP Instance UID that was asked for.

        Raises
        ------
        TransientError
            If the file is not whole: it was cut on its way, or the server is at fault.
        PacsTransferError
            If it is another instance than the one asked for.
        """
        try:
            identity = self._checked(aside.path, expected_uid)
            aside.publish(self.path_of(identity.sop_instance_uid))
        finally:
            aside.release()
        return identity

    def _checked(self, aside: Path, expected_uid: str | None) -> Identity:
        try:
            identity = identify(aside)
        except BrokenFileError as error:
            wanted = f"instance {expected_uid}" if expected_uid else f"an instance of series {self._series_uid}"
            raise TransientError(PacsTransferError(f"the server sent {wanted} as {error}")) from error
        for level, met, wanted in (
            ("study", identity.study_uid, self._study_uid),
            ("series", identity.series_uid, self._series_uid),
            ("instance", identity.sop_instance_uid, expected_uid or identity.sop_instance_uid),
        ):
            if met != wanted:
                raise PacsTransferError(f"the server was asked for {level} {wanted} and sent {met}")
        return identity

    def _remove_stale(self) -> None:
        for aside in self.folder.glob(f".*{_ASIDE}"):
            lock = try_own(aside)
            if lock is not None:
                lock.release()
