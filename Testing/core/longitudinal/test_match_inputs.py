"""Courses that are hard to match: one date, none, the same twice, out of order, crowded, or broken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.longitudinal.dated import DatedLesions, in_order_of_date, voxels_of
from psmacore.longitudinal.tracks import follow_lesions
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import Segmentation
from Testing.bench._tracking_cases import simulate_course
from Testing.core.longitudinal.matching_scenes import PLACES, Spec, a_lesion, a_study, point_of, states
from Testing.timepoints import make_timepoint


def test_no_date_gives_no_track():
    assert follow_lesions([]).tracks == ()


def test_one_date_gives_a_track_of_one_point_for_each_lesion():
    course = follow_lesions([a_study(1, a=Spec(PLACES[0]), b=Spec(PLACES[1]))])
    assert [states(track) for track in course.tracks] == [["present"], ["present"]]
    assert [track.tracking_id for track in course.tracks] == ["L1", "L2"]


def test_after_a_baseline_without_lesions_all_are_new():
    course = follow_lesions([a_study(1), a_study(2, a=Spec(PLACES[0]), b=Spec(PLACES[1]))])
    assert [states(track) for track in course.tracks] == [[None, "new"], [None, "new"]]


def test_the_same_lesions_twice_are_all_present_and_certain():
    """Also where both dates name them by the same UIDs, as a persistent tracking UID does (PS3.3 Table C.8.20-4)."""
    specs = {f"a{n}": Spec(place, 0.5 + n) for n, place in enumerate(PLACES)}
    course = follow_lesions([a_study(1, **specs), a_study(2, **specs)])
    assert [states(track) for track in course.tracks] == [["present", "present"]] * len(PLACES)
    assert all(point_of(track, 0).lesion == point_of(track, 1).lesion for track in course.tracks)
    assert not any(point_of(track, 1).is_uncertain for track in course.tracks)


def test_one_study_given_twice_is_matched_with_itself():
    study = a_study(1, a=Spec(PLACES[0]), b=Spec(PLACES[1]))
    assert [states(track) for track in follow_lesions([study, study]).tracks] == [["present", "present"]] * 2


def test_two_lesions_at_one_centroid_keep_two_tracks_in_doubt():
    twice = [a_study(n, **{f"{n}x": Spec(), f"{n}y": Spec()}) for n in (1, 2)]
    course = follow_lesions(twice)
    assert [states(track) for track in course.tracks] == [["present", "present"]] * 2
    assert {point_of(track, 1).lesion for track in course.tracks} == {"2x", "2y"}
    assert all(point_of(track, 1).is_uncertain for track in course.tracks)


def test_dates_in_wrong_order_are_refused_by_name_and_can_be_sorted():
    late, early = a_study(3, a=Spec()), a_study(1, b=Spec())
    with pytest.raises(InputRefusedError, match=r"2\.25\.901 of 20260101 .* 2\.25\.903 of 20260301"):
        follow_lesions([late, early])
    assert follow_lesions(in_order_of_date([late, early])).study_uids == ("2.25.901", "2.25.903")


def test_studies_of_one_day_follow_their_times():
    noon = replace(a_study(1, a=Spec()), time="120000")
    morning = replace(a_study(1, b=Spec()), time="080000", study_uid="2.25.1")
    with pytest.raises(InputRefusedError, match="order"):
        follow_lesions([noon, morning])
    assert in_order_of_date([noon, morning]) == (morning, noon)
    assert in_order_of_date([noon, replace(morning, time="")])[0] is noon


@pytest.mark.parametrize("date", ["", "2026", "20261301", "2026-01-01"])
def test_a_study_without_a_date_is_refused(date: str):
    with pytest.raises(InputRefusedError, match=r"2\.25\.9 .*Study Date"):
        DatedLesions("2.25.9", date, ())


def test_two_lesions_of_one_uid_in_a_study_are_refused():
    with pytest.raises(InputRefusedError, match="a-uid"):
        DatedLesions("2.25.9", "20260101", (a_lesion("a-uid", Spec()), a_lesion("a-uid", Spec(PLACES[1]))))


@pytest.mark.parametrize("error_mm", [-1.0, float("nan")])
def test_a_registration_error_that_is_no_length_is_refused(error_mm: float):
    with pytest.raises(InputRefusedError, match="error"):
        replace(a_study(1), error_mm=error_mm)


@pytest.mark.parametrize(
    "voxels", [np.zeros((0, 3)), np.zeros((4, 2)), np.full((2, 3), np.nan)], ids=["none", "flat", "nan"]
)
def test_voxels_that_are_no_points_are_refused(voxels: np.ndarray):
    study = replace(a_study(1, a=Spec()), voxels_lps_mm={"a": voxels})
    with pytest.raises(GeometryError, match="lesion a "):
        follow_lesions([study])


def test_a_centroid_that_is_not_finite_is_refused():
    with pytest.raises(GeometryError, match="lesion a "):
        follow_lesions([a_study(1, a=Spec((float("nan"), 0.0, 0.0)))])


def test_a_lesion_without_volume_is_matched_by_its_place():
    course = follow_lesions([a_study(1, a=Spec(volume_ml=0.0)), a_study(2, b=Spec((1.0, 1.0, 0.0), 0.0))])
    assert [states(track) for track in course.tracks] == [["present", "present"]]


def test_a_time_point_is_read_without_its_images():
    timepoint = make_timepoint(3)
    study = DatedLesions.of(timepoint)
    assert (study.study_uid, study.date, study.time) == ("2.25.500", "20260305", "093000")
    assert len(follow_lesions([study]).tracks) == 3


def test_voxels_are_read_from_the_segments_of_an_oblique_grid():
    """Their mean is the centroid that measuring gives; a lesion whose segment is empty has none."""
    turned = np.array([[0.0, -1.0, 0.0], [0.8, 0.0, -0.6], [0.6, 0.0, 0.8]])
    geometry = Geometry.from_axes(
        shape=(6, 7, 8), origin_lps_mm=(5.0, -3.0, 40.0), spacing_ijk_mm=(2.0, 3.0, 4.0), directions_lps=turned
    )
    labels = np.zeros((6, 7, 8), np.uint16)
    labels[2:4, 3, 4:6] = 2
    lesions = tuple(replace(a_lesion(f"s{n}", Spec()), segment_number=n) for n in (1, 2, 9))
    voxels = voxels_of(Segmentation(labels, geometry), lesions)
    assert set(voxels) == {"s2"}
    assert voxels["s2"].shape == (4, 3)
    assert voxels["s2"].mean(axis=0) == pytest.approx(geometry.lps_of_kji((2.5, 3.0, 4.5))[0])


def test_the_order_of_lesions_in_a_list_changes_no_track():
    studies = simulate_course(77, n_tumours=20).studies(with_images=False)
    turned = [replace(study, lesions=study.lesions[::-1]) for study in studies]
    first, second = (
        {(t.tracking_uid, tuple(p and (p.state, p.lesion) for p in t.points)) for t in follow_lesions(given).tracks}
        for given in (studies, turned)
    )
    assert first == second


def test_three_hundred_lesions_are_all_followed():
    """Diffuse disease: 300 lesions in a trunk, each 2 mm further on the second date."""
    rng = np.random.default_rng(5)
    places = rng.uniform((-150.0, -80.0, -400.0), (150.0, 80.0, 400.0), (300, 3))
    specs = [
        Spec(place.tolist(), float(volume)) for place, volume in zip(places, rng.uniform(0.2, 2.0, 300), strict=True)
    ]
    moved = {f"b{n}": replace(spec, place_mm=places[n] + (2.0, 0.0, 0.0)) for n, spec in enumerate(specs)}
    course = follow_lesions([a_study(1, **{f"a{n}": spec for n, spec in enumerate(specs)}), a_study(2, **moved)])
    right = [point_of(track, 1).lesion == f"b{n}" for n, track in enumerate(course.tracks)]
    assert len(course.tracks) == 300
    assert sum(right) >= 295
