"""On simulated courses tracking reaches its bounds, and goes beyond nearest-centroid matching (W50)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from psmacore.model.tracks import TrackState
from Testing.bench._tracking_cases import SimulatedCourse, simulate_course
from Testing.bench._tracking_scores import Score, nearest_centroid, score, story_of, sum_of, truth_of
from Testing.bench.tracking import FIRST_SEED, N_PATIENTS, accuracy, run

EVENTS = (TrackState.MERGED, TrackState.SPLIT, TrackState.NEW, TrackState.RESOLVED)


@pytest.fixture(scope="module")
def some_courses() -> list[SimulatedCourse]:
    """Five courses of the fifty."""
    return [simulate_course(FIRST_SEED + number) for number in range(5)]


@pytest.fixture(scope="module")
def fifty_patients() -> dict[str, Score]:
    """The scores on 50 patients at 4 dates; their seeds were not looked at while the costs were set."""
    assert N_PATIENTS == 50
    return accuracy(N_PATIENTS)


def test_simulated_courses_are_perturbed_and_crowded_as_asked(some_courses: list[SimulatedCourse]):
    """Median error 2.5 mm, at least 20 % of lesions within 15 mm of another."""
    dates = [date for course in some_courses for date in course.dates]
    errors = [np.linalg.norm(date.error_mm, axis=1) for course in some_courses for date in course.dates[1:]]
    assert np.median(np.concatenate(errors)) == pytest.approx(2.5, abs=0.15)
    apart = []
    for date in dates:
        places = np.array([lesion.centroid_lps_mm for lesion in date.lesions if lesion.state.counts])
        apart.append(cKDTree(places).query(places, k=2)[0][:, 1])
    assert np.mean(np.concatenate(apart) <= 15.0) >= 0.2
    assert max(len(date.lesions) for date in dates) <= 60


def test_truth_agrees_with_itself_and_no_story_tells_nothing(some_courses: list[SimulatedCourse]):
    truth = truth_of(some_courses[0])
    assert score(truth, truth).links_f1 == score(truth, truth).fates_right == 1.0
    assert score(story_of(()), truth).links_f1 == 0.0
    assert score(story_of(()), truth).fates_right == 0.0


def test_nearest_centroid_links_what_is_alone(some_courses: list[SimulatedCourse]):
    """The peer is no straw man."""
    peer = sum_of(score(nearest_centroid(c.studies(with_images=False)), truth_of(c)) for c in some_courses)
    assert peer.links_f1 > 0.9
    assert peer.part_right(TrackState.PRESENT) > 0.9


@pytest.mark.slow
def test_links_and_fates_reach_their_bounds_on_fifty_patients(fifty_patients: dict[str, Score]):
    found = fifty_patients["voxels"]
    assert all(found.true[event] >= 30 for event in EVENTS)
    assert found.links_f1 >= 0.95
    assert found.fates_right >= 0.95
    assert all(found.part_right(event) >= 0.75 for event in EVENTS)


@pytest.mark.slow
def test_centroids_and_volumes_alone_reach_the_bound_of_links(fifty_patients: dict[str, Score]):
    """What touches what is not known then, so that merges and splits are told less often."""
    found = fifty_patients["centroids"]
    assert found.links_f1 >= 0.95
    assert found.fates_right >= 0.93


@pytest.mark.slow
def test_both_go_beyond_nearest_centroid_matching(fifty_patients: dict[str, Score]):
    nearest = fifty_patients["nearest"]
    for name in ("voxels", "centroids"):
        assert fifty_patients[name].links_f1 > nearest.links_f1 + 0.02
        assert fifty_patients[name].fates_right > nearest.fates_right + 0.05


@pytest.mark.slow
def test_the_benchmark_tells_of_240_lesions_and_of_its_peer():
    fields = run(n_patients=2, repeats=1)
    assert fields["n_lesions"] == 240
    assert fields["peer"] == "nearest centroid within 15 mm"
    assert {"ours_s", "peer_s", "ratio_median", "links_f1_voxels", "fates_right_centroids"} <= set(fields)
