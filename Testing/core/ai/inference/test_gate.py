"""The gate: what can be foreground, on the grid that the network reads."""

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.inference.gate import gate_on
from psmacore.ai.preprocess.crop import Crop, whole
from psmacore.ai.preprocess.prepare import Prepared, restore
from psmacore.model.geometry import Geometry


@pytest.fixture
def a_native_grid():
    turn = np.array([[0.98, -0.199], [0.199, 0.98]])
    directions = np.eye(4)
    directions[:2, :2] = turn / np.linalg.norm(turn[0])
    fine = Geometry.from_axes(shape=(14, 20, 18), origin_lps_mm=(-30, 12, 5), spacing_ijk_mm=(2.0, 3.0, 4.0))
    return Geometry(fine.shape, directions @ fine.lps_from_ijk)


@pytest.fixture
def a_coarse_grid(a_native_grid):
    """The same box in larger, uneven voxels, shifted by a fraction of one."""
    coarse = a_native_grid.lps_from_ijk @ np.diag([1.9, 1.7, 1.4, 1.0])
    coarse[:3, 3] += a_native_grid.lps_from_ijk[:3, :3] @ np.array([0.31, 0.12, 0.4])
    return Geometry((10, 11, 9), coarse)


def as_prepared(native, model, crop):
    image = np.zeros((1, *crop.cropped_shape), np.float32)
    return Prepared(image, crop.geometry(model), native, model, crop, np.zeros(1, np.float32))


def test_on_the_studys_own_grid_the_gate_is_cropped_and_no_more(a_native_grid):
    wanted = np.random.default_rng(0).random(a_native_grid.shape) < 0.1
    crop = Crop(a_native_grid.shape, (2, 3, 4), (10, 12, 14), before=(1, 0, 0), after=(0, 2, 0))
    gate = gate_on(wanted, as_prepared(a_native_grid, a_native_grid, crop))
    np.testing.assert_array_equal(gate, np.pad(wanted[2:10, 3:12, 4:14], ((1, 0), (0, 2), (0, 0))))


def test_on_another_grid_the_gate_holds_every_voxel_that_interpolation_reads(a_native_grid, a_coarse_grid):
    """What lies outside the gate may be anything: the study's wanted voxels come back the same."""
    rng = np.random.default_rng(4)
    wanted = np.zeros(a_native_grid.shape, np.bool_)
    wanted[3:12, 4:16, 3:15] = rng.random((9, 12, 12)) < 0.02
    prepared = as_prepared(a_native_grid, a_coarse_grid, whole(a_coarse_grid.shape))
    gate = gate_on(wanted, prepared)
    logits = rng.normal(size=(1, *gate.shape)).astype(np.float32)
    spoilt = np.where(gate, logits, np.float32(-60.0))
    before, after = restore(logits, prepared, fill=0.0), restore(spoilt, prepared, fill=0.0)
    assert 0 < np.count_nonzero(gate) < gate.size / 2
    np.testing.assert_allclose(after[0][wanted], before[0][wanted], atol=1e-5)
