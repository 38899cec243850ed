"""The archive: DICOM files in, searches and files out; files and index always agree."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from web_bridge.errors import FailureReason, InstanceRefusedError, NotFoundError
from web_bridge.store.files import InstanceFiles, StagedFile, full_disk_is_storefull
from web_bridge.store.frames import Frame, as_explicit_little_endian, read_frames
from web_bridge.store.index import Index, Match, StoredInstance
from web_bridge.store.lock import FolderLock
from web_bridge.store.parse import ParsedInstance, parse_file
from web_bridge.store.query import Query

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Received:
    """A part of a store request that lies sealed in the staging area, parsed or refused."""

    staged: StagedFile
    instance: ParsedInstance | None
    refusal: InstanceRefusedError | None


@dataclass(frozen=True)
class Outcome:
    """What became of one part; ``refusal`` is ``None`` where the archive holds it now."""

    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_uid: str
    refusal: InstanceRefusedError | None


class Archive:
    """One folder of DICOM instances.

    Parameters
    ----------
    root : Path
        Created where absent, for this user alone. Holds ``instances/`` (bytes as received), ``index.sqlite``
        (rebuilt from the files if it is lost) and ``incoming/`` (what is being received).

    Raises
    ------
    StoreLockedError
        If another process serves the folder.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = root
        self._lock = FolderLock(root)
        try:
            self._files = InstanceFiles(root)
            with full_disk_is_storefull():
                self._index = Index(root / "index.sqlite")
            self._reconcile()
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Close the index and give the folder back."""
        self._index.close()
        self._lock.close()

    # Receiving

    def stage(self) -> StagedFile:
        """Open a file that a part can be written to."""
        return self._files.stage()

    def inspect(self, staged: StagedFile) -> Received:
        """Make a received part durable and parse it."""
        staged.seal()
        try:
            return Received(staged, parse_file(staged.path), None)
        except InstanceRefusedError as refusal:
            return Received(staged, None, refusal)

    def commit(self, received: Sequence[Received], *, study_uid: str | None = None) -> list[Outcome]:
        """Take the parts of one request into the archive, each or not each on its own account.

        Parameters
        ----------
        received : sequence of Received
            In the order of the request; their staged files are gone afterwards.
        study_uid : str, optional
            Study that the request names; instances of another are refused (PS3.18 10.5.1.1).

        Raises
        ------
        StoreFullError
            If the disk is full; then nothing of the request is kept.
        """
        published: list[Path] = []
        try:
            with self._index.transaction():
                outcomes = [self._take(part, study_uid, published) for part in received]
                self._files.sync_folders(published)
        except BaseException:
            self._files.remove(published)
            raise
        finally:
            for part in received:
                part.staged.discard()
        return outcomes

    def _take(self, part: Received, study_uid: str | None, published: list[Path]) -> Outcome:
        instance = part.instance
        if instance is None:
            refusal = part.refusal
            class_uid, sop_uid = (refusal.sop_class_uid, refusal.sop_instance_uid) if refusal else ("", "")
            return Outcome("", "", class_uid, sop_uid, refusal)
        refusal = self._objection(instance, study_uid)
        known = self._index.stored(instance.sop_uid)
        if refusal is None and known is None:
            target = self._files.path(instance.study_uid, instance.series_uid, instance.sop_uid)
            self._index.insert(instance)
            self._files.publish(part.staged.path, target)
            published.append(target)
        if refusal is not None:
            logger.warning("instance %s refused: %s", instance.sop_uid, refusal)
        return Outcome(instance.study_uid, instance.series_uid, instance.sop_class_uid, instance.sop_uid, refusal)

    def _objection(self, instance: ParsedInstance, study_uid: str | None) -> InstanceRefusedError | None:
        def refuse(message: str, reason: FailureReason) -> InstanceRefusedError:
            return InstanceRefusedError(
                message, reason=reason, sop_class_uid=instance.sop_class_uid, sop_instance_uid=instance.sop_uid
            )

        if study_uid is not None and instance.study_uid != study_uid:
            return refuse("the instance belongs to another study than the URL", FailureReason.DATA_SET_DOES_NOT_MATCH)
        holder = self._index.study_of_series(instance.series_uid)
        if holder not in (None, instance.study_uid):
            return refuse("its series is already part of another study", FailureReason.DATA_SET_DOES_NOT_MATCH)
        known = self._index.stored(instance.sop_uid)
        if known is None:
            return None
        same_place = (known.study_uid, known.series_uid) == (instance.study_uid, instance.series_uid)
        if same_place and known.digest == instance.digest:
            return None
        return refuse(
            "an instance with this SOP Instance UID and other content is already stored",
            FailureReason.DUPLICATE_SOP_INSTANCE,
        )

    # Giving out

    def search(self, query: Query) -> list[Match]:
        """Return what matches a QIDO-RS search."""
        return self._index.search(query)

    def instances(
        self, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> list[StoredInstance]:
        """Return the instances of a study, a series or the one.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        found = self._index.instances(study_uid, series_uid, sop_uid)
        if not found:
            raise _absent(series_uid, sop_uid)
        return found

    def metadata(
        self, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> list[tuple[StoredInstance, bytes]]:
        """Return instances with their metadata as JSON text, marks in place of bulk data.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        found = self._index.metadata(study_uid, series_uid, sop_uid)
        if not found:
            raise _absent(series_uid, sop_uid)
        return found

    def path(self, instance: StoredInstance) -> Path:
        """Return where the instance's file lies, as received."""
        return self._files.path(instance.study_uid, instance.series_uid, instance.sop_uid)

    def frames(self, instance: StoredInstance, numbers: Sequence[int], *, as_stored: bool) -> list[Frame]:
        """Return frames; see `read_frames`."""
        return read_frames(self.path(instance), instance, numbers, as_stored=as_stored)

    def explicit_little_endian(self, instance: StoredInstance) -> bytes:
        """Return the instance as an Explicit VR Little Endian file."""
        return as_explicit_little_endian(self.path(instance))

    # Removing and mending

    def delete(self, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None) -> int:
        """Remove a study, series or instance for good; return how many instances went.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        doomed = self.instances(study_uid, series_uid, sop_uid)
        with self._index.transaction():
            self._index.delete(doomed)
        self._files.remove(self.path(instance) for instance in doomed)
        logger.info("deleted %d instances of study %s", len(doomed), study_uid)
        return len(doomed)

    def _reconcile(self) -> None:
        """Index files that a crash, or a lost index, left out; forget entries whose file is gone."""
        indexed = self._index.all_uids()
        on_disk = {(path.parent.parent.name, path.parent.name, path.stem): path for path in self._files.all_paths()}
        for batch in _batches([on_disk[uids] for uids in sorted(on_disk.keys() - indexed)]):
            with self._index.transaction():
                for path in batch:
                    self._adopt(path)
        missing = indexed - on_disk.keys()
        if missing:
            with self._index.transaction():
                gone = [self._index.stored(sop_uid) for _, _, sop_uid in missing]
                self._index.delete([instance for instance in gone if instance is not None])
            logger.warning("%d indexed instances have no file and were dropped", len(missing))

    def _adopt(self, path: Path) -> None:
        try:
            instance = parse_file(path)
        except InstanceRefusedError as refusal:
            logger.warning("%s is left out of the index: %s", path.name, refusal)
            return
        if self._files.path(instance.study_uid, instance.series_uid, instance.sop_uid) != path:
            logger.warning("%s is left out of the index: it lies in the wrong folder", path.name)
        elif self._index.stored(instance.sop_uid) is None:
            self._index.insert(instance)


def _absent(series_uid: str | None, sop_uid: str | None) -> NotFoundError:
    what = "instance" if sop_uid else "series" if series_uid else "study"
    return NotFoundError(f"the archive holds no such {what}")


def _batches(paths: Sequence[Path], size: int = 500) -> Iterator[Sequence[Path]]:
    for start in range(0, len(paths), size):
        yield paths[start : start + size]
