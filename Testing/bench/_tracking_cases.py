"""A seed to a simulated course of lesions with its truth: ellipsoids on bones and nodes, merging, splitting, fading.

The lesions of a date are drawn on a 4 mm grid of their own, and what touches is one lesion, so that merges and splits
come about as in a segmentation. Where a study lies against the first one is known but for an error, smooth through
the body and different for each lesion.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PSMATheranostics"), str(ROOT)]

from psmacore.longitudinal.dated import DatedLesions, UptakeLeft  # noqa: E402
from psmacore.model.codes import Code  # noqa: E402
from psmacore.model.lesions import Lesion, LesionState  # noqa: E402
from Testing.bench._tracking_tumours import (  # noqa: E402
    N_DATES,
    VOXEL_MM,
    Points,
    Tumour,
    draw_tumours,
    radius_of,
)

ERROR_MM = 2.5  # median, of every date but the first
_FADED_SUV = 2.0
_BACKGROUND_SUV = 0.9


@dataclass(frozen=True, eq=False)
class SimulatedDate:
    """One date.

    Parameters
    ----------
    tumours_of : mapping of str to frozenset of int
        Which tumours each segmented lesion holds.
    faint : mapping of int to numpy.ndarray
        Where tumours lie whose uptake fell below the threshold, in the study's world.
    """

    lesions: tuple[Lesion, ...]
    voxels_mm: Mapping[str, Points]
    tumours_of: Mapping[str, frozenset[int]]
    faint: Mapping[int, Points]
    error_mm: Points


@dataclass(frozen=True, eq=False)
class SimulatedCourse:
    """All dates of one simulated man."""

    seed: int
    tumours: tuple[Tumour, ...]
    dates: tuple[SimulatedDate, ...]

    def studies(self, *, with_images: bool) -> tuple[DatedLesions, ...]:
        """Return what matching is given: with voxels and PET, or only what results.json holds."""
        return tuple(
            DatedLesions(
                study_uid=f"2.25.{self.seed}{number + 1}",
                date=f"2025{3 * number + 1:02d}15",
                lesions=tuple(one for one in date.lesions if one.state.counts or not with_images),
                voxels_lps_mm=date.voxels_mm if with_images else {},
                probe=_FaintProbe(date) if with_images else None,
            )
            for number, date in enumerate(self.dates)
        )


@dataclass(frozen=True, eq=False)
class _FaintProbe:
    """Reads the uptake that the simulation left."""

    date: SimulatedDate

    def left_at(self, points_lps_mm: Points) -> UptakeLeft:
        centre = points_lps_mm.mean(axis=0)
        reach = np.linalg.norm(points_lps_mm - centre, axis=1).max() + 4.0
        is_left = any(np.linalg.norm(place - centre) <= reach for place in self.date.faint.values())
        suv = _FADED_SUV if is_left else _BACKGROUND_SUV
        return UptakeLeft(suv * 1.2, suv, suv, _BACKGROUND_SUV, 0.1)


def simulate_course(seed: int, *, n_tumours: int | None = None) -> SimulatedCourse:
    """Return a course of four dates; ``n_tumours`` are drawn, 5 to 60, where they are not given."""
    rng = np.random.default_rng([seed, 611])
    n_tumours = int(rng.integers(5, 61)) if n_tumours is None else n_tumours
    tumours = draw_tumours(n_tumours, rng)
    dates = [_drawn(seed, number, tumours, _Errors(ERROR_MM if number else 0.0, rng), rng) for number in range(N_DATES)]
    return SimulatedCourse(seed, tuple(tumours), tuple(dates))


class _Errors:
    """Registration errors of one date: half smooth over the body, half of each place's own; the median is as asked."""

    def __init__(self, median_mm: float, rng: np.random.Generator) -> None:
        self._rng = rng
        self._sigma = median_mm / 1.5382 / np.sqrt(2.0)
        self._waves = rng.normal(size=(3, 8, 3)) * (2.0 * np.pi / 400.0)
        self._phases = rng.uniform(0, 2.0 * np.pi, (3, 8))

    def at(self, place_mm: Points) -> Points:
        """Return the error of a place, mm."""
        smooth = np.cos(self._waves @ place_mm + self._phases).sum(axis=1) / np.sqrt(4.0)
        return np.asarray(self._sigma * (smooth + self._rng.normal(size=3)))


