"""A time point to a measurement report (SR, TID 1500) with a group per lesion, for the whole body and per reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from highdicom import sr
from pydicom.dataset import Dataset

from psmacore.dicom import codes
from psmacore.dicom.publishing import Publication, PublishedSeries, save
from psmacore.dicom.sr_parts import (
    GroupContext,
    concept,
    evaluation,
    finding_site,
    lesion_measurements,
    lesion_state,
    lesion_texts,
    measurement,
    moment,
    suv,
    text,
)
from psmacore.dicom.sr_report import MeasurementGroup, build_report
from psmacore.errors import UsageError
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, ReferenceRegion
from psmacore.model.organs import ORGAN_NUMBERS, ORGANS
from psmacore.model.timepoint import Timepoint
from psmacore.model.uids import new_uid

_NO_TOTALS = "Physiological uptake was not excluded: candidates only, no totals"
_REFERENCE_SITES = {
    "blood_pool": Code("15825003", "SCT", "Aorta"),
    "parotid": Code("45289007", "SCT", "Parotid gland"),
    "kidneys": Code("64033007", "SCT", "Kidney"),
    "submandibular": Code("54019009", "SCT", "Submandibular gland"),
    "lacrimal": Code("13561001", "SCT", "Lacrimal gland"),
}


def write_sr(publication: Publication, seg: Dataset | None, rwvm: Dataset, path: Path) -> Dataset:
    """Write the measurement report.

    It holds one TID 1411 group per lesion of any state, with its segment; a TID 1501 group for the
    whole body, which states zero lesions where there are none and the reason where there are no
    totals; one for the basis of the SUV; one for each reference region; and, as texts, the SUV's
    derivation, what readers entered in place of the header's values, and the warnings.

    Parameters
    ----------
    seg : Dataset or None
        The per-lesion SEG, ``None`` where there is no lesion.
    rwvm : Dataset
        The Real World Value Map used for measurement.

    Returns
    -------
    Dataset
        The object as written: PARTIAL, UNVERIFIED and PRELIMINARY, or with a confirmation COMPLETE,
        VERIFIED and FINAL.

    Raises
    ------
    UsageError
        If there are lesions without a SEG.

    References
    ----------
    DICOM PS3.16 TID 1500, 1501, 1411, 1419, 1502, 4019.
    """
    timepoint = publication.timepoint
    if seg is None and timepoint.lesions:
        raise UsageError("the lesions of a report need their SEG")
    context = GroupContext.of(publication, rwvm)
    groups: list[MeasurementGroup] = []
    if seg is not None:
        groups.extend(_lesion_group(lesion, publication, seg, context) for lesion in timepoint.lesions)
    groups.append(_whole_body_group(timepoint, context))
    groups.append(_suv_basis_group(timepoint, context))
    groups.extend(_reference_group(region, context) for region in timepoint.reference_regions)
    made = build_report(
        publication,
        groups,
        _remarks(timepoint),
        publication.sources.images,
        [rwvm] if seg is None else [rwvm, seg],
        PublishedSeries.SR,
        "PSMA lesion measurements",
    )
    save(made, path)
    return made


def _lesion_group(
    lesion: Lesion, publication: Publication, seg: Dataset, context: GroupContext
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    category, kind = codes.property_of(lesion)
    group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=lesion.tracking_uid, identifier=lesion.tracking_id),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=seg.SOPClassUID,
            sop_instance_uid=seg.SOPInstanceUID,
            segment_number=lesion.segment_number,
            source_series=sr.SourceSeriesForSegmentation(publication.sources.series_uid),
        ),
        referenced_real_world_value_map=context.value_map,
        time_point_context=context.time_point,
        finding_category=concept(category),
        finding_type=concept(kind),
        algorithm_id=context.algorithm,
        finding_sites=[finding_site(lesion.site)],
        measurements=lesion_measurements(lesion),
        qualitative_evaluations=[lesion_state(lesion)],
    )
    group[0].ContentSequence.extend(lesion_texts(lesion))
    return group


def _whole_body_group(timepoint: Timepoint, context: GroupContext) -> sr.MeasurementsAndQualitativeEvaluations:
    totals = timepoint.totals
    if totals is None:
        reason = text(codes.TOTALS_MISSING, _NO_TOTALS)
        return _group("Whole body", codes.WHOLE_BODY, context, [], further=[reason])
    measurements = [
        measurement(codes.NUMBER_OF_LESIONS, int(totals.n_lesions), codes.NO_UNITS, derivation=codes.TOTAL),
        measurement(codes.PSMA_TV, totals.psma_tv_ml, codes.MILLILITRE, method=codes.VOXEL_SUM_METHOD),
        measurement(codes.TL_PSMA, totals.tl_psma_ml, codes.GRAM, derivation=codes.TOTAL),
        suv(totals.suv_max, codes.MAXIMUM),
        suv(totals.suv_mean, codes.MEAN),
    ]
    return _group("Whole body", codes.WHOLE_BODY, context, measurements)


def _suv_basis_group(timepoint: Timepoint, context: GroupContext) -> sr.MeasurementsAndQualitativeEvaluations:
    basis = timepoint.suv
    activity_mbq = None if basis.injected_activity_bq is None else basis.injected_activity_bq / 1e6
    numbers = (
        (codes.SUV_FACTOR, basis.factor_g_per_bq, codes.GRAM_PER_BECQUEREL),
        (codes.ADMINISTERED_ACTIVITY, activity_mbq, codes.MEGABECQUEREL),
        (codes.HALF_LIFE, basis.half_life_s, codes.SECOND),
        (codes.BODY_WEIGHT, basis.weight_kg, codes.KILOGRAM),
        (codes.BODY_HEIGHT, basis.height_m, codes.METRE),
        (codes.INCUBATION_TIME, basis.uptake_min, codes.MINUTE),
        (codes.THRESHOLD_VALUE, timepoint.segmenter.threshold_suv, codes.SUV_UNIT),
    )
    texts = ((codes.DECAY_CORRECTION, basis.decay_correction), (codes.PATIENT_SEX, basis.sex))
    moments = ((codes.INJECTED_AT, basis.injected_at), (codes.DECAY_REFERENCE, basis.reference_at))
    return _group(
        "SUV basis",
        codes.WHOLE_BODY,
        context,
        [measurement(name, value, unit, method=codes.AS_USED) for name, value, unit in numbers if value is not None],
        evaluations=[evaluation(codes.RADIOPHARMACEUTICAL, timepoint.tracer)],
        further=[
            *(text(name, value) for name, value in texts if value),
            *(moment(name, value) for name, value in moments if value is not None),
        ],
    )


def _reference_group(region: ReferenceRegion, context: GroupContext) -> sr.MeasurementsAndQualitativeEvaluations:
    return _group(
        region.name,
        _reference_site(region.name),
        context,
        [suv(region.suv_mean, codes.MEAN), suv(region.suv_sd, codes.STANDARD_DEVIATION)],
        finding=codes.REFERENCE_REGION,
        further=[text(codes.COMMENT, f"{region.n_voxels} voxels")],
    )


def _reference_site(name: str) -> Code:
    """Return the organ of a reference region, the whole body where the name is none of ours."""
    if name in _REFERENCE_SITES:
        return _REFERENCE_SITES[name]
    organ = ORGANS.get(ORGAN_NUMBERS.get(name, 0))
    return organ.code if organ is not None and organ.code is not None else codes.WHOLE_BODY


def _group(
    name: str,
    site: Code,
    context: GroupContext,
    measurements: Sequence[sr.Measurement],
    *,
    finding: Code | None = None,
    evaluations: Sequence[sr.QualitativeEvaluation] = (),
    further: Sequence[sr.ContentItem] = (),
) -> sr.MeasurementsAndQualitativeEvaluations:
    """Return a TID 1501 group, which refers to no region of its own."""
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=new_uid(), identifier=name),
        referenced_real_world_value_map=context.value_map,
        time_point_context=context.time_point,
        finding_type=concept(finding) if finding else None,
        algorithm_id=context.algorithm,
        finding_sites=[finding_site(site)],
        measurements=measurements,
        qualitative_evaluations=evaluations,
    )
    group[0].ContentSequence.extend(further)
    return group


def _remarks(timepoint: Timepoint) -> list[sr.TextContentItem]:
    remarks = [text(codes.SUV_STEP, step) for step in timepoint.suv.steps]
    for override in timepoint.suv.overrides:
        old = "absent" if override.old_value is None else override.old_value
        reason = f"; reason: {override.reason}" if override.reason else ""
        reader = override.reader or "a reader not named"
        remarks.append(text(codes.SUV_OVERRIDE, f"{override.key}: {old} -> {override.value}, by {reader}{reason}"))
    if timepoint.classification is not None:
        answer = timepoint.classification
        remarks.append(text(codes.CLASSIFICATION, f"{answer.label}, p={answer.probability:.3f}, model {answer.model}"))
    warnings = dict.fromkeys((*timepoint.suv.warnings, *timepoint.warnings))
    remarks.extend(text(codes.WARNING, warning) for warning in warnings)
    return remarks
