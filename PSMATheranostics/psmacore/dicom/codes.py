"""The coded concepts that published objects are written with, as DICOM and highdicom want them.

Values are those of the DICOM context groups (PS3.16) unless a comment says otherwise. What has no
standard code, TL-PSMA before all, is written in the private scheme ``99PSMATHER`` with a clear
meaning, never under a standard code that means something else.
"""

from __future__ import annotations

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from psmacore.model.codes import PRIVATE_SCHEME, Code
from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.organs import LEFT, RIGHT

_MAX_MEANING = 64  # LO, PS3.5 6.2


def _dcm(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning)


def _sct(value: str, meaning: str) -> Code:
    return Code(value, "SCT", meaning)


def _ucum(value: str, meaning: str) -> Code:
    return Code(value, "UCUM", meaning)


def _own(value: str, meaning: str) -> Code:
    return Code(value, PRIVATE_SCHEME, meaning)


# Segments (CID 7150, 7151, 7159)
ABNORMAL_STRUCTURE = _sct("49755003", "Morphologically Abnormal Structure")
ANATOMICAL_STRUCTURE = _sct("91723000", "Anatomical Structure")
NEOPLASM = _sct("108369006", "Neoplasm")
NEOPLASM_PRIMARY = _sct("372087000", "Neoplasm, Primary")
NEOPLASM_SECONDARY = _sct("14799000", "Neoplasm, Secondary")
LESION = _sct("52988006", "Lesion")
PROSTATE = _sct("41216001", "Prostate")
PRIMARY_SITES = frozenset({"41216001", "64739004"})  # prostate, seminal vesicle
UNCERTAIN_SITES = frozenset(
    {
        *("38266002", "12738006", "89837001", "87953007"),  # whole body, brain, bladder, ureter
        *("39607008", "45653009", "90572001", "72481006"),  # lung, upper, lower, middle lobe
    }
)
"""Sites where PSMA uptake may as well be another tumour or urine, or that are no site at all."""

# Algorithm families (CID 7162)
ARTIFICIAL_INTELLIGENCE = _dcm("123110", "Artificial Intelligence")
NEIGHBORHOOD_ANALYSIS = _dcm("123101", "Neighborhood Analysis")
MANUAL_PROCESSING = _dcm("123109", "Manual Processing")

# Report (TID 1500, 1501, CID 270, 7021, 100)
IMAGING_MEASUREMENT_REPORT = _dcm("126000", "Imaging Measurement Report")
PET_WHOLE_BODY = Code("44139-4", "LN", "PET whole body")
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
REFERENCE_REGION = Code("C94970", "NCIt", "Reference Region")
WHOLE_BODY = _sct("38266002", "Entire body")
COMMENT = _dcm("121106", "Comment")
PERSON = _dcm("121006", "Person")
DEVICE = _dcm("121007", "Device")
RADIOPHARMACEUTICAL = _dcm("123001", "Radiopharmaceutical")
PATIENT_SEX = _dcm("121032", "Subject Sex")

# Quantities, derivations, methods, units (CID 7469, 7464, 7474, 84, 85)
SUV_BW = _dcm("126401", "SUVbw")
VOLUME = _sct("118565006", "Volume")
SHORT_AXIS = _sct("103340004", "Short axis")
NUMBER_OF_LESIONS = _sct("246206008", "Number of lesions")
ADMINISTERED_ACTIVITY = _dcm("113507", "Administered activity")
INCUBATION_TIME = _dcm("126203", "PET Radionuclide Incubation Time")
INJECTED_AT = _dcm("123003", "Radiopharmaceutical Start DateTime")
THRESHOLD_VALUE = _dcm("122411", "Threshold Value")
BODY_WEIGHT = Code("29463-7", "LN", "Patient Weight")
BODY_HEIGHT = Code("8302-2", "LN", "Patient Height")
MAXIMUM = _sct("56851009", "Maximum")
MEAN = _sct("373098007", "Mean")
STANDARD_DEVIATION = _sct("386136009", "Standard Deviation")
PEAK = _dcm("126031", "Peak Value Within ROI")
TOTAL = _sct("255619001", "Total")
MEASUREMENT_METHOD = _sct("370129005", "Measurement Method")
SUV_BW_METHOD = _dcm("126410", "SUV body weight calculation method")
VOXEL_SUM_METHOD = _dcm("126030", "Sum of segmented voxel method for volume")
SUV_UNIT = _ucum("g/ml{SUVbw}", "Standardized Uptake Value body weight")
MILLILITRE = _ucum("ml", "Milliliter")
GRAM = _ucum("g", "Gram")
KILOGRAM = _ucum("kg", "Kilogram")
METRE = _ucum("m", "Meter")
MILLIMETRE = _ucum("mm", "Millimeter")
MEGABECQUEREL = _ucum("MBq", "Megabecquerel")
SECOND = _ucum("s", "Second")
GRAM_PER_BECQUEREL = _ucum("g/Bq", "Gram/Becquerel")
MINUTE = _ucum("min", "Minute")
NO_UNITS = _ucum("1", "no units")

