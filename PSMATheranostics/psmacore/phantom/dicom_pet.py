"""A simulated SUV image to a PET series with the headers and scaling of one vendor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import PositronEmissionTomographyImageStorage

from psmacore.model.codes import Code
from psmacore.model.geometry import Geometry
from psmacore.phantom.acquisition import Acquisition, Vendor
from psmacore.phantom.dicom_common import (
    SIMULATED,
    SIMULATED_IMAGE_TYPE,
    StudyIdentity,
    add_plane,
    add_series,
    code_sequence,
    date_of,
    decimal,
    set_slice,
    study_dataset,
    time_of,
)
from psmacore.phantom.uptake import FACTS

_LARGEST = 32767
_BED_MM = 160.0
# A philips count stands for this activity; any number does, since the private factors undo it.
_BQ_PER_ML_PER_COUNT = 1.7


@dataclass(frozen=True)
class VendorHeader:
    """What the headers of one vendor say."""

    manufacturer: str
    model: str
    software: str
    units: str
    corrections: tuple[str, ...]
    randoms: str
    reconstruction: str
    scatter: str
    is_signed: bool
    has_slope_per_slice: bool


HEADERS: dict[Vendor, VendorHeader] = {
    Vendor.SIEMENS: VendorHeader(
        "SIEMENS", "Biograph128_Vision (simulated)", "VR20B", "BQML",
        ("NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"), "DLYD", "PSF+TOF 4i5s", "Model-based, relative scaling",
        is_signed=False, has_slope_per_slice=False,
    ),
    Vendor.GE: VendorHeader(
        "GE MEDICAL SYSTEMS", "Discovery 710 (simulated)", "52.00", "BQML",
        ("DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"), "SING", "VPFX", "Model Based",
        is_signed=True, has_slope_per_slice=True,
    ),
    Vendor.PHILIPS: VendorHeader(
        "Philips Medical Systems", "GEMINI TF TOF 64 (simulated)", "3.6.1", "CNTS",
        ("DTIM", "RAN", "NORM", "ATTN", "SCAT", "DECY"), "DLYD", "BLOB-OS-TF", "SS-SIMUL",
        is_signed=True, has_slope_per_slice=True,
    ),
}  # fmt: skip

_RECUMBENT = Code("102538003", "SCT", "recumbent")
_SUPINE = Code("40199007", "SCT", "supine")
_HEADFIRST = Code("102540008", "SCT", "headfirst")


def pet_series(identity: StudyIdentity, suv: NDArray[np.float32], geometry: Geometry) -> Iterator[Dataset]:
    """Yield the PET images from the head down, each with its pixels.

    The same data set is changed and yielded again: write or copy it before the next.

    Parameters
    ----------
    suv : numpy.ndarray
        ``(k, j, i)``, SUVbw in g/ml; stored as integers of 15 bits, so to 1 part in 32,767 of the largest value
        (of each slice for GE and Philips, of the series for Siemens).
    """
    header = HEADERS[identity.vendor]
    ds = _template(identity, header, geometry)
    stored_per_suv = _value_per_suv(identity)
    largest = float(suv.max())
    n_slices = geometry.shape[0]
    for index in reversed(range(n_slices)):
        set_slice(ds, identity, geometry, index, n_slices - index)
        ds.ImageIndex = n_slices - index
        _set_timing(ds, identity.acquisition, geometry, index)
        top = float(suv[index].max()) if header.has_slope_per_slice else largest
        slope = decimal(max(top, 1e-3) * stored_per_suv / _LARGEST)
        pixels = np.rint(suv[index] * np.float64(stored_per_suv / float(slope))).clip(0, _LARGEST).astype("<u2")
        ds.RescaleSlope = slope
        ds.SmallestImagePixelValue, ds.LargestImagePixelValue = int(pixels.min()), int(pixels.max())
        ds.WindowCenter, ds.WindowWidth = (decimal(width * stored_per_suv) for width in (5.0, 10.0))
        ds.PixelData = pixels.tobytes()
        yield ds


def _value_per_suv(identity: StudyIdentity) -> float:
    activity = identity.acquisition.bq_per_ml_per_suv
    return activity / _BQ_PER_ML_PER_COUNT if identity.vendor is Vendor.PHILIPS else activity


def _template(identity: StudyIdentity, header: VendorHeader, geometry: Geometry) -> Dataset:
    ds = study_dataset(identity, PositronEmissionTomographyImageStorage)
    description = f"Simulated PET {identity.acquisition.tracer.value.upper()} AC"
    add_series(ds, identity, modality="PT", number=3, description=description)
    add_plane(ds, geometry)
    ds.ImageType = ["ORIGINAL", "PRIMARY", SIMULATED_IMAGE_TYPE]
    ds.Manufacturer, ds.ManufacturerModelName = header.manufacturer, header.model
    ds.SoftwareVersions = header.software
    ds.DeviceSerialNumber = "SIM0001"
    ds.StationName = "SIMULATION"
    ds.BitsStored, ds.HighBit = 16, 15
    ds.PixelRepresentation = 1 if header.is_signed else 0
    ds.RescaleIntercept = decimal(0.0)
    ds.LossyImageCompression = "00"
    ds.ImageComments = SIMULATED
    _add_pet_series(ds, identity.acquisition, header, geometry)
    _add_isotope(ds, identity.acquisition)
    ds.PatientOrientationCodeSequence = code_sequence(_RECUMBENT)
    ds.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = code_sequence(_SUPINE)
    ds.PatientGantryRelationshipCodeSequence = code_sequence(_HEADFIRST)
    _add_private(ds, identity)
    return ds


def _add_pet_series(ds: Dataset, acquisition: Acquisition, header: VendorHeader, geometry: Geometry) -> None:
    """Add the PET Series module (DICOM PS3.3 C.8.9.1)."""
    ds.SeriesDate, ds.SeriesTime = date_of(acquisition.scan_at), time_of(acquisition.scan_at)
    ds.Units = header.units
    ds.CountsSource = "EMISSION"
    ds.SeriesType = ["WHOLE BODY", "IMAGE"]
    ds.NumberOfSlices = geometry.shape[0]
    ds.CorrectedImage = list(header.corrections)
    ds.RandomsCorrectionMethod = header.randoms
    ds.AttenuationCorrectionMethod = "measured, CT"
    ds.ScatterCorrectionMethod = header.scatter
    ds.DecayCorrection = "START"
    ds.ReconstructionMethod = header.reconstruction
    ds.CollimatorType = "NONE"
    ds.AcquisitionStartCondition = "MANU"
    ds.AcquisitionTerminationCondition = "TIME"


def _add_isotope(ds: Dataset, acquisition: Acquisition) -> None:
    """Add the PET Isotope module (DICOM PS3.3 C.8.9.2)."""
    facts = FACTS[acquisition.tracer]
    item = Dataset()
    item.RadionuclideCodeSequence = code_sequence(facts.nuclide)
    item.RadiopharmaceuticalCodeSequence = code_sequence(facts.code)
    item.Radiopharmaceutical = facts.text
    item.RadiopharmaceuticalRoute = "Intravenous"
    item.RadiopharmaceuticalVolume = decimal(0.0)
    item.RadiopharmaceuticalStartTime = time_of(acquisition.injected_at)
    item.RadiopharmaceuticalStartDateTime = acquisition.injected_at.strftime("%Y%m%d%H%M%S.%f")
    item.RadionuclideTotalDose = decimal(acquisition.activity_bq)
    item.RadionuclideHalfLife = decimal(facts.half_life_s)
    item.RadionuclidePositronFraction = decimal(facts.positron_fraction)
    ds.RadiopharmaceuticalInformationSequence = DicomSequence([item])
    window = Dataset()
    window.EnergyWindowLowerLimit, window.EnergyWindowUpperLimit = decimal(435.0), decimal(585.0)
    ds.EnergyWindowRangeSequence = DicomSequence([window])


def _add_private(ds: Dataset, identity: StudyIdentity) -> None:
    """Add what vendors keep in private elements and readers need.

    References
    ----------
    QIBA vendor-neutral pseudo-code: GE scan datetime (0009,100D), Philips factors (7053,1000) and (7053,1009).
    Siemens (0071,1022) as in public whole-body headers.
    """
    scan_at = identity.acquisition.scan_at.strftime("%Y%m%d%H%M%S.%f")
    if identity.vendor is Vendor.GE:
        ds.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", scan_at)
    elif identity.vendor is Vendor.SIEMENS:
        ds.private_block(0x0071, "SIEMENS MED PT", create=True).add_new(0x22, "DT", scan_at)
    else:
        block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
        per_suv = identity.acquisition.bq_per_ml_per_suv
        block.add_new(0x00, "DS", decimal(_BQ_PER_ML_PER_COUNT / per_suv))
        block.add_new(0x09, "DS", decimal(_BQ_PER_ML_PER_COUNT))


def _set_timing(ds: Dataset, acquisition: Acquisition, geometry: Geometry, index: int) -> None:
    """Set the bed's times: all images are decay-corrected to the start of the first bed, at the thighs.

    References
    ----------
    DICOM PS3.3 C.8.9.4.1.5 (Frame Reference Time); mean time of a frame of decaying activity:
    ln(x / (1 - exp(-x))) / lambda with x = lambda T.
    """
    rate = float(np.log(2.0)) / FACTS[acquisition.tracer].half_life_s
    bed = int(index * float(geometry.spacing_ijk_mm[2]) // _BED_MM)
    start_s = bed * acquisition.bed_s
    spread = rate * acquisition.bed_s
    mean_s = float(np.log(spread / -np.expm1(-spread))) / rate
    moment = acquisition.scan_at + timedelta(seconds=start_s)
    ds.AcquisitionDate, ds.AcquisitionTime = date_of(moment), time_of(moment)
    ds.ContentDate, ds.ContentTime = date_of(moment), time_of(moment)
    ds.ActualFrameDuration = int(acquisition.bed_s * 1000)
    ds.FrameReferenceTime = decimal(round((start_s + mean_s) * 1000.0, 3))
    ds.DecayFactor = decimal(round(float(np.exp(rate * (start_s + mean_s))), 8))
