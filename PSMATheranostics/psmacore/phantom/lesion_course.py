"""A lesion's size and uptake at the start to its course over all dates, and to the tissue behind the image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import ndtri


class Fate(StrEnum):
    """What became of a lesion since the date before."""

    BASELINE = "baseline"
    APPEARED = "appeared"
    GROWN = "grown"
    SHRUNK = "shrunk"
    STABLE = "stable"
    BELOW_THRESHOLD = "below_threshold"
    VANISHED = "vanished"


def radius_of(size_ml: float) -> float:
    """Return the radius in mm of a sphere of ``size_ml``."""
    return float((3000.0 * size_ml / (4.0 * np.pi)) ** (1.0 / 3.0))


# Fate, volume in ml, SUVmax.
Step = tuple[Fate, float, float]


@dataclass(frozen=True)
class SizeRule:
    """From the lesion that the image is to show to the tumour tissue that shows so.

    ``sigma_mm`` is the blur of scanner and voxel; ``threshold_suv`` the level at which volumes are read.
    """

    sigma_mm: float
    threshold_suv: float

    def highest_suv(self, shown_ml: float) -> float:
        """Return the highest SUV that a point can show without spreading beyond ``shown_ml`` at the threshold."""
        return self.threshold_suv * float(np.exp(radius_of(shown_ml) ** 2 / (2 * self.sigma_mm**2)))

    def tissue_ml(self, shown_ml: float, suv_max: float) -> float:
        """Return the tissue's volume: the edge of a blurred body shifts outwards where the threshold is below half."""
        share = float(np.clip(self.threshold_suv / suv_max, 0.02, 0.9))
        radius = radius_of(shown_ml) - self.sigma_mm * float(ndtri(1.0 - share))
        return float(4.0 / 3.0 * np.pi * max(radius, 1.6) ** 3 / 1000.0)


def draw_steps(
    n_dates: int, size: float, suv: float, *, is_core: bool, rng: np.random.Generator
) -> tuple[Step | None, ...]:
    """Draw volume and SUVmax in the image on every date; ``None`` before the lesion appears. The core never fades."""
    first = 0
    if not is_core and n_dates > 1 and rng.random() < 0.22:
        first = int(rng.integers(1, n_dates))
    steps: list[Step | None] = [None] * first
    steps.append((Fate.BASELINE if first == 0 else Fate.APPEARED, size, suv))
    for _ in range(first + 1, n_dates):
        last = steps[-1]
        steps.append(_next(last, is_core=is_core, rng=rng) if last is not None else None)
    return tuple(steps)


def _next(last: Step, *, is_core: bool, rng: np.random.Generator) -> Step:
    fate, size, suv = last
    if fate is Fate.VANISHED:
        return last
    draw = rng.random()
    if draw < 0.30:
        return (
            Fate.GROWN,
            min(size * float(rng.uniform(1.35, 2.2)), 80.0),
            min(suv * float(rng.uniform(1.0, 1.4)), 80.0),
        )
    if draw < 0.55:
        return Fate.STABLE, size * float(rng.uniform(0.93, 1.07)), suv * float(rng.uniform(0.93, 1.07))
    if draw < 0.82 or is_core:
        floor = min(6.0, suv) if is_core else 1.0
        return (
            Fate.SHRUNK,
            max(size * float(rng.uniform(0.45, 0.75)), 0.4 if is_core else 0.15),
            max(suv * float(rng.uniform(0.5, 0.85)), floor),
        )
    return Fate.VANISHED, 0.0, 0.0


def as_tissue(step: Step, rule: SizeRule) -> Step:
    """Return the step with the tissue's volume in place of the image's, and an SUVmax that the volume allows."""
    fate, shown, suv = step
    if fate is Fate.VANISHED:
        return step
    suv = min(suv, rule.highest_suv(shown))
    return fate, rule.tissue_ml(shown, suv), suv
