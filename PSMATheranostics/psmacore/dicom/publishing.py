"""A time point and its source images to what its published objects share: state, equipment, series, times, files."""

from __future__ import annotations

import logging
import os
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from pathlib import Path

from highdicom import ContributingEquipment
from pydicom.charset import python_encoding
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ExplicitVRLittleEndian

from psmacore.dicom.sources import COPIED_TAGS, SourceSeries, read_sources
from psmacore.dicom.validity import require_valid
from psmacore.errors import UsageError
from psmacore.model.timepoint import Timepoint
from psmacore.model.uids import new_uid
from psmacore.model.volumes import PetVolume

log = logging.getLogger(__name__)

MANUFACTURER = "PSMA theranostics"
UNCONFIRMED_PREFIX = "AI, unconfirmed: "
SIMULATION_PREFIX = "NOT CLINICAL, "
_CONFIRMED_OFFSET = 100
_LO = 64  # PS3.5 6.2
_ST = 1024
_TEXT_VRS = frozenset({"PN", "LO", "SH", "LT", "ST", "UT", "UC"})


class PublishedSeries(IntEnum):
    """(0020,0011) Series Number of each object; a confirmed version has the same number plus 100."""

    RWVM = 9001
    SEG = 9002
    SEG_UNION = 9003
    SR = 9004
    SR_DISPLAY = 9005
    CAPTURE = 9006
    PDF = 9007


@dataclass(frozen=True)
class Predecessor:
    """An SR document that a confirmed or corrected one replaces (PS3.3 C.17.2, Predecessor Documents)."""

    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class Confirmation:
    """The reader who verifies the result, and when.

    Parameters
    ----------
    reader : str
        Name, best as DICOM PN (``Family^Given``).
    at : datetime
        When; must carry its time zone.
    organization : str
        (0040,A027) Verifying Organization, which the standard requires; where empty, the source
        images' (0008,0080) Institution Name stands for it.
    predecessors : tuple of Predecessor
        What the new SR replaces.
    """

    reader: str
    at: datetime
    organization: str = ""
    predecessors: tuple[Predecessor, ...] = ()

    def __post_init__(self) -> None:
        if not self.reader.strip():
            raise UsageError("a confirmation needs the reader's name")
        if self.at.tzinfo is None:
            raise UsageError("the time of a confirmation needs its time zone")


