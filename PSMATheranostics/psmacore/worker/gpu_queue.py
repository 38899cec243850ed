"""Several jobs that want one GPU to one job at a time on it."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from psmacore.locks import OwnedLock, try_own

logger = logging.getLogger(__name__)

WAITING = "waiting for the GPU"
_POLL_S = 0.5
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9-]")


class GpuQueue:
    """A job's place in the queue for each GPU that it uses; leaving the context gives the GPUs back.

    A GPU's lock is a file in the user's runtime folder. The operating system drops it with the process that holds
    it, however that ends, so a killed job never blocks the next.

    Parameters
    ----------
    on_wait : callable
        Told :data:`WAITING` each time that it is another job's turn still.
    folder : pathlib.Path, optional
        Where the lock files lie.
    """

    def __init__(self, on_wait: Callable[[str], None], folder: Path | None = None) -> None:
        self._on_wait = on_wait
        self._folder = runtime_folder() if folder is None else folder
        self._held: dict[str, OwnedLock] = {}

    def __enter__(self) -> GpuQueue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lock in self._held.values():
            lock.release()
        self._held.clear()

    def take_turn(self, gpu: str) -> None:
        """Return when no other job of this user holds the GPU of that identity.

        Raises
        ------
        CancelledError
            If the job is asked to end while it waits (raised by the signal's handler).
        """
        if gpu in self._held:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"gpu-{_NOT_IN_NAMES.sub('_', gpu)}.lock"
        while (lock := try_own(path)) is None:
            self._on_wait(WAITING)
            time.sleep(_POLL_S)
        logger.info("GPU %s is this job's", gpu)
        self._held[gpu] = lock


def runtime_folder() -> Path:
    """Return the user's folder for what lives no longer than a session."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and Path(given).is_dir():
        return Path(given) / "psma"
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"psma-{user}"