def _drawn(
    seed: int, number: int, tumours: Sequence[Tumour], errors: _Errors, rng: np.random.Generator
) -> SimulatedDate:
    """Draw one date: voxels of each tumour, those that touch as one lesion."""
    offset = rng.uniform(0.0, VOXEL_MM, 3)
    drawn: dict[int, NDArray[np.int64]] = {}
    faint: dict[int, Points] = {}
    moved: list[Points] = []
    for index, tumour in enumerate(tumours):
        fate = tumour.fates[number]
        if fate is None or (fate.volume_ml == 0.0 and not fate.is_faint):
            continue
        error = errors.at(tumour.centre_mm)
        moved.append(error)
        centre = tumour.centre_on(number) + error
        if fate.is_faint:
            faint[index] = centre
        else:
            drawn[index] = _voxels(centre, tumour.axes * radius_of(fate.volume_ml), offset)
    lesions: list[Lesion] = []
    voxels_mm: dict[str, Points] = {}
    tumours_of: dict[str, frozenset[int]] = {}
    for group in _touching(drawn):
        cells = np.unique(np.concatenate([drawn[index] for index in group]), axis=0)
        largest = max(group, key=lambda index: len(drawn[index]))
        lesion = _lesion(seed, number, len(lesions) + 1, cells * VOXEL_MM + offset, _site(tumours[largest], rng))
        lesions.append(lesion)
        voxels_mm[lesion.tracking_uid] = cells * VOXEL_MM + offset
        tumours_of[lesion.tracking_uid] = frozenset(group)
    for index, place in faint.items():
        below = _lesion(seed, number, len(lesions) + 1, place[None], tumours[index].site)
        lesions.append(replace(below, state=LesionState.BELOW_THRESHOLD, suv_max=_FADED_SUV))
    order = rng.permutation(len(lesions))
    return SimulatedDate(tuple(lesions[n] for n in order), voxels_mm, tumours_of, faint, np.array(moved).reshape(-1, 3))


def _voxels(centre: Points, axes_mm: Points, offset: Points) -> NDArray[np.int64]:
    """Return the cells whose centres lie in an ellipsoid; at least the one that holds its centre."""
    middle = np.round((centre - offset) / VOXEL_MM).astype(np.int64)
    reach = int(np.linalg.norm(axes_mm, axis=0).max() / VOXEL_MM) + 2
    steps = np.arange(-reach, reach + 1)
    cells = middle + np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.linalg.norm((cells * VOXEL_MM + offset - centre) @ np.linalg.inv(axes_mm).T, axis=1) <= 1.0
    return np.asarray(cells[inside]) if inside.any() else middle[None]


def _touching(drawn: Mapping[int, NDArray[np.int64]]) -> list[list[int]]:
    """Return the tumours that make one lesion: 26-connected cells."""
    group = {index: index for index in drawn}

    def top(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    around = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    owner: dict[tuple[int, ...], int] = {}
    for index, cells in drawn.items():
        for cell in map(tuple, np.unique((cells[:, None] + around).reshape(-1, 3), axis=0).tolist()):
            if cell in owner:
                group[top(owner[cell])] = top(index)
        owner |= dict.fromkeys(map(tuple, cells.tolist()), index)
    members: dict[int, list[int]] = defaultdict(list)
    for index in drawn:
        members[top(index)].append(index)
    return list(members.values())


def _lesion(seed: int, number: int, order: int, points_mm: Points, site: Code) -> Lesion:
    volume_ml = len(points_mm) * VOXEL_MM**3 / 1000.0
    centre = points_mm.mean(axis=0)
    return Lesion(
        tracking_uid=f"2.25.{seed}{number + 1}{order:03d}", tracking_id=f"D{number + 1}-{order}", segment_number=order,
        state=LesionState.UNCONFIRMED, site=site, volume_ml=volume_ml, suv_max=9.0, suv_mean=6.0, suv_peak=7.0,
        suv_peak_hottest=7.0, tl_psma_ml=6.0 * volume_ml, short_axis_mm=None,
        centroid_lps_mm=(float(centre[0]), float(centre[1]), float(centre[2])), n_voxels=len(points_mm),
    )  # fmt: skip


def _site(tumour: Tumour, rng: np.random.Generator) -> Code:
    """Return the site that a finder would name: in one of twenty another one nearby."""
    if rng.random() < 0.05:
        return Code("59441001", "SCT", "Lymph node")
    return tumour.site
