"""A lesion's states through its course: found, lost, faded, back, merged and split (W50)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from psmacore.longitudinal.dated import AffinePlacement, UptakeLeft
from psmacore.longitudinal.tracks import follow_lesions
from psmacore.model.lesions import LesionState
from psmacore.model.tracks import TrackState
from Testing.core.longitudinal.matching_scenes import (
    GLOWING,
    NODE,
    PLACES,
    KnownUptake,
    Spec,
    a_study,
    point_of,
    states,
    track_of,
    with_voxels,
)

FAINT = LesionState.BELOW_THRESHOLD
ORIGIN, SECOND, THIRD = PLACES[:3]


def test_a_lesion_that_moves_within_the_registration_error_is_one():
    course = follow_lesions([a_study(1, a=Spec(ORIGIN)), a_study(2, b=Spec((3.0, -2.0, 2.0), 1.4))])
    assert [states(track) for track in course.tracks] == [["present", "present"]]
    assert not point_of(course.tracks[0], 1).is_uncertain
    assert point_of(course.tracks[0], 1).volume_ml == 1.4


def test_a_lesion_where_none_was_is_new_and_one_that_is_not_listed_is_gone():
    course = follow_lesions([a_study(1, a=Spec(ORIGIN)), a_study(2, b=Spec(SECOND))])
    assert [states(track) for track in course.tracks] == [["present", "resolved"], [None, "new"]]


def test_without_images_a_lesion_that_is_gone_is_resolved_with_a_doubt():
    """Nothing shows what is left, so that a reader has to look before a complete response is told (STANDARDS D.3)."""
    gone = point_of(follow_lesions([a_study(1, a=Spec()), a_study(2)]).tracks[0], 1)
    assert (gone.state, gone.volume_ml, gone.suv_max) == (TrackState.RESOLVED, 0.0, None)
    assert gone.is_uncertain
    assert "images" in gone.reason


@pytest.mark.parametrize(
    ("left", "state", "is_uncertain"),
    [
        (GLOWING, "below_threshold", False),
        (UptakeLeft(1.1, 0.9, 1.0, 0.9, 0.1), "resolved", False),
        (UptakeLeft(1.4, 1.1, 1.11, 0.9, 0.1), "below_threshold", False),
        (UptakeLeft(is_in_view=False), "below_threshold", True),
        (UptakeLeft(is_covered=True), "below_threshold", True),
        (UptakeLeft(1.1, 0.9, 1.0), "below_threshold", True),
    ],
    ids=["glowing", "background", "just above 2 SD", "not scanned", "covered", "no background"],
)
def test_the_pet_tells_whether_a_lesion_has_resolved(left: UptakeLeft, state: str, is_uncertain: bool):
    later = replace(a_study(2), probe=KnownUptake({(0.0, 0.0, 0.0): left}))
    point = point_of(follow_lesions([a_study(1, a=Spec()), later]).tracks[0], 1)
    assert (point.state, point.is_uncertain) == (state, is_uncertain)
    assert (point.suv_max, point.suv_peak, point.volume_ml) == (left.suv_max, left.suv_peak, 0.0)


def test_a_lesion_listed_below_the_threshold_is_kept_with_its_uptake():
    """A lesion below the threshold after therapy is kept, never dropped (W50)."""
    faded = a_study(2, b=Spec((2.0, 0.0, 0.0), 0.3, state=FAINT))
    course = follow_lesions([a_study(1, a=Spec()), faded])
    assert [states(track) for track in course.tracks] == [["present", "below_threshold"]]
    point = point_of(course.tracks[0], 1)
    assert (point.lesion, point.volume_ml, point.suv_max) == ("b", 0.0, faded.lesions[0].suv_max)


@pytest.mark.parametrize(
    ("state", "has_uptake"), [(LesionState.CANDIDATE, True), (LesionState.EXCLUDED_CANDIDATE, False)]
)
def test_a_segment_that_does_not_count_keeps_the_lesion_below_the_threshold(state: LesionState, has_uptake: bool):
    course = follow_lesions([a_study(1, a=Spec()), a_study(2, b=Spec((2.0, 0.0, 0.0), 2.0, state=state))])
    (track,) = course.tracks
    point = point_of(track, 1)
    assert (point.state, point.lesion, point.is_uncertain) == (TrackState.BELOW_THRESHOLD, None, True)
    assert (point.suv_max is not None) is has_uptake
    assert "id-b" in point.reason


def test_a_rejected_segment_vouches_for_nothing():
    rejected = a_study(2, b=Spec((2.0, 0.0, 0.0), 2.0, state=LesionState.REJECTED))
    assert states(follow_lesions([a_study(1, a=Spec()), rejected]).tracks[0]) == ["present", "resolved"]


@pytest.mark.parametrize(
    "state", [LesionState.CANDIDATE, LesionState.EXCLUDED_CANDIDATE, LesionState.REJECTED, FAINT], ids=str
)
def test_a_segment_that_does_not_count_begins_no_track(state: LesionState):
    assert not follow_lesions([a_study(1, a=Spec(state=state)), a_study(2, b=Spec(state=state))]).tracks


def test_a_lesion_that_crosses_the_threshold_upwards_is_not_new():
    """STANDARDS D.3: a baseline lesion that crosses the threshold upwards is not new."""
    listed = follow_lesions([a_study(1, a=Spec(volume_ml=0.2, state=FAINT)), a_study(2, b=Spec())])
    assert [states(track) for track in listed.tracks] == [["below_threshold", "present"]]
    seen = replace(a_study(1), probe=KnownUptake({(0.0, 0.0, 0.0): GLOWING}))
    probed = follow_lesions([seen, a_study(2, b=Spec())])
    assert [states(track) for track in probed.tracks] == [["below_threshold", "present"]]
    assert point_of(probed.tracks[0], 0).is_uncertain


def test_faint_uptake_that_nobody_would_see_leaves_a_new_lesion_new():
    barely = UptakeLeft(1.4, 1.1, 1.2, 0.9, 0.1)
    seen = replace(a_study(1), probe=KnownUptake({(0.0, 0.0, 0.0): barely}))
    assert [states(track) for track in follow_lesions([seen, a_study(2, b=Spec())]).tracks] == [[None, "new"]]


def test_a_lesion_that_was_faint_after_the_first_date_is_new_when_it_is_seen():
    """Nothing was there at baseline, so that it is new since then."""
    course = follow_lesions([a_study(1), a_study(2, a=Spec(volume_ml=0.2, state=FAINT)), a_study(3, b=Spec())])
    assert [states(track) for track in course.tracks] == [[None, "below_threshold", "new"]]


@pytest.mark.parametrize("state", [LesionState.CANDIDATE, LesionState.REJECTED], ids=str)
def test_a_new_lesion_where_another_segment_was_is_new_with_a_doubt(state: LesionState):
    course = follow_lesions([a_study(1, a=Spec(volume_ml=2.0, state=state)), a_study(2, b=Spec())])
    point = point_of(course.tracks[0], 1)
    assert (point.state, point.is_uncertain) == (TrackState.NEW, True)
    assert "id-a" in point.reason


def test_a_new_lesion_outside_the_earlier_scan_is_new_with_a_doubt():
    earlier = replace(a_study(1), probe=KnownUptake({(0.0, 0.0, 0.0): UptakeLeft(is_in_view=False)}))
    point = point_of(follow_lesions([earlier, a_study(2, b=Spec())]).tracks[0], 1)
    assert (point.state, point.is_uncertain) == (TrackState.NEW, True)


@pytest.mark.parametrize("lost", [{}, {"x": Spec(volume_ml=0.2, state=FAINT)}], ids=["not listed", "faint"])
def test_a_gap_keeps_one_track(lost: dict[str, Spec]):
    course = follow_lesions([a_study(1, a=Spec()), a_study(2, **lost), a_study(3, b=Spec((2.0, 2.0, 0.0)))])
    (track,) = course.tracks
    assert states(track)[0] == states(track)[2] == "present"
    assert states(track)[1] == ("below_threshold" if lost else "resolved")


@pytest.mark.parametrize("has_voxels", [True, False])
def test_two_lesions_that_one_covers_later_merge(has_voxels: bool):
    left, right, middle = (-7.0, 0.0, 0.0), (7.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    before, after = a_study(1, a=Spec(left, 0.9), b=Spec(right, 0.9)), a_study(2, c=Spec(middle, 2.4))
    if has_voxels:
        before = with_voxels(before, ("a", [(left, 6.0)]), ("b", [(right, 6.0)]))
        after = with_voxels(after, ("c", [(left, 8.0), (right, 8.0)]))
    later = replace(after, study_uid="2.25.903", date="20260301")
    course = follow_lesions([before, after, later])
    assert [states(track) for track in course.tracks] == [["present", "merged", "present"]] * 2
    assert [point_of(track, 1).lesion for track in course.tracks] == ["c", "c"]


@pytest.mark.parametrize("has_voxels", [True, False])
def test_a_lesion_that_falls_apart_is_split_and_its_parts_keep_its_track(has_voxels: bool):
    left, right, middle = (-6.0, 0.0, 0.0), (8.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    before, after = a_study(1, a=Spec(middle, 2.4)), a_study(2, b=Spec(left, 1.1), c=Spec(right, 0.8))
    if has_voxels:
        before = with_voxels(before, ("a", [(left, 8.0), (right, 8.0)]))
        after = with_voxels(after, ("b", [(left, 6.0)]), ("c", [(right, 5.0)]))
    course = follow_lesions([before, after])
    stem, part = course.tracks
    assert (states(stem), states(part)) == (["present", "split"], [None, "split"])
    assert (point_of(stem, 1).lesion, point_of(part, 1).lesion) == ("b", "c")
    assert (stem.split_from, part.split_from) == (None, stem.tracking_uid)


def test_lesions_that_merged_and_part_again_keep_their_own_tracks():
    left, right = Spec((-7.0, 0.0, 0.0), 0.9), Spec((7.0, 0.0, 0.0), 1.2)
    course = follow_lesions([a_study(1, a=left, b=right), a_study(2, c=Spec((1.0, 0.0, 0.0), 2.6)),
                             a_study(3, d=right, e=left)])  # fmt: skip
    assert [states(track) for track in course.tracks] == [["present", "merged", "split"]] * 2
    assert [point_of(track, 2).lesion for track in course.tracks] == ["e", "d"]


def test_a_lesion_that_shrinks_to_one_corner_is_the_same():
    """Coverage by the earlier voxels vouches for it where the centroid has moved far."""
    row = [((10.0 * step, 0.0, 0.0), 7.0) for step in range(6)]
    before = with_voxels(a_study(1, a=Spec()), ("a", row))
    after = with_voxels(a_study(2, b=Spec()), ("b", [((46.0, 0.0, 0.0), 5.0)]))
    assert [states(track) for track in follow_lesions([before, after]).tracks] == [["present", "present"]]


def test_lesions_are_matched_where_the_placement_puts_them():
    """The common frame is the first study's; the second lies 80 mm away and is turned."""
    turned = np.array([[0.0, -1.0, 0.0, 80.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, -30.0], [0.0, 0.0, 0.0, 1.0]])
    before = a_study(1, **{f"a{n}": Spec(place) for n, place in enumerate(PLACES)})
    moved = {f"b{n}": Spec((turned @ [*place, 1.0])[:3].tolist()) for n, place in enumerate(PLACES)}
    course = follow_lesions([before, replace(a_study(2, **moved), placement=AffinePlacement(turned))])
    assert [point_of(track, 1).lesion for track in course.tracks] == ["b0", "b1", "b2", "b3", "b4"]


