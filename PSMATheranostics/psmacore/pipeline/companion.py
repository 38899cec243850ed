"""The other tracer's study of the same patient to a companion that a model can read beside the study."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from psmacore.errors import GeometryError, InputRefusedError, StudyContentError
from psmacore.longitudinal.rigid import register_rigid
from psmacore.pipeline.images import Companion, StudyImages
from psmacore.pipeline.load import LoadedStudy, load_study
from psmacore.pipeline.request import AnalyseRequest
from psmacore.suv.tracer import is_fdg, is_psma

logger = logging.getLogger(__name__)


def load_companion(study: LoadedStudy, folder: Path, study_uid: str | None) -> LoadedStudy:
    """Read the other tracer's study.

    Parameters
    ----------
    study : LoadedStudy
        The study that is analysed.
    folder : pathlib.Path
        Where the companion's files lie.
    study_uid : str or None
        Which study of the folder.

    Raises
    ------
    InputRefusedError
        If it is another patient's, the same study, or not the other one of PSMA and FDG.
    """
    other = load_study(AnalyseRequest(dicom=folder, study_uid=study_uid), folder)
    here, there = study.pet.header, other.pet.header
    if there.study_uid == here.study_uid and there.series_uid == here.series_uid:
        raise InputRefusedError(f"the companion is the study itself, {here.study_uid}")
    if (here.patient_id, here.patient_birth_date) != (there.patient_id, there.patient_birth_date):
        raise InputRefusedError(
            f"the companion {there.study_uid} belongs to another patient: (0010,0020) Patient ID or "
            "(0010,0030) Patient's Birth Date differ"
        )
    pairs = ((is_psma, is_fdg), (is_fdg, is_psma))
    if not any(one(study.tracer) and another(other.tracer) for one, another in pairs):
        raise InputRefusedError(
            f"a companion holds the other tracer of PSMA and FDG: the study has {study.tracer.meaning!r}, "
            f"the companion {other.tracer.meaning!r}"
        )
    return other


def beside(images: StudyImages, other: StudyImages) -> Companion:
    """Bring a companion to the study: by their frame of reference where it is one, else by their CTs.

    Raises
    ------
    StudyContentError
        If the frames of reference differ and one of the two has no CT.
    GeometryError
        If the CTs cannot be registered.
    """
    here, there = images.suv.geometry.frame_of_reference_uid, other.suv.geometry.frame_of_reference_uid
    if here and here == there:
        return Companion(other, np.eye(4), "same (0020,0052) Frame of Reference UID")
    if images.read_ct is None or other.read_ct is None:
        raise StudyContentError(
            "study and companion lie in different frames of reference and are brought together by their CTs, "
            f"but the {'study' if images.read_ct is None else 'companion'} has none"
        )
    try:
        found = register_rigid(images.ct, other.ct)
    except GeometryError as error:
        raise GeometryError(f"study and companion: {error}") from error
    words = (
        f"rigid registration of the CTs, bones {found.bone_distance_mm:.1f} mm apart (median), "
        f"{100 * found.shared_fraction:.0f} % of the body in both"
    )
    logger.info("companion: %s", words)
    return Companion(other, found.moving_lps_from_fixed_lps, words)