# Private: no standard code exists; TL-PSMA must not be labelled as Total Lesion Glycolysis (126033 DCM)
TL_PSMA = _own("TLPSMA", "Total Lesion PSMA (volume x SUVbw mean)")
PSMA_TV = _own("PSMATV", "PSMA Tumor Volume of the whole body")
PEAK_AT_HOTTEST = _own("PEAKHOT", "Mean of 1 cm3 sphere around hottest voxel")
SUV_FACTOR = _own("SUVFACTOR", "SUVbw factor")
HALF_LIFE = _sct("304283002", "Half-life of radiopharmaceutical")
DECAY_REFERENCE = _own("DECAYREF", "Decay reference of the images")
DECAY_CORRECTION = _own("DECAYCORR", "Decay Correction of the images")
SUV_STEP = _own("SUVSTEP", "SUV derivation step")
SUV_OVERRIDE = _own("SUVOVERRIDE", "SUV value entered by a reader")
AS_USED = _own("ASUSED", "Value as used to derive the SUV")
AXIAL_DIAMETER = _own("AXIALDIAM", "Greatest diameter across the longest, axial slice")
PROMISE = _own("PROMISE", "PROMISE, by SUVmean against reference organs")
LESION_STATE = _own("STATE", "Lesion state")
MI_TNM = _own("MITNM", "PROMISE miTNM region class")
EXPRESSION_SCORE = _own("EXPRESSION", "PROMISE expression score")
CONFIRMED_BY = _own("CONFIRMEDBY", "Lesion confirmed by")
TOTALS_MISSING = _own("NOTOTALS", "Reason for missing totals")
CLASSIFICATION = _own("CLASSIFIED", "Study classification")
WARNING = _own("WARNING", "Warning")

_STATES: dict[LesionState, Code] = {
    LesionState.CONFIRMED: _own("S_CONFIRMED", "Confirmed by a reader, counted"),
    LesionState.UNCONFIRMED: _own("S_UNCONFIRMED", "Unconfirmed, counted"),
    LesionState.REJECTED: _own("S_REJECTED", "Rejected by a reader, not counted"),
    LesionState.CANDIDATE: _own("S_CANDIDATE", "Candidate, not counted"),
    LesionState.EXCLUDED_CANDIDATE: _own("S_EXCLUDED", "Excluded as physiological uptake, not counted"),
    LesionState.BELOW_THRESHOLD: _own("S_BELOW", "Below the threshold, not counted"),
}


def concept(code: Code) -> CodedConcept:
    """Return ``code`` as an item that highdicom and pydicom write; a meaning over 64 characters is cut."""
    return CodedConcept(value=code.value, scheme_designator=code.scheme, meaning=code.meaning[:_MAX_MEANING])


def private_schemes() -> list[Dataset]:
    """Return (0008,0110) Coding Scheme Identification Sequence for the private scheme (PS3.3 C.12.1.1.1)."""
    return [
        CodingSchemeIdentificationItem(
            designator=PRIVATE_SCHEME,
            name="Concepts of PSMA theranostics that have no standard code",
            version="1",
            responsible_organization="PSMA theranostics (open-source project)",
        )
    ]


def state_code(state: LesionState) -> Code:
    """Return the private code of a lesion's state."""
    return _STATES[state]


def state_of_code(code: Code) -> LesionState:
    """Return the lesion state that a private code stands for.

    Raises
    ------
    KeyError
        If the code is none of ``state_code``.
    """
    return {known.value: state for state, known in _STATES.items()}[code.value]


def is_excluded(lesion: Lesion) -> bool:
    """Return whether a segment is kept as something that is not tumour: excluded or rejected."""
    return lesion.state in (LesionState.EXCLUDED_CANDIDATE, LesionState.REJECTED)


def property_of(lesion: Lesion) -> tuple[Code, Code]:
    """Return segmented property category and type of a lesion (CID 7150 and 7151).

    Physiological uptake is the anatomical structure it lies in. A candidate is a lesion and no more.
    What counts is a primary neoplasm in prostate or seminal vesicle, a secondary one in a coded site
    elsewhere, and a neoplasm without that claim where the site does not tell.
    """
    if is_excluded(lesion):
        return ANATOMICAL_STRUCTURE, without_side(lesion.site)
    if lesion.state is LesionState.CANDIDATE:
        return ABNORMAL_STRUCTURE, LESION
    if lesion.site.scheme != "SCT" or lesion.site.value in UNCERTAIN_SITES:
        return ABNORMAL_STRUCTURE, NEOPLASM
    primary = lesion.site.value in PRIMARY_SITES
    return ABNORMAL_STRUCTURE, NEOPLASM_PRIMARY if primary else NEOPLASM_SECONDARY


def side_of(site: Code) -> Code | None:
    """Return the laterality that a site's meaning opens or ends with (``Rib left``), else ``None``.

    A side within the words (``Middle lobe of right lung``) belongs to the concept itself.
    """
    words = site.meaning.casefold().replace(",", " ").split()
    for side in (LEFT, RIGHT):
        if len(words) > 1 and side.meaning.casefold() in (words[0], words[-1]):
            return side
    return None


def without_side(site: Code) -> Code:
    """Return the site with the side taken off its meaning, as the concept itself is not lateralised."""
    side = side_of(site)
    if side is None:
        return site
    kept = [word for word in site.meaning.split() if word.strip(",").casefold() != side.meaning.casefold()]
    meaning = " ".join(kept).strip(" ,")
    return Code(site.value, site.scheme, meaning[:1].upper() + meaning[1:])
