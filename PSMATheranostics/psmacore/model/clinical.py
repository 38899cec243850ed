"""What is known of a patient beside the images: therapy cycles, laboratory values and changes of medication."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Analyte(StrEnum):
    """The laboratory values that a course carries, by their name in clinical files."""

    PSA = "psa"
    ALP = "alp"
    LDH = "ldh"
    HB = "hb"
    EGFR = "egfr"

    @property
    def unit(self) -> str:
        """The unit that the model holds it in."""
        return {
            Analyte.PSA: "ng/ml",
            Analyte.ALP: "U/l",
            Analyte.LDH: "U/l",
            Analyte.HB: "g/dl",
            Analyte.EGFR: "ml/min/1.73 m2",
        }[self]


@dataclass(frozen=True)
class TherapyCycle:
    """One administration of a radioligand.

    Parameters
    ----------
    date : datetime.date
        Day of the administration.
    activity_gbq : float or None
        Administered activity in GBq; ``None`` where it is not known.
    agent : str
        For example ``[177Lu]Lu-PSMA-617``; empty where it is not known.
    """

    date: date
    activity_gbq: float | None
    agent: str = ""


@dataclass(frozen=True)
class LabResult:
    """Laboratory values of one day; ``None`` where not measured.

    Parameters
    ----------
    date : datetime.date
        Day on which blood was drawn.
    psa_ng_ml : float or None
        Prostate-specific antigen.
    alp_u_l : float or None
        Alkaline phosphatase.
    ldh_u_l : float or None
        Lactate dehydrogenase.
    hb_g_dl : float or None
        Haemoglobin.
    egfr_ml_min_173m2 : float or None
        Estimated glomerular filtration rate.
    below_detection : tuple of Analyte
        Values that the laboratory gave as below a limit (``<0.01``): the limit stands in their place.
    """

    date: date
    psa_ng_ml: float | None = None
    alp_u_l: float | None = None
    ldh_u_l: float | None = None
    hb_g_dl: float | None = None
    egfr_ml_min_173m2: float | None = None
    below_detection: tuple[Analyte, ...] = ()

    def value(self, analyte: Analyte) -> float | None:
        """Return a value in the unit of its analyte; ``None`` where it was not measured."""
        return {
            Analyte.PSA: self.psa_ng_ml,
            Analyte.ALP: self.alp_u_l,
            Analyte.LDH: self.ldh_u_l,
            Analyte.HB: self.hb_g_dl,
            Analyte.EGFR: self.egfr_ml_min_173m2,
        }[analyte]


@dataclass(frozen=True)
class MedicationChange:
    """A medication begun, ended or changed; ``medication`` or ``change`` may be empty, not both."""

    date: date
    medication: str
    change: str


@dataclass(frozen=True)
class LabValue:
    """One analyte on one day, in the analyte's unit."""

    date: date
    value: float
    is_below_detection: bool


@dataclass(frozen=True)
class ClinicalCourse:
    """All that is known of a patient beside the images, each list in order of date.

    Parameters
    ----------
    cycles : tuple of TherapyCycle
        Therapy given.
    labs : tuple of LabResult
        One for each day with laboratory values.
    medication_changes : tuple of MedicationChange
        Of any medication that bears on the disease.
    patient_id : str or None
        Patient ID where the file names one, so that it can be told from another patient's.
    """

    cycles: tuple[TherapyCycle, ...] = ()
    labs: tuple[LabResult, ...] = ()
    medication_changes: tuple[MedicationChange, ...] = ()
    patient_id: str | None = None

    def series(self, analyte: Analyte) -> tuple[LabValue, ...]:
        """Return an analyte's values by date; empty where it was never measured."""
        return tuple(
            LabValue(lab.date, value, analyte in lab.below_detection)
            for lab in self.labs
            if (value := lab.value(analyte)) is not None
        )
