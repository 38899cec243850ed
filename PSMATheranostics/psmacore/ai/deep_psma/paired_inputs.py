"""A study and its companion to the pair of tracers that a paired model reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.ai.data.case import ReferenceTracer
from psmacore.ai.preprocess.pairing import Pair, TracerImages
from psmacore.errors import ModelUnfitError, StudyContentError
from psmacore.lesions.checks import require_finite, require_same_grid
from psmacore.lesions.thresholds import Threshold, resolve
from psmacore.pipeline.images import Companion, StudyImages
from psmacore.pipeline.segmenters import rule_of
from psmacore.suv.tracer import is_fdg, is_psma


@dataclass(frozen=True, eq=False)
class StudyPair:
    """A pair as an analysis sees it.

    Parameters
    ----------
    tracer : ReferenceTracer
        Of the study that is analysed.
    threshold : Threshold
        That study's.
    """

    pair: Pair
    tracer: ReferenceTracer
    threshold: Threshold


def pair_of(study: StudyImages, companion: Companion) -> StudyPair:
    """Return both tracers with their thresholds by each tracer's own rule (D02) and the transforms between them.

    Raises
    ------
    StudyContentError
        If one of the studies has no organ map, which is an input of the model (D05).
    ModelUnfitError
        If they are not one PSMA and one FDG study.
    InputRefusedError
        If an SUV is no finite number, or a rule needs a liver that nothing shows.
    GeometryError
        If an organ map lies on another grid than its PET.
    """
    tracer, other = tracer_of(study), tracer_of(companion.images)
    if tracer is other:
        raise ModelUnfitError(f"a pair holds one PSMA and one FDG study; both are {tracer.value.upper()}")
    own, threshold = _images(study, tracer)
    others, _ = _images(companion.images, other)
    to_companion = rigid(companion.companion_lps_from_lps)
    to_study = rigid(np.linalg.inv(companion.companion_lps_from_lps))
    name = "study and companion"
    if tracer is ReferenceTracer.FDG:
        return StudyPair(Pair(own, others, to_companion, to_study, name), tracer, threshold)
    return StudyPair(Pair(others, own, to_study, to_companion, name), tracer, threshold)


def tracer_of(images: StudyImages) -> ReferenceTracer:
    """Return which of the two tracers a study has.

    Raises
    ------
    ModelUnfitError
        If it is neither a PSMA ligand nor FDG.
    """
    if is_fdg(images.tracer):
        return ReferenceTracer.FDG
    if is_psma(images.tracer):
        return ReferenceTracer.PSMA
    raise ModelUnfitError(f"a paired model reads PSMA and FDG PET, not {images.tracer.meaning!r}")


def rigid(matrix: NDArray[np.floating]) -> sitk.Transform:
    """Return a 4 x 4 matrix (LPS, mm) as ITK transform."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix([float(value) for value in np.asarray(matrix)[:3, :3].ravel()])
    transform.SetTranslation([float(value) for value in np.asarray(matrix)[:3, 3]])
    return transform


def _images(images: StudyImages, tracer: ReferenceTracer) -> tuple[TracerImages, Threshold]:
    suv, organs = images.suv, images.organs
    if organs is None:
        raise StudyContentError(
            f"the {tracer.value.upper()} study has no organ map, and the model reads one of each study: name an organ "
            "model with --organ-model, or put an organ SEG into the study"
        )
    require_finite(suv.values, "SUV")
    require_same_grid(suv, organs.geometry, "organ map")
    threshold = resolve(rule_of(images.tracer), suv, organs)
    return TracerImages(suv.values, organs.labels, suv.geometry, threshold.lowest_suv), threshold
