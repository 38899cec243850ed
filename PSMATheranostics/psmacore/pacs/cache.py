"""Studies of an archive to folders on this machine, so that each is fetched once."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from psmacore.errors import PacsError, UsageError
from psmacore.locks import try_own
from psmacore.pacs.client import FetchReport, IsCancelled, OnProgress, Pacs
from psmacore.pacs.part10 import is_uid
from psmacore.pacs.retry import raise_if

_POLL_S = 0.1


def default_cache_folder() -> Path:
    """Return this user's cache folder: ``PSMA_CACHE``, or where the system keeps such folders."""
    named = os.environ.get("PSMA_CACHE", "")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "psma" / "studies"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "psma" / "studies"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "psma" / "studies"


class StudyCache:
    """Fetched studies under one folder, ``<root>/<study UID>/<series UID>/<SOP Instance UID>.dcm``.

    Paths tell UIDs alone. The folder is readable by its owner only. Two processes that want the same
    study wait for each other; the second finds what the first brought.

    Parameters
    ----------
    root : pathlib.Path
        Made at the first fetch.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder_of(self, study_uid: str) -> Path:
        """Return where that study lies or would lie.

        Raises
        ------
        UsageError
            If the text is no UID, and so no safe name of a folder.
        """
        if not is_uid(study_uid):
            raise UsageError(f"{study_uid!r} is not a UID")
        return self.root / study_uid

    def fetch(
        self,
        pacs: Pacs,
        study_uid: str,
        *,
        series_uids: Sequence[str] | None = None,
        on_progress: OnProgress | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> FetchReport:
        """Bring a study here, only what is missing, and return where it lies; errors as ``Pacs.fetch_study``."""
        folder = self.folder_of(study_uid)
        with self._owned(study_uid, is_cancelled or _never):
            try:
                return pacs.fetch_study(
                    study_uid, folder, series_uids=series_uids, on_progress=on_progress, is_cancelled=is_cancelled
                )
            except PacsError:
                _remove_empty(folder)
                raise

    def remove(self, study_uid: str) -> None:
        """Delete a study from this machine; nothing happens where it is not here."""
        folder = self.folder_of(study_uid)
        if folder.exists():
            with self._owned(study_uid, _never):
                shutil.rmtree(folder)

    def study_uids(self) -> tuple[str, ...]:
        """Return the studies that are here, whole or in part."""
        if not self.root.is_dir():
            return ()
        return tuple(sorted(path.name for path in self.root.iterdir() if path.is_dir() and is_uid(path.name)))

    def n_bytes(self) -> int:
        """Return the size of all files here."""
        return sum(path.stat().st_size for path in self.root.rglob("*.dcm")) if self.root.is_dir() else 0

    @contextlib.contextmanager
    def _owned(self, study_uid: str, is_cancelled: IsCancelled) -> Iterator[None]:
        """Hold the study against other processes; wait for one that holds it."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        while (lock := try_own(self.root / f"{study_uid}.lock")) is None:
            raise_if(is_cancelled)
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            lock.release()


def _remove_empty(folder: Path) -> None:
    """Remove what a fetch that brought nothing has made."""
    for path in (*folder.glob("*"), folder):
        with contextlib.suppress(OSError):
            path.rmdir()


def _never() -> bool:
    return False
