"""The lesions of all dates of a course to one track for each lesion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from psmacore.longitudinal.absence import doubt_of_new, earlier_uptake, faint_point, missing_point, segments_aside
from psmacore.longitudinal.dated import DatedLesions
from psmacore.longitudinal.identity import identities
from psmacore.longitudinal.likelihood import Placed
from psmacore.longitudinal.links import Links, Spot
from psmacore.longitudinal.matching import link_lesions, placed_lesions
from psmacore.longitudinal.relink import LesionKey, RelinkLog, Unapplied, relinked
from psmacore.longitudinal.threads import Joints, Thread, joints_of, threads_of
from psmacore.model.tracks import LesionTrack, TrackPoint, TrackState


@dataclass(frozen=True)
class FollowedCourse:
    """Every lesion of a course, followed.

    Parameters
    ----------
    study_uids : tuple of str
        The time points, in the order of each track's points.
    tracks : tuple of LesionTrack
        In the order in which the lesions were first seen.
    unapplied : tuple of Unapplied
        Corrections in force that the course gives no place for: to be shown to the reader.
    """

    study_uids: tuple[str, ...]
    tracks: tuple[LesionTrack, ...]
    unapplied: tuple[Unapplied, ...] = ()


def follow_lesions(
    studies: Sequence[DatedLesions], *, log: RelinkLog | None = None, known: Sequence[LesionTrack] = ()
) -> FollowedCourse:
    """Match the lesions of all dates into tracks.

    Lesions that are rejected, excluded or mere candidates take no part; one below the threshold does, but begins no
    track unless it is seen at another date.

    Parameters
    ----------
    studies : sequence of DatedLesions
        In order of date (:func:`psmacore.longitudinal.dated.in_order_of_date`). One date gives a track of one point
        for each lesion; dates without lesions give points of lesions of other dates only.
    log : RelinkLog, optional
        A reader's corrections; applied after matching, each time anew.
    known : sequence of LesionTrack
        Tracks of the course as it was saved, whose UIDs and names are to be kept.

    Raises
    ------
    InputRefusedError
        If the studies are not in order of date.
    GeometryError
        If a lesion has no finite place.
    """
    links = link_lesions(studies)
    spots = {
        Spot(date, uid): placed for date, study in enumerate(studies) for uid, placed in placed_lesions(study).items()
    }
    links, unapplied = relinked(links, log or RelinkLog(), _by_key(studies, spots))
    joints = joints_of(links.links)
    threads = [thread for thread in threads_of(spots, joints) if any(_counts(spots, s) for s in thread.spots.values())]
    threads.sort(key=lambda thread: min(date for date, spot in thread.spots.items() if _counts(spots, spot)))
    names = identities(
        [[(studies[date].study_uid, spot.lesion) for date, spot in sorted(one.spots.items())] for one in threads],
        known,
    )
    uids = {id(thread): name.tracking_uid for thread, name in zip(threads, names, strict=True)}
    course = _Course(tuple(studies), tuple(segments_aside(study) for study in studies), spots, links, joints)
    tracks = tuple(
        LesionTrack(
            tracking_uid=name.tracking_uid,
            tracking_id=name.tracking_id,
            site=max((spots[spot].lesion for spot in _seen(spots, thread)), key=lambda one: one.volume_ml).site,
            points=course.points(thread),
            split_from=None if thread.split_from is None else uids.get(id(thread.split_from)),
        )
        for thread, name in zip(threads, names, strict=True)
    )
    return FollowedCourse(tuple(study.study_uid for study in studies), tracks, unapplied)


@dataclass(frozen=True, eq=False)
class _Course:
    """What the points of a track are told from."""

    studies: tuple[DatedLesions, ...]
    aside: tuple[tuple[Placed, ...], ...]
    spots: Mapping[Spot, Placed]
    links: Links
    joints: Joints

    def points(self, thread: Thread) -> tuple[TrackPoint | None, ...]:
        """Return the points of a thread, one for each date."""
        points: list[TrackPoint | None] = [None] * len(self.studies)
        first = min(thread.spots)
        last = thread.spots[first]
        for date in range(first, len(self.studies)):
            spot = thread.spots.get(date)
            points[date] = self._missing(last, thread, date) if spot is None else self._present(spot)
            last = last if spot is None else spot
        if first > 0 and thread.split_from is None:
            self._look_back(points, thread.spots[first])
            self._tell_new(points, thread)
        return tuple(points)

    def _present(self, spot: Spot) -> TrackPoint:
        lesion = self.spots[spot].lesion
        before = self.joints.before.get(spot, ())
        doubts = [link.doubt for link in before if link.doubt]
        hands = [link.by_hand for link in before if link.by_hand]
        if not before:
            doubts += [self.links.new_doubts[spot]] if spot in self.links.new_doubts else []
            hands += [self.links.new_by_hand[spot]] if spot in self.links.new_by_hand else []
        reason = "; ".join(dict.fromkeys((*hands, *doubts)))
        if not lesion.state.counts:
            return replace(faint_point(lesion), is_uncertain=bool(doubts), reason=reason)
        return TrackPoint(
            self._state(spot), lesion.tracking_uid, lesion.volume_ml, lesion.suv_max, lesion.suv_mean, lesion.suv_peak,
            is_uncertain=bool(doubts), reason=reason,
        )  # fmt: skip

    def _state(self, spot: Spot) -> TrackState:
        if self.joints.is_merged(spot):
            return TrackState.MERGED
        if self.joints.is_split(spot):
            return TrackState.SPLIT
        return TrackState.PRESENT if spot.date == 0 or spot in self.joints.before else TrackState.NEW

    def _missing(self, last: Spot, thread: Thread, date: int) -> TrackPoint:
        seen = max((s for s in _seen(self.spots, thread) if s.date <= last.date), default=last)
        point = missing_point(self.spots[seen].extent, self.studies[date], self.aside[date])
        doubt = self.links.gone_doubts.get((last, date), "")
        if not doubt:
            return point
        return replace(point, is_uncertain=True, reason="; ".join(filter(None, (doubt, point.reason))))

    def _look_back(self, points: list[TrackPoint | None], spot: Spot) -> None:
        """Add the dates just before at which the PET shows the lesion already, unless a reader says that it is new."""
        if spot in self.links.new_by_hand:
            return
        for date in range(spot.date - 1, -1, -1):
            points[date] = earlier_uptake(self.spots[spot].extent, self.studies[date])
            if points[date] is None:
                return

    def _tell_new(self, points: list[TrackPoint | None], thread: Thread) -> None:
        """Set the state at which it was first seen: new, unless it was below the threshold from the first date on."""
        spot = min(_seen(self.spots, thread))
        seen = points[spot.date]
        if seen is None or self.joints.is_merged(spot):
            return
        if points[0] is not None:
            points[spot.date] = replace(seen, state=TrackState.PRESENT)
            return
        before, aside = self.studies[spot.date - 1], self.aside[spot.date - 1]
        doubt = "" if spot in self.links.new_by_hand else doubt_of_new(self.spots[spot].extent, before, aside)
        reason = "; ".join(filter(None, (seen.reason, doubt)))
        points[spot.date] = replace(
            seen, state=TrackState.NEW, is_uncertain=seen.is_uncertain or bool(doubt), reason=reason
        )


def _by_key(studies: Sequence[DatedLesions], spots: Iterable[Spot]) -> dict[LesionKey, Spot]:
    """Return the lesions by the words of corrections; those of a study that is given twice have no clear ones."""
    n_given = Counter(study.study_uid for study in studies)
    keys = ((LesionKey(studies[spot.date].study_uid, spot.lesion), spot) for spot in spots)
    return {key: spot for key, spot in keys if n_given[key.study_uid] == 1}


def _counts(spots: Mapping[Spot, Placed], spot: Spot) -> bool:
    return spots[spot].lesion.state.counts


def _seen(spots: Mapping[Spot, Placed], thread: Thread) -> list[Spot]:
    return [spot for spot in thread.spots.values() if _counts(spots, spot)]
