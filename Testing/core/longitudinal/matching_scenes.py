"""Places, sizes and sites in a few words to the studies of a course: simulated lesions in one common frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from psmacore.longitudinal.dated import DatedLesions, UptakeLeft
from psmacore.longitudinal.tracks import FollowedCourse
from psmacore.model.codes import Code
from psmacore.model.geometry import FloatArray
from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.tracks import LesionTrack, TrackPoint
from Testing.timepoints import make_lesion

ILIUM = Code("22356005", "SCT", "Ilium left")
NODE = Code("65349008", "SCT", "External iliac lymph node left")
PLACES = ((0.0, 0.0, 0.0), (60.0, 0.0, 0.0), (0.0, 60.0, 0.0), (0.0, 0.0, 60.0), (60.0, 60.0, 60.0))
VOXEL_MM = 2.0


@dataclass(frozen=True)
class Spec:
    """A lesion in a few words."""

    place_mm: Sequence[float] = PLACES[0]
    volume_ml: float = 1.0
    site: Code = ILIUM
    state: LesionState = LesionState.UNCONFIRMED
    alternative: Code | None = None


def a_lesion(uid: str, spec: Spec) -> Lesion:
    """Return the lesion that a spec tells of."""
    x, y, z = spec.place_mm
    return replace(
        make_lesion(1, spec.state), tracking_uid=uid, tracking_id=f"id-{uid}", site=spec.site, volume_ml=spec.volume_ml,
        centroid_lps_mm=(float(x), float(y), float(z)), site_alternative=spec.alternative,
    )  # fmt: skip


def a_study(number: int, **specs: Spec) -> DatedLesions:
    """Return the study of one month; the names of the specs are the lesions' UIDs."""
    lesions = tuple(a_lesion(uid, spec) for uid, spec in specs.items())
    return DatedLesions(f"2.25.90{number}", f"2026{number:02d}01", lesions)


def with_voxels(study: DatedLesions, *boxes_of: tuple[str, Sequence[tuple[Sequence[float], float]]]) -> DatedLesions:
    """Return the study with the voxels of lesions, each a union of balls of a centre and a radius in mm."""
    voxels = {uid: np.unique(np.concatenate([_ball(*ball) for ball in balls]), axis=0) for uid, balls in boxes_of}
    measured = tuple(
        replace(
            lesion,
            volume_ml=len(voxels[lesion.tracking_uid]) * VOXEL_MM**3 / 1000.0,
            centroid_lps_mm=tuple(voxels[lesion.tracking_uid].mean(axis=0).tolist()),
        )
        if lesion.tracking_uid in voxels
        else lesion
        for lesion in study.lesions
    )
    return replace(study, lesions=measured, voxels_lps_mm=voxels)


def _ball(centre: Sequence[float], radius_mm: float) -> FloatArray:
    steps = np.arange(-np.ceil(radius_mm / VOXEL_MM), np.ceil(radius_mm / VOXEL_MM) + 1) * VOXEL_MM
    around = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(around[np.linalg.norm(around, axis=1) <= radius_mm] + np.asarray(centre), dtype=np.float64)


@dataclass(frozen=True)
class KnownUptake:
    """A PET of which the uptake at some places is known; elsewhere it is at background."""

    answers: Mapping[tuple[float, float, float], UptakeLeft] = field(default_factory=dict)

    def left_at(self, points_lps_mm: FloatArray) -> UptakeLeft:
        """Return what is known within 8 mm of the middle of the place."""
        middle = points_lps_mm.mean(axis=0)
        for place, answer in self.answers.items():
            if np.linalg.norm(middle - np.array(place)) < 8.0:
                return answer
        return UptakeLeft(1.0, 0.9, 0.95, 0.9, 0.1)


GLOWING = UptakeLeft(suv_max=2.8, suv_mean=2.2, suv_peak=2.5, background_suv=0.9, background_sd=0.1)


def states(track: LesionTrack) -> list[str | None]:
    """Return the states of a track."""
    return [None if point is None else point.state.value for point in track.points]


def track_of(course: FollowedCourse, uid: str) -> LesionTrack:
    """Return the first track that holds a lesion."""
    return next(t for t in course.tracks if any(p is not None and p.lesion == uid for p in t.points))


def point_of(track: LesionTrack, date: int) -> TrackPoint:
    """Return a point that must be there."""
    point = track.points[date]
    assert point is not None
    return point
