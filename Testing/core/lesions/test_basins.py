"""Basins, deconvolution, alignment: the parts of the separation on fields that are known."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.alignment import aligned
from psmacore.lesions.basins import partition
from psmacore.lesions.spill import PointSpread, deblur, part_of
from psmacore.model.organs import LIVER, URETERS
from Testing.core.lesions.scenes import Scene

EVERYWHERE = np.ones((9, 20, 40), bool)


def two_hills(saddle: float) -> np.ndarray:
    i = np.arange(40)
    profile = np.where(i < 20, 10 - abs(i - 10) * (10 - saddle) / 10, 8 - abs(i - 30) * (8 - saddle) / 10)
    across = 1 - abs(np.arange(20) - 10) / 40
    return (profile[None, None, :] * across[None, :, None] * np.ones((9, 1, 1))).astype(np.float32)


def test_two_hills_are_two_basins():
    basins = partition(two_hills(4), EVERYWHERE, prominence=1.2)
    assert len(basins.peaks) == 2
    assert basins.labels[4, 10, 10] != basins.labels[4, 10, 30]
    assert (basins.labels > 0).all()


def test_a_hill_that_hardly_stands_out_is_joined():
    assert len(partition(two_hills(7), EVERYWHERE, prominence=1.2).peaks) == 1


def test_noise_does_not_split_a_hill():
    noisy = two_hills(2) * np.random.default_rng(0).normal(1, 0.03, EVERYWHERE.shape).astype(np.float32)
    assert len(partition(noisy, EVERYWHERE & (two_hills(2) > 3), prominence=1.3).peaks) == 2


def test_a_plateau_is_one_basin():
    assert len(partition(np.ones((4, 4, 4), np.float32), np.ones((4, 4, 4), bool), prominence=1.0).peaks) == 1


def test_an_empty_region_has_no_basin():
    assert len(partition(np.ones((4, 4, 4), np.float32), np.zeros((4, 4, 4), bool), prominence=1.0).peaks) == 0


def test_regions_that_do_not_touch_keep_their_basins():
    region = np.zeros((3, 3, 9), bool)
    region[1, 1, [1, 2, 6, 7]] = True
    assert len(partition(np.ones(region.shape, np.float32), region, prominence=5).peaks) == 2


@pytest.fixture
def a_hot_ball() -> tuple[np.ndarray, np.ndarray]:
    scene = Scene((24, 24, 24))
    ball = scene.ellipsoid((46, 46, 46), (20, 20, 20))
    scene.organ(ball, 40, LIVER)
    picture = scene.picture(fwhm_mm=6)
    return picture.suv.values, picture.organs.labels == LIVER


def test_deblurring_puts_spill_back(a_hot_ball):
    values, inside = a_hot_ball
    activity = deblur(values, PointSpread(6, (4, 4, 4)), n_iterations=12)
    assert activity[inside].sum() > values[inside].sum()
    assert activity.sum() == pytest.approx(values.sum(), rel=0.01)


def test_parts_add_up_to_the_image(a_hot_ball):
    values, inside = a_hot_ball
    spread = PointSpread(6, (4, 4, 4))
    activity = deblur(values, spread, n_iterations=12)
    own = inside.astype(np.float32)
    both = part_of(values, activity, own, spread) + part_of(values, activity, 1 - own, spread)
    assert both == pytest.approx(values, rel=1e-4)


def test_an_organ_explains_its_own_halo(a_hot_ball):
    values, inside = a_hot_ball
    spread = PointSpread(6, (4, 4, 4))
    part = part_of(values, deblur(values, spread, n_iterations=12), inside.astype(np.float32), spread)
    halo = ~inside & (values >= 3)
    assert halo.any()
    assert part[halo].sum() > 0.6 * values[halo].sum()


@pytest.mark.parametrize("shift", [(2, 0, 0), (-3, 1, 0), (0, 0, 0)])
def test_labels_follow_an_organ_that_breathing_moved(shift):
    scene = Scene((30, 26, 26))
    ball = scene.ellipsoid((58, 50, 50), (24, 30, 26))
    scene.organ(ball, 6, LIVER, label_shift_kji=shift)
    picture = scene.picture(noise=0.1)
    own = np.roll(picture.organs.labels, [-n for n in shift], axis=(0, 1, 2))
    found = aligned(picture.organs.labels, picture.suv.values, (4, 4, 4), frozenset((LIVER,)))
    assert np.count_nonzero((found == LIVER) != (own == LIVER)) == 0


def test_organs_that_do_not_move_keep_their_labels():
    labels = np.zeros((10, 10, 10), np.uint16)
    labels[2:8, 2:4, 2:4] = URETERS[0]
    values = np.roll(labels, 2, axis=0).astype(np.float32)
    assert np.array_equal(aligned(labels, values, (4, 4, 4), frozenset((LIVER,))), labels)
