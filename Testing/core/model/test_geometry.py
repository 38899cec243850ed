"""Voxel indices and LPS points are two names of one place, on an oblique grid with three different sizes."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry


def rotation(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    """Rodrigues' formula."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


@pytest.fixture
def an_oblique_geometry() -> Geometry:
    return Geometry.from_axes(
        shape=(7, 5, 3),
        origin_lps_mm=(-12.5, 33.0, -871.25),
        spacing_ijk_mm=(4.1, 2.2, 3.27),
        directions_lps=rotation((1, 2, 3), 25),
    )


def test_array_indices_go_to_the_points_that_itk_gives(an_oblique_geometry: Geometry) -> None:
    image = sitk.Image(3, 5, 7, sitk.sitkUInt8)
    image.SetOrigin(an_oblique_geometry.origin_lps_mm.tolist())
    image.SetSpacing(an_oblique_geometry.spacing_ijk_mm.tolist())
    image.SetDirection(an_oblique_geometry.directions_lps.ravel().tolist())
    for k, j, i in [(0, 0, 0), (6, 4, 2), (3, 0, 2), (1, 4, 0)]:
        expected = image.TransformIndexToPhysicalPoint((i, j, k))
        assert an_oblique_geometry.lps_of_kji((k, j, i))[0] == pytest.approx(expected, abs=1e-9)


def test_indices_survive_the_way_to_lps_and_back(an_oblique_geometry: Geometry) -> None:
    indices = np.array([[0, 0, 0], [6, 4, 2], [2.5, 1.25, 0.75]])
    assert an_oblique_geometry.kji_of_lps(an_oblique_geometry.lps_of_kji(indices)) == pytest.approx(indices, abs=1e-9)


def test_voxel_volume_is_the_product_of_the_spacings_whatever_the_rotation(an_oblique_geometry: Geometry) -> None:
    assert an_oblique_geometry.voxel_volume_ml == pytest.approx(4.1 * 2.2 * 3.27 / 1000)


def test_spacing_in_array_order_is_reversed(an_oblique_geometry: Geometry) -> None:
    assert an_oblique_geometry.spacing_kji_mm == pytest.approx((3.27, 2.2, 4.1))


def test_grids_are_the_same_only_within_the_tolerance(an_oblique_geometry: Geometry) -> None:
    moved = np.array(an_oblique_geometry.lps_from_ijk)
    moved[0, 3] += 0.02
    other = Geometry(an_oblique_geometry.shape, moved)
    assert an_oblique_geometry.is_same_grid(an_oblique_geometry)
    assert not an_oblique_geometry.is_same_grid(other)
    assert an_oblique_geometry.is_same_grid(other, tolerance_mm=0.05)
    assert not an_oblique_geometry.is_same_grid(Geometry((7, 5, 4), an_oblique_geometry.lps_from_ijk))


def test_the_affine_cannot_be_changed_afterwards(an_oblique_geometry: Geometry) -> None:
    with pytest.raises(ValueError, match="read-only"):
        an_oblique_geometry.lps_from_ijk[0, 0] = 1.0


@pytest.mark.parametrize(
    ("shape", "matrix", "reason"),
    [
        ((2, 2, 2), np.zeros((4, 4)), "singular"),
        ((2, 2, 2), np.full((4, 4), np.nan), "finite"),
        ((2, 2, 2), np.eye(3), "4 x 4"),
        ((0, 2, 2), np.eye(4), "positive"),
    ],
)
def test_an_impossible_grid_is_refused(shape: tuple[int, int, int], matrix: np.ndarray, reason: str) -> None:
    with pytest.raises(GeometryError, match=reason):
        Geometry(shape, matrix)
