"""A whole volume to one probability."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.inference.classify import predict_probability  # noqa: E402
from psmacore.ai.inference.settings import InferenceSettings, Mode  # noqa: E402
from psmacore.errors import InputRefusedError, ModelUnfitError  # noqa: E402


class Mean(torch.nn.Conv3d):
    """The mean of the volume as logit."""

    def __init__(self, n_answers=1):
        super().__init__(1, n_answers, kernel_size=1, bias=False)
        torch.nn.init.ones_(self.weight)

    def forward(self, x):
        return super().forward(x).mean(dim=(2, 3, 4))


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("logit", [-2.0, 0.0, 0.5])
def test_the_probability_is_the_sigmoid_of_the_logit(mode, logit):
    """W73."""
    image = np.full((1, 6, 6, 6), logit, np.float32)
    found = predict_probability(Mean(), image, settings=InferenceSettings(mode=mode))
    assert found == pytest.approx(1 / (1 + math.exp(-logit)), abs=2e-3)


def test_a_volume_with_nan_is_refused():
    with pytest.raises(InputRefusedError):
        predict_probability(Mean(), np.full((1, 4, 4, 4), np.nan, np.float32), settings=InferenceSettings())


def test_a_network_with_two_answers_is_no_classifier():
    with pytest.raises(ModelUnfitError, match="one logit"):
        predict_probability(Mean(2), np.zeros((1, 4, 4, 4), np.float32), settings=InferenceSettings())


def test_a_classifier_with_broken_weights_is_refused():
    network = Mean()
    torch.nn.init.constant_(network.weight, math.nan)
    with pytest.raises(ModelUnfitError, match="unfit"):
        predict_probability(network, np.ones((1, 4, 4, 4), np.float32), settings=InferenceSettings())
