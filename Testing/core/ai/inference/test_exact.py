"""Exact mode beside MONAI's ``sliding_window_inference``: the same bits from fewer windows."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.inference.accumulate import BACKGROUND_LOGITS  # noqa: E402
from psmacore.ai.inference.engine import Predictor, predict_logits  # noqa: E402
from psmacore.ai.inference.settings import InferenceSettings  # noqa: E402
from psmacore.registry.manifest import Grid  # noqa: E402
from Testing.core.ai.inference.peer import monai_logits  # noqa: E402

EXACT = InferenceSettings()


def batches_of(n):
    return InferenceSettings(batch=n)


@pytest.mark.parametrize("batch", [1, 3, 4])
@pytest.mark.parametrize(
    ("patch", "overlap"), [((16, 16, 16), 0.5), ((8, 24, 16), 0.25), ((32, 16, 64), 0.6), ((32, 48, 48), 0.5)]
)
def test_logits_equal_monais_bit_for_bit(a_network, an_image, patch, overlap, batch):
    ours = predict_logits(a_network, an_image, Grid(patch, overlap=overlap), settings=batches_of(batch))
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, monai_logits(a_network, an_image, patch, overlap=overlap, batch=batch))


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_leaving_windows_out_changes_no_bit_inside_the_gate(a_network, an_image, a_sparse_gate, batch):
    predictor = Predictor(a_network, Grid((16, 16, 16)), settings=batches_of(batch))
    prediction = predictor.predict(an_image, gate=a_sparse_gate)
    full = monai_logits(a_network, an_image, (16, 16, 16), overlap=0.5, batch=batch)
    assert prediction.n_windows_run < prediction.n_windows
    np.testing.assert_array_equal(prediction.logits[:, a_sparse_gate], full[:, a_sparse_gate])
    np.testing.assert_array_equal(
        (prediction.logits.argmax(axis=0) == 1) & a_sparse_gate, (full.argmax(axis=0) == 1) & a_sparse_gate
    )


def test_logits_outside_the_gate_are_background(a_network, an_image, a_sparse_gate):
    logits = predict_logits(a_network, an_image, Grid((16, 16, 16)), settings=EXACT, gate=a_sparse_gate)
    assert (logits[0, ~a_sparse_gate] == BACKGROUND_LOGITS[0]).all()
    assert (logits[1, ~a_sparse_gate] == BACKGROUND_LOGITS[1]).all()


def test_background_logits_read_as_background_by_softmax_and_by_sigmoid():
    logits = torch.tensor([BACKGROUND_LOGITS[0], BACKGROUND_LOGITS[1], BACKGROUND_LOGITS[1]], dtype=torch.float64)
    assert logits.softmax(0)[0] > 1 - 1e-12
    assert logits.sigmoid().max() < 1e-12


@pytest.mark.parametrize("n_outputs", [2, None])
def test_an_empty_gate_gives_background_everywhere(a_network, an_image, n_outputs):
    gate = np.zeros(an_image.shape[1:], np.bool_)
    predictor = Predictor(a_network, Grid((16, 16, 16)), settings=EXACT, n_outputs=n_outputs)
    prediction = predictor.predict(an_image, gate=gate)
    assert prediction.n_windows_run == 0
    assert prediction.logits.shape == (2, *an_image.shape[1:])
    assert (prediction.logits.argmax(axis=0) == 0).all()


def test_a_full_gate_gives_what_no_gate_gives(a_network, an_image):
    gate = np.ones(an_image.shape[1:], np.bool_)
    gated = predict_logits(a_network, an_image, Grid((16, 16, 16)), settings=EXACT, gate=gate)
    np.testing.assert_array_equal(gated, predict_logits(a_network, an_image, Grid((16, 16, 16)), settings=EXACT))


@pytest.mark.parametrize("shape", [(1, 20, 20), (3, 5, 40), (1, 1, 1)])
def test_a_volume_smaller_than_a_window_equals_monais(a_network, shape):
    image = np.random.default_rng(2).normal(size=(2, *shape)).astype(np.float32)
    gate = np.zeros(shape, np.bool_)
    gate[0, 0, 0] = gate[-1, -1, -1] = True
    full = monai_logits(a_network, image, (16, 16, 16), overlap=0.5, batch=1)
    np.testing.assert_array_equal(predict_logits(a_network, image, Grid((16, 16, 16)), settings=EXACT), full)
    gated = predict_logits(a_network, image, Grid((16, 16, 16)), settings=EXACT, gate=gate)
    np.testing.assert_array_equal(gated[:, gate], full[:, gate])


def test_a_gate_of_numbers_is_taken_as_true_where_it_is_not_zero(a_network, an_image, a_sparse_gate):
    grid = Grid((16, 16, 16))
    as_numbers = predict_logits(a_network, an_image, grid, settings=EXACT, gate=3 * a_sparse_gate.astype(np.uint8))
    as_truth = predict_logits(a_network, an_image, grid, settings=EXACT, gate=a_sparse_gate)
    np.testing.assert_array_equal(as_numbers, as_truth)


def test_a_network_of_slices_equals_monai_on_each_slice(an_image):
    from monai.networks.nets import UNet

    torch.manual_seed(1)
    network = UNet(2, 2, 3, (4, 8), (2,), num_res_units=1).eval()
    slab = an_image[:, :4]
    logits = predict_logits(network, slab, Grid((1, 16, 16)), settings=EXACT)
    slices = [monai_logits(network, slab[:, k], (16, 16), overlap=0.5, batch=1) for k in range(4)]
    np.testing.assert_array_equal(logits, np.stack(slices, axis=1))


def test_a_pointwise_network_shows_no_trace_of_windows_crop_and_padding(a_pointwise_network, an_image, a_sparse_gate):
    first, second = an_image
    expected = np.stack([first - 2 * second + 0.25, 0.5 * first + 3 * second - 1])
    whole = predict_logits(a_pointwise_network, an_image, Grid((32, 16, 48)), settings=EXACT)
    np.testing.assert_allclose(whole, expected, rtol=0, atol=1e-5)
    gated = predict_logits(a_pointwise_network, an_image, Grid((32, 16, 48)), settings=EXACT, gate=a_sparse_gate)
    np.testing.assert_allclose(gated[:, a_sparse_gate], expected[:, a_sparse_gate], rtol=0, atol=1e-5)
    assert (gated[1][~a_sparse_gate] == BACKGROUND_LOGITS[1]).all()


def test_an_image_that_is_a_view_gives_what_its_copy_gives(a_network, an_image):
    turned = an_image[:, ::-1].transpose(0, 3, 2, 1)
    logits = predict_logits(a_network, turned, Grid((16, 16, 16)), settings=EXACT)
    np.testing.assert_array_equal(logits, predict_logits(a_network, turned.copy(), Grid((16, 16, 16)), settings=EXACT))