@dataclass(frozen=True, eq=False)
class Publication:
    """What the objects of one publication share.

    Parameters
    ----------
    timepoint : Timepoint
        The result.
    sources : SourceSeries
        What it was measured on.
    made_at : datetime
        When the objects are made, in the time zone of the source images.
    confirmation : Confirmation or None
        ``None`` until a reader confirms.
    """

    timepoint: Timepoint
    sources: SourceSeries
    made_at: datetime
    confirmation: Confirmation | None = None

    @classmethod
    def of(cls, timepoint: Timepoint, pet: PetVolume, confirmation: Confirmation | None = None) -> Publication:
        """Read the source headers and fix the time of publication.

        Raises
        ------
        UsageError
            If the time point belongs to another series, or the verifying organization is unknown.
        DicomInputError, GeometryError
            As ``read_sources``.
        """
        if timepoint.pet_series_uid != pet.header.series_uid:
            raise UsageError(f"time point of series {timepoint.pet_series_uid}, PET of {pet.header.series_uid}")
        sources = read_sources(pet)
        publication = cls(timepoint, sources, datetime.now(tz=UTC).astimezone(_zone(sources.identity)), confirmation)
        if confirmation is not None and not publication.organization:
            raise UsageError("a confirmation needs the verifying organization: the images name no institution")
        return publication

    @property
    def is_confirmed(self) -> bool:
        """Whether a reader has confirmed."""
        return self.confirmation is not None

    @property
    def reader(self) -> str:
        """Name of the reader who confirmed; empty until then."""
        return self.confirmation.reader if self.confirmation else ""

    @property
    def organization(self) -> str:
        """(0040,A027) Verifying Organization; empty where neither the reader nor the images name one."""
        given = self.confirmation.organization if self.confirmation else ""
        return (given or str(self.sources.first.get("InstitutionName") or ""))[:_LO]

    def number_of(self, series: PublishedSeries) -> int:
        """Return (0020,0011) Series Number."""
        return series + (_CONFIRMED_OFFSET if self.is_confirmed else 0)

    def name_body_part(self, made: Dataset) -> None:
        """Set (0018,0015) Body Part Examined as in the images, the whole body where they name none, in place.

        (0020,0060) Laterality is Type 2C for a paired part, so it stays empty where the images lack it.
        """
        first = self.sources.first
        made.BodyPartExamined = str(first.get("BodyPartExamined") or "WHOLEBODY")
        if made.BodyPartExamined != "WHOLEBODY":
            made.Laterality = str(first.get("Laterality") or "")

    def describe(self, text: str) -> str:
        """Return (0008,103E) Series Description, with the prefix that lasts until a reader confirms.

        What weights trained on simulation drew on real images is marked for good.
        """
        words = text if self.is_confirmed else UNCONFIRMED_PREFIX + text
        return (SIMULATION_PREFIX + words if self.timepoint.is_watermarked else words)[:_LO]

    @property
    def model_name(self) -> str:
        """(0008,1090) Manufacturer's Model Name of the software."""
        return self.timepoint.software.name[:_LO]

    @property
    def software_version(self) -> str:
        """(0018,1020) Software Versions."""
        software = self.timepoint.software
        return (f"{software.version} ({software.commit})" if software.commit else software.version)[:_LO]

    def equipment(self) -> ContributingEquipment:
        """Return the algorithm as contributing equipment (PS3.3 C.12.1, (0018,A001)), for every kind of object."""
        segmenter = self.timepoint.segmenter
        parts = [f"Lesions drawn by segmenter {segmenter.name} {segmenter.version}"]
        if segmenter.threshold_suv is not None:
            parts.append(f"lowest SUVbw {segmenter.threshold_suv:.6g} g/ml")
        if segmenter.weights_sha256:
            parts.append(f"weights sha256 {segmenter.weights_sha256}")
        parts.extend(f"{key}={value}" for key, value in sorted(segmenter.parameters.items()))
        parts.extend(
            f"{model.task}: {model.name} {model.version} sha256 {model.weights_sha256} on {model.device}"
            for model in self.timepoint.models
        )
        return ContributingEquipment(
            manufacturer=MANUFACTURER,
            purpose_of_reference=codes.DCM.ProcessingEquipment,
            manufacturer_model_name=segmenter.name[:_LO],
            software_versions=segmenter.version[:_LO],
            contribution_datetime=dicom_dt(self.made_at),
            contribution_description="; ".join(parts)[:_ST],
        )

    def new_object(self, sop_class_uid: str, modality: str) -> Dataset:
        """Return an object of its own series with everything but its content, for what highdicom has no class."""
        made = Dataset()
        made.SOPClassUID = sop_class_uid
        made.SOPInstanceUID = UID(new_uid())
        made.SeriesInstanceUID = new_uid()
        made.Modality = modality
        made.InstanceNumber = 1
        made.file_meta = FileMetaDataset()
        made.file_meta.MediaStorageSOPClassUID = UID(sop_class_uid)
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return made

    def finish(self, made: Dataset, series: PublishedSeries, description: str) -> None:
        """Give an object the patient, study, series, equipment and times of this publication, in place.

        Raises
        ------
        UsageError
            If a value in it, other than one copied from the images, does not fit its value representation.
        """
        for element in self.sources.identity:
            made[element.tag] = deepcopy(element)
        made.SeriesNumber = self.number_of(series)
        made.SeriesDescription = self.describe(description)
        made.Manufacturer = MANUFACTURER
        made.ManufacturerModelName = self.model_name
        made.DeviceSerialNumber = self.software_version
        made.SoftwareVersions = self.software_version
        for name in ("InstanceCreation", "Content", "Series"):
            if name != "Content" or "ContentDate" in made:
                setattr(made, f"{name}Date", f"{self.made_at:%Y%m%d}")
                setattr(made, f"{name}Time", f"{self.made_at:%H%M%S.%f}")
        if "ContributingEquipmentSequence" not in made:
            made.ContributingEquipmentSequence = [*self._scanner(), self.equipment()]
        character_set = _character_set(self.sources.identity, made)
        if character_set:
            made.SpecificCharacterSet = character_set
        require_valid(made, copied_tags=COPIED_TAGS, copied_uids=self.sources.uids)

    def _scanner(self) -> list[ContributingEquipment]:
        """Return the scanner as contributing equipment; empty where the images name none."""
        try:
            return [ContributingEquipment.for_image_acquisition(self.sources.first)]
        except (AttributeError, TypeError, ValueError):
            return []


def _character_set(identity: Dataset, made: Dataset) -> list[str]:
    """Return the source's character set where it can hold the text that we add, else UTF-8 (PS3.3 C.12.1.1.2).

    With code extensions, and without a declared set, that is ASCII alone; empty where nothing need be declared.
    """
    own = identity.get("SpecificCharacterSet") or []
    declared = [own] if isinstance(own, str) else list(own)
    encoding = python_encoding.get(declared[0], "ascii") if len(declared) == 1 else "ascii"
    for element in made.iterall():
        if element.VR in _TEXT_VRS and element.tag not in identity and not str(element.value).isascii():
            try:
                str(element.value).encode(encoding)
            except UnicodeEncodeError:
                return ["ISO_IR 192"]
    return declared


def reference_to(image: Dataset) -> Dataset:
    """Return an item that refers to an instance (PS3.3 Table 10-11, SOP Instance Reference Macro)."""
    item = Dataset()
    item.ReferencedSOPClassUID = image.SOPClassUID
    item.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return item


def _zone(identity: Dataset) -> timezone | None:
    """Return the images' time zone, ``None`` for the local one (PS3.3 C.12.1.1.8)."""
    text = str(identity.get("TimezoneOffsetFromUTC") or "")
    if len(text) != 5 or not text[1:].isdigit():
        return None
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def dicom_dt(moment: datetime) -> str:
    """Return a moment as DICOM DT, with its offset from UTC where it has one (PS3.5 6.2)."""
    return f"{moment:%Y%m%d%H%M%S.%f%z}"


def save(made: Dataset, path: Path) -> Path:
    """Write an object beside its place, then rename it, so that no half-written file is ever seen there."""
    aside = path.with_name(f".{path.name}.part")
    try:
        made.save_as(aside, enforce_file_format=True)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    log.info("wrote %s %s", made.SOPClassUID, made.SOPInstanceUID)
    return path
