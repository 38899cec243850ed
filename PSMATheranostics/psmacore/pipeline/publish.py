"""DICOM files to an archive, all or an error that names what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psmacore.errors import ModelUnfitError, PacsTransferError
from psmacore.pacs.client import OnProgress, Pacs
from psmacore.pipeline.results import read_results

_MOST_REASONS = 5


def publish_results(folder: Path, pacs: Pacs, *, on_progress: OnProgress | None = None) -> tuple[Path, ...]:
    """Store every DICOM object of a result folder and return their paths.

    Raises
    ------
    ModelUnfitError
        If weights trained on simulation drew on real images: such results are not published (DESIGN).
    InputRefusedError
        If the folder holds no readable results.json.
    PacsError
        If the archive cannot be reached, refuses the user, or refuses single objects.
    """
    if read_results(folder).timepoint.is_watermarked:
        raise ModelUnfitError(
            f"{folder.name}: drawn on real images by weights that know simulated patients only; it is not published"
        )
    paths = tuple(sorted(folder.glob("*.dcm")))
    store_all(paths, pacs, on_progress=on_progress)
    return paths


def store_all(paths: Sequence[Path], pacs: Pacs, *, on_progress: OnProgress | None = None) -> None:
    """Store files; raise :class:`PacsTransferError` with the first reasons where the archive refused any."""
    report = pacs.store(paths, on_progress=on_progress)
    if report.failed:
        reasons = "; ".join(f"{one.sop_instance_uid}: {one.reason}" for one in report.failed[:_MOST_REASONS])
        raise PacsTransferError(f"the archive refused {len(report.failed)} of {len(paths)} objects: {reasons}")
