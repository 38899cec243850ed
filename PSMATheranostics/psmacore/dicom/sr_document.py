"""Measurement groups to a Comprehensive 3D SR document that says who observed and whether a reader has verified it."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from psmacore.dicom import codes
from psmacore.dicom.publishing import MANUFACTURER, Publication, PublishedSeries, dicom_dt, reference_to
from psmacore.dicom.sr_items import Relation, coded, container, person, text, uid_reference
from psmacore.dicom.sr_library import image_library
from psmacore.model.uids import new_uid

_OBSERVATION = Relation.OBSERVATION_CONTEXT
_MODIFIER = Relation.CONCEPT_MODIFIER


def build_report(
    publication: Publication,
    groups: Sequence[Dataset],
    remarks: Sequence[Dataset],
    images: Sequence[Dataset],
    evidence: Sequence[Dataset],
    series: PublishedSeries,
    description: str,
) -> Dataset:
    """Return a Comprehensive 3D SR of TID 1500 whose state follows the publication.

    Parameters
    ----------
    groups : sequence of Dataset
        Measurement groups; at least one.
    remarks : sequence of Dataset
        TEXT items for the report's Qualitative Evaluations; may be empty.
    images : sequence of Dataset
        PET images that were measured, for the Image Library; at least one, and each once.
    evidence : sequence of Dataset
        Other objects of the study that the content refers to.

    References
    ----------
    DICOM PS3.16 TID 1500; PS3.3 A.35.13 and C.17.2 (SR Document General: Completion and
    Verification Flag, Verifying Observer, Predecessor Documents).
    """
    references = [reference_to(image) for image in images]
    content = [
        coded(codes.LANGUAGE, codes.ENGLISH, _MODIFIER),
        *_observers(publication),
        coded(codes.PROCEDURE_REPORTED, codes.PET_WHOLE_BODY, _MODIFIER),
        image_library(images[0], references),
        container(codes.IMAGING_MEASUREMENTS, groups),
    ]
    if remarks:
        content.append(container(codes.QUALITATIVE_EVALUATIONS, remarks))
    made = publication.new_object(Comprehensive3DSRStorage, "SR")
    made.update(container(codes.IMAGING_MEASUREMENT_REPORT, content, None, template="1500"))
    made.ContentDate = ""
    made.CompletionFlag = "COMPLETE" if publication.is_confirmed else "PARTIAL"
    made.VerificationFlag = "VERIFIED" if publication.is_confirmed else "UNVERIFIED"
    made.PreliminaryFlag = "FINAL" if publication.is_confirmed else "PRELIMINARY"
    made.PerformedProcedureCodeSequence = []
    made.ReferencedPerformedProcedureStepSequence = []
    made.CurrentRequestedProcedureEvidenceSequence = [_evidence(publication, references, evidence)]
    made.CodingSchemeIdentificationSequence = codes.private_schemes()
    _verify(made, publication)
    publication.finish(made, series, description)
    return made


def _observers(publication: Publication) -> list[Dataset]:
    """Return who observed (TID 1001): the reader once there is one, and the software."""
    items = []
    if publication.is_confirmed:
        items += [
            coded(codes.OBSERVER_TYPE, codes.PERSON, _OBSERVATION),
            person(codes.PERSON_OBSERVER_NAME, publication.reader, _OBSERVATION),
            text(codes.PERSON_OBSERVER_ORGANIZATION, publication.organization, _OBSERVATION),
        ]
    return [
        *items,
        coded(codes.OBSERVER_TYPE, codes.DEVICE, _OBSERVATION),
        uid_reference(codes.DEVICE_OBSERVER_UID, new_uid(), _OBSERVATION),
        text(codes.DEVICE_OBSERVER_NAME, publication.model_name, _OBSERVATION),
        text(codes.DEVICE_OBSERVER_MANUFACTURER, MANUFACTURER, _OBSERVATION),
        text(codes.DEVICE_OBSERVER_MODEL, publication.model_name, _OBSERVATION),
        text(codes.DEVICE_OBSERVER_SERIAL_NUMBER, publication.software_version, _OBSERVATION),
    ]


def _evidence(publication: Publication, images: Sequence[Dataset], others: Sequence[Dataset]) -> Dataset:
    """Return what the content refers to, by series (PS3.3 Table C.17-3, Hierarchical SOP Instance Reference)."""
    study = Dataset()
    study.StudyInstanceUID = str(publication.sources.first.StudyInstanceUID)
    study.ReferencedSeriesSequence = [
        _of_series(publication.sources.series_uid, images),
        *(_of_series(other.SeriesInstanceUID, [reference_to(other)]) for other in others),
    ]
    return study


def _of_series(series_uid: str, references: Sequence[Dataset]) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = series_uid
    series.ReferencedSOPSequence = list(references)
    return series


def _verify(made: Dataset, publication: Publication) -> None:
    """Record the reader and what the document replaces (PS3.3 C.17.2), in place."""
    confirmation = publication.confirmation
    if confirmation is None:
        return
    observer = Dataset()
    observer.VerifyingObserverName = publication.reader
    observer.VerifyingOrganization = publication.organization
    observer.VerificationDateTime = dicom_dt(confirmation.at)
    observer.VerifyingObserverIdentificationCodeSequence = []
    made.VerifyingObserverSequence = [observer]
    items = []
    for predecessor in confirmation.predecessors:
        document, study = Dataset(), Dataset()
        document.ReferencedSOPClassUID = predecessor.sop_class_uid
        document.ReferencedSOPInstanceUID = predecessor.sop_instance_uid
        study.StudyInstanceUID = predecessor.study_uid
        study.ReferencedSeriesSequence = [_of_series(predecessor.series_uid, [document])]
        items.append(study)
    if items:
        made.PredecessorDocumentsSequence = items
