"""A folder of DICOM files to what an analysis needs: PET, SUV, organ map, tracer, and the choices made."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from psmacore.dicom.read_ct import read_ct_series
from psmacore.dicom.read_organs import is_organ_seg, read_organ_seg
from psmacore.dicom.read_pet import read_pet_series
from psmacore.dicom.scan import StudyContents, scan_folder
from psmacore.dicom.select import choose_ct_series, choose_pet_series
from psmacore.model.codes import Code
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import CtVolume, OrganMap, PetVolume, SuvVolume
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.nifti import is_nifti, read_organ_map
from psmacore.pipeline.request import AnalyseRequest
from psmacore.suv.convert import to_suv
from psmacore.suv.tracer import identify_tracer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LoadedStudy:
    """A study ready to be segmented; ``warnings`` tell the choices made and what was met on the way.

    ``read_ct`` reads the CT when a model needs it; ``None`` where there is none in the PET's frame of reference.
    """

    pet: PetVolume
    suv: SuvVolume
    organs: OrganMap | None
    tracer: Code
    ct_series_uid: str | None
    warnings: tuple[str, ...]
    read_ct: Callable[[], CtVolume] | None = None

    @property
    def images(self) -> StudyImages:
        """What a method may look at."""
        return StudyImages(
            suv=self.suv,
            organs=self.organs,
            tracer=self.tracer,
            is_simulated=self.pet.header.is_synthetic,
            read_ct=self.read_ct,
        )


def load_study(request: AnalyseRequest, folder: Path) -> LoadedStudy:
    """Read the study of ``folder``.

    Raises
    ------
    InputRefusedError
        If there is no PET that an SUV can be made of, or the files are not one study of one patient.
    """
    contents = scan_folder(folder, study_uid=request.study_uid)
    chosen = choose_pet_series(contents, series_uid=request.pet_series_uid)
    pet = read_pet_series(chosen.series.paths)
    suv = to_suv(pet, request.overrides)
    ct = choose_ct_series(contents, pet.header.frame_of_reference_uid, series_uid=request.ct_series_uid)
    organs = _organs(request, contents, pet.geometry)
    warnings = [*_passed_over(contents), *pet.header.findings, *suv.derivation.warnings]
    if chosen.alternatives:
        warnings.append(f"PET series {pet.header.series_uid} of {1 + len(chosen.alternatives)}: {chosen.reason}")
    if ct is None:
        warnings.append("no CT in the PET's frame of reference")
    return LoadedStudy(
        pet=pet,
        suv=suv,
        organs=organs,
        tracer=identify_tracer(pet.acquisition.administration, request.overrides),
        ct_series_uid=None if ct is None else ct.series.ref.series_uid,
        warnings=tuple(warnings),
        read_ct=None if ct is None else partial(read_ct_series, ct.series.paths),
    )


def _passed_over(contents: StudyContents) -> list[str]:
    """Count the files that were not read; their names, which may tell the patient's, stay out of the results."""
    n_files = len(contents.ignored)
    if n_files == 0:
        return []
    subject = "1 file that is" if n_files == 1 else f"{n_files} files that are"
    return [f"{subject} no part of the study passed over"]


def _organs(request: AnalyseRequest, contents: StudyContents, geometry: Geometry) -> OrganMap | None:
    """Read the organ map that was named, or the newest one of the study."""
    if request.organs is not None:
        read = read_organ_map if is_nifti(request.organs) else read_organ_seg
        return read(request.organs, geometry)
    segs = [series for series in contents.series if series.ref.modality == "SEG"]
    for series in sorted(segs, key=lambda entry: (entry.ref.date, entry.ref.time), reverse=True):
        for path in series.paths:
            if is_organ_seg(path):
                logger.info("organ map: SEG series %s", series.ref.series_uid)
                return read_organ_seg(path, geometry)
    return None
