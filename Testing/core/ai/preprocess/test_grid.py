from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from psmacore.ai.preprocess.grid import (
    Interpolation,
    argmax_on,
    model_geometry,
    resample,
    resample_channels,
    to_image,
)
from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import Grid
from Testing.core.ai.preprocess.grids import a_linear_field, an_oblique_grid, voxel_centres_lps

LINEAR, NEAREST = Interpolation.LINEAR, Interpolation.NEAREST


def test_the_prostate_grid_has_its_spacing_over_the_same_field_of_view() -> None:
    """W64: 1.5 x 1.5 x 2.0 mm."""
    native = an_oblique_grid(shape=(30, 40, 50), spacing_ijk_mm=(0.9, 0.9, 3.0))

    resampled = model_geometry(Grid(patch=(96, 96, 96), spacing_kji_mm=(2.0, 1.5, 1.5)), native)

    assert resampled.spacing_kji_mm == pytest.approx((2.0, 1.5, 1.5))
    assert resampled.shape == (45, 24, 30)
    middles = [grid.lps_of_kji((np.array(grid.shape) - 1) / 2)[0] for grid in (native, resampled)]
    assert middles[0] == pytest.approx(middles[1], abs=1e-9)
    assert resampled.directions_lps == pytest.approx(native.directions_lps, abs=1e-12)


def test_resizing_keeps_the_outer_faces_of_the_volume() -> None:
    """W72: 128 x 128 x 128 of the whole volume."""
    native = an_oblique_grid()

    resized = model_geometry(Grid(patch=(128, 128, 128), resize_to=(128, 128, 128)), native)

    assert resized.shape == (128, 128, 128)
    for corner in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1)):
        faces = [grid.lps_of_kji(np.array(corner) * grid.shape - 0.5)[0] for grid in (native, resized)]
        assert faces[0] == pytest.approx(faces[1], abs=1e-9)


def test_a_model_without_spacing_works_on_the_native_grid_itself() -> None:
    native = an_oblique_grid()

    assert model_geometry(Grid(patch=(8, 8, 8)), native) is native


def test_a_grid_that_has_the_models_spacing_already_is_not_resampled() -> None:
    native = an_oblique_grid()

    assert model_geometry(Grid(patch=(8, 8, 8), spacing_kji_mm=native.spacing_kji_mm), native) is native


def test_a_linear_field_is_the_same_function_of_the_patient_on_both_grids_and_back() -> None:
    native = an_oblique_grid()
    field = a_linear_field(native)
    finer = model_geometry(Grid(patch=(8, 8, 8), spacing_kji_mm=(1.3, 1.1, 0.9)), native)

    there = resample(field, native, finer, interpolation=LINEAR, outside=None)
    back = resample(there, finer, native, interpolation=LINEAR, outside=None)

    inner = (slice(3, -3),) * 3
    assert there[inner] == pytest.approx(a_linear_field(finer)[inner], abs=2e-4)
    assert back[inner] == pytest.approx(field[inner], abs=2e-4)


def test_resizing_is_deterministic() -> None:
    """W72: resize deterministic."""
    native = an_oblique_grid()
    values = np.random.default_rng(0).random(native.shape, np.float32)
    target = model_geometry(Grid(patch=(9, 9, 9), resize_to=(9, 9, 9)), native)

    first = resample(values, native, target, interpolation=LINEAR, outside=None)

    assert first.tobytes() == resample(values, native, target, interpolation=LINEAR, outside=None).tobytes()


def test_labels_are_never_mixed() -> None:
    native = an_oblique_grid()
    labels = np.random.default_rng(1).choice(np.array([0, 5, 207], np.uint16), native.shape)
    target = model_geometry(Grid(patch=(9, 9, 9), spacing_kji_mm=(2.0, 2.0, 2.0)), native)

    moved = resample(labels, native, target, interpolation=NEAREST)

    assert moved.dtype == np.uint16
    assert set(np.unique(moved)) == {0, 5, 207}


def test_ct_outside_its_field_of_view_is_air() -> None:
    pet = an_oblique_grid(shape=(4, 5, 6))
    matrix = pet.lps_from_ijk.copy()
    matrix[:3, 3] += 1000.0
    ct = Geometry(pet.shape, matrix)

    moved = resample(np.full(ct.shape, 40.0, np.float32), ct, pet, interpolation=LINEAR, outside=-1024.0)

    assert (moved == -1024.0).all()


def test_a_rigid_transform_takes_points_of_the_target_to_points_of_the_source() -> None:
    """D07: rigid.tfm has the folder's tracer fixed, which is the target, and the other one moving."""
    fixed, moving = an_oblique_grid(shape=(20, 22, 24)), an_oblique_grid(shape=(21, 20, 25), spacing_ijk_mm=(2, 2, 3))
    rigid = sitk.Euler3DTransform([-20.0, 50.0, -790.0], 0.05, -0.08, 0.11, [3.0, -2.0, 1.5])

    moved = resample(
        a_linear_field(moving), moving, fixed, interpolation=LINEAR, outside=np.nan, source_from_target=rigid
    )

    points = voxel_centres_lps(fixed).reshape(-1, 3)
    expected = np.array([rigid.TransformPoint(point) for point in points.tolist()])
    expected_values = (expected @ np.array([0.31, -0.17, 0.05]) + 40.0).reshape(fixed.shape)
    inside = np.isfinite(moved)
    inner = moving.kji_of_lps(expected)
    is_inner = ((inner > 0.5) & (inner < np.array(moving.shape) - 1.5)).all(axis=1).reshape(fixed.shape)
    assert is_inner.sum() > 1000
    assert inside[is_inner].all()
    assert moved[is_inner] == pytest.approx(expected_values[is_inner], abs=2e-4)


def test_the_winner_on_the_same_grid_is_numpys_argmax_and_the_first_of_equals() -> None:
    grid = an_oblique_grid(shape=(3, 4, 5))
    logits = np.random.default_rng(2).integers(0, 3, (6, *grid.shape)).astype(np.float32)

    assert np.array_equal(argmax_on(logits, grid, grid), logits.argmax(axis=0))


def test_one_slice_can_be_resampled() -> None:
    native = an_oblique_grid(shape=(1, 12, 12))
    target = model_geometry(Grid(patch=(1, 8, 8), spacing_kji_mm=(2.0, 1.5, 1.5)), native)

    moved = resample_channels(np.ones((2, *native.shape), np.float32), native, target, interpolation=LINEAR)

    assert moved.shape == (2, *target.shape)
    assert (moved == 1).all()


def test_voxels_that_do_not_fill_their_grid_are_refused() -> None:
    grid = an_oblique_grid()

    with pytest.raises(GeometryError, match="do not fill"):
        resample(np.zeros((2, 2, 2), np.float32), grid, grid, interpolation=LINEAR)


def test_an_image_has_its_voxels_where_the_grid_says() -> None:
    grid = an_oblique_grid()

    image = to_image(np.zeros(grid.shape, np.float32), grid)

    for i, j, k in ((0, 0, 0), (16, 0, 3), (5, 13, 10)):
        assert image.TransformIndexToPhysicalPoint((i, j, k)) == pytest.approx(grid.lps_of_kji((k, j, i))[0], abs=1e-9)
