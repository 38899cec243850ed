"""Tracer and lesion states to the words that report and figures use for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, LesionState
from psmacore.suv.tracer import is_fdg, is_psma

SIMULATED_DATA = "SIMULATED DATA"
SIMULATION_TRAINED = "AI TRAINED ON SIMULATION"
RESEARCH_USE = "Research use, reader must confirm"
UNCONFIRMED = "AI, unconfirmed"

STATE_WORDS = {
    LesionState.CONFIRMED: "confirmed",
    LesionState.UNCONFIRMED: "unconfirmed",
    LesionState.REJECTED: "rejected",
    LesionState.CANDIDATE: "candidate",
    LesionState.EXCLUDED_CANDIDATE: "excluded candidate",
    LesionState.BELOW_THRESHOLD: "below threshold",
}

REFERENCE_REGIONS = {
    "liver": "Liver",
    "blood_pool": "Blood pool",
    "parotid": "Parotid glands",
    "spleen": "Spleen",
    "kidneys": "Kidneys",
}
FURTHER_REGIONS = {
    "submandibular": "Submandibular glands",
    "lacrimal": "Lacrimal glands",
}


@dataclass(frozen=True)
class ReportWords:
    """What a report calls its tracer and the whole-body burden measured with it.

    Parameters
    ----------
    tracer : str
        The code's meaning, or its value where the meaning is empty.
    family : str
        ``PSMA``, ``FDG``, or ``PET`` for any other tracer.
    volume, total_uptake : str
        Names of the total volume (ml) and of volume times SUVmean (g/ml x ml). FDG has names of its
        own: metabolic tumour volume, total lesion glycolysis.
    """

    tracer: str
    family: str
    volume: str
    total_uptake: str

    @property
    def has_promise(self) -> bool:
        """Whether PROMISE classes apply: they are defined for PSMA PET."""
        return self.family == "PSMA"

    @classmethod
    def of(cls, tracer: Code) -> ReportWords:
        """Return the words for a tracer."""
        name = tracer.meaning or tracer.value or "tracer not named"
        if is_fdg(tracer):
            return cls(name, "FDG", "MTV", "TLG")
        if is_psma(tracer):
            return cls(name, "PSMA", "PSMA-TV", "TL-PSMA")
        return cls(name, "PET", "Tumour volume", "Volume × SUVmean")


def is_read(lesions: Iterable[Lesion]) -> bool:
    """Return whether no lesion waits for a reader; true where there is none."""
    return not any(lesion.state in (LesionState.UNCONFIRMED, LesionState.CANDIDATE) for lesion in lesions)


def watermark_words(*, is_simulated: bool, is_simulation_trained: bool) -> str:
    """Return what lies across report and pictures; empty for clinical images read by clinical methods."""
    if is_simulated:
        return SIMULATED_DATA
    return SIMULATION_TRAINED if is_simulation_trained else ""


def status_line(lesions: Iterable[Lesion]) -> str:
    """Return the line that a picture carries about who vouches for what it shows.

    A lesion list that is empty has not been confirmed by anybody, so it counts as unconfirmed.
    """
    found = tuple(lesions)
    readers = sorted({lesion.confirmed_by for lesion in found if lesion.confirmed_by})
    if found and readers and is_read(found):
        return f"Lesions confirmed by {', '.join(readers)}."
    return f"{UNCONFIRMED}. {RESEARCH_USE}."
