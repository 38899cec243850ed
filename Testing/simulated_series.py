"""Simulated PET and CT series, small, asymmetric and oblique, written as DICOM files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DS

PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def rotation(*, about_x_deg: float, about_y_deg: float, about_z_deg: float) -> NDArray[np.float64]:
    a, b, c = np.radians([about_x_deg, about_y_deg, about_z_deg])
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return z @ y @ x


def ds(values: Any) -> list[DS]:
    return [DS(float(value), auto_format=True) for value in values]


@dataclass
class SimulatedSeries:
    """A series to write; every part can be changed before :meth:`write`."""

    folder: Path
    modality: str = "PT"
    shape: tuple[int, int, int] = (5, 4, 6)
    axes: NDArray[np.float64] = field(default_factory=lambda: rotation(about_x_deg=11, about_y_deg=-23, about_z_deg=37))
    origin_lps_mm: tuple[float, float, float] = (-31.25, 12.5, -407.75)
    spacing_ijk_mm: tuple[float, float, float] = (1.75, 2.5, 3.25)
    study_uid: str = field(default_factory=generate_uid)
    series_uid: str = field(default_factory=generate_uid)
    frame_of_reference_uid: str = field(default_factory=generate_uid)
    patient_id: str = "SIM-1"
    stored: NDArray[np.int16] | None = None
    slopes: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        rng = np.random.default_rng(7)
        if self.stored is None:
            self.stored = rng.integers(-900 if self.modality == "CT" else 0, 30000, self.shape).astype(np.int16)
        if self.slopes is None:
            self.slopes = np.ones(self.shape[0]) if self.modality == "CT" else 0.5 + 0.25 * np.arange(self.shape[0])

    @property
    def lps_from_ijk(self) -> NDArray[np.float64]:
        matrix = np.eye(4)
        matrix[:3, :3] = self.axes * np.array(self.spacing_ijk_mm)
        matrix[:3, 3] = self.origin_lps_mm
        return matrix

    @property
    def values(self) -> NDArray[np.float64]:
        return self.stored * self.slopes[:, None, None]

    def dataset(self, k: int) -> Dataset:
        one = Dataset()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.SOPClassUID = PET_IMAGE if self.modality == "PT" else CT_IMAGE
        one.SOPInstanceUID = generate_uid()
        one.Modality = self.modality
        one.ImageType = ["ORIGINAL", "PRIMARY"]
        one.PatientID = self.patient_id
        one.PatientName = "Simulated^"
        one.PatientSex = "M"
        one.PatientWeight = "80"
        one.PatientSize = "1.80"
        one.StudyInstanceUID = self.study_uid
        one.SeriesInstanceUID = self.series_uid
        one.SeriesNumber = 3
        one.InstanceNumber = k + 1
        one.FrameOfReferenceUID = self.frame_of_reference_uid
        one.StudyDate = one.SeriesDate = one.AcquisitionDate = "20240105"
        one.StudyTime = one.SeriesTime = one.AcquisitionTime = "093015.5"
        one.ImageOrientationPatient = ds([*self.axes[:, 0], *self.axes[:, 1]])
        one.ImagePositionPatient = ds(self.lps_from_ijk[:3, 3] + k * self.lps_from_ijk[:3, 2])
        one.PixelSpacing = ds([self.spacing_ijk_mm[1], self.spacing_ijk_mm[0]])
        one.SliceThickness = "9"  # not the distance between slices
        one.Rows, one.Columns = self.shape[1], self.shape[2]
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 16, 15, 1
        one.RescaleSlope = DS(float(self.slopes[k]), auto_format=True)
        one.RescaleIntercept = "0"
        one.PixelData = self.stored[k].astype("<i2").tobytes()
        if self.modality == "PT":
            self._add_pet(one)
        return one

    def _add_pet(self, one: Dataset) -> None:
        one.Units, one.DecayCorrection = "BQML", "START"
        one.CorrectedImage = ["DECY", "ATTN", "SCAT"]
        one.SeriesType = ["WHOLE BODY", "IMAGE"]
        one.ReconstructionMethod = "OSEM"
        one.NumberOfSlices = self.shape[0]
        one.FrameReferenceTime = "60000"
        one.ActualFrameDuration = "120000"
        one.DecayFactor = "1.01"
        drug = Dataset()
        drug.Radiopharmaceutical = "Simulated PSMA ligand"
        drug.RadiopharmaceuticalStartTime = "083000"
        drug.RadionuclideTotalDose = "200000000"
        drug.RadionuclideHalfLife = "4057.7"
        nuclide = Dataset()
        nuclide.CodeValue, nuclide.CodingSchemeDesignator, nuclide.CodeMeaning = "35337001", "SCT", "Ga-68"
        drug.RadionuclideCodeSequence = [nuclide]
        one.RadiopharmaceuticalInformationSequence = [drug]

    def write(self, edit: Callable[[Dataset, int], None] | None = None, *, slices: Any = None) -> list[Path]:
        """Write the slices, file names in no order of space, and return their paths."""
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for k in range(self.shape[0]) if slices is None else slices:
            one = self.dataset(k)
            if edit is not None:
                edit(one, k)
            path = self.folder / f"{(k * 7) % 11:02d}-{k}.img"
            one.save_as(path, enforce_file_format=True)
            paths.append(path)
        return paths
