"""Tracks keep their UIDs and names when a course is matched again, grows or is corrected (W52)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.longitudinal.dated import DatedLesions
from psmacore.longitudinal.tracks import follow_lesions
from psmacore.model.lesions import LesionState
from Testing.bench._tracking_cases import simulate_course
from Testing.core.longitudinal.matching_scenes import PLACES, Spec, a_study, point_of, states, track_of


@pytest.fixture(scope="module")
def a_crowded_course() -> tuple[DatedLesions, ...]:
    """Four dates of a simulated man with merges and splits."""
    return simulate_course(91, n_tumours=25).studies(with_images=True)


def test_a_track_is_called_after_the_lesion_that_it_began_with():
    course = follow_lesions([a_study(1, a=Spec()), a_study(2, b=Spec(), c=Spec(PLACES[1]))])
    assert [track.tracking_uid for track in course.tracks] == ["a", "c"]
    assert [track.tracking_id for track in course.tracks] == ["L1", "L2"]


def test_matching_again_gives_the_same(a_crowded_course: tuple[DatedLesions, ...]):
    assert follow_lesions(a_crowded_course) == follow_lesions(a_crowded_course)


def test_a_later_date_changes_nothing_before_it(a_crowded_course: tuple[DatedLesions, ...]):
    shorter, longer = follow_lesions(a_crowded_course[:3]), follow_lesions(a_crowded_course)
    for before, after in zip(shorter.tracks, longer.tracks, strict=False):
        assert (before.tracking_uid, before.tracking_id) == (after.tracking_uid, after.tracking_id)
        assert before.points == after.points[:3]
    assert len(longer.tracks) >= len(shorter.tracks)


def test_every_uid_and_name_is_unique(a_crowded_course: tuple[DatedLesions, ...]):
    tracks = follow_lesions(a_crowded_course).tracks
    assert len({track.tracking_uid for track in tracks}) == len({track.tracking_id for track in tracks}) == len(tracks)


def test_an_earlier_date_that_is_added_keeps_the_saved_uids():
    later = [a_study(2, b=Spec(), n=Spec(PLACES[1])), a_study(3, c=Spec(), m=Spec(PLACES[1]))]
    saved = follow_lesions(later).tracks
    course = follow_lesions([a_study(1, a=Spec(), x=Spec(PLACES[2])), *later], known=saved)
    assert {track.tracking_uid: states(track)[0] for track in course.tracks} == {
        "b": "present", "n": None, "x": "present"
    }  # fmt: skip
    assert track_of(course, "a").tracking_id == track_of(course, "c").tracking_id == "L1"
    assert track_of(course, "x").tracking_id == "L3"


def test_a_lesion_below_the_threshold_that_is_seen_later_moves_no_name():
    """Its track begins earlier, yet it is first seen later than the others."""
    faint = Spec(PLACES[1], 0.2, state=LesionState.BELOW_THRESHOLD)
    studies = [a_study(1, f=faint, a=Spec()), a_study(2, b=Spec(), n=Spec(PLACES[2])), a_study(3, g=Spec(PLACES[1]))]
    assert [t.tracking_uid for t in follow_lesions(studies[:2]).tracks] == ["a", "n"]
    assert [t.tracking_uid for t in follow_lesions(studies).tracks] == ["a", "n", "f"]


def test_a_uid_that_two_lesions_share_over_time_names_one_track():
    """The other one's is derived from its study and lesion, the same each time."""
    course = follow_lesions([a_study(1, a=Spec()), a_study(2, a=Spec(PLACES[1]))])
    again = follow_lesions([a_study(1, a=Spec()), a_study(2, a=Spec(PLACES[1]))])
    first, second = course.tracks
    assert first.tracking_uid == "a"
    assert second.tracking_uid.startswith("2.25.")
    assert [track.tracking_uid for track in again.tracks] == [first.tracking_uid, second.tracking_uid]


def test_saved_tracks_that_merged_are_told_apart_by_where_they_were_apart():
    left, right = Spec((-7.0, 0.0, 0.0), 0.9), Spec((7.0, 0.0, 0.0), 0.9)
    studies = [a_study(1, a=left, b=right), a_study(2, c=Spec((0.0, 0.0, 0.0), 2.0))]
    saved = tuple(
        replace(track, tracking_uid=f"saved-{track.tracking_uid}") for track in follow_lesions(studies).tracks
    )
    course = follow_lesions(studies, known=saved)
    assert [(track.tracking_uid, point_of(track, 0).lesion) for track in course.tracks] == [
        ("saved-a", "a"), ("saved-b", "b"),
    ]  # fmt: skip
