"""Short axis of shapes whose diameters are known."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.diameter import short_axis_mm
from psmacore.model.geometry import Geometry
from Testing.core.lesions.scenes import a_geometry


def test_single_voxel_is_measured_across_its_diagonal():
    assert short_axis_mm(np.array([[2, 2, 2]]), a_geometry((5, 5, 5))) == pytest.approx(np.sqrt(32))


def test_box_has_the_width_across_its_diagonal():
    box = np.argwhere(np.ones((2, 3, 10)))
    long_mm, short_mm = 40.0, 12.0
    expected = 2 * long_mm * short_mm / np.hypot(long_mm, short_mm)  # both other corners lie that far apart, in sum
    assert short_axis_mm(box, a_geometry((2, 3, 10))) == pytest.approx(expected)


def test_ellipse_gives_its_minor_axis():
    j, i = np.meshgrid(np.arange(101), np.arange(101), indexing="ij")
    ellipse = ((j - 50) / 15) ** 2 + ((i - 50) / 40) ** 2 <= 1
    voxels = np.argwhere(ellipse[None])
    assert short_axis_mm(voxels, a_geometry((1, 101, 101), (3.0, 0.5, 0.5))) == pytest.approx(15.0, abs=0.8)


def test_the_slice_with_the_longest_diameter_counts():
    mask = np.zeros((3, 40, 40), bool)
    mask[0, 10:20, 10:20] = True  # round, 10 x 10
    mask[2, 5, 5:35] = True  # long and thin
    short = short_axis_mm(np.argwhere(mask), a_geometry(mask.shape, (4.0, 1.0, 1.0)))
    assert short == pytest.approx(2.0, abs=0.05)


def test_turned_patient_changes_nothing():
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    voxels = np.argwhere(np.random.default_rng(0).random((3, 8, 9)) > 0.4)
    straight = Geometry.from_axes(shape=(3, 8, 9), origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(2, 3, 4))
    turned = Geometry.from_axes(shape=(3, 8, 9), origin_lps_mm=(9, 9, 9), spacing_ijk_mm=(2, 3, 4), directions_lps=turn)
    assert short_axis_mm(voxels, turned) == pytest.approx(short_axis_mm(voxels, straight))


def test_nothing_has_no_short_axis():
    assert short_axis_mm(np.empty((0, 3), np.int64), a_geometry((5, 5, 5))) is None
