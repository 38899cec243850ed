"""A stream of random numbers to simulated tumours: where each begins, its shape, and its size on every date.

They lie on the spine, on ribs, in the pelvis and along the vessels, many next to another; some pairs grow together or
part, others fade below the threshold, vanish or appear.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PSMATheranostics")]

from psmacore.model.codes import Code  # noqa: E402

Points = NDArray[np.float64]
N_DATES = 4
VOXEL_MM = 4.0
_CLOSE = 0.6  # of the tumours are put next to another where there is room


class Fate(NamedTuple):
    """Volume in ml and whether uptake is left, of a lesion on one date; no volume: it is not segmented."""

    volume_ml: float
    is_faint: bool = False


@dataclass(frozen=True, eq=False)
class Tumour:
    """One simulated lesion: where it begins, its shape for a radius of 1, and its fates (``None``: not yet there)."""

    centre_mm: Points
    axes: Points
    site: Code
    drift: Points
    fates: tuple[Fate | None, ...]

    def centre_on(self, date: int) -> Points:
        """Return its centre, which drifts as it grows and shrinks to one side."""
        first = next(fate for fate in self.fates if fate is not None)
        fate = self.fates[date] or first
        return self.centre_mm + self.drift * (radius_of(fate.volume_ml) - radius_of(first.volume_ml))


def draw_tumours(n: int, rng: np.random.Generator) -> list[Tumour]:
    """Return tumours; some in pairs that will merge, or that begin as one and split."""
    made: list[Tumour] = []
    while len(made) < n:
        kind = rng.random()
        if kind < 0.07 and len(made) + 2 <= n:
            made += _pair(rng, is_merge=True)
        elif kind < 0.14 and len(made) + 2 <= n:
            made += _pair(rng, is_merge=False)
        else:
            made.append(_single(made, rng))
    return made


def _single(others: Sequence[Tumour], rng: np.random.Generator) -> Tumour:
    volume_ml = float(np.clip(np.exp(rng.normal(np.log(1.2), 1.0)), 0.2, 60.0))
    if others and rng.random() < _CLOSE:
        small_ml = min(volume_ml, float(rng.uniform(0.2, 1.0)))
        for other in (others[number] for number in rng.permutation(np.repeat(np.arange(len(others)), 6))):
            centre = other.centre_mm + _direction(rng) * rng.uniform(9.0, 15.0)
            if _is_free(centre, radius_of(small_ml), others):
                return _tumour(centre, other.site, small_ml, rng)
    for _ in range(200):
        centre, site = _place(rng)
        if _is_free(centre, radius_of(volume_ml) + 4.0, others):
            break
    return _tumour(centre, site, volume_ml, rng)


def _is_free(centre: Points, radius_mm: float, others: Sequence[Tumour]) -> bool:
    return all(np.linalg.norm(centre - one.centre_mm) > radius_mm + _first_radius(one) + VOXEL_MM for one in others)


def _tumour(centre: Points, site: Code, volume_ml: float, rng: np.random.Generator) -> Tumour:
    drift = _direction(rng) * rng.uniform(0.0, 0.5)
    return Tumour(centre, _axes(rng), site, drift, _fates(volume_ml, rng))


def _fates(volume_ml: float, rng: np.random.Generator) -> tuple[Fate | None, ...]:
    first = int(rng.integers(1, N_DATES)) if rng.random() < 0.15 else 0
    fates: list[Fate | None] = [None] * first + [Fate(volume_ml)]
    seen = volume_ml
    while len(fates) < N_DATES:
        last, draw = fates[-1], rng.random()
        if last is not None and last.volume_ml == 0.0 and not last.is_faint:
            fates.append(last)
        elif last is not None and last.is_faint:
            fates.append(Fate(seen) if draw < 0.4 else last if draw < 0.8 else Fate(0.0))
        elif draw < 0.06:
            fates.append(Fate(0.0))
        elif draw < 0.12:
            fates.append(Fate(0.0, is_faint=True))
        else:
            seen = float(np.clip(seen * np.exp(rng.normal(-0.1, 0.4)), 0.15, 80.0))
            fates.append(Fate(seen))
    return tuple(fates)


def _pair(rng: np.random.Generator, *, is_merge: bool) -> list[Tumour]:
    """Return two tumours side by side that touch from one date on, or until one date."""
    centre, site = _place(rng)
    change = int(rng.integers(1, N_DATES))
    sizes = np.exp(rng.normal(np.log(1.5), 0.7, 2))
    radii = np.array([radius_of(size) for size in sizes])
    axis = _direction(rng)
    gap = radii.sum() + rng.uniform(5.0, 7.0)
    grown = ((gap + rng.uniform(1.0, 3.0)) / radii.sum()) ** 3
    small, large = ([Fate(float(size * k)) for size in sizes] for k in (1.0, grown))
    result = []
    for number, side in enumerate((-0.5, 0.5)):
        first, last = (small, large) if is_merge else (large, small)
        fates = tuple((first if date < change else last)[number] for date in range(N_DATES))
        result.append(Tumour(centre + side * gap * axis, np.eye(3), site, np.zeros(3), fates))
    return result


def _place(rng: np.random.Generator) -> tuple[Points, Code]:
    """Return a place on the spine, a rib, the pelvis or along the vessels, LPS in mm, with its site."""
    draw, side = rng.random(), 1 if rng.random() < 0.5 else -1
    word = "left" if side > 0 else "right"
    if draw < 0.3:
        level = int(rng.integers(0, 17))
        at = np.array([0.0, 50.0, 30.0 * level]) + rng.uniform((-20, -15, -12), (20, 15, 12))
        return at, Code(f"5{level:07d}", "SCT", f"Vertebra {level}")
    if draw < 0.5:
        number, angle = int(rng.integers(1, 13)), rng.uniform(0.2, 2.9)
        at = np.array([side * 140 * np.sin(angle), 95 * np.cos(angle), 190 + 24.0 * number - 20 * np.sin(angle)])
        return at, Code("113197003", "SCT", f"Rib {number} {word}")
    if draw < 0.7:
        angle = rng.uniform(0.0, 2.5)
        at = np.array([side * (30 + 90 * np.sin(angle)), 60 * np.cos(angle), rng.uniform(-130, -20)])
        return at, Code("22356005", "SCT", f"Ilium {word}")
    height = rng.uniform(-120, 330)
    at = np.array([side * (15 + max(-height, 0) * 0.35), 15.0, height]) + rng.normal(0, 7, 3)
    code = (
        ("65349008", f"External iliac lymph node {word}") if height < 0 else ("91394001", "Retroperitoneal lymph node")
    )
    return at, Code(code[0], "SCT", code[1])


def _axes(rng: np.random.Generator) -> Points:
    """Return the half axes of an ellipsoid of the unit ball's volume, as columns, turned at random."""
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    stretch = np.exp(rng.normal(0.0, 0.18, 3))
    return np.asarray(turned * (stretch / np.prod(stretch) ** (1 / 3)))


def _direction(rng: np.random.Generator) -> Points:
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def _first_radius(tumour: Tumour) -> float:
    return radius_of(next(fate.volume_ml for fate in tumour.fates if fate is not None))


def radius_of(volume_ml: float) -> float:
    return float((750.0 * volume_ml / np.pi) ** (1 / 3))
