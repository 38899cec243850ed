"""One analysed study: who, when, how it was measured, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, ReferenceRegion, Totals
from psmacore.model.promise import PromiseStage
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


class StudyLabel(StrEnum):
    """What a study classifier answers."""

    NORMAL = "normal"
    ABNORMAL = "abnormal"


@dataclass(frozen=True)
class StudyClassification:
    """A classifier's answer for the whole study.

    ``has_stopped_segmentation`` is true where lesions were not looked for because of the answer (W60).
    """

    label: str
    probability: float
    model: str
    has_stopped_segmentation: bool = False


@dataclass(frozen=True)
class ModelUse:
    """A trained model that took part in a result.

    Parameters
    ----------
    task : str
        What it did, as its manifest names it: ``organ_segmentation`` and so on.
    name, version : str
        Of the model.
    weights_sha256 : str or None
        Of the weights that ran.
    device : str
        What it ran on, in words: ``cpu``, or the GPU's name.
    is_trained_on_simulation : bool
        Whether its weights have seen simulated patients only.
    """

    task: str
    name: str
    version: str
    weights_sha256: str | None
    device: str
    is_trained_on_simulation: bool


@dataclass(frozen=True)
class Software:
    """The program that measured."""

    name: str
    version: str
    commit: str


@dataclass(frozen=True)
class Timepoint:
    """All numbers of one analysed study: the one source of report, results.json and DICOM objects.

    ``totals`` is ``None`` where physiological uptake was not excluded, or lesions were not looked for.
    ``promise`` is the patient's miTNM, ``None`` for tracers other than PSMA ligands and without totals.
    ``models`` are the trained models that took part, in the order in which they ran; ``is_simulated`` tells
    whether the images are simulated.
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
    models: tuple[ModelUse, ...] = ()
    is_simulated: bool = False
    promise: PromiseStage | None = None

    @property
    def is_watermarked(self) -> bool:
        """Whether weights trained on simulation drew on real images: marked everywhere and never published."""
        return not self.is_simulated and any(model.is_trained_on_simulation for model in self.models)
