"""Measurement groups to a Comprehensive 3D SR (TID 1500) that says who observed and whether a reader verified it."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard_codes

from psmacore.dicom import codes
from psmacore.dicom.publishing import MANUFACTURER, Predecessor, Publication, PublishedSeries, dicom_dt
from psmacore.dicom.sr_parts import concept
from psmacore.model.uids import new_uid

MeasurementGroup = (
    sr.VolumetricROIMeasurementsAndQualitativeEvaluations
    | sr.PlanarROIMeasurementsAndQualitativeEvaluations
    | sr.MeasurementsAndQualitativeEvaluations
)
_OF_ONE_IMAGE = (
    standard_codes.DCM.SliceThickness,
    standard_codes.DCM.ImagePositionPatientX,
    standard_codes.DCM.ImagePositionPatientY,
    standard_codes.DCM.ImagePositionPatientZ,
)
_STAND_IN = "Reader^"
"""What highdicom gets for a reader's name, because it quotes names of one component in warnings."""


def build_report(
    publication: Publication,
    groups: Sequence[MeasurementGroup],
    remarks: Sequence[sr.TextContentItem],
    images: Sequence[Dataset],
    evidence: Sequence[Dataset],
    series: PublishedSeries,
    description: str,
) -> sr.Comprehensive3DSR:
    """Return a Comprehensive 3D SR of TID 1500 whose state follows the publication.

    Parameters
    ----------
    groups : sequence
        Measurement groups; at least one.
    remarks : sequence of TextContentItem
        For the report's Qualitative Evaluations; may be empty.
    images : sequence of Dataset
        PET images that were measured, for the Image Library; at least one, and each once.
    evidence : sequence of Dataset
        Other objects of the study that the content refers to.

    References
    ----------
    DICOM PS3.16 TID 1500; PS3.3 A.35.13 and C.17.2 (SR Document General: Completion and
    Verification Flag, Verifying Observer, Predecessor Documents).
    """
    content = sr.MeasurementReport(
        observation_context=_observers(publication),
        procedure_reported=concept(codes.PET_WHOLE_BODY),
        imaging_measurements=groups,
        title=concept(codes.IMAGING_MEASUREMENT_REPORT),
    )
    content[0].ContentSequence.insert(len(content[0].ContentSequence) - 1, _image_library(images)[0])
    if remarks:
        content[0].ContentSequence.append(_qualitative_evaluations(remarks))
    confirmation = publication.confirmation
    predecessors = confirmation.predecessors if confirmation else ()
    made = sr.Comprehensive3DSR(
        evidence=[*images, *evidence],
        content=content,
        series_instance_uid=new_uid(),
        series_number=publication.number_of(series),
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=publication.is_confirmed,
        is_final=publication.is_confirmed,
        is_verified=publication.is_confirmed,
        verifying_observer_name=_STAND_IN,
        verifying_organization=publication.organization,
        previous_versions=[_document(one) for one in predecessors] or None,
        contributing_equipment=[publication.equipment()],
    )
    if confirmation is not None:
        (observer,) = made.VerifyingObserverSequence
        observer.VerifyingObserverName = publication.reader
        observer.VerificationDateTime = dicom_dt(confirmation.at)
    made.CodingSchemeIdentificationSequence = codes.private_schemes()
    publication.finish(made, series, description)
    return made


def _image_library(images: Sequence[Dataset]) -> sr.ImageLibrary:
    """Return the library of the images of one PET series (TID 1600), which viewers look for before anything else.

    highdicom describes every image anew. Images of one series share modality, frame of reference, grid
    and orientation, which TID 1600 lets their group say once; the report is a third as large for it.
    """
    library = sr.ImageLibrary(images[:1])
    (group,) = library[0].ContentSequence
    (first,) = group.ContentSequence
    shared = [item for item in first.ContentSequence if item.name not in _OF_ONE_IMAGE]
    entries = [
        sr.ImageContentItem(
            name=first.name,
            referenced_sop_class_uid=image.SOPClassUID,
            referenced_sop_instance_uid=image.SOPInstanceUID,
            relationship_type=sr.RelationshipTypeValues.CONTAINS,
        )
        for image in images
    ]
    group.ContentSequence = sr.ContentSequence([*shared, *entries])
    return library


def _observers(publication: Publication) -> sr.ObservationContext:
    """Return who observed (TID 1001): the reader once there is one, and the software."""
    device = sr.ObserverContext(
        observer_type=concept(codes.DEVICE),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=new_uid(),
            name=publication.model_name,
            manufacturer_name=MANUFACTURER,
            model_name=publication.model_name,
            serial_number=publication.software_version,
        ),
    )
    if not publication.is_confirmed:
        return sr.ObservationContext(observer_device_context=device)
    attributes = sr.PersonObserverIdentifyingAttributes(_STAND_IN, organization_name=publication.organization)
    attributes[0].PersonName = publication.reader
    person = sr.ObserverContext(observer_type=concept(codes.PERSON), observer_identifying_attributes=attributes)
    return sr.ObservationContext(observer_person_context=person, observer_device_context=device)


def _qualitative_evaluations(remarks: Sequence[sr.TextContentItem]) -> sr.ContainerContentItem:
    """Return the report's Qualitative Evaluations (TID 1500), which highdicom's template lacks."""
    container = sr.ContainerContentItem(
        name=concept(codes.QUALITATIVE_EVALUATIONS), relationship_type=sr.RelationshipTypeValues.CONTAINS
    )
    container.ContentSequence = sr.ContentSequence(remarks)
    return container


def _document(predecessor: Predecessor) -> Dataset:
    """Return the little of an earlier report's header that a reference to it needs."""
    document = Dataset()
    document.StudyInstanceUID = predecessor.study_uid
    document.SeriesInstanceUID = predecessor.series_uid
    document.SOPClassUID = predecessor.sop_class_uid
    document.SOPInstanceUID = predecessor.sop_instance_uid
    return document
