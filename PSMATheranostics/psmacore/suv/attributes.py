"""DICOM attributes that an SUV depends on, to the errors and words that name them."""

from __future__ import annotations

from dataclasses import dataclass

from psmacore.errors import DicomInputError


@dataclass(frozen=True)
class Attribute:
    """Tag and name of a DICOM attribute (PS3.6)."""

    tag: int
    keyword: str

    def __str__(self) -> str:
        return f"{self.keyword} ({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})"

    def refused(self, reason: str, value: object, series_uid: str) -> DicomInputError:
        """Return the error that names this attribute, the value met and the series."""
        return DicomInputError(reason, tag=self.tag, keyword=self.keyword, value=value, where=f"series {series_uid}")


SERIES_DATETIME = Attribute(0x00080031, "Series Date and Time")
ACQUISITION_DATETIME = Attribute(0x00080032, "Acquisition Date and Time")
GE_SCAN_DATETIME = Attribute(0x0009100D, "GE private scan date and time")
SIEMENS_SCAN_DATETIME = Attribute(0x00711022, "Siemens private scan date and time")
SEX = Attribute(0x00100040, "Patient's Sex")
SIZE = Attribute(0x00101020, "Patient's Size")
WEIGHT = Attribute(0x00101030, "Patient's Weight")
RADIOPHARMACEUTICAL = Attribute(0x00180031, "Radiopharmaceutical")
START_TIME = Attribute(0x00181072, "Radiopharmaceutical Start Time")
TOTAL_DOSE = Attribute(0x00181074, "Radionuclide Total Dose")
HALF_LIFE = Attribute(0x00181075, "Radionuclide Half Life")
START_DATETIME = Attribute(0x00181078, "Radiopharmaceutical Start DateTime")
FRAME_DURATION = Attribute(0x00181242, "Actual Frame Duration")
CORRECTED_IMAGE = Attribute(0x00280051, "Corrected Image")
RESCALE_INTERCEPT = Attribute(0x00281052, "Rescale Intercept")
RESCALE_SLOPE = Attribute(0x00281053, "Rescale Slope")
ADMINISTRATION = Attribute(0x00540016, "Radiopharmaceutical Information Sequence")
RADIONUCLIDE_CODE = Attribute(0x00540300, "Radionuclide Code Sequence")
TRACER_CODE = Attribute(0x00540304, "Radiopharmaceutical Code Sequence")
UNITS = Attribute(0x00541001, "Units")
SUV_TYPE = Attribute(0x00541006, "SUV Type")
DECAY_CORRECTION = Attribute(0x00541102, "Decay Correction")
FRAME_REFERENCE_TIME = Attribute(0x00541300, "Frame Reference Time")
DOSE_CALIBRATION_FACTOR = Attribute(0x00541322, "Dose Calibration Factor")
PHILIPS_SUV_FACTOR = Attribute(0x70531000, "Philips SUV scale factor")
PHILIPS_ACTIVITY_FACTOR = Attribute(0x70531009, "Philips activity concentration scale factor")
