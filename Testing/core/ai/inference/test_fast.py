"""Fast mode: half precision and fewer windows, with the mask of single precision."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.inference.arithmetic import compiled, exact_arithmetic, fast_dtype, placed  # noqa: E402
from psmacore.ai.inference.engine import Predictor, predict_logits  # noqa: E402
from psmacore.ai.inference.settings import InferenceSettings, Mode  # noqa: E402
from psmacore.registry.manifest import Grid  # noqa: E402

GRID = Grid((16, 16, 16))
FAST = InferenceSettings(mode=Mode.FAST)


@pytest.fixture
def a_blob_finder():
    """A network that knows its answer: three smoothings against the level 0.4."""
    torch.manual_seed(0)
    smooth = [torch.nn.Conv3d(1, 1, 3, padding=1, bias=False) for _ in range(3)]
    for layer in smooth:
        torch.nn.init.constant_(layer.weight, 1 / 27)
    decide = torch.nn.Conv3d(1, 2, 1)
    with torch.no_grad():
        decide.weight.copy_(torch.tensor([-8.0, 8.0]).reshape(2, 1, 1, 1, 1))
        decide.bias.copy_(torch.tensor([3.2, -3.2]))
    return torch.nn.Sequential(*smooth, decide).eval()


@pytest.fixture
def a_ball():
    k, j, i = np.ogrid[:40, :48, :44]
    return ((k - 19) ** 2 + (j - 25) ** 2 + (i - 20) ** 2 <= 12**2).astype(np.float32)[None]


def dice(first, second):
    return 2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second))


def test_fast_mode_finds_what_exact_mode_finds(a_blob_finder, a_ball):
    gate = a_ball[0] > 0.5
    exact = predict_logits(a_blob_finder, a_ball, GRID, settings=InferenceSettings()).argmax(axis=0) == 1
    fast = predict_logits(a_blob_finder, a_ball, GRID, settings=FAST, gate=gate).argmax(axis=0) == 1
    assert dice(exact & gate, fast) >= 0.999


def test_fast_mode_runs_the_windows_that_the_gate_needs(a_network, an_image, a_sparse_gate):
    n_run = {
        Predictor(a_network, GRID, settings=InferenceSettings(mode=mode))
        .predict(an_image, gate=a_sparse_gate)
        .n_windows_run
        for mode in Mode
    }
    assert len(n_run) == 1


def test_fast_mode_without_a_gate_runs_every_window(a_network, an_image):
    prediction = Predictor(a_network, GRID, settings=FAST).predict(an_image)
    assert prediction.n_windows_run == prediction.n_windows
    assert prediction.logits.dtype == np.float32


def test_fast_mode_leaves_the_network_as_it_was(a_network, an_image):
    before = copy.deepcopy(a_network.state_dict())
    predict_logits(a_network, an_image, GRID, settings=FAST)
    for name, tensor in a_network.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert tensor.stride() == before[name].stride()
        assert torch.equal(tensor, before[name])


def test_a_network_that_overflows_half_precision_is_run_in_single_precision_and_says_so(an_image):
    class Overflowing(torch.nn.Conv3d):
        n_calls = 0

        def forward(self, x):
            self.n_calls += 1
            return super().forward(x) * (float("inf") if self.n_calls == 1 else 1.0)

    torch.manual_seed(0)
    network = Overflowing(2, 2, kernel_size=1)
    prediction = Predictor(network, Grid(an_image.shape[1:]), settings=FAST).predict(an_image)
    exact = predict_logits(network, an_image, Grid(an_image.shape[1:]), settings=InferenceSettings())
    np.testing.assert_array_equal(prediction.logits, exact)
    assert "single precision" in prediction.notices[0]


def test_a_network_is_copied_to_a_device_where_it_is_not(a_network):
    elsewhere = placed(a_network, torch.device("meta"), Mode.EXACT)
    assert {parameter.device.type for parameter in elsewhere.parameters()} == {"meta"}
    assert {parameter.device.type for parameter in a_network.parameters()} == {"cpu"}
    assert placed(a_network, torch.device("cpu"), Mode.EXACT) is a_network


def test_half_precision_is_used_where_the_processor_has_it():
    has_it = torch.cpu.get_capabilities()
    expected = torch.bfloat16 if has_it.get("avx512_bf16") or has_it.get("amx_bf16") else None
    assert fast_dtype(torch.device("cpu")) is expected


def test_exact_arithmetic_forbids_tf32_and_gives_the_flags_back():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
    with exact_arithmetic():
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.deterministic
        assert torch.is_inference_mode_enabled()
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic) == before


@pytest.mark.slow  # importing torch's compiler takes seconds
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_network_that_cannot_be_compiled_runs_as_it_is_and_says_so():
    from torch._inductor import config

    network = torch.nn.Sequential(torch.nn.Conv3d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Softplus())
    said = []
    with config.patch({"cpp.cxx": ("no-such-compiler",), "force_disable_caches": True}):
        assert compiled(network, torch.zeros(1, 1, 8, 8, 8), said.append) is network
    assert len(said) == 1
    assert said[0].startswith("torch.compile does not work here")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_compiled_network_gives_the_same_logits(a_blob_finder, a_ball):
    settings = InferenceSettings(mode=Mode.FAST, compiled=True, batch=2)
    prediction = Predictor(a_blob_finder, GRID, settings=settings).predict(a_ball)
    plain = predict_logits(a_blob_finder, a_ball, GRID, settings=InferenceSettings(mode=Mode.FAST, batch=2))
    assert prediction.notices == ()
    np.testing.assert_allclose(prediction.logits, plain, atol=0.1)
