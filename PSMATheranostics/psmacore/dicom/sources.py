"""The files of a loaded PET volume to the headers, and the identity, that every object made from them copies."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from psmacore.dicom.headers import PARSE_ERRORS, refusal
from psmacore.errors import DicomInputError, GeometryError
from psmacore.model.volumes import InstanceRef, PetVolume

_POSITION_TOLERANCE_MM = 0.001

# Patient, Clinical Trial, General Study and Patient Study modules (PS3.3 C.7.1.1, C.7.1.3, C.7.2.1 to C.7.2.3)
_IDENTITY = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "TypeOfPatientID", "PatientBirthDate", "PatientBirthTime"),
    *("PatientSex", "OtherPatientIDsSequence", "EthnicGroup", "PatientComments", "PatientIdentityRemoved"),
    *("DeidentificationMethod", "DeidentificationMethodCodeSequence", "ReferencedPatientSequence"),
    *("ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "ClinicalTrialSiteID"),
    *("ClinicalTrialSiteName", "ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID"),
    *("ClinicalTrialTimePointID", "ClinicalTrialTimePointDescription"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
    *("IssuerOfAccessionNumberSequence", "StudyDescription", "ProcedureCodeSequence", "ReferencedStudySequence"),
    *("PhysiciansOfRecord", "NameOfPhysiciansReadingStudy", "ConsultingPhysicianName"),
    *("AdmittingDiagnosesDescription", "AdmittingDiagnosesCodeSequence", "PatientAge", "PatientSize", "PatientWeight"),
    *("Occupation", "AdditionalPatientHistory", "AdmissionID", "TimezoneOffsetFromUTC"),
    *("LongitudinalTemporalInformationModified",),
)
_TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"),
    *("ReferringPhysicianName", "StudyID", "AccessionNumber"),
)
# What objects need of each image itself (PS3.3 C.7.3.1, C.7.4.1, C.7.5.1, C.7.6.2, C.7.6.3)
_OF_EACH_IMAGE = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "BodyPartExamined"),
    *("Laterality", "FrameOfReferenceUID", "PositionReferenceIndicator", "ImagePositionPatient"),
    *("ImageOrientationPatient", "PixelSpacing", "SliceThickness", "Rows", "Columns", "BitsStored"),
    "PixelRepresentation",
)
# Text, which the image's own character set decodes
_TEXT_OF_EACH_IMAGE = (
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
    "InstitutionName",
)
_TAGS_OF_EACH_IMAGE = tuple(Tag(keyword) for keyword in _OF_EACH_IMAGE)
COPIED_TAGS = frozenset(
    Tag(keyword) for keyword in (*_IDENTITY, *_OF_EACH_IMAGE, *_TEXT_OF_EACH_IMAGE, "SpecificCharacterSet")
)
"""Attributes whose values objects take from the images as they are, however a scanner wrote them."""


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """The PET images in slice order k, without pixels, and apart from them who they are of.

    Identity is kept apart because highdicom refuses values that hospitals do write (Patient's Sex
    ``U``, a time with colons) and quotes names in warnings; objects get it unchanged at the end.

    Parameters
    ----------
    images : tuple of Dataset
        One per slice k; UIDs, plane, pixel format and equipment only.
    identity : Dataset
        Patient and study attributes of the first image, with the character set they are written in.
    """

    images: tuple[Dataset, ...]
    identity: Dataset

    @property
    def first(self) -> Dataset:
        """Header of slice k = 0."""
        return self.images[0]

    @property
    def series_uid(self) -> str:
        """(0020,000E) of the PET series."""
        return str(self.first.SeriesInstanceUID)

    @cached_property
    def uids(self) -> frozenset[str]:
        """Every UID that names the images, their series, study and frame of reference."""
        keywords = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")
        return frozenset(str(image[keyword].value) for image in self.images for keyword in keywords)


def read_sources(pet: PetVolume) -> SourceSeries:
    """Read the headers of the files that ``pet`` was loaded from.

    Returns
    -------
    SourceSeries
        In slice order k.

    Raises
    ------
    DicomInputError
        If a file is gone, unreadable, or holds another image than at loading.
    GeometryError
        If the volume has no files, or a position differs from the one that was loaded.
    """
    instances = pet.header.instances
    if len(instances) != pet.geometry.shape[0]:
        raise GeometryError(f"{len(instances)} source images for {pet.geometry.shape[0]} slices")
    images = [_read_again(instance) for instance in instances]
    return SourceSeries(tuple(_bare(image, pet) for image in images), _identity_of(images[0]))


def _read_again(instance: InstanceRef) -> Dataset:
    try:
        image = dcmread(instance.path, stop_before_pixels=True)
        uid, frame = image.get("SOPInstanceUID"), image.get("FrameOfReferenceUID")
        stored = [float(value) for value in image.ImagePositionPatient]
    except (OSError, *PARSE_ERRORS) as error:
        raise DicomInputError(
            f"the source image cannot be read again: {type(error).__name__}", where=instance.sop_instance_uid
        ) from error
    where = instance.sop_instance_uid
    if uid != instance.sop_instance_uid:
        raise refusal("the file holds another image than when it was loaded", 0x00080018, value=uid, where=where)
    if max(abs(a - b) for a, b in zip(stored, instance.position_lps_mm, strict=True)) > _POSITION_TOLERANCE_MM:
        raise GeometryError(f"image {instance.sop_instance_uid} has moved since it was loaded")
    if not frame:
        raise refusal("results cannot be placed without it", 0x00200052, where=where)
    return image


def _bare(image: Dataset, pet: PetVolume) -> Dataset:
    """Return what objects need of one image; the identity that highdicom asks for is left empty.

    Where (0018,0050) Slice Thickness, Type 2 in PET, is missing, the mean step between slices stands in.
    """
    bare = Dataset()
    for tag in _TAGS_OF_EACH_IMAGE:
        if tag in image:
            bare[tag] = image.get_item(tag)
    for keyword in _TEXT_OF_EACH_IMAGE:
        if keyword in image:
            bare[keyword] = image[keyword]
    if not bare.get("SliceThickness"):
        bare.SliceThickness = f"{pet.geometry.spacing_kji_mm[0]:.6g}"
    for keyword in _TYPE_2:
        setattr(bare, keyword, "")
    return bare


def _identity_of(image: Dataset) -> Dataset:
    identity = Dataset()
    if "SpecificCharacterSet" in image:
        identity.SpecificCharacterSet = image.SpecificCharacterSet
    for keyword in _IDENTITY:
        if keyword in image:
            identity[keyword] = deepcopy(image[keyword])
        elif keyword in _TYPE_2:
            setattr(identity, keyword, "")
    return identity
