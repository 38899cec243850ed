"""Bytes as received to files that are complete or absent."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from web_bridge.errors import StoreFullError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def full_disk_is_storefull() -> Iterator[None]:
    """Turn the system's words for a full disk into `StoreFullError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFullError("the disk of the store is full; nothing of this request was stored") from error
        raise


class StagedFile:
    """A file being received; `seal` makes its bytes durable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("xb")

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with full_disk_is_storefull():
            self._file.write(data)

    def seal(self) -> None:
        """Flush to the disk itself and close."""
        with full_disk_is_storefull():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        """Close and remove, whatever state it is in."""
        try:
            self._file.close()
        except OSError:  # a full disk refuses the last flush; the file goes anyway
            pass
        finally:
            self.path.unlink(missing_ok=True)


class InstanceFiles:
    """Folder tree ``instances/<study>/<series>/<instance>.dcm`` and its staging area.

    Parameters
    ----------
    root : Path
        The store folder; UIDs given to the methods must have passed `web_bridge.uids.is_uid`.
    """

    def __init__(self, root: Path) -> None:
        self._instances = root / "instances"
        self._staging = root / "incoming"
        shutil.rmtree(self._staging, ignore_errors=True)  # what a killed process left half-written
        for folder in (self._instances, self._staging):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, study_uid: str, series_uid: str, sop_uid: str) -> Path:
        """Return where an instance lies."""
        return self._instances / study_uid / series_uid / f"{sop_uid}.dcm"

    def stage(self) -> StagedFile:
        """Open a new file beside the tree, on the same disk."""
        with full_disk_is_storefull():
            return StagedFile(self._staging / f"{uuid4().hex}.part")

    def publish(self, staged: Path, target: Path) -> None:
        """Move a sealed file to its place in one step."""
        with full_disk_is_storefull():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.replace(staged, target)

    def sync_folders(self, targets: Iterable[Path]) -> None:
        """Make the names of published files durable."""
        if os.name != "posix":
            return
        folders: set[Path] = set()
        for target in targets:
            folders.update((target.parent, target.parent.parent, self._instances))
        for folder in folders:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove files and the folders that they leave empty."""
        folders: set[Path] = set()
        for path in paths:
            path.unlink(missing_ok=True)
            folders.add(path.parent)
        for series in folders:
            for folder in (series, series.parent):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()

    def all_paths(self) -> Iterator[Path]:
        """Yield every published file."""
        yield from self._instances.glob("*/*/*.dcm")
