"""Time points, tracks and readings to a checked course that response criteria can be asked about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from psmacore.errors import UsageError
from psmacore.longitudinal.response.checks import require_course, study_day
from psmacore.longitudinal.response.linking import LinkedLesion, link_lesions, new_tracks
from psmacore.model.clinical import ClinicalCourse
from psmacore.model.lesions import Lesion
from psmacore.model.readings import Readings
from psmacore.model.suv import SuvType
from psmacore.model.timepoint import Timepoint
from psmacore.model.tracks import LesionTrack
from psmacore.suv.tracer import is_fdg


@dataclass(frozen=True)
class VolumeAtThreshold:
    """A study's whole-body tumour volume (ml) were it read at another threshold (SUVbw in g/ml)."""

    threshold_suv: float
    psma_tv_ml: float


@dataclass(frozen=True)
class StudySupplement:
    """What is known of a study's measurements beside its time point.

    Parameters
    ----------
    study_uid : str
        Which study.
    suv_type : SuvType
        What its lesions were measured in.
    volumes : tuple of VolumeAtThreshold
        For the question whether the category hangs on the threshold.
    """

    study_uid: str
    suv_type: SuvType = SuvType.BW
    volumes: tuple[VolumeAtThreshold, ...] = ()


@dataclass(frozen=True, eq=False)
class ResponseCourse:
    """A patient's course, checked.

    Parameters
    ----------
    timepoints : tuple of Timepoint
        In order of date and time.
    tracks : tuple of LesionTrack
        Each with one point for each time point.
    readings : Readings
        What readers stated.
    clinical : ClinicalCourse or None
        ``None`` where no clinical data were given.
    supplements : tuple of StudySupplement
        Studies without one are measured in SUVbw.

    Raises
    ------
    InputRefusedError
        If the time points are of different patients, out of order, without a date or the same study twice; if a
        volume is no number from 0; or if the tracks do not belong to them.
    """

    timepoints: tuple[Timepoint, ...]
    tracks: tuple[LesionTrack, ...]
    readings: Readings = field(default_factory=Readings)
    clinical: ClinicalCourse | None = None
    supplements: tuple[StudySupplement, ...] = ()

    def __post_init__(self) -> None:
        require_course(self.timepoints, self.tracks, self.readings.joined, self.clinical)

    def day(self, index: int) -> date:
        """Return the date of a time point's study."""
        return study_day(self.timepoints[index])

    def supplement(self, index: int) -> StudySupplement:
        """Return what is known beside a time point; SUVbw and no volumes where nothing was given."""
        uid = self.timepoints[index].study.uid
        return next((one for one in self.supplements if one.study_uid == uid), StudySupplement(uid))

    def baseline(self, index: int) -> int:
        """Return the study before therapy that a time point is held against: the reader's, else the first.

        FDG studies have their own baseline.
        """
        wanted = is_fdg(self.timepoints[index].tracer)
        family = [at for at, one in enumerate(self.timepoints) if is_fdg(one.tracer) == wanted]
        chosen = [at for at in family if self.timepoints[at].study.uid == self.readings.baseline_study_uid]
        return (chosen or family)[0]

    def counting(self, index: int) -> tuple[Lesion, ...]:
        """Return the lesions of a time point that enter its totals."""
        return tuple(lesion for lesion in self.timepoints[index].lesions if lesion.state.counts)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two time points of a course, with what became of each lesion.

    Parameters
    ----------
    course : ResponseCourse
        The whole.
    start, end : int
        Indices of the earlier and the later time point.
    tracks : tuple of LesionTrack
        The tracks that are looked at.
    links : tuple of LinkedLesion
        Their lesions at the two dates.
    before_ml, after_ml : float or None
        Whole-body tumour volume; ``None`` where the study has no totals.
    """

    course: ResponseCourse
    start: int
    end: int
    tracks: tuple[LesionTrack, ...]
    links: tuple[LinkedLesion, ...]
    before_ml: float | None
    after_ml: float | None

    @property
    def earlier(self) -> Timepoint:
        """The earlier time point."""
        return self.course.timepoints[self.start]

    @property
    def later(self) -> Timepoint:
        """The later time point."""
        return self.course.timepoints[self.end]

    @property
    def start_day(self) -> date:
        """Date of the earlier study."""
        return self.course.day(self.start)

    @property
    def end_day(self) -> date:
        """Date of the later study."""
        return self.course.day(self.end)

    @property
    def days(self) -> int:
        """Days between the two."""
        return (self.end_day - self.start_day).days

    @property
    def new_links(self) -> tuple[LinkedLesion, ...]:
        """Lesions with a track that is new since the earlier time point."""
        return tuple(link for link in self.links if link.new)

    @property
    def new_uids(self) -> tuple[str, ...]:
        """Tracking UIDs of the new tracks, one for each new lesion."""
        return tuple(uid for link in self.links for uid in link.new)

    @property
    def change_pct(self) -> float | None:
        """Change of the tumour volume; ``None`` where it is not known or was 0."""
        if self.before_ml is None or self.after_ml is None:
            return None
        return percent_change(self.before_ml, self.after_ml)

    def without(self, link: LinkedLesion) -> Comparison:
        """Return the comparison as it would be, were a lesion not there."""
        gone = set(link.track_uids)
        return Comparison(
            self.course,
            self.start,
            self.end,
            tuple(track for track in self.tracks if track.tracking_uid not in gone),
            tuple(other for other in self.links if other is not link),
            None if self.before_ml is None else max(self.before_ml - link.before_ml, 0.0),
            None if self.after_ml is None else max(self.after_ml - link.after_ml, 0.0),
        )

    def new_since(self, start: int, end: int) -> tuple[LesionTrack, ...]:
        """Return the tracks that are new between any two time points, one for each lesion."""
        return new_tracks(self.tracks, start, end, self.course.counting(end))


def compare(course: ResponseCourse, start: int, end: int) -> Comparison:
    """Return two time points of a course side by side.

    Raises
    ------
    UsageError
        If ``start`` is not before ``end``, or one of them is none of the course's.
    """
    if not 0 <= start < end < len(course.timepoints):
        raise UsageError(
            f"a comparison goes from an earlier to a later time point, not from {start} to {end} of "
            f"{len(course.timepoints)}"
        )
    totals = course.timepoints[start].totals, course.timepoints[end].totals
    return Comparison(
        course,
        start,
        end,
        course.tracks,
        link_lesions(course.tracks, start, end, course.counting(start), course.counting(end)),
        *(None if one is None else one.psma_tv_ml for one in totals),
    )


def percent_change(before: float, after: float) -> float | None:
    """Return ``(after - before) / before`` in %, rounded to 1e-9; ``None`` where ``before`` is 0.

    Rounded before it is compared with a limit, so that 70 of 100 ml is a fall of 30 % (STANDARDS D.3).
    """
    return None if before == 0 else round((after - before) / before * 100.0, 9)
