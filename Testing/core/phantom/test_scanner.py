"""Blur, breathing and noise do what physics says."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.model.geometry import Geometry
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.scanner import PetScanner, add_noise, breathing_matrix, draw_scanner


@pytest.fixture
def a_scanner() -> PetScanner:
    return PetScanner(fwhm_mm=6.0, liver_cv=0.12, noise_fwhm_mm=5.0, breath_mm=10.0, breath_offset_mm=-2.0)


@pytest.fixture
def a_grid() -> Geometry:
    return Geometry.from_axes(shape=(41, 45, 49), origin_lps_mm=[0, 0, 0], spacing_ijk_mm=[2.0, 2.5, 3.0])


def test_blur_conserves_activity(a_scanner, a_grid):
    activity = np.zeros(a_grid.shape, np.float32)
    activity[18:22, 20:24, 22:25] = 7.0
    assert a_scanner.blur(activity, a_grid).sum() == pytest.approx(activity.sum(), rel=1e-3)


def test_blurred_point_falls_to_half_at_half_its_fwhm(a_scanner):
    grid = Geometry.from_axes(shape=(41, 41, 41), origin_lps_mm=[0, 0, 0], spacing_ijk_mm=[1.0, 1.0, 1.0])
    point = np.zeros(grid.shape, np.float32)
    point[20, 20, 20] = 1.0
    image = a_scanner.blur(point, grid)
    assert [image[23, 20, 20], image[20, 23, 20], image[20, 20, 23]] == pytest.approx([image.max() / 2] * 3, rel=0.01)


def test_noise_in_the_liver_has_the_scanners_coefficient_of_variation(a_scanner, a_grid):
    liver = np.full(a_grid.shape, 5.0, np.float32)
    noisy = add_noise(liver, a_scanner, a_grid, 5.0, random_stream(1, "test"))
    assert noisy.std() / noisy.mean() == pytest.approx(0.12, rel=0.02)


def test_relative_noise_falls_with_the_root_of_the_signal(a_scanner, a_grid):
    hot = np.full(a_grid.shape, 20.0, np.float32)
    noisy = add_noise(hot, a_scanner, a_grid, 5.0, random_stream(1, "test"))
    assert noisy.std() / noisy.mean() == pytest.approx(0.06, rel=0.02)


def test_noise_is_correlated_between_neighbours(a_scanner, a_grid):
    noisy = add_noise(np.full(a_grid.shape, 5.0, np.float32), a_scanner, a_grid, 5.0, random_stream(2, "test")) - 5
    assert np.corrcoef(noisy[:, :, 1:].ravel(), noisy[:, :, :-1].ravel())[0, 1] > 0.4


def test_breathing_leaves_the_pelvis_and_smears_the_dome(a_scanner):
    heights = np.arange(-100.0, 600.0, 5.0)
    matrix = breathing_matrix(a_scanner, heights, 5.0)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(len(heights)), abs=1e-5)
    pelvis, dome = int(np.argmin(np.abs(heights - 0))), int(np.argmin(np.abs(heights - 350)))
    assert matrix[pelvis, pelvis] == pytest.approx(1.0)
    centre = float(matrix[dome] @ np.arange(len(heights))) - dome
    spread = float(np.sqrt(matrix[dome] @ (np.arange(len(heights)) - dome - centre) ** 2)) * 5
    assert centre * 5 == pytest.approx(2.0, abs=0.3)
    assert 2.5 < spread < 5.5


def test_scanners_stay_within_the_table_of_typical_values():
    for seed in range(40):
        scanner = draw_scanner(seed, 0, voxel_mm=4.07)
        assert 4.0 <= scanner.fwhm_mm <= 7.0
        assert 0.08 <= scanner.liver_cv <= 0.15
        assert 5.0 <= scanner.breath_mm <= 15.0