def test_the_probe_is_asked_in_the_coordinates_of_its_own_study():
    shifted = np.eye(4)
    shifted[:3, 3] = (100.0, 0.0, 0.0)
    probe = KnownUptake({(100.0, 0.0, 0.0): GLOWING})
    later = replace(a_study(2), placement=AffinePlacement(shifted), probe=probe)
    assert states(follow_lesions([a_study(1, a=Spec()), later]).tracks[0]) == ["present", "below_threshold"]


def test_the_site_decides_between_lesions_at_like_distance():
    before = a_study(1, bone=Spec((-5.0, 0.0, 0.0)), node=Spec((5.0, 0.0, 0.0), site=NODE))
    after = a_study(2, x=Spec((-0.5, 6.0, 0.0), site=NODE), y=Spec((0.5, -6.0, 0.0)))
    course = follow_lesions([before, after])
    assert point_of(track_of(course, "bone"), 1).lesion == "y"
    assert point_of(track_of(course, "node"), 1).lesion == "x"


def test_a_link_between_two_sites_is_uncertain_and_says_so():
    course = follow_lesions([a_study(1, a=Spec()), a_study(2, b=Spec((1.0, 0.0, 0.0), site=NODE))])
    point = point_of(course.tracks[0], 1)
    assert (point.state, point.is_uncertain) == (TrackState.PRESENT, True)
    assert "Ilium left" in point.reason
    assert NODE.meaning in point.reason


def test_a_lesion_at_a_border_may_take_its_second_site():
    after = a_study(2, b=Spec((1.0, 0.0, 0.0), site=NODE, alternative=Spec().site))
    assert not point_of(follow_lesions([a_study(1, a=Spec()), after]).tracks[0], 1).is_uncertain


def test_a_lesion_between_two_is_uncertain_and_names_the_rival():
    before = a_study(1, a=Spec((-7.0, 0.0, 0.0), 0.2), b=Spec((7.2, 0.0, 0.0), 0.2))
    point = point_of(track_of(follow_lesions([before, a_study(2, c=Spec((0.0, 0.0, 0.0), 0.2))]), "c"), 1)
    assert point.is_uncertain
    assert "nearly as likely" in point.reason
    assert "id-c" in point.reason


def test_the_tracks_site_is_that_of_the_lesion_at_its_largest():
    course = follow_lesions([a_study(1, a=Spec(volume_ml=0.5, site=NODE)), a_study(2, b=Spec(volume_ml=1.5))])
    assert course.tracks[0].site == Spec().site
