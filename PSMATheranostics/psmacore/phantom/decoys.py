"""Anatomy to the classic false lesions: ganglia, unspecific rib uptake, a healing fracture, urine in the ureter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from psmacore.phantom.anatomy import Anatomy
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.lesion_plan import PlannedLesion
from psmacore.phantom.pelvis_head_organs import ureter_course
from psmacore.phantom.shapes import Ellipsoid, Float64, ellipsoid, rotation_deg
from psmacore.phantom.skeleton import SIDES, rib_path
from psmacore.phantom.uptake import URETER_FOCUS_SUV, Tracer


class DecoyKind(StrEnum):
    """What a reader must not call a lesion."""

    GANGLION = "ganglion"
    RIB = "unspecific_rib_uptake"
    FRACTURE = "healing_fracture"
    URETER = "ureter_focus"


@dataclass(frozen=True, eq=False)
class Decoy:
    """A false lesion; ``suv_max`` is the highest noise-free value that the scanner is to show."""

    kind: DecoyKind
    site: str
    shape: Ellipsoid
    suv_max: float


# Ganglia in template coordinates: name, centre of the left one, half axes (mm).
_GANGLIA: tuple[tuple[str, tuple[float, float, float], tuple[float, float, float]], ...] = (
    ("coeliac_ganglion", (17, 6, 272), (3.6, 11.0, 8.5)),
    ("stellate_ganglion", (24, 30, 556), (4.6, 7.0, 10.0)),
    ("sacral_ganglion", (23, 52, 70), (5.0, 7.0, 9.3)),
)


def plan_decoys(
    seed: int, anatomy: Anatomy, tracer: Tracer, lesions: tuple[PlannedLesion, ...], date_index: int
) -> tuple[Decoy, ...]:
    """Return the false lesions of one date.

    Ganglia: PSMA tracers only, both sides, SUVmax 1.5 to 4, 1 to 2 ml (table of typical uptake). Unspecific rib
    uptake: two ribs, with PSMA-1007 four. One healing fracture of two neighbouring ribs, fading from date to date.
    Urine: none to two foci in each ureter, new on every date, and one at each lesion that touches a ureter.
    """
    person, date = random_stream(seed, "decoys", tracer), random_stream(seed, "decoys", tracer, date_index)
    result: list[Decoy] = []
    if tracer.is_psma:
        result += _ganglia(anatomy, person)
    result += _ribs(anatomy, tracer, person, date_index)
    return (*result, *_urine(anatomy, tracer, lesions, date))


def _ganglia(anatomy: Anatomy, rng: np.random.Generator) -> list[Decoy]:
    result = []
    for name, centre, radii in _GANGLIA:
        level = rng.uniform(1.5, 3.6)
        for word, side in SIDES:
            size = rng.uniform(0.92, 1.08)
            shape = ellipsoid(anatomy.frame.at(np.array(centre) * [side, 1, 1]), np.array(radii) * size)
            suv = float(np.clip(level * rng.uniform(0.85, 1.15), 1.5, 4.0))
            result.append(Decoy(DecoyKind.GANGLION, f"{name}_{word}", shape, suv))
    return result


def _rib_point(anatomy: Anatomy, rib: int, side: float, share: float) -> Float64:
    path = np.array(rib_path(rib, side))
    return anatomy.frame.at(path[round(share * (len(path) - 1))])


def _ribs(anatomy: Anatomy, tracer: Tracer, rng: np.random.Generator, date_index: int) -> list[Decoy]:
    result = []
    low, high = (1.5, 4.5) if tracer is Tracer.PSMA_1007 else (1.4, 3.4)
    for _ in range(4 if tracer is Tracer.PSMA_1007 else 2):
        word, side = SIDES[int(rng.integers(2))]
        rib, share = int(rng.integers(3, 10)), float(rng.uniform(0.3, 0.8))
        shape = ellipsoid(_rib_point(anatomy, rib, side, share), [4.5, 4.5, 4.5])
        result.append(Decoy(DecoyKind.RIB, f"rib_{word}_{rib}", shape, float(rng.uniform(low, high))))
    word, side = SIDES[int(rng.integers(2))]
    rib, share = int(rng.integers(5, 8)), float(rng.uniform(0.45, 0.6))
    level = float(rng.uniform(2.4, 4.2)) * 0.8**date_index
    for step in range(2):
        centre = _rib_point(anatomy, rib + step, side, share)
        shape = ellipsoid(centre, [6.5, 6.5, 6.5])
        result.append(Decoy(DecoyKind.FRACTURE, f"rib_{word}_{rib + step}", shape, level))
    return result


def _urine(
    anatomy: Anatomy, tracer: Tracer, lesions: tuple[PlannedLesion, ...], rng: np.random.Generator
) -> list[Decoy]:
    result = []
    low, high = URETER_FOCUS_SUV[tracer]
    for word, side in SIDES:
        course = np.array(ureter_course(side))
        for _ in range(int(rng.integers(0, 3))):
            at = float(rng.uniform(0.6, len(course) - 1.4))
            first = int(at)
            point = course[first] + (at - first) * (course[first + 1] - course[first])
            result.append(_focus(anatomy.frame.at(point), f"ureter_{word}", float(rng.uniform(low, high))))
    for lesion in lesions:
        if lesion.touches is not None and lesion.touches.startswith("ureter"):
            centre = np.array(next(state for state in lesion.states if state is not None).centre_mm)
            side = -1.0 if lesion.touches.endswith("right") else 1.0
            near = anatomy.frame.at(np.array(ureter_course(side)))
            fine = np.concatenate([np.linspace(a, b, 12) for a, b in pairwise(near)])
            point = fine[np.argmin(np.linalg.norm(fine - centre, axis=1))]
            result.append(_focus(point, lesion.touches, float(rng.uniform(low, 0.6 * high))))
    return result


def _focus(centre_mm: Float64, site: str, suv: float) -> Decoy:
    return Decoy(DecoyKind.URETER, site, ellipsoid(centre_mm, [3.2, 3.2, 9.0], rotation_deg(10, 8, 0)), suv)
