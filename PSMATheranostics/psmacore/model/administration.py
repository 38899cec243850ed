"""What a PET header says of patient, radiopharmaceutical and timing, as read and not yet judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psmacore.model.codes import Code


@dataclass(frozen=True)
class PatientBody:
    """Body measures as the header holds them; ``psmacore.suv`` judges units and gaps.

    Parameters
    ----------
    weight : float or None
        (0010,1030) Patient's Weight, by the standard in kg.
    size : float or None
        (0010,1020) Patient's Size, by the standard in m.
    sex : str
        (0010,0040) Patient's Sex: ``M``, ``F``, ``O`` or empty.
    """

    weight: float | None
    size: float | None
    sex: str


@dataclass(frozen=True)
class RadiopharmaceuticalAdministration:
    """One item of (0054,0016) Radiopharmaceutical Information Sequence, as stored.

    Parameters
    ----------
    tracer : Code or None
        (0054,0304) Radiopharmaceutical Code Sequence.
    tracer_text : str
        (0018,0031) Radiopharmaceutical.
    nuclide : Code or None
        (0054,0300) Radionuclide Code Sequence.
    total_dose : float or None
        (0018,1074) Radionuclide Total Dose, by the standard in Bq.
    half_life_s : float or None
        (0018,1075) Radionuclide Half Life.
    start_datetime : datetime or None
        (0018,1078) Radiopharmaceutical Start DateTime.
    start_time : str
        (0018,1072) Radiopharmaceutical Start Time as DICOM TM; empty where absent.
    """

    tracer: Code | None
    tracer_text: str
    nuclide: Code | None
    total_dose: float | None
    half_life_s: float | None
    start_datetime: datetime | None
    start_time: str


@dataclass(frozen=True)
class PetFrame:
    """Timing and scaling of one PET image, in slice order k.

    Parameters
    ----------
    slope, intercept : float
        (0028,1053) Rescale Slope and (0028,1052) Rescale Intercept.
    acquired_at : datetime or None
        (0008,0022) and (0008,0032), or (0008,002A).
    frame_reference_time_s : float or None
        (0054,1300) Frame Reference Time, stored in ms, here in s.
    frame_duration_s : float or None
        (0018,1242) Actual Frame Duration, stored in ms, here in s.
    decay_factor : float or None
        (0054,1321) Decay Factor.
    """

    slope: float
    intercept: float
    acquired_at: datetime | None
    frame_reference_time_s: float | None
    frame_duration_s: float | None
    decay_factor: float | None


@dataclass(frozen=True)
class PetAcquisition:
    """Everything of a PET series' header that an SUV depends on, as stored.

    All datetimes are in the scanner's local time; they are naive unless the header gives
    (0008,0201) Timezone Offset From UTC, and then all of them carry it.

    Parameters
    ----------
    series_uid : str
        (0020,000E).
    units : str
        (0054,1001) Units; empty where absent.
    suv_type : str
        (0054,1006) SUV Type; empty where absent.
    decay_correction : str
        (0054,1102) Decay Correction: ``NONE``, ``START`` or ``ADMIN``; empty where absent.
    corrected_image : tuple of str
        (0028,0051) Corrected Image.
    manufacturer, model : str
        (0008,0070), (0008,1090).
    reconstruction : str
        (0054,1103) Reconstruction Method.
    series_at : datetime or None
        (0008,0021) and (0008,0031).
    ge_scan_at : datetime or None
        GE private (0009,100D).
    siemens_scan_at : datetime or None
        Siemens private (0071,1022).
    philips_suv_factor : float or None
        Philips private (7053,1000), in g/(ml count).
    philips_activity_factor : float or None
        Philips private (7053,1009), in Bq/(ml count).
    dose_calibration_factor : float or None
        (0054,1322) Dose Calibration Factor.
    body : PatientBody
        Weight, size and sex.
    administration : RadiopharmaceuticalAdministration or None
        ``None`` where the sequence is absent.
    frames : tuple of PetFrame
        One per slice, in slice order k.
    """

    series_uid: str
    units: str
    suv_type: str
    decay_correction: str
    corrected_image: tuple[str, ...]
    manufacturer: str
    model: str
    reconstruction: str
    series_at: datetime | None
    ge_scan_at: datetime | None
    siemens_scan_at: datetime | None
    philips_suv_factor: float | None
    philips_activity_factor: float | None
    dose_calibration_factor: float | None
    body: PatientBody
    administration: RadiopharmaceuticalAdministration | None
    frames: tuple[PetFrame, ...]
