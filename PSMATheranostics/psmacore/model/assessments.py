"""How a patient's disease changed between two studies: category, evidence, and what the category rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from psmacore.errors import InputRefusedError
from psmacore.model.repeatability import MetricChange


class Criterion(StrEnum):
    """The response criteria by their name in results and reports.

    ``PPP`` is spelt out because the letters also name PROMISE's prognostic nomogram.
    """

    RECIP = "RECIP 1.0"
    PPP = "PSMA PET progression"
    PERCIST = "PERCIST 1.0"
    PCWG3 = "PCWG3 (adapted)"
    PSA50 = "PSA50"
    PCWG3_PSA = "PCWG3 PSA progression"


class Category(StrEnum):
    """What the criteria answer; each has its own, see :data:`CATEGORIES_OF`."""

    CR = "CR"
    PR = "PR"
    SD = "SD"
    PD = "PD"
    CMR = "CMR"
    PMR = "PMR"
    SMD = "SMD"
    PMD = "PMD"
    PDU = "PDu"
    NON_CR_NON_PD = "Non-CR/Non-PD"
    PROGRESSION = "progression"
    NO_PROGRESSION = "no progression"
    REACHED = "reached"
    NOT_REACHED = "not reached"


CATEGORIES_OF: dict[Criterion, tuple[Category, ...]] = {
    Criterion.RECIP: (Category.CR, Category.PR, Category.SD, Category.PD),
    Criterion.PPP: (Category.PROGRESSION, Category.NO_PROGRESSION),
    Criterion.PERCIST: (Category.CMR, Category.PMR, Category.SMD, Category.PMD),
    Criterion.PCWG3: (Category.NON_CR_NON_PD, Category.PDU, Category.PD),
    Criterion.PSA50: (Category.REACHED, Category.NOT_REACHED),
    Criterion.PCWG3_PSA: (Category.PROGRESSION, Category.NO_PROGRESSION),
}


class Comparable(StrEnum):
    """What must agree between two studies before their measurements are compared."""

    TRACER = "tracer"
    UPTAKE_TIME = "uptake time"
    SCANNER = "scanner"
    RECONSTRUCTION = "reconstruction"
    WEIGHT = "body weight"
    SEGMENTER = "segmenter"
    THRESHOLD_RULE = "threshold rule"
    SUV_TYPE = "SUV type"
    DATE = "date"
    MEASUREMENTS = "measurements"
    SIMULATION = "simulation"
    UNKNOWN = "not known"


class Severity(StrEnum):
    """What a finding means for the categories: ``BLOCKS`` gives none, ``WARNS`` gives one with the warning."""

    WARNS = "warns"
    BLOCKS = "blocks"


@dataclass(frozen=True)
class ComparabilityFinding:
    """One way in which two studies differ.

    Parameters
    ----------
    kind : Comparable
        What differs.
    severity : Severity
        Whether a category may still be given.
    from_value, to_value : str
        Of the earlier and the later study, with unit.
    text : str
        The finding in words, with both values.
    """

    kind: Comparable
    severity: Severity
    from_value: str
    to_value: str
    text: str


@dataclass(frozen=True)
class EvidenceItem:
    """One fact that a category rests on.

    Parameters
    ----------
    name : str
        What was looked at, in words, for example ``change of PSMA-TV``.
    value : float or None
        What was found, in ``unit``; ``None`` where it could not be measured.
    unit : str
        Of ``value`` and ``limit``; empty for counts.
    limit : float or None
        What the rule asks for; ``None`` where the item is told for information.
    is_met : bool or None
        Whether the rule's condition holds; ``None`` where there is none.
    lesions : tuple of str
        Tracking UIDs of the tracks that it is about.
    note : str
        What else the reader should know, for example the values at both dates.
    """

    name: str
    value: float | None
    unit: str = ""
    limit: float | None = None
    is_met: bool | None = None
    lesions: tuple[str, ...] = ()
    note: str = ""

    @property
    def margin(self) -> float | None:
        """How far the value lies above the limit (below where negative), in ``unit``; ``None`` without a limit."""
        return None if self.value is None or self.limit is None else self.value - self.limit


@dataclass(frozen=True)
class LeftOut:
    """The category as it would be without the lesions of these tracks (UIDs, and their IDs for readers)."""

    tracks: tuple[str, ...]
    name: str
    category: Category | None


@dataclass(frozen=True)
class AtThreshold:
    """The category with volumes read at another threshold (SUVbw in g/ml)."""

    threshold_suv: float
    psma_tv_change_pct: float | None
    category: Category | None


@dataclass(frozen=True)
class Robustness:
    """Whether a category hangs on little.

    Parameters
    ----------
    nearest_limit_pct : float or None
        The criterion's limit of the volume's change that lies nearest; ``None`` where it has none.
    margin_points : float or None
        Distance to it in points of per cent.
    is_near_limit : bool
        Whether that is less than measurement may move it.
    changes_without : tuple of LeftOut
        Lesions each of which alone carries the category.
    at_thresholds : tuple of AtThreshold
        Categories at other thresholds, where volumes were given.
    """

    nearest_limit_pct: float | None
    margin_points: float | None
    is_near_limit: bool
    changes_without: tuple[LeftOut, ...]
    at_thresholds: tuple[AtThreshold, ...]


@dataclass(frozen=True)
class CategoryOverride:
    """A physician's category in place of the computed one, which stays on record.

    Parameters
    ----------
    criterion, from_uid, to_uid
        The assessment that it is about.
    category : Category
        One of the criterion's own.
    computed : Category or None
        What was computed when the physician decided.
    reader, reason : str
        Who and why; neither may be empty.
    at : str
        When, DICOM DT.

    Raises
    ------
    InputRefusedError
        If reader or reason is missing, or the category is none of the criterion's.
    """

    criterion: Criterion
    from_uid: str
    to_uid: str
    category: Category
    computed: Category | None
    reader: str
    reason: str
    at: str

    def __post_init__(self) -> None:
        if not self.reader.strip() or not self.reason.strip():
            raise InputRefusedError(f"an override of {self.criterion.value} needs the reader's name and a reason")
        if self.category not in CATEGORIES_OF[self.criterion]:
            known = ", ".join(CATEGORIES_OF[self.criterion])
            raise InputRefusedError(f"{self.category.value!r} is no category of {self.criterion.value}; it has {known}")


@dataclass(frozen=True)
class ResponseAssessment:
    """One criterion's answer between two studies.

    Parameters
    ----------
    criterion : Criterion
        Which rule.
    from_uid, to_uid : str
        Study UIDs of the earlier and the later study.
    from_date, to_date : str
        Their dates, DICOM DA.
    category : Category or None
        As computed; ``None`` where the rule cannot answer, and then ``reason`` says why.
    reason : str
        Why there is no category; empty where there is one.
    provisional_reasons : tuple of str
        What a reader must settle before the category stands; empty where it stands.
    exploratory_reason : str
        Why the rule is used outside what it is defined for; empty where it is not.
    psma_tv_change_pct : float or None
        Change of the whole-body tumour volume in % of the earlier one; ``None`` where that is 0 or not known.
    new_lesions : tuple of str
        Tracking UIDs of the tracks that are new since the earlier study.
    evidence : tuple of EvidenceItem
        What the category rests on.
    beyond_repeatability : tuple of MetricChange
        Every metric's change beside its test-retest limit; the whole body's first.
    robustness : Robustness or None
        ``None`` without a category.
    findings : tuple of ComparabilityFinding
        How the studies differ.
    confirmed_by : str or None
        Who vouches for it.
    override : CategoryOverride or None
        A physician's own category.
    """

    criterion: Criterion
    from_uid: str
    to_uid: str
    from_date: str
    to_date: str
    category: Category | None
    reason: str = ""
    provisional_reasons: tuple[str, ...] = ()
    exploratory_reason: str = ""
    psma_tv_change_pct: float | None = None
    new_lesions: tuple[str, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
    beyond_repeatability: tuple[MetricChange, ...] = ()
    robustness: Robustness | None = None
    findings: tuple[ComparabilityFinding, ...] = ()
    confirmed_by: str | None = None
    override: CategoryOverride | None = None

    @property
    def is_provisional(self) -> bool:
        """Whether a reader must still settle something."""
        return bool(self.provisional_reasons)

    @property
    def is_exploratory(self) -> bool:
        """Whether the rule is used outside what it is defined for."""
        return bool(self.exploratory_reason)

    @property
    def is_override_outdated(self) -> bool:
        """Whether the physician decided beside another computed category than today's."""
        return self.override is not None and self.override.computed != self.category
