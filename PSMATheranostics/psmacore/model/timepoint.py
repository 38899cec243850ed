"""One analysed study: who, when, how it was measured, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, ReferenceRegion, Totals
from psmacore.model.suv import SuvDerivation


@dataclass(frozen=True)
class Patient:
    """Identity as results carry it: no name, and the birth year instead of the date."""

    id: str
    sex: str
    birth_year: int | None


@dataclass(frozen=True)
class Study:
    """The analysed study; ``date`` and ``time`` are DICOM DA and TM."""

    uid: str
    date: str
    time: str
    description: str


@dataclass(frozen=True)
class Scanner:
    """Where the PET was acquired and how it was reconstructed."""

    manufacturer: str
    model: str
    reconstruction: str


@dataclass(frozen=True)
class SegmenterInfo:
    """The method that drew the lesions.

    ``threshold_suv`` is the lowest SUVbw (g/ml) that it accepted, ``None`` where no single threshold holds.
    """

    name: str
    version: str
    weights_sha256: str | None = None
    threshold_suv: float | None = None
    parameters: Mapping[str, str | float | int | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class StudyClassification:
    """A classifier's answer for the whole study."""

    label: str
    probability: float
    model: str


@dataclass(frozen=True)
class Software:
    """The program that measured."""

    name: str
    version: str
    commit: str


@dataclass(frozen=True)
class Timepoint:
    """All numbers of one analysed study: the one source of report, results.json and DICOM objects.

    ``totals`` is ``None`` where physiological uptake was not excluded.
    """

    patient: Patient
    study: Study
    pet_series_uid: str
    ct_series_uid: str | None
    tracer: Code
    scanner: Scanner
    suv: SuvDerivation
    segmenter: SegmenterInfo
    lesions: tuple[Lesion, ...]
    totals: Totals | None
    reference_regions: tuple[ReferenceRegion, ...]
    software: Software
    created_at: str
    classification: StudyClassification | None = None
    warnings: tuple[str, ...] = ()
