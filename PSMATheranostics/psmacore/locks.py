"""A file to a lock that its owner's death releases, on POSIX and on Windows."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def _try_lock(stream: IO[bytes]) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(stream: IO[bytes]) -> None:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class OwnedLock:
    """A held lock file; :meth:`release` removes it.

    The operating system drops the lock with the process that holds it, however that ends, so
    neither a reused process number nor another machine's can be taken for the owner's.
    """

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.path = path
        self._stream = stream

    @property
    def stream(self) -> IO[bytes]:
        """The open file, for an owner that writes into what it locks."""
        return self._stream

    def publish(self, target: Path) -> None:
        """Flush the file to disk and rename it to ``target``, in whose place one may stand; it is then released."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        if sys.platform == "win32":
            self._stream.close()
            self.path.replace(target)
        else:
            self.path.replace(target)
            self._stream.close()

    def release(self) -> None:
        """Remove the file and let go of the lock; a second call does nothing."""
        if self._stream.closed:
            return
        if sys.platform == "win32":  # an open file cannot be removed there
            self._stream.close()
            self.path.unlink(missing_ok=True)
        else:
            self.path.unlink(missing_ok=True)
            self._stream.close()


def try_own(path: Path) -> OwnedLock | None:
    """Take the lock of that file, made where absent, or return ``None`` where a living process holds it."""
    while True:
        stream = path.open("ab")
        try:
            _try_lock(stream)
        except OSError:
            stream.close()
            return None
        if _is_same_file(stream, path):
            return OwnedLock(path, stream)
        stream.close()  # a cleaner removed the file between opening and locking


def _is_same_file(stream: IO[bytes], path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(stream.fileno()), there)
