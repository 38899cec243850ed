"""A seed to a man's build: height, weight, fat, and the scale of his anatomy against the template."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from psmacore.phantom.shapes import Capsule, Ellipsoid, Float64, ellipsoid, tube

TEMPLATE_HEIGHT_M = 1.75
Points = Sequence[Sequence[float] | Float64] | Float64


def random_stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the random numbers of one purpose, so that a change in one part leaves the others as they are."""
    keys = [zlib.crc32(str(word).encode()) for word in purpose]
    return np.random.default_rng([seed, *keys])


@dataclass(frozen=True)
class Habitus:
    """A man's build.

    Parameters
    ----------
    height_m, weight_kg : float
        Body measures; the weight is that of the first date.
    age_y : int
        Age at the first date.
    scale : tuple of float
        Stretch of the template (1.75 m) along x, y and z.
    fat_mm : float
        Subcutaneous fat at the waist.
    belly_mm : float
        How far visceral fat pushes the front of the abdomen out.
    """

    height_m: float
    weight_kg: float
    age_y: int
    scale: tuple[float, float, float]
    fat_mm: float
    belly_mm: float


def draw_habitus(seed: int) -> Habitus:
    """Draw a man: height 1.76 ± 0.07 m, body mass index 27 ± 3.5 within 20 to 37 kg/m2, 55 to 85 years."""
    rng = random_stream(seed, "habitus")
    height = float(np.clip(rng.normal(1.76, 0.07), 1.60, 1.94))
    bmi = float(np.clip(rng.normal(27.0, 3.5), 20.0, 37.0))
    wide = float(1.0 + 0.004 * (bmi - 26) + rng.normal(0, 0.015))
    tall = height / TEMPLATE_HEIGHT_M
    return Habitus(
        height_m=round(height, 2),
        weight_kg=round(bmi * height**2, 1),
        age_y=int(rng.integers(55, 86)),
        scale=(tall**0.5 * wide, tall**0.5 * wide, tall),
        fat_mm=float(np.clip(4.0 + 1.7 * (bmi - 20) * rng.uniform(0.8, 1.2), 3.0, 40.0)),
        belly_mm=float(np.clip(2.8 * (bmi - 21) * rng.uniform(0.7, 1.3), 0.0, 60.0)),
    )


class Frame:
    """Template measures (mm, man of 1.75 m) to one man's shapes.

    The origin lies midway between the hip joints; x runs to the left, y to the back, z to the head.
    """

    def __init__(self, habitus: Habitus, rng: np.random.Generator) -> None:
        self.habitus = habitus
        self.scale: Float64 = np.asarray(habitus.scale, dtype=np.float64)
        self._girth = float(np.sqrt(self.scale[0] * self.scale[1]))
        self._rng = rng

    def at(self, points_mm: ArrayLike) -> Float64:
        """Return template points, ``(3,)`` or ``(n, 3)``, in this man."""
        return np.asarray(points_mm, dtype=np.float64) * self.scale

    def ball(self, centre_mm: ArrayLike, radii_mm: ArrayLike, axes: Float64 | None = None) -> Ellipsoid:
        """Return a template ellipsoid in this man."""
        return ellipsoid(self.at(centre_mm), np.asarray(radii_mm, dtype=np.float64) * self.scale, axes)

    def organ(
        self, centre_mm: ArrayLike, radii_mm: ArrayLike, axes: Float64 | None = None, *, vary: float = 0.07
    ) -> Ellipsoid:
        """Return an ellipsoid that varies between men: size by ``vary`` (1 SD), place by 3 mm."""
        size = np.clip(self._rng.normal(1.0, vary, 3), 1 - 2 * vary, 1 + 2 * vary)
        moved = np.asarray(centre_mm, dtype=np.float64) + np.clip(self._rng.normal(0, 3.0, 3), -5, 5)
        return self.ball(moved, np.asarray(radii_mm, dtype=np.float64) * size, axes)

    def pipe(
        self, points_mm: Points, radii_mm: float | tuple[float, ...], *, step_mm: float = 12.0
    ) -> tuple[Capsule, ...]:
        """Return a template tube in this man."""
        radii = radii_mm * self._girth if isinstance(radii_mm, (int, float)) else [r * self._girth for r in radii_mm]
        points = np.array([list(point) for point in points_mm], dtype=np.float64)
        return tube(self.at(points), radii, step_mm=step_mm)
