"""Anatomy to places where prostate cancer settles: points inside bones and organs, and beside vessels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from psmacore.phantom.anatomy import Anatomy
from psmacore.phantom.pelvis_head_organs import BLADDER_CENTRE, ureter_course
from psmacore.phantom.shapes import Float64
from psmacore.phantom.skeleton import VERTEBRAE


class LesionKind(StrEnum):
    """Where a lesion grows."""

    LOCAL = "local"
    NODE = "node"
    BONE = "bone"
    LIVER = "liver"
    LUNG = "lung"


@dataclass(frozen=True)
class Place:
    """A point in patient coordinates and the name of its site."""

    site: str
    centre_mm: Float64


# Share of the skeleton's lesions by bone.
_BONES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.40, tuple(f"vertebrae_{name}" for name in VERTEBRAE if not name.startswith("C"))),
    (0.03, ("vertebrae_C5", "vertebrae_C6", "vertebrae_C7")),
    (0.24, ("hip_left", "hip_right")),
    (0.10, ("sacrum",)),
    (0.13, tuple(f"rib_{side}_{rib}" for side in ("left", "right") for rib in range(2, 11))),
    (0.04, ("femur_left", "femur_right")),
    (0.02, ("humerus_left", "humerus_right")),
    (0.02, ("sternum",)),
    (0.02, ("scapula_left", "scapula_right")),
)

# Nodal chains in template coordinates: share, name, left and right, course.
_CHAINS: tuple[tuple[float, str, bool, tuple[tuple[float, float, float], ...]], ...] = (
    (0.16, "external_iliac_node", True, ((66, -10, 60), (74, -34, 34))),
    (0.16, "obturator_node", True, ((62, 4, 40), (60, -6, 26))),
    (0.13, "internal_iliac_node", True, ((48, 36, 92), (54, 42, 70))),
    (0.10, "common_iliac_node", True, ((26, 18, 138), (44, 18, 104))),
    (0.06, "presacral_node", True, ((14, 48, 66), (10, 56, 48))),
    (0.05, "mesorectal_node", True, ((26, 44, 26), (24, 46, 8))),
    (0.20, "retroperitoneal_node", True, ((19, -2, 176), (22, 2, 226))),
    (0.05, "retrocrural_node", True, ((10, 14, 296), (10, 18, 312))),
    (0.05, "mediastinal_node", True, ((16, 8, 444), (16, -2, 478))),
    (0.04, "supraclavicular_node", False, ((38, -18, 532), (46, -12, 538))),
)


def _inside(anatomy: Anatomy, name: str, depth_mm: float, rng: np.random.Generator) -> Float64 | None:
    """Return a point at least ``depth_mm`` below the surface of a structure, ``None`` where chance found none."""
    parts = anatomy.by_name[name].parts
    sizes = np.array([np.prod(np.maximum(part.bounds()[1] - part.bounds()[0], 1.0)) for part in parts])
    for _ in range(60):
        low, high = parts[int(rng.choice(len(parts), p=sizes / sizes.sum()))].bounds()
        point = rng.uniform(low, high)
        if anatomy.distance_mm(name, point) < -depth_mm:
            return np.asarray(point, dtype=np.float64)
    return None


def _choose(shares: list[float], rng: np.random.Generator) -> int:
    weights = np.array(shares)
    return int(rng.choice(len(shares), p=weights / weights.sum()))


def _bone(anatomy: Anatomy, rng: np.random.Generator) -> Place | None:
    names = _BONES[_choose([share for share, _ in _BONES], rng)][1]
    name = str(rng.choice(names))
    centre = _inside(anatomy, name, 1.5, rng)
    low, high = anatomy.z_range_mm
    if centre is None or not low + 25 < centre[2] < high - 25:
        return None
    return Place(name, centre)


def _node(anatomy: Anatomy, rng: np.random.Generator) -> Place:
    _, name, is_paired, course = _CHAINS[_choose([chain[0] for chain in _CHAINS], rng)]
    start, end = np.array(course[0]), np.array(course[1])
    point = start + rng.uniform() * (end - start) + rng.normal(0, 2.5, 3)
    side = "left"
    if is_paired and rng.random() < 0.5:
        point, side = point * [-1, 1, 1], "right"
    return Place(f"{name}_{side}", anatomy.frame.at(point))


def _organ(anatomy: Anatomy, name: str, depth_mm: float, rng: np.random.Generator) -> Place | None:
    centre = _inside(anatomy, name, depth_mm, rng)
    return None if centre is None else Place(name, centre)


def draw_place(anatomy: Anatomy, kind: LesionKind, radius_mm: float, rng: np.random.Generator) -> Place | None:
    """Return a place for a lesion of ``kind``, or ``None`` where this try failed."""
    if kind is LesionKind.BONE:
        return _bone(anatomy, rng)
    if kind is LesionKind.NODE:
        return _node(anatomy, rng)
    if kind is LesionKind.LOCAL:
        return _organ(anatomy, "prostate", 0.35 * radius_mm + 2.0, rng)
    if kind is LesionKind.LIVER:
        return _organ(anatomy, "liver", 0.8 * radius_mm + 6.0, rng)
    lungs = ("lung_upper_lobe_left", "lung_lower_lobe_left", "lung_upper_lobe_right", "lung_lower_lobe_right")
    return _organ(anatomy, str(rng.choice(lungs)), radius_mm + 4.0, rng)


@dataclass(frozen=True)
class Contact:
    """A place against an organ of the urinary tract, held at every date whatever the organ's filling.

    ``along`` runs from 0 to 1 down the ureter; ``direction`` points from the organ to the lesion.
    """

    organ: str
    along: float
    direction: tuple[float, float, float]

    def place(self, anatomy: Anatomy, radius_mm: float, gap_mm: float = 0.5) -> Place:
        """Return the centre at which a lesion of ``radius_mm`` comes within ``gap_mm`` of the organ."""
        unit = np.array(self.direction) / np.linalg.norm(self.direction)
        start = anatomy.frame.at(self._anchor())
        reach = next(
            step for step in np.arange(0.0, 120.0, 0.25)
            if anatomy.distance_mm(self.organ, start + step * unit) >= radius_mm + gap_mm
        )  # fmt: skip
        return Place(f"beside_{self.organ}", np.asarray(start + reach * unit, dtype=np.float64))

    def anchor(self, anatomy: Anatomy) -> Float64:
        """Return the organ's point that the lesion lies against, in patient coordinates."""
        return anatomy.frame.at(self._anchor())

    def _anchor(self) -> Float64:
        if self.organ == "urinary_bladder":
            return BLADDER_CENTRE
        if self.organ.startswith("kidney"):
            side = -1.0 if self.organ.endswith("right") else 1.0
            return np.array([side * 66.0, 44.0, 222.0 if side < 0 else 236.0])
        course = np.array(ureter_course(-1.0 if self.organ.endswith("right") else 1.0))
        at = self.along * (len(course) - 1)
        first = min(int(at), len(course) - 2)
        return np.asarray(course[first] + (at - first) * (course[first + 1] - course[first]), dtype=np.float64)


def draw_contacts(rng: np.random.Generator) -> Iterator[Contact]:
    """Yield places against bladder, ureter and kidney in turn, without end."""
    while True:
        side = float(rng.choice([-1.0, 1.0]))
        yield Contact("urinary_bladder", 0.0, (0.55 * side, 0.62, -0.35))
        word = "left" if rng.random() < 0.5 else "right"
        outward = 1.0 if word == "left" else -1.0
        yield Contact(f"ureter_{word}", float(rng.uniform(0.42, 0.62)), (-0.9 * outward, 0.35, 0.0))
        word = "left" if rng.random() < 0.5 else "right"
        outward = 1.0 if word == "left" else -1.0
        yield Contact(f"kidney_{word}", 0.0, (-1.0 * outward, -0.55, 0.3))
