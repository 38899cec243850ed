"""A small simulated PSMA PET with two lesions and a bladder, its organ map and delineations, with known truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from Testing.simulated_series import SimulatedSeries

SHAPE = (10, 24, 20)
SPACING_IJK_MM = (4.0, 4.5, 5.0)
VOXEL_ML = 4.0 * 4.5 * 5.0 / 1000.0
FACTOR_G_PER_BQ = 80_000 / (200e6 * 2 ** (-3615.5 / 4057.7))
"""80 kg, 200 MBq of Ga-68, images 1 h 0 min 15.5 s after the injection (PS3.3 C.8.9.1)."""

HOT_LESION = np.s_[3:6, 4:7, 4:7]
WARM_LESION = np.s_[6:9, 15:18, 3:6]
BLADDER = np.s_[2:5, 14:19, 12:17]
LIVER = np.s_[6:10, 3:10, 12:19]
LESION_VOXELS = 27
SUV_OF = ((LIVER, 1.5), (BLADDER, 8.0), (WARM_LESION, 6.0), (HOT_LESION, 9.0))
LABEL_OF = ((LIVER, 5), (BLADDER, 21))

NAME, PATIENT_ID, BIRTH_DATE = "Secretname", "SIM-4711", "19470312"
"""What no path, log or job record may tell (W07); simulated."""

Edit = Callable[[Dataset, int], None]


@dataclass(frozen=True)
class SimulatedStudy:
    """Where its files lie."""

    folder: Path
    series: SimulatedSeries
    paths: tuple[Path, ...]


def suv_truth() -> NDArray[np.float64]:
    """Return SUVbw in g/ml, ``(k, j, i)``."""
    suv = np.full(SHAPE, 0.8)
    for part, value in SUV_OF:
        suv[part] = value
    return suv


def write_study(folder: Path, edit: Edit | None = None, **parts: object) -> SimulatedStudy:
    """Write the PET into ``folder``; ``edit`` may change each image, ``parts`` the series."""
    slopes = 0.5 + 0.25 * np.arange(SHAPE[0])
    stored = np.rint(suv_truth() / (FACTOR_G_PER_BQ * slopes[:, None, None])).astype(np.int16)
    geometry = {"shape": SHAPE, "spacing_ijk_mm": SPACING_IJK_MM, "stored": stored, "slopes": slopes}
    series = SimulatedSeries(folder, **{**geometry, **parts})  # type: ignore[arg-type]

    def change(one: Dataset, k: int) -> None:
        one.PatientName, one.PatientID, one.PatientBirthDate = f"Simulated^{NAME}", PATIENT_ID, BIRTH_DATE
        if edit is not None:
            edit(one, k)

    return SimulatedStudy(folder, series, tuple(series.write(change)))


def write_ct(study: SimulatedStudy, folder: Path, edit: Edit | None = None, **parts: object) -> tuple[Path, ...]:
    """Write a CT of that study, water throughout, in the PET's frame of reference and over its field of view."""
    pet = study.series
    shape, spacing = (10, 12, 10), (8.0, 9.0, 5.0)
    shift = pet.axes @ (np.array(spacing) / 2 - np.array(pet.spacing_ijk_mm) / 2)
    own = {
        "modality": "CT",
        "shape": shape,
        "spacing_ijk_mm": spacing,
        "origin_lps_mm": tuple(np.array(pet.origin_lps_mm) + shift),
        "stored": np.full(shape, 20, np.int16),
        "axes": pet.axes,
        "study_uid": pet.study_uid,
        "frame_of_reference_uid": pet.frame_of_reference_uid,
    }
    series = SimulatedSeries(folder, **{**own, **parts})  # type: ignore[arg-type]

    def change(one: Dataset, k: int) -> None:
        one.PatientName, one.PatientID, one.PatientBirthDate = f"Simulated^{NAME}", PATIENT_ID, BIRTH_DATE
        if edit is not None:
            edit(one, k)

    return tuple(series.write(change))


def _write_labels(path: Path, series: SimulatedSeries, labels: NDArray[np.uint8]) -> Path:
    image = sitk.GetImageFromArray(labels)
    image.SetOrigin(list(series.origin_lps_mm))
    image.SetSpacing(list(series.spacing_ijk_mm))
    image.SetDirection(series.axes.ravel().tolist())
    sitk.WriteImage(image, str(path))
    return path


def write_organ_map(path: Path, study: SimulatedStudy) -> Path:
    """Write liver and bladder as NIfTI."""
    labels = np.zeros(SHAPE, np.uint8)
    for part, number in LABEL_OF:
        labels[part] = number
    return _write_labels(path, study.series, labels)


def write_mask(path: Path, study: SimulatedStudy) -> Path:
    """Write the hot lesion as NIfTI."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[HOT_LESION] = 1
    return _write_labels(path, study.series, labels)


def write_structure_set(path: Path, study: SimulatedStudy) -> Path:
    """Write both lesions as contours, half a voxel outside their outermost centres."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.3", generate_uid()
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, part) in enumerate((("hot: first", HOT_LESION), ("warm", WARM_LESION)), 1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        roi.ReferencedFrameOfReferenceUID = study.series.frame_of_reference_uid
        drawn.ReferencedROINumber = number
        drawn.ContourSequence = [_square(study.series, k, part) for k in range(part[0].start, part[0].stop)]
        dataset.StructureSetROISequence.append(roi)
        dataset.ROIContourSequence.append(drawn)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _square(series: SimulatedSeries, k: int, part: tuple[slice, slice, slice]) -> Dataset:
    rows, columns = ((one.start - 0.5, one.stop - 0.5) for one in part[1:])
    corners = [(columns[0], rows[0], k, 1), (columns[1], rows[0], k, 1), (columns[1], rows[1], k, 1),
               (columns[0], rows[1], k, 1)]  # fmt: skip
    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(corners)
    points = np.array(corners) @ series.lps_from_ijk.T
    contour.ContourData = [f"{value:.9g}" for value in points[:, :3].ravel()]
    return contour
