"""PET, threshold and organ labels to the masks that a model has to beat: uptake above the threshold minus organs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.ai.evaluation.overlap import CONNECTIVITY
from psmacore.lesions.physiology import physiological_organs
from psmacore.lesions.segment import segment_by_threshold
from psmacore.lesions.thresholds import RuleKind, ThresholdRule
from psmacore.model.geometry import Geometry
from psmacore.model.suv import SuvDerivation, SuvFactors
from psmacore.model.volumes import OrganMap, SuvVolume

MARGINS_VOXELS = (0, 1, 2, 3)
_MOSTLY = 0.5

Mask = NDArray[np.bool_]


class RuleMethod(StrEnum):
    """How a rule makes its mask of the voxels at or above the threshold.

    ``THRESHOLD`` takes them all. ``MINUS_ORGANS`` takes off the voxels of physiological organs; ``OUTSIDE_ORGANS``
    whole 18-connected components of which more than half lies in such organs. ``SEGMENTER`` is the threshold
    segmenter of ``psma analyse``, which separates lesions from organs in many steps.
    """

    THRESHOLD = "threshold alone"
    MINUS_ORGANS = "threshold minus organs"
    OUTSIDE_ORGANS = "components outside of organs"
    SEGMENTER = "threshold segmenter"


class OrganSource(StrEnum):
    """Where a rule's organs come from: a model's prediction, or the data set itself."""

    PREDICTED = "predicted organs"
    GIVEN = "given organs"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Parameters
    ----------
    method : RuleMethod
        How the mask is made.
    margin_voxels : int
        How far organs are grown first.
    organs : OrganSource or None
        ``None`` for the threshold alone.
    """

    method: RuleMethod
    margin_voxels: int = 0
    organs: OrganSource | None = None

    @property
    def name(self) -> str:
        """The rule in words."""
        if self.organs is None:
            return self.method.value
        grown = f" grown by {self.margin_voxels}" if self.margin_voxels else ""
        return f"{self.method.value}{grown}, {self.organs.value}"

    @property
    def is_plain(self) -> bool:
        """Whether a model has to beat it: made of threshold and predicted organs alone."""
        return self.method is not RuleMethod.SEGMENTER and self.organs is not OrganSource.GIVEN


@dataclass(frozen=True, eq=False)
class RuleCase:
    """What rules read: SUV in g/ml ``(k, j, i)``, its threshold, and organ maps on the same grid."""

    suv: NDArray[np.float32]
    geometry: Geometry
    threshold_suv: float
    organs: Mapping[OrganSource, OrganMap]
    is_fdg: bool


def rule_masks(case: RuleCase) -> Iterator[tuple[Rule, Mask]]:
    """Yield every rule and its mask ``(k, j, i)``, bool.

    Organs are those of :func:`psmacore.lesions.physiology.physiological_organs` for the tracer, grown by 0 to 3
    voxels, from each source that the case has.
    """
    hot = case.suv >= np.float32(case.threshold_suv)
    yield Rule(RuleMethod.THRESHOLD), hot
    components = cc3d.connected_components(hot, connectivity=CONNECTIVITY)
    for source, organs in case.organs.items():
        organ = organs.mask(*physiological_organs(is_fdg=case.is_fdg))
        for margin in MARGINS_VOXELS:
            grown = organ if margin == 0 else ndimage.binary_dilation(organ, iterations=margin)
            yield Rule(RuleMethod.MINUS_ORGANS, margin, source), hot & ~grown
            yield Rule(RuleMethod.OUTSIDE_ORGANS, margin, source), _mostly_outside(hot, components, grown)
        yield Rule(RuleMethod.SEGMENTER, 0, source), _by_segmenter(case, organs)


def _mostly_outside(hot: Mask, components: NDArray[np.integer], organ: Mask) -> Mask:
    n_voxels = np.bincount(components[hot])
    n_inside = np.bincount(components[hot & organ], minlength=len(n_voxels))
    is_kept = n_inside <= _MOSTLY * n_voxels
    if not is_kept.size:
        return hot
    is_kept[0] = False
    return np.asarray(is_kept[components], dtype=np.bool_)


def _by_segmenter(case: RuleCase, organs: OrganMap) -> Mask:
    """Return the voxels of the lesions that count."""
    suv = suv_volume(case.suv, case.geometry)
    rule = ThresholdRule(RuleKind.PSMA_FIXED, case.threshold_suv)
    found = segment_by_threshold(suv, rule, organs, is_fdg=case.is_fdg)
    numbers = [part.segment_number for part in found.parts if part.state.counts]
    return np.isin(found.segmentation.labels, numbers)


def suv_volume(suv: NDArray[np.float32], geometry: Geometry) -> SuvVolume:
    """Return a data set's PET, which is in SUVbw already, as the volume that lesion finding reads."""
    derivation = SuvDerivation(
        series_uid="",
        units_stored="GML",
        suv_type_stored="BW",
        decay_correction="",
        factor_g_per_bq=None,
        factors=SuvFactors(1.0, None, None, None, None, None),
        reference_at=None,
        injected_at=None,
        injected_activity_bq=None,
        half_life_s=None,
        weight_kg=None,
        height_m=None,
        sex="O",
        uptake_min=None,
        steps=("the data set states SUVbw",),
        warnings=(),
    )
    return SuvVolume(suv, geometry, derivation)
