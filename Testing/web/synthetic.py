"""A simulated patient with one hot sphere, as PET, CT, SEG, capture and PDF in memory."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import highdicom as hd
import numpy as np
import pydicom
from highdicom.color import CIELabColor
from highdicom.sr.coding import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from reportlab.pdfgen.canvas import Canvas


def _one_page_pdf() -> bytes:
    buffer = BytesIO()
    page = Canvas(buffer, invariant=True)
    page.drawString(72, 700, "Simulated report")
    page.save()
    return buffer.getvalue()


PET_CLASS = "1.2.840.10008.5.1.4.1.1.128"
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
SC_CLASS = "1.2.840.10008.5.1.4.1.1.7"
PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
SEGMENT_RGB = (0, 255, 40)
LESION_LPS_MM = (38.0, -30.0, 64.0)
LESION_RADIUS_MM = 14.0
PDF_BYTES = _one_page_pdf()


@dataclass(frozen=True)
class Grid:
    """An axial grid around the origin: ``n`` x ``n`` pixels, ``n_slices`` slices, from z = 0 upwards."""

    n: int
    pixel_mm: float
    n_slices: int
    slice_mm: float

    @property
    def corner_mm(self) -> float:
        return -(self.n - 1) / 2 * self.pixel_mm

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return z, y and x of the voxel centres, each to be broadcast to (k, j, i)."""
        axis = self.corner_mm + np.arange(self.n) * self.pixel_mm
        z = np.arange(self.n_slices) * self.slice_mm
        return z[:, None, None], axis[None, :, None], axis[None, None, :]


PET_GRID = Grid(n=64, pixel_mm=4.0, n_slices=32, slice_mm=4.0)
CT_GRID = Grid(n=128, pixel_mm=2.0, n_slices=32, slice_mm=4.0)


def in_lesion(grid: Grid) -> NDArray[np.bool_]:
    z, y, x = grid.centres()
    l_mm, p_mm, s_mm = LESION_LPS_MM
    return (x - l_mm) ** 2 + (y - p_mm) ** 2 + (z - s_mm) ** 2 <= LESION_RADIUS_MM**2


def in_body(grid: Grid) -> NDArray[np.bool_]:
    z, y, x = grid.centres()
    return np.broadcast_to((x / 110.0) ** 2 + (y / 80.0) ** 2 <= 1.0, (grid.n_slices, grid.n, grid.n)) & (z >= 0)


@dataclass(frozen=True)
class SimulatedStudy:
    """The instances of one study, by kind."""

    study_uid: str
    pet: tuple[FileDataset, ...]
    ct: tuple[FileDataset, ...]
    seg: FileDataset
    capture: FileDataset
    pdf: FileDataset

    @property
    def all(self) -> tuple[FileDataset, ...]:
        return (*self.pet, *self.ct, self.seg, self.capture, self.pdf)


