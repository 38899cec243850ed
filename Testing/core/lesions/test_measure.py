"""Measured lesions and totals against sums that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.lesions.candidates import CandidatePart, Candidates
from psmacore.lesions.measure import measure, segment_voxels, total
from psmacore.lesions.segment import segment_by_mask
from psmacore.lesions.sites import ENTIRE_BODY
from psmacore.model.codes import Code
from psmacore.model.lesions import LesionState, ReferenceRegion
from psmacore.model.volumes import Segmentation
from Testing.core.lesions.scenes import a_geometry, a_suv

REFERENCE = (
    ReferenceRegion("blood_pool", 1.5, 0.1, 50),
    ReferenceRegion("liver", 5.0, 0.5, 200),
    ReferenceRegion("parotid", 12.0, 1.0, 90),
)


@pytest.fixture
def two_boxes() -> np.ndarray:
    labels = np.zeros((12, 20, 20), np.uint16)
    labels[2:4, 2:5, 2:6] = 1  # 24 voxels
    labels[7:9, 10:15, 10:14] = 2  # 40 voxels
    return labels


@pytest.fixture
def hot_boxes(two_boxes) -> np.ndarray:
    values = np.full(two_boxes.shape, 0.5, np.float32)
    values[two_boxes == 1] = 6
    values[two_boxes == 2] = 10
    values[8, 12, 12] = 20
    return values


def test_volume_uptake_and_centroid_of_a_box(two_boxes, hot_boxes):
    suv = a_suv(hot_boxes, (3.0, 2.0, 2.0))
    first, second = measure(suv, segment_by_mask(suv, two_boxes))
    assert (first.segment_number, first.n_voxels) == (1, 40)  # the one with more uptake comes first
    assert first.volume_ml == pytest.approx(40 * 12 / 1000)
    assert first.suv_mean == pytest.approx((39 * 10 + 20) / 40)
    assert first.tl_psma_ml == pytest.approx(first.volume_ml * first.suv_mean)
    assert second.suv_max == pytest.approx(6)
    assert second.centroid_lps_mm == pytest.approx((3.5 * 2, 3 * 2, 2.5 * 3))


def test_totals_weight_the_mean_by_voxels(two_boxes, hot_boxes):
    suv = a_suv(hot_boxes)
    totals = total(measure(suv, segment_by_mask(suv, two_boxes)))
    assert totals.n_lesions == 2
    assert totals.psma_tv_ml == pytest.approx(64 * 0.064)
    assert totals.suv_mean == pytest.approx((24 * 6 + 39 * 10 + 20) / 64)
    assert totals.suv_max == 20


def test_only_lesions_that_count_enter_the_totals(two_boxes, hot_boxes):
    suv = a_suv(hot_boxes)
    first, second = measure(suv, segment_by_mask(suv, two_boxes))
    totals = total([first, replace(second, state=LesionState.REJECTED)])
    assert (totals.n_lesions, totals.psma_tv_ml) == (1, pytest.approx(first.volume_ml))


def test_totals_of_nothing_are_zero():
    totals = total([])
    assert (totals.n_lesions, totals.psma_tv_ml, totals.suv_mean, totals.suv_max) == (0, 0, 0, 0)


def test_lesions_are_named_in_order_and_tracked_apart(two_boxes, hot_boxes):
    suv = a_suv(hot_boxes)
    lesions = measure(suv, segment_by_mask(suv, two_boxes))
    assert [lesion.tracking_id for lesion in lesions] == ["L001", "L002"]
    assert len({lesion.tracking_uid for lesion in lesions}) == 2


def test_single_voxel_is_a_lesion_like_any_other():
    values = np.ones((5, 5, 5), np.float32)
    values[2, 2, 2] = 9
    (lesion,) = measure(a_suv(values), segment_by_mask(a_suv(values), values > 3))
    assert (lesion.n_voxels, lesion.suv_max, lesion.suv_mean) == (1, 9, 9)
    assert lesion.suv_peak == lesion.suv_peak_hottest < 9


def test_expression_follows_the_reference_organs(two_boxes, hot_boxes):
    suv = a_suv(hot_boxes)
    scores = [lesion.expression_score for lesion in measure(suv, segment_by_mask(suv, two_boxes), reference=REFERENCE)]
    assert scores == [2, 2]  # means 10.25 and 6: from liver to below parotid
    bare = measure(suv, segment_by_mask(suv, two_boxes), reference=REFERENCE[:2])
    assert [lesion.expression_score for lesion in bare] == [None, None]


@pytest.mark.parametrize(
    ("site", "expected"),
    [("41216001", "miT"), ("54268001", "miN"), ("91394001", "miM1a"), ("113197003", "miM1b"), ("39607008", None)],
)
def test_region_class_follows_the_site(two_boxes, hot_boxes, site, expected):
    suv = a_suv(hot_boxes)
    found = segment_by_mask(suv, two_boxes == 2)
    part = replace(found.parts[0], site=Code(site, "SCT", "any"))
    (lesion,) = measure(suv, replace(found, parts=(part,)))
    assert lesion.mi_tnm == expected


def test_part_without_voxels_is_refused():
    suv = a_suv(np.ones((4, 4, 4), np.float32))
    empty = Candidates(
        Segmentation(np.zeros((4, 4, 4), np.uint16), suv.geometry),
        (CandidatePart(1, LesionState.UNCONFIRMED, ENTIRE_BODY, None),),
        None,
        None,
        physiology_excluded=True,
    )
    with pytest.raises(InputRefusedError, match="segment 1 has no voxels"):
        measure(suv, empty)


def test_nan_inside_a_lesion_is_refused(two_boxes, hot_boxes):
    hot_boxes[8, 12, 13] = np.nan
    found = segment_by_mask(a_suv(np.ones_like(hot_boxes)), two_boxes)
    with pytest.raises(InputRefusedError, match="NaN"):
        measure(a_suv(hot_boxes), found)


def test_segments_on_another_grid_are_refused(two_boxes, hot_boxes):
    found = segment_by_mask(a_suv(hot_boxes), two_boxes)
    with pytest.raises(GeometryError, match="another grid"):
        measure(a_suv(hot_boxes, (3.0, 4.0, 4.0)), found)


@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 1, 5), (4, 4, 4)])
def test_every_label_is_found_wherever_it_lies(shape):
    labels = np.random.default_rng(1).integers(0, 4, shape).astype(np.uint16)
    labels.reshape(-1)[-1] = 7
    found = segment_voxels(Segmentation(labels, a_geometry(shape)))
    painted = np.zeros_like(labels)
    for segment in found:
        painted[tuple(segment.voxels_kji.T)] = segment.segment_number
    assert np.array_equal(painted, labels)
