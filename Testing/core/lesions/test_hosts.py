"""Lesions told from normal tissue that has uptake of its own: prostate, liver, blood pool, a ureter between voxels."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.candidates import Candidates
from psmacore.lesions.hosts import lesion_part_in_host, prostate_level
from psmacore.lesions.rims import BRAIN_RIM
from psmacore.lesions.segment import segment_by_threshold
from psmacore.lesions.spill import PointSpread
from psmacore.lesions.thresholds import default_rule
from psmacore.model.organs import AORTA, BLADDER, LIVER, ORGAN_NUMBERS, PROSTATE, URETERS
from Testing.core.lesions.scenes import Picture, Scene

BRAIN, SKULL = ORGAN_NUMBERS["brain"], ORGAN_NUMBERS["skull"]


def counted(found: Candidates) -> np.ndarray:
    return np.isin(found.segmentation.labels, [part.segment_number for part in found.parts if part.state.counts])


def analysed(picture: Picture, *, is_fdg: bool = False) -> Candidates:
    return segment_by_threshold(picture.suv, default_rule(is_fdg=False), picture.organs, is_fdg=is_fdg)


@pytest.mark.parametrize(("level", "lesion_suv"), [(2.0, 20.0), (3.5, 12.0), (5.0, 9.0)])
def test_lesion_outweighs_its_host_from_the_harmonic_mean_on(level, lesion_suv):
    border = 2 * level * lesion_suv / (level + lesion_suv)
    shown = np.array([[[level, border * 0.99, lesion_suv, border * 1.01]]], np.float32)
    host = np.full(shown.shape, level, np.float32)
    part = lesion_part_in_host(shown, host, level, shown, np.ones(shown.shape, bool))
    assert (part * 2 > shown).ravel().tolist() == [False, False, True, True]
    assert part.ravel()[2] == pytest.approx(lesion_suv, rel=1e-5)


@pytest.mark.parametrize("gland_suv", [2.0, 3.0, 3.8])
def test_normal_gland_is_measured_beside_a_hot_bladder_and_a_lesion(gland_suv):
    scene = Scene((36, 36, 36))
    scene.organ(scene.ellipsoid((70, 70, 70), (22, 22, 26)), gland_suv, PROSTATE)
    scene.organ(scene.ellipsoid((122, 70, 70), (26, 26, 30)), 40, BLADDER)
    scene.lesion(scene.ellipsoid((66, 76, 62), (8, 8, 8)), 20)
    picture = scene.picture(noise=0.08)
    level = prostate_level(picture.suv, picture.organs, PointSpread(7.5, (4.0, 4.0, 4.0)))
    assert level is not None
    assert level.suv == pytest.approx(gland_suv, rel=0.15)
    assert level.lesion_level > 1.5 * level.suv


def test_lesion_inside_the_prostate_keeps_its_volume():
    scene = Scene((30, 36, 36))
    scene.organ(scene.ellipsoid((60, 70, 70), (30, 30, 34)), 3.4, PROSTATE)
    scene.organ(scene.ellipsoid((108, 70, 70), (8, 26, 30)), 20, BLADDER)
    scene.lesion(scene.ellipsoid((54, 76, 62), (11, 11, 11)), 14)
    picture = scene.picture(noise=0.08)
    assert counted(analysed(picture)).sum() == pytest.approx(picture.truth.sum(), rel=0.2)


def test_extent_of_a_faint_liver_lesion_follows_its_part_and_not_the_level_that_keeps_it():
    scene = Scene((40, 40, 50))
    scene.organ(scene.ellipsoid((80, 80, 90), (60, 55, 70)), 5, LIVER)
    scene.lesion(scene.ellipsoid((90, 70, 60), (11, 11, 11)), 13)
    picture = scene.picture(noise=0.06)
    assert counted(analysed(picture)).sum() == pytest.approx(picture.truth.sum(), rel=0.15)


def test_ureter_that_runs_between_voxels_does_not_enlarge_the_node_beside_it():
    scene = Scene((36, 24, 30), (5.0, 5.3, 5.3))
    scene.organ(scene.tube((4, 50.4, 45.1), (170, 50.4, 61.0), 3.4), 14, URETERS[0])
    scene.lesion(scene.ellipsoid((85, 50, 66), (9, 9, 9)), 18)
    picture = scene.picture(fwhm_mm=6.5, noise=0.08)
    assert counted(analysed(picture)).sum() == pytest.approx(picture.truth.sum(), rel=0.2)


def test_blood_pool_at_the_threshold_is_warned_of_and_does_not_grow_into_a_node():
    scene = Scene((40, 30, 30))
    scene.organ(scene.tube((0, 60, 60), (160, 60, 60), 16), 2.9, AORTA)
    scene.organ(scene.ellipsoid((20, 20, 20), (10, 10, 10)), 30, BLADDER)
    scene.lesion(scene.ellipsoid((80, 60, 84), (9, 9, 9)), 25)
    picture = scene.picture(noise=0.12)
    found = analysed(picture)
    assert any("blood pool" in warning for warning in found.warnings)
    assert counted(found).sum() == pytest.approx(picture.truth.sum(), rel=0.25)
    set_aside = [part.note for part in found.parts if not part.state.counts]
    assert "physiological uptake: aorta" in set_aside


def test_cold_blood_pool_is_not_warned_of():
    scene = Scene((20, 20, 20))
    scene.organ(scene.tube((0, 40, 40), (80, 40, 40), 12), 1.3, AORTA)
    scene.organ(scene.ellipsoid((10, 10, 10), (8, 8, 8)), 30, BLADDER)
    assert not any("blood pool" in warning for warning in analysed(scene.picture()).warnings)


def test_rim_of_the_brain_is_set_aside_in_fdg_and_a_hot_skull_lesion_is_not():
    scene = Scene((36, 36, 50))
    ball = scene.ellipsoid((70, 70, 90), (40, 40, 40))
    scene.organ(scene.ellipsoid((70, 70, 90), (56, 56, 56)), 0.6, SKULL)
    scene.organ(ball, 9, BRAIN)
    scene.lesion(scene.ellipsoid((70, 70, 144), (7, 7, 7)), 5)  # faint
    scene.lesion(scene.ellipsoid((70, 70, 32), (8, 8, 8)), 16)
    picture = scene.picture()
    found = analysed(picture, is_fdg=True)
    assert sum(part.state.counts for part in found.parts) == 1
    assert [part.note for part in found.parts if part.note == BRAIN_RIM] == [BRAIN_RIM]


def test_seminal_vesicle_that_merges_with_a_bladder_lesion_is_not_counted():
    scene = Scene((36, 40, 50))
    scene.organ(scene.ellipsoid((30, 60, 100), (20, 20, 26)), 3.8, PROSTATE)
    scene.organ(scene.ellipsoid((90, 60, 100), (34, 34, 40)), 20, BLADDER)
    vesicle = scene.ellipsoid((56, 90, 110), (8, 8, 34))
    scene.organ(vesicle, 4.5, 0)
    scene.lesion(scene.ellipsoid((60, 90, 74), (8, 8, 8)), 25)
    picture = scene.picture(noise=0.05)
    found = counted(analysed(picture))
    assert found[:, :, 29:].sum() == 0  # the vesicle's far end, 34 mm and more from the lesion's centre
    assert (found & picture.truth).sum() > 0.85 * picture.truth.sum()
