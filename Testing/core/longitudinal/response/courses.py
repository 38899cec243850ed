"""Courses with known answers for the tests of response: simulated, a few numbers a lesion, no images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from psmacore.lesions.site_codes import NodeStation, organ_code
from psmacore.longitudinal.response.course import Comparison, ResponseCourse, compare
from psmacore.model.clinical import ClinicalCourse, LabResult, TherapyCycle
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, PROSTATE
from psmacore.model.timepoint import Study, Timepoint
from psmacore.model.tracks import LesionTrack, TrackPoint, TrackState
from Testing.timepoints import make_lesion, make_timepoint, totals_of

BONE = organ_code(ORGAN_NUMBERS["sacrum"])
NODE = NodeStation.PARA_AORTIC.site()
PELVIC = NodeStation.OBTURATOR.site("left")
GLAND = organ_code(PROSTATE)
HEPATIC = organ_code(LIVER)
BASELINE = date(2026, 1, 5)
TWELVE_WEEKS = 84


@dataclass(frozen=True)
class Seen:
    """A lesion at one date; ``same_as`` names the track whose lesion it is, for merged ones."""

    volume_ml: float
    suv_max: float = 12.0
    suv_peak: float = 10.0
    suv_mean: float = 6.0
    state: LesionState = LesionState.CONFIRMED
    track_state: TrackState | None = None
    same_as: str | None = None
    doubt: str = ""


@dataclass(frozen=True)
class Unseen:
    """A track at a date at which no lesion of it is segmented."""

    suv_max: float | None = None
    suv_peak: float | None = None
    track_state: TrackState = TrackState.BELOW_THRESHOLD
    doubt: str = ""


BELOW = Unseen()
GONE = Unseen(track_state=TrackState.RESOLVED)
Entry = Seen | Unseen | float | None


def study_uid(index: int) -> str:
    return f"2.25.{900 + index}"


def track_uid(name: str) -> str:
    return f"2.25.{sum(ord(letter) * 1000**place for place, letter in enumerate(name))}"


def lesion_uid(name: str, index: int) -> str:
    return f"{track_uid(name)}.{index}"


def make_course(
    tracks: Mapping[str, Sequence[Entry]],
    *,
    days: Sequence[int] = (0, TWELVE_WEEKS),
    sites: Mapping[str, Code] | None = None,
    split_from: Mapping[str, str] | None = None,
    changed: Mapping[int, Mapping[str, Any]] | None = None,
    **more: Any,
) -> ResponseCourse:
    """Return a course: a number is a lesion's volume in ml, ``None`` a lesion not there yet; ``changed`` by date."""
    places = sites or {}
    timepoints = []
    for index, day in enumerate(days):
        lesions = [
            _lesion(name, index, number, seen, places.get(name, BONE))
            for number, (name, entries) in enumerate(tracks.items(), 1)
            if (seen := _seen(entries[index])) is not None and seen.same_as is None
        ]
        timepoints.append(replace(_timepoint(index, day, lesions), **(changed or {}).get(index, {})))
    made = tuple(
        LesionTrack(
            track_uid(name),
            name,
            places.get(name, BONE),
            tuple(_point(name, index, entries) for index in range(len(days))),
            None if name not in (split_from or {}) else track_uid((split_from or {})[name]),
        )
        for name, entries in tracks.items()
    )
    return ResponseCourse(tuple(timepoints), made, **more)


def make_pair(tracks: Mapping[str, Sequence[Entry]], **more: Any) -> Comparison:
    """Return the first and the last date of a course side by side."""
    course = make_course(tracks, **more)
    return compare(course, 0, len(course.timepoints) - 1)


def clinical(*psa: tuple[int, float], cycles: Sequence[int] = ()) -> ClinicalCourse:
    """Return PSA values (ng/ml) and cycles by days since baseline."""
    return ClinicalCourse(
        tuple(TherapyCycle(BASELINE + timedelta(day), 7.4, "[177Lu]Lu-PSMA-617") for day in cycles),
        tuple(LabResult(BASELINE + timedelta(day), psa_ng_ml=value) for day, value in psa),
    )


def _seen(entry: Entry) -> Seen | None:
    if isinstance(entry, Seen):
        return entry
    return Seen(float(entry)) if isinstance(entry, int | float) else None


def _lesion(name: str, index: int, number: int, seen: Seen, site: Code) -> Lesion:
    return replace(
        make_lesion(number, seen.state),
        tracking_uid=lesion_uid(name, index),
        site=site,
        mi_tnm=None,
        volume_ml=seen.volume_ml,
        suv_max=seen.suv_max,
        suv_peak=seen.suv_peak,
        suv_mean=seen.suv_mean,
        tl_psma_ml=seen.volume_ml * seen.suv_mean,
    )


def _timepoint(index: int, day: int, lesions: Sequence[Lesion]) -> Timepoint:
    made = make_timepoint(0)
    when = f"{BASELINE + timedelta(day):%Y%m%d}"
    return replace(
        made,
        study=Study(study_uid(index), when, "093000", "PSMA PET/CT"),
        pet_series_uid=f"{study_uid(index)}.1",
        lesions=tuple(lesions),
        totals=totals_of(lesions),
    )


def _point(name: str, index: int, entries: Sequence[Entry]) -> TrackPoint | None:
    entry = entries[index]
    if entry is None:
        return None
    if isinstance(entry, Unseen):
        return TrackPoint(
            entry.track_state, None, 0.0, entry.suv_max, None, entry.suv_peak, bool(entry.doubt), entry.doubt
        )
    seen = _seen(entry)
    assert seen is not None
    is_first = index > 0 and all(earlier is None for earlier in entries[:index])
    state = seen.track_state or (TrackState.NEW if is_first else TrackState.PRESENT)
    uid = lesion_uid(seen.same_as or name, index)
    return TrackPoint(
        state, uid, seen.volume_ml, seen.suv_max, seen.suv_mean, seen.suv_peak, bool(seen.doubt), seen.doubt
    )
