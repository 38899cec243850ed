from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.evaluation.rules import MARGINS_VOXELS, OrganSource, Rule, RuleCase, RuleMethod, rule_masks
from psmacore.model.geometry import Geometry
from psmacore.model.organs import LIVER
from psmacore.model.volumes import OrganMap

GRID = Geometry.from_axes(shape=(10, 10, 10), origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(4.0, 4.0, 4.0))


@pytest.fixture
def masks():
    """Masks of all rules for uptake in a liver that spills over by one voxel, and in a lesion far from it."""
    suv = np.zeros(GRID.shape, np.float32)
    suv[2:6, 2:6, 2:6] = 8.0
    suv[8, 8, 8] = 8.0
    labels = np.zeros(GRID.shape, np.uint16)
    labels[2:6, 2:6, 3:6] = LIVER
    organs = {OrganSource.PREDICTED: OrganMap(labels, GRID)}
    return dict(rule_masks(RuleCase(suv, GRID, 3.0, organs, is_fdg=False)))


def test_threshold_alone_takes_all_that_reaches_it(masks):
    assert np.count_nonzero(masks[Rule(RuleMethod.THRESHOLD)]) == 64 + 1


def test_organ_voxels_are_taken_off_and_the_spill_with_a_margin(masks):
    left = [
        np.count_nonzero(masks[Rule(RuleMethod.MINUS_ORGANS, margin, OrganSource.PREDICTED)])
        for margin in MARGINS_VOXELS
    ]
    assert left[:2] == [16 + 1, 0 + 1]


def test_components_mostly_inside_organs_are_taken_off_whole(masks):
    mask = masks[Rule(RuleMethod.OUTSIDE_ORGANS, 0, OrganSource.PREDICTED)]
    assert np.argwhere(mask).tolist() == [[8, 8, 8]]


def test_only_threshold_and_predicted_organs_make_a_plain_rule():
    assert Rule(RuleMethod.THRESHOLD).is_plain
    assert Rule(RuleMethod.MINUS_ORGANS, 2, OrganSource.PREDICTED).is_plain
    assert not Rule(RuleMethod.MINUS_ORGANS, 2, OrganSource.GIVEN).is_plain
    assert not Rule(RuleMethod.SEGMENTER, 0, OrganSource.PREDICTED).is_plain


def test_every_rule_has_its_own_name(masks):
    assert len({rule.name for rule in masks}) == len(masks) == 1 + 2 * len(MARGINS_VOXELS) + 1


def test_nothing_above_the_threshold_leaves_every_rule_empty():
    organs = {OrganSource.PREDICTED: OrganMap(np.zeros(GRID.shape, np.uint16), GRID)}
    cold = RuleCase(np.zeros(GRID.shape, np.float32), GRID, 3.0, organs, is_fdg=True)
    assert not any(mask.any() for _, mask in rule_masks(cold))
