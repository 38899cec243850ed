"""A store folder to the one process that may write in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from web_bridge.errors import StoreLockedError

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try_lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """Holds ``<folder>/.lock`` until closed; the system releases it when the process dies, however it dies.

    Raises
    ------
    StoreLockedError
        If another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / ".lock").open("a+", encoding="ascii")
        try:
            _try_lock(self._file)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise StoreLockedError(
                f"the store folder is already served by another process (process id {holder}); "
                "stop it, or choose another folder with --store"
            ) from error
        self._file.seek(0)
        self._file.truncate()
        self._file.write(str(os.getpid()))
        self._file.flush()

    def close(self) -> None:
        """Give the folder back."""
        self._file.close()
