"""A lesion that is not segmented at a date to whether it has resolved or only fell below the threshold."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psmacore.longitudinal.dated import DatedLesions, UptakeLeft
from psmacore.longitudinal.extents import Extent, extent_of
from psmacore.longitudinal.likelihood import Placed, covered
from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.tracks import TrackPoint, TrackState

NO_IMAGES = "no lesion is segmented here, and without the images the uptake left is not known"
OUT_OF_VIEW = "its place lies outside this scan"
COVERED = "another lesion covers its place"
NO_BACKGROUND = "no background is left around its place to compare with"

_KEEPING = (LesionState.CANDIDATE, LesionState.EXCLUDED_CANDIDATE)
_PLACE_COVERED = 0.5  # of a lesion's room, by a segment that does not count


def segments_aside(study: DatedLesions) -> tuple[Placed, ...]:
    """Return a study's segments that take no part in matching with their extents: candidates, excluded, rejected."""
    aside = (*_KEEPING, LesionState.REJECTED)
    return tuple(Placed(one, extent_of(one, study)) for one in study.lesions if one.state in aside)


def missing_point(extent: Extent, study: DatedLesions, aside: Sequence[Placed]) -> TrackPoint:
    """Return what a lesion's track says of a date at which the lesion is not segmented.

    A segment that does not count at its place, a candidate or uptake taken for physiological, keeps it below the
    threshold. Otherwise the PET tells: at the local background it is resolved, above it is below the threshold; where
    its place is not scanned, another lesion covers it or no background can be read, it is kept below the threshold
    with a doubt. Without images it is resolved, with the doubt that nothing shows what is left.

    Parameters
    ----------
    extent : Extent
        Where it was last seen.
    study : DatedLesions
        The date at which it is missing.
    aside : sequence of Placed
        That date's segments that take no part.

    References
    ----------
    RECIP 1.0 (Gafita et al., JNM 2022;63:1651): a complete response asks for no uptake left, so that a lesion which
    merely fell below the threshold must not look resolved.
    """
    kept = _covering(extent, aside, _KEEPING)
    if kept is not None:
        return _kept_by(kept)
    if study.probe is None:
        return TrackPoint(TrackState.RESOLVED, None, 0.0, None, None, None, is_uncertain=True, reason=NO_IMAGES)
    left = study.probe.left_at(study.placement.from_common(extent.samples_mm))
    values = (left.suv_max, left.suv_mean, left.suv_peak)
    unread = _why_unread(left)
    if unread:
        return TrackPoint(TrackState.BELOW_THRESHOLD, None, 0.0, *values, is_uncertain=True, reason=unread)
    state = TrackState.RESOLVED if left.is_at_background else TrackState.BELOW_THRESHOLD
    return TrackPoint(state, None, 0.0, *values, reason=_uptake_in_words(left))


def faint_point(lesion: Lesion) -> TrackPoint:
    """Return the point of a lesion that the time point itself lists as below the threshold."""
    return TrackPoint(
        TrackState.BELOW_THRESHOLD, lesion.tracking_uid, 0.0, lesion.suv_max, lesion.suv_mean, lesion.suv_peak
    )


def earlier_uptake(extent: Extent, study: DatedLesions) -> TrackPoint | None:
    """Return the point of a lesion at a date before it was first segmented, where the PET shows it there already.

    Such a lesion crossed the threshold upwards and is not new (STANDARDS, RECIP). ``None`` where the images show no
    focal uptake, more than 1.5 times the local background, or are not at hand.
    """
    if study.probe is None:
        return None
    left = study.probe.left_at(study.placement.from_common(extent.samples_mm))
    if _why_unread(left) or not left.is_focal:
        return None
    return TrackPoint(
        TrackState.BELOW_THRESHOLD, None, 0.0, left.suv_max, left.suv_mean, left.suv_peak,
        is_uncertain=True, reason=f"not segmented here, yet {_uptake_in_words(left)}",
    )  # fmt: skip


def doubt_of_new(extent: Extent, study: DatedLesions, aside: Sequence[Placed]) -> str:
    """Return why a lesion that is new since ``study`` may not be: its place was not scanned, or held a segment."""
    segment = _covering(extent, aside, (*_KEEPING, LesionState.REJECTED))
    if segment is not None:
        return f"{segment.tracking_id}, {_words(segment.state)}, lay at its place on {study.date}"
    if study.probe is None:
        return ""
    is_in_view = study.probe.left_at(study.placement.from_common(extent.samples_mm)).is_in_view
    return "" if is_in_view else f"its place lies outside the scan of {study.date}"


def _covering(extent: Extent, aside: Sequence[Placed], states: Collection[LesionState]) -> Lesion | None:
    """Return the segment of given states that covers most of a place, at least half of it."""
    best, most = None, 0.0
    for segment in aside:
        if segment.lesion.state in states:
            part = covered(extent, segment.extent)
            if part >= _PLACE_COVERED and part > most:
                best, most = segment.lesion, part
    return best


def _kept_by(segment: Lesion) -> TrackPoint:
    """Return a point below the threshold; uptake taken for physiological is not the lesion's own."""
    reason = f"{segment.tracking_id}, {_words(segment.state)}, lies at its place"
    if segment.state is not LesionState.CANDIDATE:
        return TrackPoint(TrackState.BELOW_THRESHOLD, None, 0.0, None, None, None, is_uncertain=True, reason=reason)
    return TrackPoint(
        TrackState.BELOW_THRESHOLD, None, 0.0, segment.suv_max, segment.suv_mean, segment.suv_peak,
        is_uncertain=True, reason=reason,
    )  # fmt: skip


def _words(state: LesionState) -> str:
    return state.value.replace("_", " ")


def _why_unread(left: UptakeLeft) -> str:
    if not left.is_in_view:
        return OUT_OF_VIEW
    if left.is_covered:
        return COVERED
    return "" if left.suv_peak is not None and left.background_suv is not None else NO_BACKGROUND


def _uptake_in_words(left: UptakeLeft) -> str:
    return f"SUVpeak {left.suv_peak:.2f} at its place, local background {left.background_suv:.2f}"
