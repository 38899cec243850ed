"""A plan to what all DICOM objects of one simulated study have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from psmacore import __version__
from psmacore.model.codes import Code
from psmacore.model.geometry import Geometry
from psmacore.phantom.acquisition import Acquisition, Vendor
from psmacore.phantom.uids import phantom_uid

SIMULATED = "Simulated data, no real person"
# Last value of Image Type, which is free for the maker's use. (0008,001C) Synthetic Data says the same, but
# validators older than 2023 call it an error.
SIMULATED_IMAGE_TYPE = "SIMULATED"
IMPLEMENTATION_UID = UID(phantom_uid(0, "implementation"))


@dataclass(frozen=True)
class StudyIdentity:
    """What names one study of a simulated man."""

    seed: int
    date_index: int
    acquisition: Acquisition
    vendor: Vendor

    def uid(self, *purpose: str | int) -> str:
        """Return the UID of something in this study; the same in every run."""
        return phantom_uid(
            self.seed, self.acquisition.tracer.value, self.vendor.value, self.acquisition.study_at.isoformat(), *purpose
        )

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return self.uid("study")

    @property
    def patient_id(self) -> str:
        """Patient ID."""
        return patient_id(self.seed)


def patient_id(seed: int) -> str:
    """Return the Patient ID of a simulated man; it says that he is a phantom."""
    return f"PHANTOM-{seed:04d}"


def date_of(moment: datetime) -> str:
    """Return a DICOM DA."""
    return moment.strftime("%Y%m%d")


def time_of(moment: datetime) -> str:
    """Return a DICOM TM."""
    return moment.strftime("%H%M%S.%f")


def decimal(value: float) -> DSfloat:
    """Return a DICOM DS of at most 16 characters, as exact as they allow."""
    return DSfloat(value, auto_format=True)


def code_sequence(*codes: Code) -> DicomSequence:
    """Return a code sequence (DICOM PS3.3 8.8)."""
    items = []
    for code in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning
        items.append(item)
    return DicomSequence(items)


def file_meta(sop_class_uid: str) -> FileMetaDataset:
    """Return the File Meta Information without the instance's UID (DICOM PS3.10 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = f"PSMA {__version__}"
    return meta


def study_dataset(identity: StudyIdentity, sop_class_uid: str) -> Dataset:
    """Return a data set with the Patient, General Study and Patient Study modules (DICOM PS3.3 C.7.1, C.7.2)."""
    acquisition = identity.acquisition
    ds = Dataset()
    ds.file_meta = file_meta(sop_class_uid)
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = sop_class_uid
    ds.StudyDate, ds.StudyTime = date_of(acquisition.study_at), time_of(acquisition.study_at)
    ds.AccessionNumber = ""
    ds.ReferringPhysicianName = ""
    kind = "PSMA" if acquisition.tracer.is_psma else "FDG"
    ds.StudyDescription = f"Simulated {kind} PET/CT, vertex to mid-thigh"
    ds.PatientName = f"PHANTOM^SEED{identity.seed:04d}"
    ds.PatientID = identity.patient_id
    ds.PatientBirthDate = acquisition.born_on.strftime("%Y%m%d")
    ds.PatientSex = "M"
    ds.PatientAge = f"{acquisition.age_y:03d}Y"
    ds.PatientSize = decimal(acquisition.height_m)
    ds.PatientWeight = decimal(acquisition.weight_kg)
    ds.PatientComments = SIMULATED
    ds.StudyInstanceUID = identity.study_uid
    ds.StudyID = f"SIM{identity.date_index + 1}"
    return ds


def add_series(ds: Dataset, identity: StudyIdentity, *, modality: str, number: int, description: str) -> str:
    """Add the General Series module (DICOM PS3.3 C.7.3.1); return the series UID."""
    ds.Modality = modality
    ds.SeriesInstanceUID = identity.uid("series", modality, number)
    ds.SeriesNumber = number
    ds.SeriesDescription = description
    ds.BodyPartExamined = "WHOLEBODY"
    return str(ds.SeriesInstanceUID)


def add_plane(ds: Dataset, geometry: Geometry) -> None:
    """Add the parts of Frame of Reference and Image Plane modules that all slices share (C.7.4.1, C.7.6.2)."""
    i, j, k = (float(value) for value in geometry.spacing_ijk_mm)
    ds.FrameOfReferenceUID = geometry.frame_of_reference_uid
    ds.PositionReferenceIndicator = ""
    ds.ImageOrientationPatient = [decimal(float(value)) for value in geometry.directions_lps.T[:2].ravel()]
    ds.PixelSpacing = [decimal(j), decimal(i)]
    ds.SliceThickness = decimal(k)
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = geometry.shape[1], geometry.shape[2]
    ds.BitsAllocated = 16


def set_slice(ds: Dataset, identity: StudyIdentity, geometry: Geometry, index: int, instance_number: int) -> None:
    """Set UID, number and position of slice ``index`` on a shared data set."""
    position = geometry.lps_of_kji(np.array([[index, 0, 0]]))[0]
    ds.SOPInstanceUID = identity.uid("instance", str(ds.SeriesInstanceUID), index)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.InstanceNumber = instance_number
    ds.ImagePositionPatient = [decimal(round(float(value), 6)) for value in position]
    ds.SliceLocation = decimal(round(float(position[2]), 6))
