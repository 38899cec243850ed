"""The windows of a volume, those that a gate needs, and the batches that they run in."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.inference.windows import plan_windows  # noqa: E402
from Testing.core.ai.inference.peer import monai_windows  # noqa: E402

SIZES = [
    ((40, 40, 40), (16, 16, 16), 0.5),
    ((33, 47, 21), (8, 24, 16), 0.25),
    ((33, 47, 21), (8, 24, 16), 0.7),
    ((5, 16, 90), (16, 16, 16), 0.5),
    ((1, 7, 9), (8, 8, 8), 0.5),
    ((12, 30, 30), (1, 16, 16), 0.5),
    ((16, 16, 16), (16, 16, 16), 0.0),
]


@pytest.mark.parametrize(("shape", "patch", "overlap"), SIZES)
def test_windows_lie_where_monai_puts_them(shape, patch, overlap):
    plan = plan_windows(shape, patch, overlap)
    np.testing.assert_array_equal(plan.starts, monai_windows(shape, patch, overlap=overlap))
    assert plan.n_run == plan.n_all


@pytest.mark.parametrize(("shape", "patch", "overlap"), SIZES)
def test_a_window_is_run_if_and_only_if_it_holds_a_voxel_of_the_gate(shape, patch, overlap):
    gate = np.random.default_rng(5).random(shape) < 4 / np.prod(shape)
    plan = plan_windows(shape, patch, overlap, gate=gate)
    padded = np.zeros(plan.padded_shape, np.bool_)
    padded[tuple(slice(a, a + n) for a, n in zip(plan.before, shape, strict=True))] = gate
    holds = [padded[tuple(slice(a, a + n) for a, n in zip(start, patch, strict=True))].any() for start in plan.starts]
    np.testing.assert_array_equal(plan.run, np.flatnonzero(holds))


def test_an_empty_gate_needs_no_window():
    plan = plan_windows((20, 20, 20), (8, 8, 8), 0.5, gate=np.zeros((20, 20, 20), np.bool_))
    assert plan.n_run == 0
    assert plan.exact_batches(4) == plan.packed_batches(4, is_filled=True) == []


def test_a_full_gate_needs_every_window():
    plan = plan_windows((20, 20, 20), (8, 8, 8), 0.5, gate=np.ones((20, 20, 20), np.bool_))
    assert plan.n_run == plan.n_all


def test_the_box_holds_the_windows_that_are_run_and_nothing_more():
    gate = np.zeros((64, 64, 64), np.bool_)
    gate[30, 40, 3] = True
    plan = plan_windows((64, 64, 64), (16, 16, 16), 0.5, gate=gate)
    assert plan.box == (slice(16, 40), slice(32, 56), slice(0, 16))


def test_windows_keep_the_size_of_the_batch_that_monai_runs_them_in():
    gate = np.zeros((8, 8, 56), np.bool_)
    gate[..., 0] = gate[..., 22] = gate[..., 55] = True
    plan = plan_windows((8, 8, 56), (8, 8, 8), 0.0, gate=gate)
    assert plan.run.tolist() == [0, 2, 6]
    assert plan.exact_batches(4) == [[0, 2, 2, 2], [6, 6, 6]]  # 7 windows: MONAI runs 4 and 3
    assert plan.exact_batches(1) == [[0], [2], [6]]
    assert plan.packed_batches(2, is_filled=False) == [[0, 2], [6]]
    assert plan.packed_batches(2, is_filled=True) == [[0, 2], [6, 6]]
