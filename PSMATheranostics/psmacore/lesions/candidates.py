"""Voxels above the threshold as named parts: lesions that count, and what was set aside with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from psmacore.lesions.thresholds import ThresholdRule
from psmacore.model.codes import Code
from psmacore.model.lesions import LesionState
from psmacore.model.volumes import Segmentation


@dataclass(frozen=True)
class CandidatePart:
    """One segment, before it is measured.

    Parameters
    ----------
    segment_number : int
        Its label in the segmentation, from 1.
    state : LesionState
        ``UNCONFIRMED`` counts; ``CANDIDATE`` where physiological uptake could not be excluded;
        ``EXCLUDED_CANDIDATE`` for physiological uptake and for specks below the minimum size.
    site : Code
        Anatomic region.
    organ_number : int or None
        The organ whose uptake it is taken for, or that it lies in; ``None`` where none is near.
    note : str
        Why it has its state, in words for the reader.
    site_alternative : Code or None
        Second region, where the site lies at a border.
    confidence : float or None
        Mean model probability over its voxels, 0 to 1; ``None`` where no model drew it.
    """

    segment_number: int
    state: LesionState
    site: Code
    organ_number: int | None
    note: str = ""
    site_alternative: Code | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Candidates:
    """What a segmenter found: non-overlapping segments on the PET grid and what each is taken for.

    Parameters
    ----------
    segmentation : Segmentation
        Label n is segment number n.
    parts : tuple of CandidatePart
        In the order of their segment numbers, 1 to n: those that count first, by descending uptake times
        volume, then those that do not, in the same order.
    threshold_suv : float or None
        The lowest SUVbw (g/ml) that was accepted; ``None`` where a reader drew the mask.
    rule : ThresholdRule or None
        The rule; ``None`` where a reader drew the mask.
    physiology_excluded : bool
        Whether totals are meaningful: physiological uptake was told from lesions, or a reader drew them.
    warnings : tuple of str
        What the reader should know.
    """

    segmentation: Segmentation
    parts: tuple[CandidatePart, ...]
    threshold_suv: float | None
    rule: ThresholdRule | None
    physiology_excluded: bool
    warnings: tuple[str, ...] = ()
