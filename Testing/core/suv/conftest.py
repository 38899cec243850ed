"""Headers and volumes of simulated PET series, each a plain one that a test changes in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

from psmacore.model.administration import (
    PatientBody,
    PetAcquisition,
    PetFrame,
    RadiopharmaceuticalAdministration,
)
from psmacore.model.codes import Code
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import PetVolume, SeriesHeader

SCAN_AT = datetime(2026, 3, 2, 10, 0, 0)
INJECTED_AT = datetime(2026, 3, 2, 9, 0, 0)

F18 = Code("77004003", "SCT", "^18^Fluorine")
DCFPYL = Code("C116352", "NCIt", "Piflufolastat F^18^")

AcquisitionBuilder = Callable[..., PetAcquisition]
PetBuilder = Callable[..., PetVolume]


def _frames(
    n_slices: int,
    slopes: Sequence[float] | None,
    intercept: float,
    acquired_at: datetime | Sequence[datetime] | None,
    frame_reference_time_s: float | None,
    frame_duration_s: float | None,
) -> tuple[PetFrame, ...]:
    moments = list(acquired_at) if isinstance(acquired_at, Sequence) else [acquired_at] * n_slices
    return tuple(
        PetFrame(
            slope=slopes[k] if slopes else 1.0,
            intercept=intercept,
            acquired_at=moment,
            frame_reference_time_s=frame_reference_time_s,
            frame_duration_s=frame_duration_s,
            decay_factor=None,
        )
        for k, moment in enumerate(moments)
    )


def _build(
    *,
    weight: float | None = 80.0,
    size: float | None = 1.80,
    sex: str = "M",
    dose: float | None = 200e6,
    half_life_s: float | None = 6586.2,
    nuclide: Code | None = F18,
    tracer: Code | None = DCFPYL,
    tracer_text: str = "DCFPyL",
    start_datetime: datetime | None = INJECTED_AT,
    start_time: str = "",
    n_slices: int = 3,
    slopes: Sequence[float] | None = None,
    intercept: float = 0.0,
    acquired_at: datetime | Sequence[datetime] | None = SCAN_AT,
    frame_reference_time_s: float | None = None,
    frame_duration_s: float | None = 120.0,
    **fields: Any,
) -> PetAcquisition:
    acquisition = PetAcquisition(
        series_uid="1.2.826.0.1.3680043.8.498.1",
        units="BQML",
        suv_type="",
        decay_correction="START",
        corrected_image=("DECY", "ATTN", "SCAT"),
        manufacturer="Simulated",
        model="Simulated",
        reconstruction="OSEM",
        series_at=SCAN_AT,
        ge_scan_at=None,
        siemens_scan_at=None,
        philips_suv_factor=None,
        philips_activity_factor=None,
        dose_calibration_factor=None,
        body=PatientBody(weight=weight, size=size, sex=sex),
        administration=RadiopharmaceuticalAdministration(
            tracer=tracer,
            tracer_text=tracer_text,
            nuclide=nuclide,
            total_dose=dose,
            half_life_s=half_life_s,
            start_datetime=start_datetime,
            start_time=start_time,
        ),
        frames=_frames(n_slices, slopes, intercept, acquired_at, frame_reference_time_s, frame_duration_s),
    )
    return replace(acquisition, **fields)


@pytest.fixture
def an_acquisition() -> AcquisitionBuilder:
    """Builder: 80 kg, 1.80 m, 200 MBq of F-18 one hour before a BQML/START scan; keywords change it."""
    return _build


@pytest.fixture
def a_pet() -> PetBuilder:
    """Builder of a PET volume of three slices, all voxels 1000 in the header's units; keywords as above."""

    def build(*, value: float = 1000.0, spacing_mm: float = 4.0, **changes: Any) -> PetVolume:
        acquisition = _build(**changes)
        shape = (len(acquisition.frames), 2, 2)
        header = SeriesHeader(
            patient_id="SIM",
            patient_sex="M",
            patient_birth_date="",
            study_uid="1.2.826.0.1.3680043.8.498.2",
            study_date="20260302",
            study_time="100000",
            study_description="",
            series_uid=acquisition.series_uid,
            series_description="",
            modality="PT",
            frame_of_reference_uid="",
            manufacturer="Simulated",
            model="Simulated",
            instances=(),
        )
        geometry = Geometry.from_axes(shape=shape, origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(spacing_mm,) * 3)
        return PetVolume(np.full(shape, value, dtype=np.float32), geometry, header, acquisition)

    return build


SeriesWriter = Callable[..., Path]


@pytest.fixture
def a_series_folder(tmp_path: Path) -> SeriesWriter:
    """Writer of simulated PET series as DICOM files; keywords are DICOM keywords, ``None`` deletes."""

    def write(
        name: str = "study", *, n_slices: int = 4, administration: dict[str, Any] | None = None, **tags: Any
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        series_uid = str(tags.pop("SeriesInstanceUID", generate_uid()))
        for k in range(n_slices):
            dataset = _pet_image(k, series_uid)
            for keyword, value in (administration or {}).items():
                _put(dataset.RadiopharmaceuticalInformationSequence[0], keyword, value)
            for keyword, value in tags.items():
                _put(dataset, keyword, value)
            dataset.save_as(folder / f"{series_uid}_{k}.dcm", enforce_file_format=True)
        return folder

    return write


def _put(dataset: Dataset, keyword: str, value: Any) -> None:
    if value is None:
        del dataset[keyword]
    else:
        setattr(dataset, keyword, value)


# rows and columns turned by 30 degrees about the patient's long axis, so that no axis is like another
_ALONG_ROW = (0.8660254037844387, 0.5, 0.0)
_ALONG_COLUMN = (-0.5, 0.8660254037844387, 0.0)


def _pet_image(k: int, series_uid: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = PositronEmissionTomographyImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.PatientName, dataset.PatientID = "SIMULATED^NAME", "SIM-ID-4711"
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.77"
    dataset.SeriesInstanceUID = series_uid
    dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.78"
    dataset.Modality, dataset.Manufacturer = "PT", "Simulated"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = "20260302"
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = "100000"
    dataset.SeriesNumber, dataset.InstanceNumber = 1, k + 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.PatientWeight, dataset.PatientSize, dataset.PatientSex = 80, 1.8, "M"
    dataset.ImageOrientationPatient = [*_ALONG_ROW, *_ALONG_COLUMN]
    dataset.ImagePositionPatient = [-30.0, 12.0, 100.0 + 3.0 * k]
    dataset.PixelSpacing, dataset.SliceThickness = [4.0, 2.0], 3.0
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 3, 5, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 0.5 * (k + 1), 0
    dataset.CorrectedImage = ["DECY", "ATTN", "SCAT"]
    dataset.Units, dataset.DecayCorrection, dataset.SeriesType = "BQML", "START", ["STATIC", "IMAGE"]
    dataset.FrameReferenceTime, dataset.ActualFrameDuration = 60000, 120000
    item = Dataset()
    item.Radiopharmaceutical = "68Ga-PSMA-11"
    item.RadiopharmaceuticalStartTime = "090000"
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = 150e6, 4057.7
    dataset.RadiopharmaceuticalInformationSequence = [item]
    pixels = np.arange(15, dtype=np.uint16).reshape(3, 5) + 100 * k + 1000
    dataset.PixelData = pixels.tobytes()
    return dataset
