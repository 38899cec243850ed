"""Numbers of a time point to the measurement groups of a report (TID 300, 1410, 1411, 1501)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset

from psmacore.dicom import codes
from psmacore.dicom.publishing import Publication
from psmacore.dicom.sr_items import Relation, coded, composite, container, number, text, uid_reference
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion

_OBSERVATION = Relation.OBSERVATION_CONTEXT
_MODIFIER = Relation.CONCEPT_MODIFIER


def suv(value: float, derivation: Code) -> Dataset:
    """Return an SUVbw in g/ml (TID 300), with how it was taken over the region."""
    return measurement(codes.SUV_BW, value, codes.SUV_UNIT, method=codes.SUV_BW_METHOD, derivation=derivation)


def measurement(
    name: Code, value: float, unit: Code, *, method: Code | None = None, derivation: Code | None = None
) -> Dataset:
    """Return a measurement with a unit (TID 300) that says how it was made.

    Every one has a method or a derivation: viewers fail on a number without a content of its own.
    """
    how = ((codes.MEASUREMENT_METHOD, method), (codes.DERIVATION, derivation))
    children = [coded(title, code, _MODIFIER) for title, code in how if code is not None]
    return number(name, value, unit, children=children)


def lesion_measurements(lesion: Lesion) -> list[Dataset]:
    """Return every number of a lesion.

    TL-PSMA is volume times SUVmean: ml x g/ml, so its unit is g; no standard code exists for it.
    """
    measured = [
        suv(lesion.suv_max, codes.MAXIMUM),
        suv(lesion.suv_mean, codes.MEAN),
        suv(lesion.suv_peak, codes.PEAK),
        suv(lesion.suv_peak_hottest, codes.PEAK_AT_HOTTEST),
        measurement(codes.VOLUME, lesion.volume_ml, codes.MILLILITRE, method=codes.VOXEL_SUM_METHOD),
        measurement(codes.TL_PSMA, lesion.tl_psma_ml, codes.GRAM, derivation=codes.TOTAL),
    ]
    if lesion.short_axis_mm is not None:
        diameter_mm = lesion.short_axis_mm
        measured.append(measurement(codes.SHORT_AXIS, diameter_mm, codes.MILLIMETRE, method=codes.AXIAL_DIAMETER))
    if lesion.expression_score is not None:
        score = int(lesion.expression_score)
        measured.append(measurement(codes.EXPRESSION_SCORE, score, codes.NO_UNITS, method=codes.PROMISE))
    return measured


def lesion_findings(lesion: Lesion) -> list[Dataset]:
    """Return finding category and finding of a lesion, as its segment has them."""
    category, kind = codes.property_of(lesion)
    return [coded(codes.FINDING_CATEGORY, category), coded(codes.FINDING, kind)]


def lesion_state(lesion: Lesion) -> Dataset:
    """Return the lesion's state as a coded evaluation."""
    return coded(codes.LESION_STATE, codes.state_code(lesion.state))


def lesion_texts(lesion: Lesion) -> list[Dataset]:
    """Return what of a lesion is neither number nor code."""
    texts = ((codes.MI_TNM, lesion.mi_tnm), (codes.CONFIRMED_BY, lesion.confirmed_by))
    return [text(name, value) for name, value in texts if value is not None]


def shared_items(publication: Publication, rwvm: Dataset) -> list[Dataset]:
    """Return what all groups of a report say alike: segmenter (TID 4019), time point (TID 1502), value map.

    The time point is named by the study's date, and by the study.
    """
    segmenter, study = publication.timepoint.segmenter, publication.timepoint.study
    parameters = [f"{key}={value}" for key, value in sorted(segmenter.parameters.items())]
    if segmenter.threshold_suv is not None:
        parameters.append(f"threshold_suv={segmenter.threshold_suv:.6g}")
    if segmenter.weights_sha256:
        parameters.append(f"weights_sha256={segmenter.weights_sha256}")
    return [
        text(codes.ALGORITHM_NAME, segmenter.name, _MODIFIER),
        text(codes.ALGORITHM_VERSION, segmenter.version, _MODIFIER),
        *(text(codes.ALGORITHM_PARAMETERS, parameter, _MODIFIER) for parameter in parameters),
        text(codes.TIME_POINT, study.date or study.uid, _OBSERVATION),
        text(codes.SUBJECT_TIME_POINT, study.uid, _OBSERVATION),
        composite(codes.VALUE_MAP_USED, rwvm),
    ]


def measurement_group(
    template: str,
    tracking: tuple[str, str],
    site: Code,
    *,
    findings: Sequence[Dataset],
    shared: Sequence[Dataset],
    content: Sequence[Dataset],
) -> Dataset:
    """Return a measurement group.

    Parameters
    ----------
    template : str
        ``1410`` for a region on one image, ``1411`` for a segment, ``1501`` for no region of its own.
    tracking : tuple of str
        Tracking identifier and tracking UID.
    site : Code
        Finding site; the side that its words name becomes its laterality (TID 1419).
    shared : sequence of Dataset
        As ``shared_items`` returns them.
    content : sequence of Dataset
        Measurements, evaluations, regions and texts.

    References
    ----------
    DICOM PS3.16 TID 1410, 1411, 1501.
    """
    side = codes.side_of(site)
    laterality = [coded(codes.LATERALITY, side, _MODIFIER)] if side is not None else []
    children = [
        text(codes.TRACKING_IDENTIFIER, tracking[0], _OBSERVATION),
        uid_reference(codes.TRACKING_UID, tracking[1], _OBSERVATION),
        *findings,
        coded(codes.FINDING_SITE, codes.without_side(site), _MODIFIER, laterality),
        *shared,
        *content,
    ]
    return container(codes.MEASUREMENT_GROUP, children, template=template)
