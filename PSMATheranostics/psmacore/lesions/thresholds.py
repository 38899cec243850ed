"""A threshold rule to the SUV that a voxel must reach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import InputRefusedError
from psmacore.lesions.physiology import BONES
from psmacore.lesions.reference import LiverSphere, liver_sphere
from psmacore.model.volumes import OrganMap, SuvVolume

PSMA_SUV = 3.0  # DEEP-PSMA challenge, Peter MacCallum Cancer Centre
SUV_4 = 4.0  # fixed-threshold convention
QPSMA_BONE_SUV = 3.0  # qPSMA: Gafita et al., EJNMMI Research 2019;9:35
QPSMA_LIVER_CONSTANT = 4.30  # same


class RuleKind(StrEnum):
    """The threshold rules by their name in results."""

    PSMA_FIXED = "psma_fixed"
    FDG_LIVER = "fdg_liver"
    PERCENT_41 = "percent_41"
    PERCENT_50 = "percent_50"
    LIVER_PSMA = "liver_psma"
    SUV_4 = "suv_4"
    LIVER_MEAN = "liver_mean"

    @property
    def needs_liver(self) -> bool:
        """Whether the rule reads the liver's uptake."""
        return self in (RuleKind.FDG_LIVER, RuleKind.LIVER_PSMA, RuleKind.LIVER_MEAN)

    @property
    def fraction_of_max(self) -> float | None:
        """The part of a component's SUVmax that its outline is drawn at; ``None`` for the other rules."""
        return {RuleKind.PERCENT_41: 0.41, RuleKind.PERCENT_50: 0.50}.get(self)


@dataclass(frozen=True)
class ThresholdRule:
    """A rule with its one number.

    Parameters
    ----------
    kind : RuleKind
        Which rule.
    fixed_suv : float
        SUVbw in g/ml. ``psma_fixed``: the threshold. ``percent_41`` and ``percent_50``: the SUV at which
        components are found before each is outlined at its own percentage. The other rules ignore it.

    Raises
    ------
    InputRefusedError
        If ``fixed_suv`` is not a positive number.
    """

    kind: RuleKind
    fixed_suv: float = PSMA_SUV

    def __post_init__(self) -> None:
        if not (np.isfinite(self.fixed_suv) and self.fixed_suv > 0):
            raise InputRefusedError(f"a threshold must be a positive SUV, not {self.fixed_suv!r}")


@dataclass(frozen=True)
class Threshold:
    """A rule worked out for one study, SUVbw in g/ml.

    Parameters
    ----------
    rule : ThresholdRule
        The rule.
    suv : float
        What a voxel must reach (outside bone, for ``liver_psma``).
    bone_suv : float
        What a voxel of bone must reach; equal to ``suv`` but for ``liver_psma``.
    liver : LiverSphere or None
        The reference that was measured, where an organ map with a liver is at hand.
    """

    rule: ThresholdRule
    suv: float
    bone_suv: float
    liver: LiverSphere | None

    @property
    def lowest_suv(self) -> float:
        """The lowest SUV that the rule accepts anywhere: the one number that results store."""
        return min(self.suv, self.bone_suv)

    def accepts(self, suv: SuvVolume, organs: OrganMap | None) -> NDArray[np.bool_]:
        """Return the voxels at or above the threshold, ``(k, j, i)``, bool."""
        accepted = suv.values >= np.float32(self.suv)
        if self.bone_suv != self.suv and organs is not None:
            is_bone = organs.mask(*BONES)
            accepted[is_bone] = suv.values[is_bone] >= np.float32(self.bone_suv)
        return np.asarray(accepted, dtype=np.bool_)


def default_rule(is_fdg: bool) -> ThresholdRule:
    """Return the rule for a tracer: FDG liver mean + 2 SD, PSMA ligands SUV 3.0 (REQUIREMENTS D02)."""
    return ThresholdRule(RuleKind.FDG_LIVER if is_fdg else RuleKind.PSMA_FIXED)


def resolve(rule: ThresholdRule, suv: SuvVolume, organs: OrganMap | None) -> Threshold:
    """Work a rule out for one study.

    Parameters
    ----------
    rule : ThresholdRule
        The rule.
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap or None
        On the grid of ``suv``; needed by the rules that read the liver.

    Returns
    -------
    Threshold
        With the liver's reference where the rule reads it.

    Raises
    ------
    InputRefusedError
        If the rule reads the liver and the map is absent or has none that a 3 cm sphere fits in.

    References
    ----------
    ``psma_fixed``: DEEP-PSMA challenge; ``fdg_liver``: the same challenge, liver mean + 2 SD in a 3 cm
    sphere; ``liver_psma``: qPSMA, Gafita et al., EJNMMI Research 2019;9:35, bone SUV 3 and soft tissue
    4.30 / SUVmean x (SUVmean + SD) of the liver; 41 % and 50 %: Boellaard et al., EJNMMI 2015;42:328.
    """
    if not rule.kind.needs_liver:
        value = SUV_4 if rule.kind is RuleKind.SUV_4 else rule.fixed_suv
        return Threshold(rule, value, value, None)
    if organs is None:
        raise InputRefusedError(f"threshold rule {rule.kind.value} needs an organ map with the liver; none was given")
    liver = liver_sphere(suv, organs)
    if liver.suv_mean <= 0:
        raise InputRefusedError(f"threshold rule {rule.kind.value}: the liver's SUVmean is {liver.suv_mean:.3g}")
    if rule.kind is RuleKind.LIVER_PSMA:
        soft = QPSMA_LIVER_CONSTANT / liver.suv_mean * (liver.suv_mean + liver.suv_sd)
        return Threshold(rule, soft, QPSMA_BONE_SUV, liver)
    value = liver.suv_mean + 2.0 * liver.suv_sd if rule.kind is RuleKind.FDG_LIVER else liver.suv_mean
    return Threshold(rule, value, value, liver)
