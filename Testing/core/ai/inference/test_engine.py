"""What running a network refuses, reports and leaves as it was."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.inference.engine import Predictor, predict_logits  # noqa: E402
from psmacore.ai.inference.settings import InferenceSettings, Mode  # noqa: E402
from psmacore.errors import (  # noqa: E402
    CancelledError,
    GeometryError,
    InputRefusedError,
    ModelUnfitError,
    UsageError,
)
from psmacore.registry.manifest import Grid  # noqa: E402

GRID = Grid((16, 16, 16))
EXACT = InferenceSettings()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_with_a_value_that_is_no_number_is_refused(a_network, an_image, value):
    an_image[1, 3, 4, 5] = value
    with pytest.raises(InputRefusedError, match="channel 1"):
        predict_logits(a_network, an_image, GRID, settings=EXACT)


@pytest.mark.parametrize("shape", [(2, 0, 5, 5), (5, 5, 5)])
def test_an_image_without_voxels_or_channels_is_refused(a_network, shape):
    with pytest.raises(InputRefusedError, match="shape"):
        predict_logits(a_network, np.zeros(shape, np.float32), GRID, settings=EXACT)


def test_an_image_with_other_channels_than_the_network_takes_is_refused(a_network, an_image):
    with pytest.raises(ModelUnfitError, match="takes 2 channels, the image has 1"):
        predict_logits(a_network, an_image[:1], GRID, settings=EXACT)


def test_a_gate_of_another_shape_is_refused(a_network, an_image):
    with pytest.raises(GeometryError, match="gate"):
        predict_logits(a_network, an_image, GRID, settings=EXACT, gate=np.ones((3, 3, 3), np.bool_))


def test_a_network_with_other_outputs_than_its_model_is_refused(a_network, an_image):
    with pytest.raises(ModelUnfitError, match="2 outputs, not the 3"):
        predict_logits(a_network, an_image, GRID, settings=EXACT, n_outputs=3)


class Halving(torch.nn.Conv3d):
    """A network whose answer is smaller than its question."""

    def __init__(self):
        super().__init__(2, 2, kernel_size=2, stride=2)


class Listing(torch.nn.Conv3d):
    """A network that answers with its heads, as with deep supervision in training."""

    def __init__(self):
        super().__init__(2, 2, kernel_size=1)

    def forward(self, x):
        return [super().forward(x)]


@pytest.mark.parametrize(("network", "words"), [(Halving(), "with .* logits"), (Listing(), "with a list")])
def test_an_answer_that_is_no_logit_for_each_voxel_is_refused(an_image, network, words):
    with pytest.raises(ModelUnfitError, match=words):
        predict_logits(network, an_image, GRID, settings=EXACT)


def test_weights_that_give_no_finite_logits_are_refused(a_pointwise_network, an_image):
    with torch.no_grad():
        a_pointwise_network.bias.fill_(float("nan"))
    with pytest.raises(ModelUnfitError, match="weights are unfit"):
        predict_logits(a_pointwise_network, an_image, GRID, settings=EXACT)


def test_progress_counts_every_window_that_is_run(a_network, an_image, a_sparse_gate):
    seen = []
    predictor = Predictor(a_network, GRID, settings=InferenceSettings(batch=2))
    prediction = predictor.predict(an_image, gate=a_sparse_gate, on_progress=lambda done, n: seen.append((done, n)))
    n = prediction.n_windows_run
    assert seen == [(done, n) for done in range(2, n + 1, 2)]
    assert n % 2 == 0


def test_an_error_from_progress_ends_the_run(a_network, an_image):
    calls = []

    def cancel(done, _n):
        calls.append(done)
        if done == 2:
            raise CancelledError("the user ended the job")

    with pytest.raises(CancelledError):
        predict_logits(a_network, an_image, GRID, settings=EXACT, on_progress=cancel)
    assert calls == [1, 2]


@pytest.mark.parametrize("mode", list(Mode))
def test_the_network_stays_in_the_mode_that_each_of_its_parts_is_in(a_network, an_image, mode):
    a_network.train()
    a_network.model[0].eval()
    before = [part.training for part in a_network.modules()]
    predict_logits(a_network, an_image, GRID, settings=InferenceSettings(mode=mode))
    assert [part.training for part in a_network.modules()] == before
    assert len(set(before)) == 2


def test_dropout_is_off_while_predicting(an_image):
    network = torch.nn.Sequential(torch.nn.Conv3d(2, 1, kernel_size=1), torch.nn.Dropout(0.5)).train()
    first, second = (predict_logits(network, an_image, GRID, settings=EXACT) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_mirrored_windows_make_a_blind_side_see(an_image):
    """A network that reads its neighbour on one side reads both when mirrored: the mean of the two."""
    network = torch.nn.Conv3d(2, 1, kernel_size=3, padding=1, bias=False)
    with torch.no_grad():
        network.weight.zero_()
        network.weight[0, 0, 1, 1, 2] = 1.0
    settings = InferenceSettings(mirror_axes=(2,))
    logits = predict_logits(network, an_image, Grid(an_image.shape[1:]), settings=settings)[0]
    padded = np.pad(an_image[0], ((0, 0), (0, 0), (1, 1)))
    np.testing.assert_allclose(logits, (padded[..., 2:] + padded[..., :-2]) / 2, atol=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"batch": 0}, {"mirror_axes": (3,)}, {"mirror_axes": (1, 1)}, {"compiled": True, "mode": Mode.EXACT}]
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(UsageError):
        InferenceSettings(**wrong)
