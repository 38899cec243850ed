"""A network that gets no memory: smaller batches, smaller windows, then the CPU, and each step in words."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.inference.engine import Predictor  # noqa: E402
from psmacore.ai.inference.memory import attempts, is_out_of_memory  # noqa: E402
from psmacore.ai.inference.settings import InferenceSettings  # noqa: E402
from psmacore.errors import ModelUnfitError  # noqa: E402
from psmacore.registry.manifest import Grid  # noqa: E402


class Hungry(torch.nn.Conv3d):
    """A pointwise network on a device that has room for so many voxels and no more."""

    def __init__(self, room):
        super().__init__(1, 2, kernel_size=1)
        torch.nn.init.constant_(self.weight, 1.0)
        torch.nn.init.zeros_(self.bias)
        self.room = room
        self.sizes = []

    def forward(self, x):
        self.sizes.append(tuple(x.shape))
        if x.numel() > self.room:
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {x.numel()} voxels")
        return super().forward(x)


@pytest.fixture
def a_long_image():
    return np.random.default_rng(0).random((1, 70, 64, 64), np.float32)


def test_the_batch_is_halved_until_it_fits(a_long_image):
    network = Hungry(room=2 * 64 * 32 * 32)
    predictor = Predictor(network, Grid((64, 32, 32)), settings=InferenceSettings(batch=4))
    prediction = predictor.predict(a_long_image)
    assert {size[0] for size in network.sizes} == {4, 2}
    np.testing.assert_allclose(prediction.logits, np.repeat(a_long_image, 2, axis=0), atol=1e-6)
    assert prediction.notices == (
        "not enough memory for 4 windows of 64 x 32 x 32 voxels on cpu; trying 2 windows of 64 x 32 x 32 voxels on cpu",
    )


def test_then_the_window_is_halved_along_its_longest_side(a_long_image):
    network = Hungry(room=32 * 32 * 32)
    said = []
    prediction = Predictor(network, Grid((64, 32, 32)), settings=InferenceSettings(batch=2)).predict(
        a_long_image, on_notice=said.append
    )
    assert network.sizes[-1] == (1, 1, 32, 32, 32)
    np.testing.assert_allclose(prediction.logits, np.repeat(a_long_image, 2, axis=0), atol=1e-6)
    assert len(said) == 2
    assert "1 windows of 32 x 32 x 32 voxels" in said[-1]
    assert prediction.notices == tuple(said)


def test_a_network_that_never_fits_is_a_named_error(a_long_image):
    with pytest.raises(ModelUnfitError, match="not enough memory"):
        Predictor(Hungry(room=10), Grid((64, 32, 32)), settings=InferenceSettings()).predict(a_long_image)


def test_a_gpu_is_followed_by_the_cpu_with_the_window_as_it_was():
    ways = [str(way) for way in attempts(torch.device("cuda"), 2, (64, 96, 32))]
    assert ways == [
        "2 windows of 64 x 96 x 32 voxels on cuda",
        "1 windows of 64 x 96 x 32 voxels on cuda",
        "1 windows of 64 x 48 x 32 voxels on cuda",
        "1 windows of 32 x 48 x 32 voxels on cuda",
        "1 windows of 64 x 96 x 32 voxels on cpu",
        "1 windows of 64 x 48 x 32 voxels on cpu",
        "1 windows of 32 x 48 x 32 voxels on cpu",
    ]


def test_a_side_is_not_halved_to_a_size_that_five_levels_cannot_take():
    patches = [way.patch for way in attempts(torch.device("cpu"), 1, (128, 112, 112))]
    assert patches == [(128, 112, 112), (64, 112, 112), (32, 112, 112)]


def test_an_error_that_is_not_about_memory_is_raised_as_it_is(a_long_image):
    class Broken(torch.nn.Conv3d):
        def forward(self, _x):
            raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        Predictor(Broken(1, 2, 1), Grid((32, 32, 32)), settings=InferenceSettings()).predict(a_long_image)


def test_the_cpu_allocators_failure_counts_as_out_of_memory():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**57)
    assert is_out_of_memory(caught.value)
