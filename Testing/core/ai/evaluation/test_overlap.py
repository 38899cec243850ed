from __future__ import annotations

import math

import numpy as np
import pytest

from psmacore.ai.evaluation import overlap as volumes
from psmacore.ai.evaluation.overlap import measure_overlap
from psmacore.errors import GeometryError, InputRefusedError
from Testing.core.ai.evaluation.masks import boxes, empty

CUBE = ((2, 2, 2), (4, 4, 4))  # 8 voxels
SHIFTED = ((3, 2, 2), (5, 4, 4))  # shares 4 of them
FAR = ((8, 8, 8), (9, 9, 11))  # 3 voxels


def test_half_shifted_cube_has_dice_one_half():
    found = measure_overlap(boxes(CUBE), boxes(SHIFTED), voxel_ml=1.0)
    assert (found.n_true, found.n_predicted, found.n_shared) == (8, 8, 4)
    assert volumes.dsc(found) == 0.5


def test_false_volumes_are_those_of_components_without_any_overlap():
    """D17: a component that the other mask touches counts as found, whatever it lacks."""
    found = measure_overlap(boxes(CUBE, FAR), boxes(SHIFTED, ((0, 9, 0), (1, 11, 1))), voxel_ml=0.5)
    assert volumes.fpv_ml(found) == 2 * 0.5
    assert volumes.fnv_ml(found) == 3 * 0.5


def test_components_are_18_connected():
    """D17: voxels that share an edge are one component, voxels that share a corner are two."""
    edge = boxes(((1, 1, 1), (2, 2, 2)), ((2, 2, 1), (3, 3, 2)))
    corner = boxes(((1, 1, 1), (2, 2, 2)), ((2, 2, 2), (3, 3, 3)))
    one_voxel = boxes(((1, 1, 1), (2, 2, 2)))
    assert volumes.fpv_ml(measure_overlap(one_voxel, edge, voxel_ml=1.0)) == 0.0
    assert volumes.fpv_ml(measure_overlap(one_voxel, corner, voxel_ml=1.0)) == 1.0


def test_volume_and_mean_uptake_errors_are_percentages_of_the_truth_without_sign():
    suv = np.full((12, 12, 12), 2.0, np.float32)
    suv[4] = 8.0  # the predicted half that lies outside the truth
    found = measure_overlap(boxes(CUBE), boxes(((3, 2, 2), (5, 4, 4)), ((2, 2, 2), (3, 3, 4))), voxel_ml=1.0, suv=suv)
    assert volumes.delta_mtv_percent(found) == pytest.approx(100 * (10 - 8) / 8)
    assert volumes.volume_change_percent(found) == pytest.approx(25.0)
    assert volumes.delta_suv_mean_percent(found) == pytest.approx(100 * ((6 * 2 + 4 * 8) / 10 - 2) / 2)
    smaller = measure_overlap(boxes(CUBE), boxes(((2, 2, 2), (3, 4, 4))), voxel_ml=1.0, suv=suv)
    assert volumes.delta_mtv_percent(smaller) == 50.0
    assert volumes.volume_change_percent(smaller) == -50.0


def test_without_lesion_only_the_false_positive_volume_is_a_number():
    """autoPET III, evaluation and ranking: cases without positives are measured by FPV alone."""
    found = measure_overlap(empty(), boxes(FAR), voxel_ml=2.0, suv=np.ones((12, 12, 12), np.float32))
    assert volumes.fpv_ml(found) == 6.0
    rest = (volumes.dsc, volumes.fnv_ml, volumes.delta_mtv_percent, volumes.delta_suv_mean_percent)
    assert all(math.isnan(metric(found)) for metric in (*rest, volumes.lesion_sensitivity))


def test_prediction_of_nothing_misses_all():
    found = measure_overlap(boxes(CUBE, FAR), empty(), voxel_ml=1.0, suv=np.ones((12, 12, 12), np.float32))
    assert (volumes.dsc(found), volumes.fpv_ml(found), volumes.fnv_ml(found)) == (0.0, 0.0, 11.0)
    assert (volumes.delta_mtv_percent(found), volumes.delta_suv_mean_percent(found)) == (100.0, 100.0)
    assert volumes.lesion_sensitivity(found) == 0.0
    assert math.isnan(volumes.lesion_precision(found))


def test_both_empty_is_a_case_with_no_false_positive():
    found = measure_overlap(empty(), empty(), voxel_ml=1.0)
    assert volumes.fpv_ml(found) == 0.0
    assert math.isnan(volumes.dsc(found))


def test_all_hot_prediction_touches_every_lesion_and_has_no_false_component():
    found = measure_overlap(boxes(CUBE, FAR), ~empty(), voxel_ml=1.0)
    assert volumes.fpv_ml(found) == 0.0
    assert volumes.lesion_sensitivity(found) == 1.0
    assert volumes.dsc(found) == pytest.approx(2 * 11 / (11 + 12**3))


def test_lesions_are_counted_one_by_one():
    found = measure_overlap(boxes(CUBE, FAR), boxes(SHIFTED), voxel_ml=0.25)
    assert found.lesion_ml.tolist() == [2.0, 0.75]
    assert volumes.lesion_sensitivity(found) == 0.5
    assert volumes.lesion_precision(found) == 1.0


@pytest.mark.parametrize(
    ("truth", "prediction", "error"),
    [
        (empty(), empty((12, 12, 11)), GeometryError),
        (np.zeros((3, 3), np.bool_), np.zeros((3, 3), np.bool_), GeometryError),
        (empty().astype(np.float32), empty(), InputRefusedError),
    ],
)
def test_arrays_that_are_no_two_masks_of_one_grid_are_refused(truth, prediction, error):
    with pytest.raises(error):
        measure_overlap(truth, prediction, voxel_ml=1.0)


def test_nan_in_the_uptake_is_refused():
    suv = np.ones((12, 12, 12), np.float32)
    suv[0, 0, 0] = np.nan
    with pytest.raises(InputRefusedError, match="NaN"):
        measure_overlap(boxes(CUBE), boxes(CUBE), voxel_ml=1.0, suv=suv)


def test_voxels_without_volume_are_refused():
    with pytest.raises(GeometryError, match="volume"):
        measure_overlap(empty(), empty(), voxel_ml=0.0)
