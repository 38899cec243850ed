"""Numbers to a small simulated PET series on disk, and to the result that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage

from psmacore.dicom.publication import Confirmation, PublishedFiles, write_objects
from psmacore.dicom.read_pet import read_pet_series
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, LesionState, ReferenceRegion, Totals
from psmacore.model.suv import Override
from psmacore.model.timepoint import Patient, Scanner, SegmenterInfo, Software, Study, Timepoint
from psmacore.model.uids import new_uid
from psmacore.model.volumes import PetVolume, Segmentation, SuvVolume
from psmacore.suv.convert import to_suv

A_PDF = b"%PDF-1.4 simulated report"
KIDNEY = Code("64033007", "SCT", "Kidney right")
SITES = (
    Code("113197003", "SCT", "Rib 4 left"),
    Code("65349008", "SCT", "External iliac lymph node right"),
    Code("41216001", "SCT", "Prostate"),
    Code("51282000", "SCT", "Vertebra"),
    Code("10200004", "SCT", "Liver"),
)


@dataclass(frozen=True)
class PetRecipe:
    """What a simulated series looks like; the defaults are an asymmetric, oblique volume of unequal steps."""

    shape: tuple[int, int, int] = (12, 24, 20)
    spacing_mm: tuple[float, float] = (3.5, 4.0)
    steps_mm: tuple[float, ...] = (3.19, 3.27, 3.29)
    tilt_deg: float = 12.0
    units: str = "BQML"
    suv_type: str = ""
    decay_correction: str = "START"
    character_set: str | tuple[str, ...] = "ISO_IR 100"
    patient_name: str = "Simulated^Patient"
    institution: str = "Simulated Hospital"
    half_life_s: float = 4057.7
    timezone: str = ""
    corrected: tuple[str, ...] = ("ATTN", "DECY")
    philips_factors: tuple[float, float] | None = None
    body_part: str = "WHOLEBODY"


def orientation(tilt_deg: float) -> NDArray[np.float64]:
    """Return 3 x 3 direction cosines, columns i, j, k, turned about two axes."""
    a = np.deg2rad(tilt_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(a / 2), -np.sin(a / 2), 0], [np.sin(a / 2), np.cos(a / 2), 0], [0, 0, 1]])
    return about_x @ about_z


def write_pet(folder: Path, recipe: PetRecipe, stored: NDArray[np.int16] | None = None) -> list[Path]:
    """Write one file per slice, slope differing by slice, and return the paths from the lowest slice up."""
    n_slices = recipe.shape[0]
    folder.mkdir(parents=True, exist_ok=True)
    if stored is None:
        stored = np.random.default_rng(7).integers(0, 30000, recipe.shape).astype(np.int16)
    directions = orientation(recipe.tilt_deg)
    steps = [recipe.steps_mm[k % len(recipe.steps_mm)] for k in range(n_slices - 1)]
    offsets = np.concatenate([[0.0], np.cumsum(steps)])
    uids = (new_uid(), new_uid(), new_uid())
    paths = []
    for k in range(n_slices):
        position = np.array([-101.5, -77.25, -310.0]) + directions[:, 2] * offsets[k]
        image = _image(recipe, uids, k, position, directions)
        image.PixelData = stored[k].tobytes()
        paths.append(folder / f"pet{k:04d}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


def a_volume(folder: Path, recipe: PetRecipe, stored: NDArray[np.int16] | None = None) -> PetVolume:
    """Write a series and read it."""
    return read_pet_series(write_pet(folder, recipe, stored))


def _image(
    recipe: PetRecipe,
    uids: tuple[str, str, str],
    k: int,
    position: NDArray[np.float64],
    directions: NDArray[np.float64],
) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = PositronEmissionTomographyImageStorage
    image.SOPInstanceUID = new_uid()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    names = recipe.character_set
    image.SpecificCharacterSet = names if isinstance(names, str) else list(names)
    image.ImageType = ["ORIGINAL", "PRIMARY"]
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(image, f"{name}Date", "20260302")
        setattr(image, f"{name}Time", "093000" if name == "Study" else "100000")
    image.AccessionNumber = "A1"
    image.Modality = "PT"
    image.Manufacturer = "Simulated"
    image.ManufacturerModelName = "Simulator"
    image.InstitutionName = recipe.institution
    if recipe.timezone:
        image.TimezoneOffsetFromUTC = recipe.timezone
    image.ReferringPhysicianName = "Simulated^Referrer"
    image.StudyDescription = "Simulated PSMA PET/CT"
    image.SeriesDescription = "PET AC"
    image.PatientName = recipe.patient_name
    image.PatientID = "SIM1"
    image.PatientBirthDate = "19500101"
    image.PatientSex = "M"
    image.PatientAge = "076Y"
    image.PatientSize = "1.75"
    image.PatientWeight = "70"
    image.BodyPartExamined = recipe.body_part
    image.SliceThickness = "3.27"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = uids
    image.StudyID = "1"
    image.SeriesNumber = 3
    image.InstanceNumber = k + 1
    image.ImagePositionPatient = [f"{value:.6f}" for value in position]
    image.ImageOrientationPatient = [f"{value:.9f}" for value in (*directions[:, 0], *directions[:, 1])]
    image.PositionReferenceIndicator = ""
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    _, image.Rows, image.Columns = recipe.shape
    image.PixelSpacing = [f"{value:g}" for value in recipe.spacing_mm]
    image.CorrectedImage = list(recipe.corrected)
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit = 15
    image.PixelRepresentation = 1
    image.RescaleIntercept, image.RescaleSlope = "0", f"{1.5 + 0.01 * k:.6g}"
    image.CollimatorType = "RING"
    image.ActualFrameDuration = "120000"
    image.FrameReferenceTime = "60000"
    image.DecayFactor = "1.1"
    image.NumberOfSlices = recipe.shape[0]
    image.ImageIndex = k + 1
    image.SeriesType = ["WHOLE BODY", "IMAGE"]
    image.Units = recipe.units
    image.CountsSource = "EMISSION"
    image.RandomsCorrectionMethod = "DLYD"
    image.DecayCorrection = recipe.decay_correction
    image.AttenuationCorrectionMethod = "CT"
    image.ReconstructionMethod = "OSEM"
    if recipe.suv_type:
        image.SUVType = recipe.suv_type
    image.PatientOrientationCodeSequence = [_code("102538003", "recumbent", _code("40199007", "supine"))]
    image.PatientGantryRelationshipCodeSequence = [_code("102540008", "headfirst")]
    image.RadiopharmaceuticalInformationSequence = [_administered(recipe)]
    if recipe.philips_factors is not None:
        image.Manufacturer = "Philips"
        block = image.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(0x00, "DS", f"{recipe.philips_factors[0]:g}")
        block.add_new(0x09, "DS", f"{recipe.philips_factors[1]:g}")
    return image


def _administered(recipe: PetRecipe) -> Dataset:
    item = Dataset()
    item.RadionuclideCodeSequence = [_code("35337001", "^68^Gallium")]
    item.RadiopharmaceuticalStartDateTime = "20260302090000"
    item.RadiopharmaceuticalStartTime = "090000"
    item.RadionuclideTotalDose = "150000000"
    item.RadionuclideHalfLife = f"{recipe.half_life_s:g}"
    item.Radiopharmaceutical = "PSMA-11"
    return item


def _code(value: str, meaning: str, modifier: Dataset | None = None) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    if modifier is not None:
        item.PatientOrientationModifierCodeSequence = [modifier]
    return item


def scattered_labels(shape: tuple[int, int, int], n_labels: int, seed: int = 3) -> NDArray[np.uint16]:
    """Return ``n_labels`` boxes of 1 to 3 voxels a side that do not touch, ``(k, j, i)``."""
    labels = np.zeros(shape, dtype=np.uint16)
    cells = [
        (k, j, i)
        for k in range(0, shape[0] - 3, 4)
        for j in range(0, shape[1] - 3, 4)
        for i in range(0, shape[2] - 3, 4)
    ]
    rng = np.random.default_rng(seed)
    for number, cell in enumerate(rng.permutation(len(cells))[:n_labels], start=1):
        k, j, i = cells[cell]
        a, b, c = rng.integers(1, 4, 3)
        labels[k : k + a, j : j + b, i : i + c] = number
    return labels


def measured(suv: SuvVolume, labels: NDArray[np.uint16], n_excluded: int) -> tuple[Lesion, ...]:
    """Return a lesion for every label; the last ``n_excluded`` are excluded candidates."""
    n_labels = int(labels.max())
    lesions = []
    for number in range(1, n_labels + 1):
        voxels = np.argwhere(labels == number)
        inside = suv.values[labels == number].astype(np.float64)
        volume_ml = len(voxels) * suv.geometry.voxel_volume_ml
        excluded = number > n_labels - n_excluded
        x, y, z = suv.geometry.lps_of_kji(voxels).mean(axis=0).tolist()
        lesions.append(
            Lesion(
                tracking_uid=new_uid(),
                tracking_id=f"L{number:03d}",
                segment_number=number,
                state=LesionState.EXCLUDED_CANDIDATE if excluded else LesionState.UNCONFIRMED,
                site=KIDNEY if excluded else SITES[number % len(SITES)],
                volume_ml=volume_ml,
                suv_max=float(inside.max()),
                suv_mean=float(inside.mean()),
                suv_peak=float(inside.mean()) * 1.01,
                suv_peak_hottest=float(inside.mean()) * 1.005,
                tl_psma_ml=volume_ml * float(inside.mean()),
                short_axis_mm=None if len(voxels) == 1 else 7.25,
                centroid_lps_mm=(x, y, z),
                n_voxels=len(voxels),
                mi_tnm="miM1b" if number == 1 else None,
                expression_score=3 if number == 1 else None,
            )
        )
    return tuple(lesions)


def totals_of(lesions: tuple[Lesion, ...]) -> Totals:
    """Return the burden of the lesions that count."""
    counted = [lesion for lesion in lesions if lesion.state.counts]
    volume_ml, load = sum(one.volume_ml for one in counted), sum(one.tl_psma_ml for one in counted)
    suv_max = max((one.suv_max for one in counted), default=0.0)
    return Totals(len(counted), volume_ml, load, suv_max, load / volume_ml if volume_ml else 0.0)


@dataclass(frozen=True)
class Result:
    """A time point with all that its objects are written from."""

    timepoint: Timepoint
    pet: PetVolume
    suv: SuvVolume
    segmentation: Segmentation

    def with_lesions(self, *lesions: Lesion, **changes: Any) -> Result:
        """Return the result with other lesions, their totals, and other fields of the time point."""
        values = {"lesions": lesions, "totals": totals_of(lesions)} | changes
        return replace(self, timepoint=replace(self.timepoint, **values))

    def write(self, folder: Path, confirmation: Confirmation | None = None) -> PublishedFiles:
        """Write every object."""
        folder.mkdir(parents=True, exist_ok=True)
        return write_objects(
            self.timepoint,
            self.pet,
            self.suv,
            self.segmentation,
            mip_rgb=a_picture(),
            report_pdf=A_PDF,
            folder=folder,
            confirmation=confirmation,
        )


def a_picture() -> NDArray[np.uint8]:
    """Return a picture no two of whose pixels are alike, ``(rows, columns, 3)``."""
    rows, columns = np.mgrid[0:31, 0:17]
    return np.stack([rows, columns, rows + 7 * columns], axis=-1).astype(np.uint8)


def analysed(
    pet: PetVolume, labels: NDArray[np.uint16], *, n_excluded: int = 0, overrides: tuple[Override, ...] = ()
) -> Result:
    """Return the result that ``labels`` on ``pet`` give."""
    suv = to_suv(pet, overrides)
    lesions = measured(suv, labels, n_excluded)
    header = pet.header
    timepoint = Timepoint(
        patient=Patient(header.patient_id, header.patient_sex, 1950),
        study=Study(header.study_uid, header.study_date, header.study_time, header.study_description),
        pet_series_uid=header.series_uid,
        ct_series_uid=None,
        tracer=Code("C118961", "NCIt", "Gallium Ga-68 Gozetotide"),
        scanner=Scanner("Simulated", "Simulator", "OSEM"),
        suv=suv.derivation,
        segmenter=SegmenterInfo("threshold", "1.0", None, 3.0, {"rule": "fixed", "connectivity": 26}),
        lesions=lesions,
        totals=totals_of(lesions),
        reference_regions=(ReferenceRegion("liver", 5.2, 0.8, 3300), ReferenceRegion("blood_pool", 1.6, 0.3, 120)),
        software=Software("PSMA theranostics", "0.1.0", "abc1234"),
        created_at="20260302120000.000000+0000",
        warnings=("Simulated data",),
    )
    return Result(timepoint, pet, suv, Segmentation(labels, pet.geometry))
