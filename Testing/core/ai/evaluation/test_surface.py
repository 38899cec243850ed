from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.evaluation.surface import (
    challenge_surface_dsc,
    measure_surfaces,
    released_surface_dsc,
    surface_dsc,
)
from psmacore.errors import GeometryError, UsageError
from psmacore.model.geometry import Geometry
from Testing.core.ai.evaluation.masks import boxes, empty

CUBE = boxes(((3, 3, 3), (8, 8, 8)))  # 5 x 5 x 5: 125 - 27 = 98 surface voxels


def grid(spacing_mm: float, shape: tuple[int, int, int] = (12, 12, 12)) -> Geometry:
    return Geometry.from_axes(shape=shape, origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(spacing_mm,) * 3)


def surface_of(mask):
    padded = np.pad(mask, 1, constant_values=True)
    inside = np.ones_like(mask)
    for axis in range(3):
        for step in (-1, 1):
            inside &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
    return mask & ~inside


def test_cube_moved_by_a_voxel_shares_the_sides_of_its_surface():
    """D17: of 98 surface voxels the four sides' shared 4 x 16 remain, hand-counted."""
    moved = boxes(((4, 3, 3), (9, 8, 8)))
    assert challenge_surface_dsc(CUBE, moved) == pytest.approx(2 * (4 * 16) / (98 + 98))


def test_zero_tolerance_forms_agree_where_the_distances_are_whole_numbers():
    """D17: identical numbers on synthetic masks."""
    generator = np.random.default_rng(3)
    for _ in range(5):
        truth, prediction = (generator.random((9, 10, 11)) > 0.4 for _ in range(2))
        for spacing_mm in (1.0, 2.0, 4.0):
            released = released_surface_dsc(truth, prediction, grid(spacing_mm, (9, 10, 11)))
            assert released == challenge_surface_dsc(truth, prediction)


def test_released_code_loses_surface_voxels_to_rounding():
    """D17: on a 4.07 mm grid the challenge's code scores even the truth itself below 1; ours does not."""
    truth = np.random.default_rng(0).random((9, 10, 11)) > 0.5
    geometry = Geometry.from_axes(shape=truth.shape, origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(4.07, 4.07, 3.0))
    assert released_surface_dsc(truth, truth, geometry) < 0.9
    assert challenge_surface_dsc(truth, truth) == 1.0


def test_surface_voxels_are_those_with_a_background_face_neighbour_inside_the_volume():
    generator = np.random.default_rng(1)
    truth, prediction = (generator.random((7, 8, 9)) > 0.2 for _ in range(2))
    true, predicted = surface_of(truth), surface_of(prediction)
    expected = 2 * np.count_nonzero(true & predicted) / (np.count_nonzero(true) + np.count_nonzero(predicted))
    assert challenge_surface_dsc(truth, prediction) == pytest.approx(expected)


def test_mask_that_fills_the_volume_has_no_surface():
    assert math.isnan(challenge_surface_dsc(~empty(), ~empty()))
    assert challenge_surface_dsc(CUBE, ~empty()) == 0.0
    assert released_surface_dsc(CUBE, ~empty(), grid(1.0)) == 0.0


def test_slabs_two_millimetres_apart_agree_from_that_tolerance_on():
    truth, prediction = empty((20, 4, 4)), empty((20, 4, 4))
    truth[:8], prediction[:10] = True, True
    distances = measure_surfaces(truth, prediction, spacing_kji_mm=(1.0, 50.0, 50.0))
    top_and_bottom = 2 * 200.0 * 200.0
    sides = distances.true_areas_mm2.sum() - top_and_bottom
    assert sides > 0
    assert surface_dsc(distances, tolerance_mm=2.0) == 1.0
    assert surface_dsc(distances, tolerance_mm=1.9) < 1.0


def test_surface_elements_weigh_by_their_area():
    """Nikolov et al. 2018: a 20 x 20 x 20 mm cube of 2 x 2 x 5 mm voxels has faces of 400 mm2, its edges cut."""
    mask = boxes(((2, 1, 1), (6, 11, 11)))
    distances = measure_surfaces(mask, mask, spacing_kji_mm=(5.0, 2.0, 2.0))
    assert distances.true_areas_mm2.sum() == pytest.approx(6 * 400.0, rel=0.15)
    assert surface_dsc(distances, tolerance_mm=0.0) == 1.0


def test_one_missed_of_two_equal_cubes_leaves_the_areas_of_the_found_one():
    one, other = ((1, 1, 1), (4, 4, 4)), ((7, 7, 7), (10, 10, 10))
    distances = measure_surfaces(boxes(one, other), boxes(one), spacing_kji_mm=(1.0, 1.0, 1.0))
    assert surface_dsc(distances, tolerance_mm=1.0) == pytest.approx(2 / 3)


@pytest.mark.parametrize("metric", ["challenge", "released", "tolerance"])
def test_empty_truth_has_no_surface_score_and_empty_prediction_scores_zero(metric):
    def score(truth, prediction):
        if metric == "challenge":
            return challenge_surface_dsc(truth, prediction)
        if metric == "released":
            return released_surface_dsc(truth, prediction, grid(2.0))
        return surface_dsc(measure_surfaces(truth, prediction, spacing_kji_mm=(2.0, 2.0, 2.0)), tolerance_mm=1.0)

    assert math.isnan(score(empty(), CUBE))
    assert math.isnan(score(empty(), empty()))
    assert score(CUBE, empty()) == 0.0


def test_masks_of_two_grids_are_refused():
    with pytest.raises(GeometryError):
        challenge_surface_dsc(CUBE, empty((3, 3, 3)))
    with pytest.raises(GeometryError):
        released_surface_dsc(CUBE, CUBE, grid(2.0, (3, 3, 3)))


def test_negative_tolerance_is_refused():
    with pytest.raises(UsageError):
        surface_dsc(measure_surfaces(CUBE, CUBE, spacing_kji_mm=(1.0, 1.0, 1.0)), tolerance_mm=-1.0)
