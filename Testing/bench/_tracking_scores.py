"""A simulated course and what was found of it to links and fates that are right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from psmacore.longitudinal.dated import DatedLesions
from psmacore.model.lesions import Lesion
from psmacore.model.tracks import LesionTrack, TrackState
from Testing.bench._tracking_cases import SimulatedCourse

Spot = tuple[int, str]
WITHIN_MM = 15.0


@dataclass(frozen=True)
class Story:
    """What became of the lesions of a course.

    Parameters
    ----------
    links : frozenset of (Spot, Spot)
        Lesions of two dates that are one.
    fates : mapping of (Spot, int) to TrackState
        For a lesion and its own date its state there; for a lesion and the next date, what its absence there means.
    """

    links: frozenset[tuple[Spot, Spot]]
    fates: Mapping[tuple[Spot, int], TrackState]


@dataclass(frozen=True)
class Score:
    """How much of the truth was found; ``add`` several courses' scores by ``sum_of``."""

    n_right_links: int
    n_found_links: int
    n_true_links: int
    right: Counter[TrackState]
    true: Counter[TrackState]

    @property
    def links_f1(self) -> float:
        """Harmonic mean of precision and recall of links."""
        return 2.0 * self.n_right_links / max(self.n_found_links + self.n_true_links, 1)

    @property
    def fates_right(self) -> float:
        """Part of all fates that is right."""
        return self.right.total() / max(self.true.total(), 1)

    def part_right(self, state: TrackState) -> float:
        """Return the part of one kind of fate that is right."""
        return self.right[state] / max(self.true[state], 1)


def score(found: Story, truth: Story) -> Score:
    """Compare what was found with the truth."""
    right = Counter(state for key, state in truth.fates.items() if found.fates.get(key) is state)
    return Score(
        len(found.links & truth.links), len(found.links), len(truth.links), right, Counter(truth.fates.values())
    )


def sum_of(scores: Iterable[Score]) -> Score:
    """Return the score of all courses together."""
    every = list(scores)
    return Score(
        sum(one.n_right_links for one in every),
        sum(one.n_found_links for one in every),
        sum(one.n_true_links for one in every),
        sum((one.right for one in every), Counter()),
        sum((one.true for one in every), Counter()),
    )


def truth_of(course: SimulatedCourse) -> Story:
    """Return the true story."""
    at = [{tumour: uid for uid, held in date.tumours_of.items() for tumour in held} for date in course.dates]
    links: set[tuple[Spot, Spot]] = set()
    for tumour in range(len(course.tumours)):
        seen = [(date, at[date][tumour]) for date in range(len(at)) if tumour in at[date]]
        links |= set(pairwise(seen))
    fates: dict[tuple[Spot, int], TrackState] = {}
    for date in range(1, len(at)):
        for uid, held in course.dates[date].tumours_of.items():
            fates[(date, uid), date] = _true_state((date, uid), held, links, course)
        for uid, held in course.dates[date - 1].tumours_of.items():
            if not any(tumour in at[date] for tumour in held):
                is_faint = any(tumour in course.dates[date].faint for tumour in held)
                state = TrackState.BELOW_THRESHOLD if is_faint else TrackState.RESOLVED
                fates[(date - 1, uid), date] = state
    return Story(frozenset(links), fates)


def _true_state(spot: Spot, held: frozenset[int], links: set[tuple[Spot, Spot]], course: SimulatedCourse) -> TrackState:
    before = [earlier for earlier, later in links if later == spot]
    if len(before) > 1:
        return TrackState.MERGED
    if not before:
        was_faint = any(tumour in course.dates[0].faint for tumour in held)
        return TrackState.PRESENT if was_faint else TrackState.NEW
    n_parts = sum(earlier == before[0] for earlier, _later in links)
    return TrackState.SPLIT if n_parts > 1 else TrackState.PRESENT


def story_of(tracks: Sequence[LesionTrack]) -> Story:
    """Return the story that tracks tell."""
    links: set[tuple[Spot, Spot]] = set()
    fates: dict[tuple[Spot, int], TrackState] = {}
    by_uid = {track.tracking_uid: track for track in tracks}
    for track in tracks:
        seen = _seen(track)
        links |= set(pairwise(seen))
        if track.split_from is not None:
            stem = [spot for spot in _seen(by_uid[track.split_from]) if spot[0] < seen[0][0]]
            links.add((stem[-1], seen[0]))
        for spot in seen:
            fates[spot, spot[0]] = _state(track, spot[0])
            if spot[0] + 1 < len(track.points) and not _state(track, spot[0] + 1).is_seen:
                fates[spot, spot[0] + 1] = _state(track, spot[0] + 1)
    return Story(frozenset(links), fates)


def _seen(track: LesionTrack) -> list[Spot]:
    return [
        (date, point.lesion)
        for date, point in enumerate(track.points)
        if point is not None and point.lesion is not None and point.state.is_seen
    ]


def _state(track: LesionTrack, date: int) -> TrackState:
    point = track.points[date]
    if point is None:
        raise ValueError(f"track {track.tracking_id} has no point at date {date}")
    return point.state


def nearest_centroid(studies: Sequence[DatedLesions]) -> Story:
    """Return the story of nearest-centroid matching: each lesion is the nearest one of the date before within 15 mm."""
    links: set[tuple[Spot, Spot]] = set()
    fates: dict[tuple[Spot, int], TrackState] = {}
    for date in range(1, len(studies)):
        before = [one for one in studies[date - 1].lesions if one.state.counts]
        nearest = {one.tracking_uid: _nearest(one, before) for one in studies[date].lesions if one.state.counts}
        n_linked = Counter(nearest.values())
        for uid, other in nearest.items():
            state = TrackState.NEW
            if other is not None:
                links.add(((date - 1, other), (date, uid)))
                state = TrackState.SPLIT if n_linked[other] > 1 else TrackState.PRESENT
            fates[(date, uid), date] = state
        for one in before:
            if not n_linked[one.tracking_uid]:
                fates[(date - 1, one.tracking_uid), date] = TrackState.RESOLVED
    return Story(frozenset(links), fates)


def _nearest(lesion: Lesion, others: Sequence[Lesion]) -> str | None:
    apart = [(math.dist(lesion.centroid_lps_mm, one.centroid_lps_mm), one.tracking_uid) for one in others]
    nearest = min(apart, default=(math.inf, ""))
    return nearest[1] if nearest[0] <= WITHIN_MM else None
