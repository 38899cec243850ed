"""How patches are drawn from a case and changed at random, as a recipe states it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PatchRule(StrEnum):
    """Where the patches of a case lie.

    ``POSITIVE_NEGATIVE`` centres half of them (rounded up, and a coin for a single one) on labelled voxels and
    the others on unlabelled tissue (W65; W81 wants a lesion in at least half). ``TUMOUR_PHYSIOLOGICAL`` centres
    a patch on tumour with a probability and else on uptake above the threshold that is no tumour (D11).
    ``BY_CLASS`` draws the class first, all that are present alike, so that small organs are seen as often as
    large ones. ``WHOLE`` takes the volume as it is (W71, W72).
    """

    POSITIVE_NEGATIVE = "positive_negative"
    TUMOUR_PHYSIOLOGICAL = "tumour_physiological"
    BY_CLASS = "by_class"
    WHOLE = "whole"


class Augmentation(StrEnum):
    """What is changed at random; ``TRIVIAL`` applies exactly one operation to a patch (D12)."""

    NONE = "none"
    TRIVIAL = "trivial"


@dataclass(frozen=True)
class SamplingSettings:
    """Patches and augmentation of a training.

    Parameters
    ----------
    patches_per_case : int
        Each time a case is visited (W65, W81: 4).
    patch : tuple of int or None
        ``(k, j, i)``; ``None`` is the manifest's.
    tumour_probability : float
        Of ``TUMOUR_PHYSIOLOGICAL`` (D11: 2/3).
    rotation_deg : float
        Largest angle about each axis (D12: 10).
    scale : tuple of float
        Smallest and largest factor of the sampling grid, drawn for each axis (D12: 0.9 to 1.4).
        Above 1 the body appears smaller.
    flip_axes : tuple of int
        Axes of ``(k, j, i)`` that the flip turns over, each with probability one half (D12: all). Models whose
        labels tell left from right leave out axis 2.
    has_channel_drop : bool
        Adds the operation that empties one tracer's channels (D13: tried, no gain).
    has_gamma_masks : bool
        Adds the operation that shrinks or grows masks by a gamma of the PET (D13: tried, no gain).
    misalignment_voxels : tuple of int
        Largest shift ``(k, j, i)`` of CT and organ channels against PET and labels, before all else; zeros for
        none.
    """

    rule: PatchRule = PatchRule.POSITIVE_NEGATIVE
    patches_per_case: int = 4
    patch: tuple[int, int, int] | None = None
    tumour_probability: float = 2 / 3
    augmentation: Augmentation = Augmentation.NONE
    rotation_deg: float = 10.0
    scale: tuple[float, float] = (0.9, 1.4)
    flip_axes: tuple[int, ...] = (0, 1, 2)
    has_channel_drop: bool = False
    has_gamma_masks: bool = False
    misalignment_voxels: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        if self.patches_per_case < 1:
            raise ValueError(f"patches_per_case must be at least 1, not {self.patches_per_case}")
        if not 0 <= self.tumour_probability <= 1:
            raise ValueError(f"tumour_probability must lie in 0 to 1, not {self.tumour_probability}")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale must be two growing positive factors, not {self.scale}")
        if any(axis not in (0, 1, 2) for axis in self.flip_axes):
            raise ValueError(f"flip_axes are of (k, j, i), 0 to 2, not {self.flip_axes}")
        if min(self.misalignment_voxels) < 0:
            raise ValueError(f"misalignment_voxels must not be negative: {self.misalignment_voxels}")
        if self.patch is not None and min(self.patch) < 1:
            raise ValueError(f"a patch needs three positive sizes, not {self.patch}")
