"""Shapes on grids have the volumes that geometry gives them."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.model.geometry import Geometry
from psmacore.phantom.canvas import Canvas
from psmacore.phantom.shapes import Column, Common, Offset, Without, ellipsoid, rotation_deg, tube


@pytest.fixture
def an_oblique_grid() -> Geometry:
    return Geometry.from_axes(
        shape=(60, 70, 80),
        origin_lps_mm=[-60, -70, -55],
        spacing_ijk_mm=[1.7, 2.0, 2.3],
        directions_lps=rotation_deg(12, -7, 20),
    )


@pytest.fixture
def a_moved_body() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_deg(-4, 6, 9)
    matrix[:3, 3] = [-12, 7, -15]
    return matrix


def painted_ml(canvas: Canvas) -> float:
    return float(canvas.values.sum(dtype=np.float64)) * canvas.geometry.voxel_volume_ml


def test_rotated_ellipsoid_keeps_its_volume_on_an_oblique_grid(an_oblique_grid, a_moved_body):
    canvas = Canvas(an_oblique_grid, a_moved_body)
    canvas.paint((ellipsoid([3, -4, 5], [12, 18, 25], rotation_deg(30, 40, 50)),), 1.0)
    assert painted_ml(canvas) == pytest.approx(4 / 3 * np.pi * 12 * 18 * 25 / 1000, rel=0.01)


def test_painted_centroid_lies_where_the_body_was_moved_to(an_oblique_grid, a_moved_body):
    canvas = Canvas(an_oblique_grid, a_moved_body)
    canvas.paint((ellipsoid([3, -4, 5], [12, 14, 16]),), 1.0)
    indices = np.argwhere(canvas.values > 0)
    weights = canvas.values[canvas.values > 0]
    centre = np.average(an_oblique_grid.lps_of_kji(indices), axis=0, weights=weights)
    assert a_moved_body[:3, :3] @ centre + a_moved_body[:3, 3] == pytest.approx([3, -4, 5], abs=0.05)


def test_straight_tube_has_the_volume_of_a_rod_with_round_ends(an_oblique_grid):
    canvas = Canvas(an_oblique_grid, np.eye(4))
    middle = an_oblique_grid.lps_of_kji([[30, 35, 40]])[0]
    points = middle + np.array([[-20.0, 0, 0], [20, 0, 0]])
    mask = canvas.inside(tube(points, 8.0))
    expected = (np.pi * 64 * 40 + 4 / 3 * np.pi * 512) / 1000
    assert mask.sum() * an_oblique_grid.voxel_volume_ml == pytest.approx(expected, rel=0.03)


def test_tube_runs_through_its_points():
    points = np.array([[0.0, 0, 0], [20, 10, 5], [40, -10, 30], [60, 0, 60]])
    rods = tube(points, 3.0, step_mm=2.0)
    x, y, z = (points[:, n].astype(np.float32).reshape(-1, 1, 1) for n in range(3))
    nearest = np.min([rod.distance(x, y, z) for rod in rods], axis=0)
    assert (nearest < -2.0).all()


def test_elliptic_column_has_the_area_of_an_ellipse(an_oblique_grid):
    grid = Geometry.from_axes(shape=(10, 120, 160), origin_lps_mm=[-80, -60, 0], spacing_ijk_mm=[1, 1, 1])
    ones = np.ones(2)
    column = Column(np.array([-5.0, 20.0]), 60 * ones, 40 * ones, 3 * ones, squareness=0.0)
    area = Canvas(grid, np.eye(4)).inside((column,))[5].sum()
    assert area == pytest.approx(np.pi * 60 * 40, rel=0.01)


def test_squareness_one_makes_a_rectangle():
    ones = np.ones(2)
    column = Column(np.array([-5.0, 20.0]), 60 * ones, 40 * ones, 0 * ones, squareness=0.999)
    corner = [np.full((1, 1, 1), value, np.float32) for value in (57, 37, 5)]
    assert column.distance(*corner).item() < 0


def test_common_and_without_divide_a_body_into_its_two_parts(an_oblique_grid):
    ball, other = ellipsoid([0, 0, 0], [20, 20, 20]), ellipsoid([15, 0, 0], [20, 20, 20])
    canvas = Canvas(an_oblique_grid, np.eye(4))
    whole, shared, rest = (canvas.inside((s,)) for s in (ball, Common(ball, other), Without(ball, other)))
    assert (shared | rest)[whole].all()
    assert abs(int(shared.sum()) + int(rest.sum()) - int(whole.sum())) <= 2


def test_offset_grows_a_ball_by_its_margin(an_oblique_grid):
    canvas = Canvas(an_oblique_grid, np.eye(4))
    canvas.paint((Offset(ellipsoid([0, 0, 0], [15, 15, 15]), 4.0),), 1.0)
    assert painted_ml(canvas) == pytest.approx(4 / 3 * np.pi * 19**3 / 1000, rel=0.01)


def test_later_paint_lies_over_earlier_and_none_keeps_the_label(an_oblique_grid):
    canvas = Canvas(an_oblique_grid, np.eye(4), with_labels=True)
    canvas.paint((ellipsoid([0, 0, 0], [20, 20, 20]),), 1.0, label=5)
    canvas.paint((ellipsoid([0, 0, 0], [10, 10, 10]),), 3.0, label=None)
    k, j, i = np.rint(an_oblique_grid.kji_of_lps([[0, 0, 0]])[0]).astype(int)
    assert canvas.values[k, j, i] == pytest.approx(3.0)
    assert canvas.labels is not None
    assert canvas.labels[k, j, i] == 5


def test_shape_outside_the_grid_paints_nothing(an_oblique_grid):
    canvas = Canvas(an_oblique_grid, np.eye(4))
    canvas.paint((ellipsoid([900, 0, 0], [20, 20, 20]),), 1.0)
    assert not canvas.values.any()


def test_small_ball_is_sampled_finer_than_the_voxels(an_oblique_grid):
    ball = ellipsoid([1.3, -0.4, 0.6], [3.3, 3.3, 3.3])
    canvas = Canvas(an_oblique_grid, np.eye(4))
    box = canvas.box(ball)
    assert box is not None
    filled = float(canvas.coverage(ball, box).sum(dtype=np.float64)) * an_oblique_grid.voxel_volume_ml
    assert filled == pytest.approx(4 / 3 * np.pi * 3.3**3 / 1000, rel=0.03)
