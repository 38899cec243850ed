from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.training.numerics import Numerics  # noqa: E402
from psmacore.ai.training.recipe import Precision  # noqa: E402
from psmacore.errors import TrainingError  # noqa: E402

CPU = torch.device("cpu")


def test_half_precision_on_a_cpu_is_bfloat16() -> None:
    """Mixed precision: fp16 needs a GPU's scaling."""
    chosen = {precision: Numerics(precision, CPU).precision for precision in Precision}

    assert chosen == {
        Precision.AUTO: Precision.FLOAT32,
        Precision.FLOAT32: Precision.FLOAT32,
        Precision.BF16: Precision.BF16,
        Precision.FP16: Precision.BF16,
    }


@pytest.mark.parametrize(
    ("shape", "stride"), [((2, 4, 4), 1), ((2, 2, 2), 1), ((4, 4, 1), 2), ((3, 5, 5), 2), ((8, 8, 8), 1)], ids=str
)
def test_weights_of_small_images_have_a_right_gradient_in_bfloat16(shape: tuple[int, int, int], stride: int) -> None:
    """oneDNN's bf16 kernel reads unwritten memory where the depth is 2; NaN is put there, so that it would be seen."""
    torch.manual_seed(0)
    layer = torch.nn.Conv3d(16, 16, 3, stride, padding=1)
    image = torch.randn((1, 16, *shape))
    expected = gradient(layer, image, Precision.FLOAT32)

    found = gradient(layer, image, Precision.BF16)

    assert torch.linalg.vector_norm(found - expected) < 0.02 * torch.linalg.vector_norm(expected)


def gradient(layer: torch.nn.Conv3d, image: torch.Tensor, precision: Precision) -> torch.Tensor:
    layer.zero_grad()
    with Numerics(precision, CPU).autocast():
        answer = layer(image)
    leave_nan_in_freed_memory()
    answer.float().square().sum().backward()
    assert layer.weight.grad is not None
    return layer.weight.grad.clone()


def leave_nan_in_freed_memory() -> None:
    for size in (1 << power for power in range(10, 23, 2)):
        _ = [torch.full((size,), float("nan")) for _ in range(3)]


def test_large_images_are_computed_in_bfloat16() -> None:
    layer = torch.nn.Conv3d(1, 1, 3)

    with Numerics(Precision.BF16, CPU).autocast():
        assert layer(torch.zeros((1, 1, 8, 8, 8))).dtype is torch.bfloat16
        assert layer(torch.zeros((1, 1, 5, 8, 8))).dtype is torch.float32


def a_step(numerics: Numerics, network: torch.nn.Linear, factor: float) -> None:
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    loss = (factor * network(torch.ones((1, 2)))).sum()
    numerics.step(loss, network, optimiser, None)


def test_a_gradient_that_is_not_finite_moves_nothing() -> None:
    network, numerics = torch.nn.Linear(2, 1), Numerics(Precision.FLOAT32, CPU)
    before = network.weight.detach().clone()

    a_step(numerics, network, float("inf"))
    assert torch.equal(network.weight, before)

    a_step(numerics, network, 1.0)
    assert torch.equal(network.weight, before - 1.0)


def test_ten_such_gradients_in_a_row_end_the_training() -> None:
    network, numerics = torch.nn.Linear(2, 1), Numerics(Precision.FLOAT32, CPU)
    for _ in range(9):
        a_step(numerics, network, float("nan"))

    with pytest.raises(TrainingError, match=r"not finite for 10 steps in a row.*now float32"):
        a_step(numerics, network, float("nan"))


@pytest.mark.parametrize(("clip", "moved"), [(None, 2**0.5), (0.5, 0.5)])
def test_a_gradient_is_scaled_down_to_its_limit(clip: float | None, moved: float) -> None:
    network, numerics = torch.nn.Linear(2, 1, bias=False), Numerics(Precision.FLOAT32, CPU)
    before = network.weight.detach().clone()

    numerics.step(network(torch.ones((1, 2))).sum(), network, torch.optim.SGD(network.parameters(), lr=1.0), clip)

    assert torch.linalg.vector_norm(network.weight - before).item() == pytest.approx(moved, rel=1e-4)
