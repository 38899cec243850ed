"""Which attributes belong to study, series and instance, and which of them searches return unasked."""

from __future__ import annotations

from enum import StrEnum

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.tag import Tag

from web_bridge.errors import BadRequestError
from web_bridge.store.dicom_json import DicomJson, hex_tag


class Level(StrEnum):
    """The three levels that QIDO-RS searches (DICOM PS3.18 10.6)."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


# Patient and study (PS3.18 Table 10.6.3-3, and the modules Patient, General Study, Patient Study of PS3.3)
_STUDY_KEYWORDS = (
    "StudyDate StudyTime AccessionNumber ReferringPhysicianName TimezoneOffsetFromUTC StudyDescription "
    "ProcedureCodeSequence PhysiciansOfRecord NameOfPhysiciansReadingStudy AdmittingDiagnosesDescription "
    "ReferencedStudySequence StudyInstanceUID StudyID InstitutionName RequestingPhysician"
)
# Series and equipment (Table 10.6.3-4, General Series, PET Series and General Equipment of PS3.3)
_SERIES_KEYWORDS = (
    "Modality SeriesDate SeriesTime SeriesDescription SeriesDescriptionCodeSequence PerformingPhysicianName "
    "OperatorsName ProtocolName BodyPartExamined PatientPosition Laterality SeriesInstanceUID SeriesNumber "
    "FrameOfReferenceUID PerformedProcedureStepStartDate PerformedProcedureStepStartTime "
    "PerformedProcedureStepID PerformedProcedureStepDescription RequestAttributesSequence Manufacturer "
    "ManufacturerModelName StationName SoftwareVersions DeviceSerialNumber NumberOfSlices CorrectedImage Units "
    "SUVType SeriesType DecayCorrection ReconstructionMethod RadiopharmaceuticalInformationSequence"
)
# Image, document and segmentation (Table 10.6.3-5)
_INSTANCE_KEYWORDS = (
    "SOPClassUID SOPInstanceUID InstanceNumber Rows Columns BitsAllocated SamplesPerPixel NumberOfFrames "
    "PhotometricInterpretation ContentDate ContentTime ContentLabel ContentDescription CompletionFlag "
    "VerificationFlag DocumentTitle ConceptNameCodeSequence"
)
# Returned even where empty: type 1 and 2 of the tables, and what Orthanc returns beside them.
_STUDY_ALWAYS = (
    "StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyDescription PatientName PatientID "
    "PatientBirthDate PatientSex StudyInstanceUID StudyID"
)
_SERIES_ALWAYS = (
    "Modality SeriesDate SeriesTime SeriesDescription BodyPartExamined SeriesInstanceUID SeriesNumber Manufacturer "
    "PerformedProcedureStepStartDate PerformedProcedureStepStartTime RequestAttributesSequence"
)
_INSTANCE_ALWAYS = "SOPClassUID SOPInstanceUID InstanceNumber Rows Columns BitsAllocated NumberOfFrames"
_ONLY_IF_PRESENT = "StudyDescription BodyPartExamined Manufacturer SeriesDate SeriesTime Rows Columns BitsAllocated "
_OPTIONAL = _ONLY_IF_PRESENT + "NumberOfFrames RequestAttributesSequence SeriesDescription"

_PATIENT_GROUP = "0010"


def _tag(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return hex_tag(tag)


def _tags(keywords: str) -> tuple[str, ...]:
    return tuple(_tag(keyword) for keyword in keywords.split())


LEVEL_TAGS: dict[Level, frozenset[str]] = {
    Level.STUDY: frozenset(_tags(_STUDY_KEYWORDS)),
    Level.SERIES: frozenset(_tags(_SERIES_KEYWORDS)),
    Level.INSTANCE: frozenset(_tags(_INSTANCE_KEYWORDS)),
}
DEFAULT_TAGS: dict[Level, tuple[str, ...]] = {
    Level.STUDY: _tags(_STUDY_ALWAYS),
    Level.SERIES: _tags(_SERIES_ALWAYS),
    Level.INSTANCE: _tags(_INSTANCE_ALWAYS),
}
OPTIONAL_TAGS = frozenset(_tags(_OPTIONAL))


def level_of(tag: str) -> Level:
    """Return the level that an attribute belongs to; everything unlisted belongs to the instance."""
    if tag.startswith(_PATIENT_GROUP) or tag in LEVEL_TAGS[Level.STUDY]:
        return Level.STUDY
    return Level.SERIES if tag in LEVEL_TAGS[Level.SERIES] else Level.INSTANCE


def attributes_of(metadata: DicomJson, level: Level) -> DicomJson:
    """Return the attributes of an instance's metadata that describe its study, series or the instance itself.

    Bulk data is left out, and at instance level so is all that is not in PS3.18 Table 10.6.3-5: a search
    that asks for more reads the metadata.
    """
    if level is Level.INSTANCE:
        return {tag: metadata[tag] for tag in LEVEL_TAGS[level] if tag in metadata}
    return {
        tag: element for tag, element in metadata.items() if level_of(tag) is level and "BulkDataURI" not in element
    }


def resolve_tag(name: str) -> str:
    """Return an attribute's tag as eight hex digits, from hex digits or keyword.

    Raises
    ------
    BadRequestError
        If ``name`` is neither.
    """
    if len(name) == 8 and all(character in "0123456789abcdefABCDEF" for character in name):
        return name.upper()
    tag = tag_for_keyword(name)
    if tag is None:
        raise BadRequestError(f"{name[:64]!r} is neither a DICOM keyword nor a tag of eight hex digits")
    return hex_tag(tag)


def vr_of(tag: str) -> str:
    """Return the VR by the dictionary; ``UN`` where it lists none."""
    try:
        return dictionary_VR(Tag(int(tag, 16)))
    except KeyError:
        return "UN"
