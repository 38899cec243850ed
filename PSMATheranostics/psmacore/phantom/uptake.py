"""Tracer and region to the standardized uptake that one man shows on one date.

The ranges are those of the project's table of typical uptake, rounded from the literature; they are
meant for simulation and vary widely between patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from psmacore.model.codes import Code
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.tissue import Region


class Tracer(StrEnum):
    """Tracers that the phantom can be given."""

    PSMA_11 = "psma-11"
    PSMA_1007 = "psma-1007"
    DCFPYL = "dcfpyl"
    FDG = "fdg"

    @property
    def is_psma(self) -> bool:
        """Whether the tracer binds to PSMA."""
        return self is not Tracer.FDG


F18 = Code("77004003", "SCT", "^18^Fluorine")
GA68 = Code("35337001", "SCT", "^68^Gallium")


@dataclass(frozen=True)
class TracerFacts:
    """Codes and physics of a tracer.

    Half lives as in the half-life rule of the SUV decision table; positron fractions as usual in headers.
    """

    code: Code
    text: str
    nuclide: Code
    half_life_s: float
    positron_fraction: float
    activity_bq_per_kg: float
    uptake_min: tuple[float, float]


FACTS: dict[Tracer, TracerFacts] = {
    Tracer.PSMA_11: TracerFacts(
        Code("C118961", "NCIt", "PSMA-11 Ga^68^"), "PSMA-11", GA68, 4057.7, 0.8891, 2.0e6, (50.0, 80.0)
    ),
    Tracer.PSMA_1007: TracerFacts(
        Code("126758", "DCM", "PSMA-1007 F^18^"), "PSMA-1007", F18, 6586.2, 0.9686, 3.6e6, (85.0, 110.0)
    ),
    Tracer.DCFPYL: TracerFacts(
        Code("C116352", "NCIt", "Piflufolastat F^18^"), "DCFPyL", F18, 6586.2, 0.9686, 4.0e6, (70.0, 110.0)
    ),
    Tracer.FDG: TracerFacts(
        Code("35321007", "SCT", "Fluorodeoxyglucose F^18^"), "FDG", F18, 6586.2, 0.9686, 3.5e6, (55.0, 75.0)
    ),
}

# Range of the true regional SUV: PSMA-11 and DCFPyL, PSMA-1007, FDG.
_Range = tuple[float, float]
_TABLE: dict[Region, tuple[_Range, _Range, _Range]] = {
    Region.FAT: ((0.15, 0.25), (0.15, 0.25), (0.15, 0.25)),
    Region.MUSCLE: ((0.4, 0.6), (0.5, 0.8), (0.5, 0.7)),
    Region.LUNG: ((0.3, 0.6), (0.35, 0.6), (0.35, 0.5)),
    Region.BLOOD: ((1.2, 2.0), (1.8, 3.0), (1.5, 2.0)),
    Region.MYOCARDIUM: ((1.1, 1.5), (1.6, 2.4), (1.0, 12.0)),
    Region.MARROW: ((0.6, 1.2), (0.8, 1.4), (1.0, 1.8)),
    Region.SOFT: ((0.5, 0.8), (0.6, 0.9), (0.6, 0.9)),
    Region.BRAIN: ((0.08, 0.15), (0.08, 0.15), (7.0, 11.0)),
    Region.LACRIMAL: ((7.0, 12.0), (8.0, 14.0), (1.0, 2.0)),
    Region.PAROTID: ((9.0, 15.0), (11.0, 18.0), (1.5, 3.0)),
    Region.SUBMANDIBULAR: ((9.0, 15.0), (11.0, 18.0), (1.5, 3.0)),
    Region.MUCOSA: ((2.0, 4.0), (2.0, 4.0), (1.5, 2.5)),
    Region.THYROID: ((0.9, 1.5), (1.0, 1.8), (1.0, 1.6)),
    Region.LIVER: ((4.0, 6.0), (10.0, 14.0), (2.0, 2.5)),
    Region.GALLBLADDER: ((1.5, 5.0), (20.0, 70.0), (0.8, 1.5)),
    Region.SPLEEN: ((5.0, 9.0), (7.0, 12.0), (1.7, 2.0)),
    Region.KIDNEY_CORTEX: ((30.0, 52.0), (18.0, 32.0), (2.2, 3.8)),
    Region.KIDNEY_PELVIS: ((12.0, 25.0), (5.0, 9.0), (4.0, 10.0)),
    Region.ADRENAL: ((3.0, 5.0), (3.0, 5.0), (1.5, 2.2)),
    Region.PANCREAS: ((1.8, 2.8), (2.5, 4.0), (1.3, 1.8)),
    Region.STOMACH: ((2.0, 3.5), (2.0, 3.5), (1.5, 2.8)),
    Region.DUODENUM: ((7.0, 12.0), (8.0, 14.0), (1.5, 3.0)),
    Region.JEJUNUM: ((5.0, 10.0), (6.0, 11.0), (1.5, 3.0)),
    Region.ILEUM: ((1.4, 2.6), (1.4, 2.8), (1.2, 2.2)),
    Region.COLON: ((1.0, 1.8), (1.0, 2.0), (1.2, 2.4)),
    Region.URETER: ((2.0, 7.0), (1.0, 2.5), (2.0, 8.0)),
    Region.BLADDER: ((6.0, 60.0), (1.5, 6.0), (6.0, 50.0)),
    Region.PROSTATE: ((2.0, 4.0), (2.2, 4.2), (1.5, 2.5)),
}
URETER_FOCUS_SUV: dict[Tracer, _Range] = {
    Tracer.PSMA_11: (5.0, 30.0),
    Tracer.DCFPYL: (5.0, 30.0),
    Tracer.PSMA_1007: (2.0, 8.0),
    Tracer.FDG: (4.0, 20.0),
}
_GLANDS = (Region.PAROTID, Region.SUBMANDIBULAR, Region.LACRIMAL)
_DATE_CV = 0.10


def suv_range(region: Region, tracer: Tracer) -> tuple[float, float]:
    """Return the range of the true regional SUV (g/ml); ``(0, 0)`` for regions without uptake."""
    if region is Region.NONE:
        return 0.0, 0.0
    psma, psma_1007, fdg = _TABLE[region]
    if tracer is Tracer.FDG:
        return fdg
    return psma_1007 if tracer is Tracer.PSMA_1007 else psma


def draw_uptake(seed: int, tracer: Tracer, date_index: int) -> dict[Region, float]:
    """Draw the true SUV (g/ml) of every region on one date.

    A man keeps his level within the range from date to date and varies by 10 % (test-retest of
    normal organs, 9.0 to 14.3 %); urine is drawn anew. After a therapy cycle the salivary glands
    take up less, by 12 % a date.
    """
    person = random_stream(seed, "uptake", tracer)
    date = random_stream(seed, "uptake", tracer, date_index)
    result = {Region.NONE: 0.0}
    for region in _TABLE:
        low, high = suv_range(region, tracer)
        level = float(np.exp(person.uniform(np.log(low), np.log(high))))
        if region in (Region.BLADDER, Region.URETER):
            level = float(np.exp(date.uniform(np.log(low), np.log(high))))
        wobble = float(np.clip(date.normal(1.0, _DATE_CV), 0.8, 1.2))
        fall = 0.88**date_index if tracer.is_psma and region in _GLANDS else 1.0
        result[region] = float(np.clip(level * wobble, low, high)) * fall
    return result
