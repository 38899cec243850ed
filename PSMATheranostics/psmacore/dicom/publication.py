"""One analysed time point to the DICOM objects that publish it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from psmacore.dicom.publishing import Confirmation, Predecessor, Publication
from psmacore.dicom.suv_scaling import suvbw_per_value
from psmacore.dicom.write_capture import write_capture
from psmacore.dicom.write_display_sr import write_display_sr
from psmacore.dicom.write_pdf import write_pdf
from psmacore.dicom.write_rwvm import write_rwvm
from psmacore.dicom.write_seg import write_seg, write_union_seg
from psmacore.dicom.write_sr import write_sr
from psmacore.errors import GeometryError, UsageError
from psmacore.model.timepoint import Timepoint
from psmacore.model.volumes import PetVolume, Segmentation, SuvVolume

__all__ = ["Confirmation", "Predecessor", "PublishedFiles", "write_objects"]

_KINDS = ("rwvm", "seg", "seg_union", "sr", "sr_display", "sc", "report")


@dataclass(frozen=True)
class PublishedFiles:
    """The files of one publication.

    ``seg`` is ``None`` where the time point has no lesion at all, because a SEG must have a segment;
    ``seg_union`` and ``sr_display`` are ``None`` where no lesion counts. The SR always exists and
    states the number, zero included.
    """

    seg: Path | None
    seg_union: Path | None
    sr: Path
    sr_display: Path | None
    rwvm: Path
    sc: Path
    pdf: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that exists, in the order in which an archive should receive them."""
        every = (self.rwvm, self.seg, self.seg_union, self.sr, self.sr_display, self.sc, self.pdf)
        return tuple(path for path in every if path is not None)


def write_objects(
    timepoint: Timepoint,
    pet: PetVolume,
    suv: SuvVolume,
    segmentation: Segmentation,
    *,
    mip_rgb: NDArray[np.uint8],
    report_pdf: bytes,
    folder: Path,
    confirmation: Confirmation | None = None,
) -> PublishedFiles:
    """Write every object of a time point into ``folder``: all of them, or none.

    Parameters
    ----------
    pet : PetVolume
        As loaded; its source files must still lie where they were read.
    suv : SuvVolume
        What the time point was measured on, on the PET grid.
    segmentation : Segmentation
        Labels ``(k, j, i)`` on the PET grid; label n is the lesion of segment number n.
    mip_rgb : numpy.ndarray
        ``(rows, columns, 3)``, uint8, seen from the front, head up.
    report_pdf : bytes
        The report.
    folder : Path
        Must exist; an earlier publication in it is replaced.
    confirmation : Confirmation, optional
        Without one every object is marked "AI, unconfirmed".

    Returns
    -------
    PublishedFiles
        ``seg.dcm``, ``seg_union.dcm``, ``sr.dcm``, ``sr_display.dcm``, ``rwvm.dcm``, ``sc.dcm``, ``report.dcm``.

    Raises
    ------
    UsageError
        If time point, PET, SUV and labels do not belong together, or the confirmation is incomplete.
    GeometryError
        If labels, SUV and source images are not on one grid.
    DicomInputError
        If a source image is gone or is another one, or the SUV was not measured on these PET values.
    """
    if not segmentation.geometry.is_same_grid(pet.geometry):
        raise GeometryError("segments and PET are not on one grid")
    if suv.derivation.factor_g_per_bq != timepoint.suv.factor_g_per_bq:
        raise UsageError("the time point was measured on another SUV")
    factors = suvbw_per_value(pet, suv)
    publication = Publication.of(timepoint, pet, confirmation)
    with TemporaryDirectory(dir=folder, prefix=".publishing-") as aside:
        rwvm = write_rwvm(publication, pet, factors, _place(Path(aside), "rwvm"))
        made = _write_all(publication, suv, segmentation, rwvm, mip_rgb, report_pdf, Path(aside))
        return _moved(made, folder)


def _place(folder: Path, kind: str) -> Path:
    return folder / f"{kind}.dcm"


def _write_all(
    publication: Publication,
    suv: SuvVolume,
    segmentation: Segmentation,
    rwvm: Dataset,
    mip_rgb: NDArray[np.uint8],
    report_pdf: bytes,
    folder: Path,
) -> PublishedFiles:
    names = {kind: _place(folder, kind) for kind in _KINDS}
    seg = write_seg(publication, segmentation, names["seg"])
    union = write_union_seg(publication, segmentation, names["seg_union"])
    report = write_sr(publication, seg, rwvm, names["sr"])
    display = write_display_sr(publication, suv, segmentation, rwvm, names["sr_display"])
    write_capture(publication, mip_rgb, names["sc"])
    write_pdf(publication, report_pdf, names["report"], derived_from=[report])
    return PublishedFiles(
        seg=names["seg"] if seg is not None else None,
        seg_union=names["seg_union"] if union is not None else None,
        sr=names["sr"],
        sr_display=names["sr_display"] if display is not None else None,
        rwvm=names["rwvm"],
        sc=names["sc"],
        pdf=names["report"],
    )


def _moved(made: PublishedFiles, folder: Path) -> PublishedFiles:
    """Move a complete set to its folder; what an earlier set had and this one has not, goes."""
    for kind in _KINDS:
        _place(folder, kind).unlink(missing_ok=True)
    for path in made.paths:
        path.replace(folder / path.name)

    def moved(path: Path | None) -> Path | None:
        return None if path is None else folder / path.name

    return replace(
        made,
        seg=moved(made.seg),
        seg_union=moved(made.seg_union),
        sr=folder / made.sr.name,
        sr_display=moved(made.sr_display),
        rwvm=folder / made.rwvm.name,
        sc=folder / made.sc.name,
        pdf=folder / made.pdf.name,
    )