def encoded(dataset: Dataset) -> bytes:
    """Return the bytes of the file that the data set makes."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def file_dataset(sop_class_uid: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class_uid
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix="2.25.")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID = sop_class_uid
    made.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    return made


@dataclass(frozen=True)
class StudyIdentity:
    """Who and when: everything simulated."""

    study_uid: str
    patient_id: str = "SIM-001"
    patient_name: str = "Simulated^Patient"
    study_date: str = "20260105"
    study_description: str = "PSMA PET/CT"
    frame_uid: str = "2.25.7"

    def apply(self, made: Dataset) -> None:
        made.SpecificCharacterSet = "ISO_IR 192"
        made.PatientName = self.patient_name
        made.PatientID = self.patient_id
        made.PatientBirthDate = "19500101"
        made.PatientSex = "M"
        made.PatientWeight = "80"
        made.PatientSize = "1.80"
        made.PatientAge = "076Y"
        made.StudyInstanceUID = self.study_uid
        made.StudyDate = self.study_date
        made.StudyTime = "101500"
        made.StudyID = "1"
        made.StudyDescription = self.study_description
        made.AccessionNumber = "ACC1"
        made.ReferringPhysicianName = ""


def small_instance(identity: StudyIdentity, *, series_uid: str, modality: str = "CT", number: int = 1) -> FileDataset:
    """Return an 8 x 8 image, for tests that need many instances or no picture."""
    made = file_dataset(CT_CLASS if modality == "CT" else PET_CLASS)
    identity.apply(made)
    _series(made, series_uid, modality, number=1, description=f"{modality} small")
    made.InstanceNumber = number
    _pixels(made, np.full((8, 8), number, dtype=np.uint16))
    return made


def _series(made: Dataset, series_uid: str, modality: str, *, number: int, description: str) -> None:
    made.Modality = modality
    made.SeriesInstanceUID = series_uid
    made.SeriesNumber = number
    made.SeriesDate = made.StudyDate
    made.SeriesTime = "101500"
    made.SeriesDescription = description
    made.Manufacturer = "Simulated"
    made.ManufacturerModelName = "Simulated"
    made.DeviceSerialNumber = "1"
    made.SoftwareVersions = "1"


def _plane(made: Dataset, grid: Grid, k: int, frame_uid: str) -> None:
    made.FrameOfReferenceUID = frame_uid
    made.PositionReferenceIndicator = ""
    made.ImagePositionPatient = [grid.corner_mm, grid.corner_mm, k * grid.slice_mm]
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.PixelSpacing = [grid.pixel_mm, grid.pixel_mm]
    made.SliceThickness = grid.slice_mm
    made.InstanceNumber = k + 1
    made.AcquisitionDate = made.ContentDate = made.StudyDate
    made.AcquisitionTime = made.ContentTime = "101500"


def _pixels(made: Dataset, values: NDArray[np.uint16] | NDArray[np.int16]) -> None:
    made.Rows, made.Columns = values.shape
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit = 15
    made.PixelRepresentation = 1 if values.dtype == np.int16 else 0
    made.PixelData = values.tobytes()


def pet_series(identity: StudyIdentity) -> tuple[FileDataset, ...]:
    """Return a Ga-68 PET in Bq/ml: SUV about 1 in the body, 15 in the lesion."""
    bqml = np.where(in_body(PET_GRID), 1500.0, 0.0) + np.where(in_lesion(PET_GRID), 22000.0, 0.0)
    series_uid = generate_uid(prefix="2.25.")
    made = []
    for k in range(PET_GRID.n_slices):
        image = file_dataset(PET_CLASS)
        identity.apply(image)
        _series(image, series_uid, "PT", number=2, description="PET AC")
        _plane(image, PET_GRID, k, identity.frame_uid)
        _pixels(image, np.rint(bqml[k]).astype(np.uint16))
        image.ImageType = ["ORIGINAL", "PRIMARY"]
        image.RescaleSlope, image.RescaleIntercept = "1", "0"
        image.Units, image.CountsSource, image.SeriesType = "BQML", "EMISSION", ["WHOLE BODY", "IMAGE"]
        image.NumberOfSlices = PET_GRID.n_slices
        image.ImageIndex = k + 1
        image.CorrectedImage = ["DECY", "ATTN", "SCAT", "DTIM"]
        image.DecayCorrection, image.DecayFactor = "START", "1.0"
        image.FrameReferenceTime, image.ActualFrameDuration = "60000", "120000"
        image.RandomsCorrectionMethod, image.ScatterCorrectionMethod = "NONE", "Simulated"
        image.AttenuationCorrectionMethod, image.ReconstructionMethod = "Simulated", "OSEM"
        image.RadiopharmaceuticalInformationSequence = [_gallium(identity)]
        made.append(image)
    return tuple(made)


def _gallium(identity: StudyIdentity) -> Dataset:
    item = Dataset()
    item.Radiopharmaceutical = "Ga-68 PSMA-11"
    item.RadiopharmaceuticalStartTime = "091500"
    item.RadiopharmaceuticalStartDateTime = f"{identity.study_date}091500"
    item.RadionuclideTotalDose = "150000000"
    item.RadionuclideHalfLife = "4057.7"
    item.RadionuclidePositronFraction = "0.89"
    return item


def ct_series(identity: StudyIdentity) -> tuple[FileDataset, ...]:
    """Return a CT in HU: water in air."""
    hu = np.where(in_body(CT_GRID), 40, -1000).astype(np.int16)
    series_uid = generate_uid(prefix="2.25.")
    made = []
    for k in range(CT_GRID.n_slices):
        image = file_dataset(CT_CLASS)
        identity.apply(image)
        _series(image, series_uid, "CT", number=1, description="CT AC")
        _plane(image, CT_GRID, k, identity.frame_uid)
        _pixels(image, hu[k])
        image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        image.RescaleSlope, image.RescaleIntercept, image.RescaleType = "1", "0", "HU"
        image.WindowCenter, image.WindowWidth = "40", "400"
        image.KVP, image.AcquisitionNumber = "120", 1
        made.append(image)
    return tuple(made)


def lesion_seg(pet: tuple[FileDataset, ...]) -> FileDataset:
    """Return a BINARY SEG of the sphere on the PET grid."""
    description = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="L001 simulated",
        segmented_property_category=CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure"),
        segmented_property_type=CodedConcept("52988006", "SCT", "Lesion"),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=generate_uid(prefix="2.25."),
        tracking_id="L001",
        display_color=CIELabColor.from_rgb(*SEGMENT_RGB),
    )
    seg = hd.seg.Segmentation(
        source_images=list(pet),
        pixel_array=in_lesion(PET_GRID).astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[description],
        series_instance_uid=generate_uid(prefix="2.25."),
        series_number=100,
        sop_instance_uid=generate_uid(prefix="2.25."),
        instance_number=1,
        manufacturer="Simulated",
        manufacturer_model_name="Simulated",
        software_versions="1",
        device_serial_number="1",
        series_description="Simulated lesions",
    )
    return pydicom.dcmread(BytesIO(encoded(seg)))


def _capture(identity: StudyIdentity) -> FileDataset:
    made = file_dataset(SC_CLASS)
    identity.apply(made)
    _series(made, generate_uid(prefix="2.25."), "OT", number=200, description="MIP")
    made.ConversionType = "WSD"
    made.InstanceNumber = 1
    ramp = np.zeros((32, 48, 3), dtype=np.uint8)
    ramp[:, :, 0] = np.linspace(0, 255, 48)
    made.Rows, made.Columns, made.SamplesPerPixel, made.PlanarConfiguration = 32, 48, 3, 0
    made.PhotometricInterpretation = "RGB"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.PixelData = ramp.tobytes()
    return made


def _pdf(identity: StudyIdentity) -> FileDataset:
    made = file_dataset(PDF_CLASS)
    identity.apply(made)
    _series(made, generate_uid(prefix="2.25."), "DOC", number=300, description="Report")
    made.InstanceNumber = 1
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.DocumentTitle = "Simulated report"
    made.EncapsulatedDocument = PDF_BYTES + b"\0" * (len(PDF_BYTES) % 2)
    made.EncapsulatedDocumentLength = len(PDF_BYTES)
    return made


def simulated_study(**identity_fields: str) -> SimulatedStudy:
    """Return a whole study; keyword arguments are fields of `StudyIdentity`."""
    identity = StudyIdentity(**{"study_uid": generate_uid(prefix="2.25."), **identity_fields})
    pet = pet_series(identity)
    return SimulatedStudy(
        identity.study_uid, pet, ct_series(identity), lesion_seg(pet), _capture(identity), _pdf(identity)
    )
