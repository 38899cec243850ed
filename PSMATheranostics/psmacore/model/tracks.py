"""One lesion through all of a patient's time points."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from psmacore.model.codes import Code


class TrackState(StrEnum):
    """What became of a lesion at a time point, compared with the time point before.

    ``MERGED`` and ``SPLIT`` are of the time point at which it happened: a merged lesion is the same one in two or
    more tracks, a split one is followed by two or more tracks from then on. Afterwards they are ``PRESENT``.
    """

    NEW = "new"
    PRESENT = "present"
    RESOLVED = "resolved"
    BELOW_THRESHOLD = "below_threshold"
    MERGED = "merged"
    SPLIT = "split"

    @property
    def is_seen(self) -> bool:
        """Whether a segmented lesion stands for the track at this time point."""
        return self not in (TrackState.RESOLVED, TrackState.BELOW_THRESHOLD)


@dataclass(frozen=True)
class TrackPoint:
    """A track at one time point.

    Parameters
    ----------
    state : TrackState
        What became of it.
    lesion : str or None
        Tracking UID of the time point's lesion; ``None`` where none is segmented. Below the threshold it is that of
        a segment kept as ``LesionState.BELOW_THRESHOLD``, which enters no volume.
    volume_ml, suv_max, suv_mean, suv_peak : float or None
        Of that lesion, SUVbw in g/ml. Below the threshold: volume 0 and what uptake is left at its place, ``None``
        where the images are not at hand. Resolved: volume 0, uptake as far as it is known.
    is_uncertain : bool
        Whether a reader should look: another assignment was nearly as good, the sites disagree, or nothing shows what
        is left at the place.
    reason : str
        Why it is uncertain, what vouches for the state, or who linked it by hand; empty otherwise.
    """

    state: TrackState
    lesion: str | None
    volume_ml: float
    suv_max: float | None
    suv_mean: float | None
    suv_peak: float | None
    is_uncertain: bool = False
    reason: str = ""


@dataclass(frozen=True)
class LesionTrack:
    """A lesion followed through a course.

    Parameters
    ----------
    tracking_uid : str
        Of the track; that of the lesion that it began with, so that it stays the same whenever it is matched again.
    tracking_id : str
        Name for readers, such as ``L3``; unique in the course.
    site : Code
        Of the lesion where it was largest.
    points : tuple of TrackPoint or None
        One for each time point of the course, in order of date; ``None`` before the lesion appeared.
    split_from : str or None
        Tracking UID of the track that it came off when a lesion split; ``None`` for all others.
    """

    tracking_uid: str
    tracking_id: str
    site: Code
    points: tuple[TrackPoint | None, ...]
    split_from: str | None = None
