"""Projections are plain maxima, seen from the side that they name (W44)."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

from psmacore.dicom.read_pet import read_pet_series
from psmacore.model.geometry import Geometry
from psmacore.report.views import View, project, projector_for
from psmacore.suv.convert import to_suv

# superior, posterior, left: an asymmetric patient, larger numbers are nearer the head, the back and the left
CANONICAL_SHAPE = (7, 5, 6)
ORIENTATIONS = [(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]


@pytest.fixture
def an_asymmetric_patient() -> np.ndarray:
    """Return random uptake with array axes to superior, posterior and left."""
    return np.random.default_rng(3).random(CANONICAL_SHAPE).astype(np.float32)


def stored(patient: np.ndarray, axes: tuple[int, ...], flips: tuple[bool, ...]) -> tuple[np.ndarray, Geometry]:
    """Return the same patient with its array axes in another order and direction, and the geometry that says so."""
    lps_of_canonical = np.array([[0, 0, 1.0], [0, 1, 0], [1, 0, 0]]) * np.array([3.0, 4.0, 5.0])[None, :]
    values, origin = patient.transpose(axes), np.zeros(3)
    columns = lps_of_canonical[:, list(axes)]
    for axis, is_flipped in enumerate(flips):
        if is_flipped:
            origin = origin + columns[:, axis] * (values.shape[axis] - 1)
            columns[:, axis] *= -1
            values = np.flip(values, axis)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = columns[:, ::-1], origin
    return values, Geometry(values.shape, matrix)


def test_projection_is_the_maximum_along_the_axis_voxel_by_voxel(an_asymmetric_patient: np.ndarray) -> None:
    """W44: compared with a loop that takes the maximum by hand."""
    picture = project(an_asymmetric_patient, 1)
    for k, i in product(range(7), range(6)):
        assert picture[k, i] == max(an_asymmetric_patient[k, j, i] for j in range(5))


def test_pet_mip_equals_numpy_max_projection_on_a_body(a_body: tuple) -> None:
    """W44: the picture's values are exactly numpy's maxima, head up."""
    suv, _ = a_body
    assert np.array_equal(projector_for(suv.geometry, View.ANTERIOR).picture(suv.values), suv.values.max(axis=1)[::-1])
    assert np.array_equal(
        projector_for(suv.geometry, View.LEFT_LATERAL).picture(suv.values), suv.values.max(axis=2)[::-1]
    )


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_view_is_the_same_however_the_volume_is_stored(
    axes: tuple[int, ...], flips: tuple[bool, ...], an_asymmetric_patient: np.ndarray
) -> None:
    values, geometry = stored(an_asymmetric_patient, axes, flips)
    anterior, lateral = projector_for(geometry, View.ANTERIOR), projector_for(geometry, View.LEFT_LATERAL)
    # head up; patient's left on the right; posterior on the right
    assert np.array_equal(anterior.picture(values), an_asymmetric_patient.max(axis=1)[::-1, :])
    assert np.array_equal(lateral.picture(values), an_asymmetric_patient.max(axis=2)[::-1, :])
    assert (anterior.row_mm, anterior.column_mm) == (3.0, 5.0)
    assert (lateral.row_mm, lateral.column_mm) == (3.0, 4.0)


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS[::5])
def test_voxels_fall_onto_the_pixels_that_show_them(
    axes: tuple[int, ...], flips: tuple[bool, ...], an_asymmetric_patient: np.ndarray
) -> None:
    values, geometry = stored(an_asymmetric_patient, axes, flips)
    for view in View:
        projector = projector_for(geometry, view)
        hottest = np.argwhere(values == values.max())
        rows, columns = projector.pixels_of(hottest)
        assert projector.picture(values)[rows[0], columns[0]] == values.max()


def test_oblique_grid_is_shown_along_its_nearest_axes() -> None:
    tilt = np.deg2rad(17)
    directions = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    geometry = Geometry.from_axes(
        shape=(9, 8, 7), origin_lps_mm=(1, 2, 3), spacing_ijk_mm=(2, 3, 4), directions_lps=directions
    )
    projector = projector_for(geometry, View.ANTERIOR)
    assert (projector.depth_axis, projector.row_axis, projector.column_axis) == (1, 0, 2)
    assert (projector.is_row_flipped, projector.is_column_flipped) == (True, False)


def test_real_ge_series_is_projected_as_numpy_does_with_the_head_up(shared_data: Path) -> None:
    """W44 on a real series: its slices run from head to feet, and the brain is the hottest end."""
    paths = sorted((shared_data / "sts001-pet-ge-bqml" / "image").rglob("*.dcm"))
    suv = to_suv(read_pet_series(paths))
    picture = projector_for(suv.geometry, View.ANTERIOR).picture(suv.values)
    heads_up = suv.geometry.lps_from_ijk[2, 2] < 0
    expected = suv.values.max(axis=1)
    assert np.array_equal(picture, expected if heads_up else expected[::-1])
    assert picture[:15].max() > 10
