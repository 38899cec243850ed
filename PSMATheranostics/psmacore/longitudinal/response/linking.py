"""Lesion tracks to what each lesion was and is at two dates, merged and split ones together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psmacore.model.lesions import Lesion
from psmacore.model.tracks import LesionTrack, TrackPoint, TrackState

_TRACK = -1  # in place of a date, where tracks are held together and not lesions


@dataclass(frozen=True, eq=False)
class LinkedLesion:
    """Lesions of two dates that are the same disease: tracks that share one or split.

    Parameters
    ----------
    tracks : tuple of LesionTrack
        One, or several where lesions merged or split.
    start, end : int
        Indices of the two dates.
    before, after : tuple of Lesion
        Lesions that count at the two dates; empty where none is segmented.
    new : tuple of str
        Tracking UIDs of its tracks that are new since the earlier date, one for each lesion.
    """

    tracks: tuple[LesionTrack, ...]
    start: int
    end: int
    before: tuple[Lesion, ...]
    after: tuple[Lesion, ...]
    new: tuple[str, ...]

    @property
    def track_uids(self) -> tuple[str, ...]:
        """Tracking UIDs of its tracks."""
        return tuple(track.tracking_uid for track in self.tracks)

    @property
    def name(self) -> str:
        """Its tracks' IDs, for readers."""
        return " + ".join(track.tracking_id for track in self.tracks)

    @property
    def before_ml(self) -> float:
        """Volume at the earlier date."""
        return sum(lesion.volume_ml for lesion in self.before)

    @property
    def after_ml(self) -> float:
        """Volume at the later date."""
        return sum(lesion.volume_ml for lesion in self.after)

    @property
    def is_known(self) -> bool:
        """Whether it was there at the earlier date, segmented or below the threshold."""
        return any(is_there(track.points[self.start]) for track in self.tracks)

    @property
    def start_points(self) -> tuple[TrackPoint, ...]:
        """Its tracks at the earlier date, as far as they were there."""
        return tuple(point for track in self.tracks if (point := track.points[self.start]) is not None)

    @property
    def end_points(self) -> tuple[TrackPoint, ...]:
        """Its tracks at the later date."""
        return tuple(point for track in self.tracks if (point := track.points[self.end]) is not None)


def link_lesions(
    tracks: Sequence[LesionTrack], start: int, end: int, before: Iterable[Lesion], after: Iterable[Lesion]
) -> tuple[LinkedLesion, ...]:
    """Return what became of each lesion between two dates.

    Parameters
    ----------
    tracks : sequence of LesionTrack
        Of the course.
    start, end : int
        Indices of the two dates.
    before, after : iterable of Lesion
        Lesions that count at these dates.

    Returns
    -------
    tuple of LinkedLesion
        One for each group of tracks, in the order of the tracks; none for tracks that begin after ``end``.
    """
    earlier, later = ({lesion.tracking_uid: lesion for lesion in lesions} for lesions in (before, after))
    new = {track.tracking_uid for track in new_tracks(tracks, start, end, later.values())}
    links = []
    for group in _groups(tracks, start, end):
        uids = [_lesions_at(group, index) for index in (start, end)]
        links.append(
            LinkedLesion(
                tuple(group),
                start,
                end,
                tuple(earlier[uid] for uid in uids[0] if uid in earlier),
                tuple(later[uid] for uid in uids[1] if uid in later),
                tuple(track.tracking_uid for track in group if track.tracking_uid in new),
            )
        )
    return tuple(links)


def new_tracks(
    tracks: Iterable[LesionTrack], start: int, end: int, lesions: Iterable[Lesion]
) -> tuple[LesionTrack, ...]:
    """Return the tracks that are new at a date, one for each lesion.

    New is what is seen and counts at ``end`` and had no uptake at ``start``: the track began in between, or had
    resolved. What fell below the threshold and rose again is not new, nor what split off a known lesion
    (STANDARDS D.3: no equivalent at baseline).

    Parameters
    ----------
    tracks : iterable of LesionTrack
        Of the course.
    start, end : int
        Indices of the two dates.
    lesions : iterable of Lesion
        Lesions that count at ``end``.
    """
    counting = {lesion.tracking_uid for lesion in lesions}
    everything = tuple(tracks)
    by_uid = {track.tracking_uid: track for track in everything}
    found: dict[str, LesionTrack] = {}
    for track in everything:
        lesion = _lesion_at(track, end)
        if lesion in counting and not _has_origin(track, start, by_uid):
            found.setdefault(lesion, track)
    return tuple(found.values())


def is_there(point: TrackPoint | None) -> bool:
    """Return whether a track has uptake at a date, segmented or below the threshold."""
    return point is not None and point.state is not TrackState.RESOLVED


def _has_origin(track: LesionTrack, start: int, by_uid: Mapping[str, LesionTrack]) -> bool:
    """Return whether a track, or what it split off, had uptake at a date."""
    asked: set[str] = set()
    while track.points[start] is None and track.tracking_uid not in asked:
        asked.add(track.tracking_uid)
        parent = by_uid.get(track.split_from or "")
        if parent is None:
            first = next((point for point in track.points if point is not None), None)
            return first is not None and first.state is TrackState.SPLIT
        track = parent
    return is_there(track.points[start])


def _lesion_at(track: LesionTrack, index: int) -> str:
    """Return the tracking UID of a track's lesion; empty where none is segmented."""
    point = track.points[index]
    return "" if point is None or not point.state.is_seen or point.lesion is None else point.lesion


def _lesions_at(group: Iterable[LesionTrack], index: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(uid for track in group if (uid := _lesion_at(track, index))))


def _groups(tracks: Sequence[LesionTrack], start: int, end: int) -> list[list[LesionTrack]]:
    """Return the tracks that began by ``end``, those of one lesion at either date together: shared, or split off."""
    groups: list[tuple[list[int], set[tuple[int, str]]]] = []
    for number, track in enumerate(tracks):
        if all(point is None for point in track.points[: end + 1]):
            continue
        held = {(index, uid) for index in (start, end) if (uid := _lesion_at(track, index))}
        held.add((_TRACK, track.tracking_uid))
        if track.split_from is not None and track.points[start] is None:
            held.add((_TRACK, track.split_from))
        sharing = [group for group in groups if group[1] & held]
        groups = [group for group in groups if not group[1] & held]
        numbers = sorted(one for members, _ in sharing for one in members)
        groups.append(([*numbers, number], held.union(*(keys for _, keys in sharing))))
    return [[tracks[number] for number in numbers] for numbers, _ in sorted(groups, key=lambda group: group[0])]
