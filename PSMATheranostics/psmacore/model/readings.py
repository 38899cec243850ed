"""What readers state about a course, beside the states of its lesions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from psmacore.errors import InputRefusedError
from psmacore.model.assessments import CategoryOverride, Criterion


@dataclass(frozen=True)
class BackgroundConfirmation:
    """A reader saw that a track's place shows no more uptake than its surroundings in a study."""

    track_uid: str
    study_uid: str
    reader: str


@dataclass(frozen=True)
class ClinicalSupport:
    """A reader's judgement whether clinical findings of the time of a study speak for progression, with the reason."""

    study_uid: str
    is_supporting: bool
    reader: str
    reason: str


@dataclass(frozen=True)
class ProgressionConfirmation:
    """Biopsy or another imaging that confirmed progression seen in a study.

    Parameters
    ----------
    study_uid : str
        Study in which progression was seen.
    date : datetime.date
        When it was confirmed.
    method, reader : str
        How and who says so.
    """

    study_uid: str
    date: date
    method: str
    reader: str


@dataclass(frozen=True)
class AssessmentConfirmation:
    """A reader vouches for a computed category."""

    criterion: Criterion
    from_uid: str
    to_uid: str
    reader: str


@dataclass(frozen=True)
class JoinedPatients:
    """A reader's statement that several Patient IDs are one patient.

    Raises
    ------
    InputRefusedError
        If fewer than two IDs are given, or reader or reason is missing.
    """

    patient_ids: tuple[str, ...]
    reader: str
    reason: str

    def __post_init__(self) -> None:
        if len(set(self.patient_ids)) < 2:
            raise InputRefusedError("joining patients needs two or more different Patient IDs")
        if not self.reader.strip() or not self.reason.strip():
            raise InputRefusedError("joining patients needs the reader's name and a reason")


@dataclass(frozen=True)
class Readings:
    """All that readers have stated about a course.

    Parameters
    ----------
    background : tuple of BackgroundConfirmation
        Needed for a complete response.
    supports : tuple of ClinicalSupport
        Beside the laboratory.
    progression_confirmations : tuple of ProgressionConfirmation
        As PSMA PET progression asks for.
    confirmations : tuple of AssessmentConfirmation
        Of categories.
    overrides : tuple of CategoryOverride
        In order of time; the last one of an assessment counts.
    joined : JoinedPatients or None
        Where the course has several Patient IDs.
    baseline_study_uid : str or None
        Study before therapy, where that is not the first one of the course.
    """

    background: tuple[BackgroundConfirmation, ...] = ()
    supports: tuple[ClinicalSupport, ...] = ()
    progression_confirmations: tuple[ProgressionConfirmation, ...] = ()
    confirmations: tuple[AssessmentConfirmation, ...] = ()
    overrides: tuple[CategoryOverride, ...] = ()
    joined: JoinedPatients | None = None
    baseline_study_uid: str | None = None
