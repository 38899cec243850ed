"""Numbers and words of a time point to the parts of TID 1500 measurement groups: measurements, evaluations, context."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from highdicom import sr
from pydicom.dataset import Dataset

from psmacore.dicom import codes
from psmacore.dicom.publishing import Publication, dicom_dt
from psmacore.errors import UsageError
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion

_CONTAINS = sr.RelationshipTypeValues.CONTAINS


@dataclass(frozen=True, eq=False)
class GroupContext:
    """What all groups of a report say alike, made once: segmenter (TID 4019), time point (TID 1502), value map."""

    algorithm: sr.AlgorithmIdentification
    time_point: sr.TimePointContext
    value_map: sr.RealWorldValueMap

    @classmethod
    def of(cls, publication: Publication, rwvm: Dataset) -> GroupContext:
        """Return the context of a publication; the time point is named by the study's date, and by the study."""
        segmenter, study = publication.timepoint.segmenter, publication.timepoint.study
        parameters = [f"{key}={value}" for key, value in sorted(segmenter.parameters.items())]
        if segmenter.threshold_suv is not None:
            parameters.append(f"threshold_suv={segmenter.threshold_suv:.6g}")
        if segmenter.weights_sha256:
            parameters.append(f"weights_sha256={segmenter.weights_sha256}")
        return cls(
            sr.AlgorithmIdentification(segmenter.name, segmenter.version, parameters or None),
            sr.TimePointContext(study.date or study.uid, subject_time_point_identifier=study.uid),
            sr.RealWorldValueMap.from_source_value_map(rwvm),
        )


@lru_cache(maxsize=1024)
def concept(code: Code) -> sr.CodedConcept:
    """Return a code as reports write it: one item for all its uses, so not to be changed.

    highdicom copies a report's content deeply; what is shared, it copies once.
    """
    return codes.concept(code)


def suv(value: float, derivation: Code) -> sr.Measurement:
    """Return an SUVbw in g/ml (TID 300), with how it was taken over the region."""
    return measurement(codes.SUV_BW, value, codes.SUV_UNIT, method=codes.SUV_BW_METHOD, derivation=derivation)


def measurement(
    name: Code, value: float, unit: Code, *, method: Code | None = None, derivation: Code | None = None
) -> sr.Measurement:
    """Return a measurement with a unit (TID 300) that says how it was made.

    Every one has a method or a derivation: viewers fail on a number without a content of its own. A
    float is written as decimal string and exactly, as (0040,A161) Floating Point Value.

    Raises
    ------
    UsageError
        If the number is not finite.
    """
    if not math.isfinite(value):
        raise UsageError(f"{name.meaning} is {value}, not a number that a report can hold")
    return sr.Measurement(
        name=concept(name),
        value=value if isinstance(value, int) else float(value),
        unit=concept(unit),
        method=concept(method) if method else None,
        derivation=concept(derivation) if derivation else None,
    )


def evaluation(name: Code, value: Code) -> sr.QualitativeEvaluation:
    """Return a coded evaluation (TID 1501)."""
    return sr.QualitativeEvaluation(name=concept(name), value=concept(value))


def text(name: Code, value: str) -> sr.TextContentItem:
    """Return a text that its container holds."""
    return sr.TextContentItem(name=concept(name), value=value, relationship_type=_CONTAINS)


def moment(name: Code, value: datetime) -> sr.DateTimeContentItem:
    """Return a date and time that its container holds, with its offset from UTC where it has one."""
    return sr.DateTimeContentItem(name=concept(name), value=dicom_dt(value), relationship_type=_CONTAINS)


def finding_site(site: Code) -> sr.FindingSite:
    """Return the finding site; the side that its words name becomes its laterality (TID 1419)."""
    side = codes.side_of(site)
    return sr.FindingSite(
        anatomic_location=concept(codes.without_side(site)), laterality=concept(side) if side else None
    )


def lesion_measurements(lesion: Lesion) -> list[sr.Measurement]:
    """Return every number of a lesion.

    TL-PSMA is volume times SUVmean: ml x g/ml, so its unit is g; no standard code exists for it.
    """
    measured = [
        suv(lesion.suv_max, codes.MAXIMUM),
        suv(lesion.suv_mean, codes.MEAN),
        suv(lesion.suv_peak, codes.PEAK),
        suv(lesion.suv_peak_hottest, codes.PEAK_AT_HOTTEST),
        volume(lesion),
        measurement(codes.TL_PSMA, lesion.tl_psma_ml, codes.GRAM, derivation=codes.TOTAL),
    ]
    if lesion.short_axis_mm is not None:
        diameter_mm = lesion.short_axis_mm
        measured.append(measurement(codes.SHORT_AXIS, diameter_mm, codes.MILLIMETRE, method=codes.AXIAL_DIAMETER))
    if lesion.expression_score is not None:
        score = int(lesion.expression_score)
        measured.append(measurement(codes.EXPRESSION_SCORE, score, codes.NO_UNITS, method=codes.PROMISE))
    return measured


def volume(lesion: Lesion) -> sr.Measurement:
    """Return the volume of a lesion in ml."""
    return measurement(codes.VOLUME, lesion.volume_ml, codes.MILLILITRE, method=codes.VOXEL_SUM_METHOD)


def lesion_state(lesion: Lesion) -> sr.QualitativeEvaluation:
    """Return the lesion's state as a coded evaluation."""
    return evaluation(codes.LESION_STATE, codes.state_code(lesion.state))


def lesion_texts(lesion: Lesion) -> list[sr.TextContentItem]:
    """Return what of a lesion is neither number nor code."""
    texts = ((codes.MI_TNM, lesion.mi_tnm), (codes.CONFIRMED_BY, lesion.confirmed_by))
    return [text(name, value) for name, value in texts if value is not None]
