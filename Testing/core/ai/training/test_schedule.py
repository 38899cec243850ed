from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.training.recipe import (  # noqa: E402
    OptimiserKind,
    OptimiserSettings,
    ScheduleKind,
    ScheduleSettings,
)
from psmacore.ai.training.schedule import LearningRate, build_optimiser, rate_factor  # noqa: E402

N_EPOCHS = 20


def an_optimiser(rate: float = 2e-4) -> torch.optim.Optimizer:
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def rates_of(scheduler: torch.optim.lr_scheduler.LRScheduler, optimiser: torch.optim.Optimizer, n: int) -> list[float]:
    rates = []
    for _ in range(n):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


def test_cosine_annealing_is_torchs() -> None:
    """D14."""
    optimiser = an_optimiser()
    expected = rates_of(torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, N_EPOCHS), optimiser, N_EPOCHS)

    settings = ScheduleSettings(ScheduleKind.COSINE)

    assert [2e-4 * rate_factor(settings, epoch / N_EPOCHS) for epoch in range(N_EPOCHS)] == pytest.approx(expected)


def test_polynomial_decay_is_torchs() -> None:
    """D14, released code: power 0.9 over all epochs."""
    optimiser = an_optimiser()
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimiser, total_iters=N_EPOCHS, power=0.9)
    expected = rates_of(scheduler, optimiser, N_EPOCHS)

    settings = ScheduleSettings(ScheduleKind.POLYNOMIAL, power=0.9)

    assert [2e-4 * rate_factor(settings, epoch / N_EPOCHS) for epoch in range(N_EPOCHS)] == pytest.approx(expected)


def test_one_cycle_rises_to_the_full_rate_and_falls_to_nothing() -> None:
    settings = ScheduleSettings(ScheduleKind.ONE_CYCLE, warm_up=0.25)
    factors = [rate_factor(settings, at / 100) for at in range(101)]

    assert factors[0] == pytest.approx(0.04)
    assert factors[25] == pytest.approx(1.0)
    assert factors[100] == pytest.approx(0.0)
    assert factors[:26] == sorted(factors[:26])
    assert factors[25:] == sorted(factors[25:], reverse=True)


@pytest.mark.parametrize("kind", list(ScheduleKind))
def test_no_schedule_leaves_its_range(kind: ScheduleKind) -> None:
    factors = [rate_factor(ScheduleSettings(kind), at / 10) for at in range(-2, 13)]

    assert all(0 <= factor <= 1 for factor in factors)


def test_plateau_falls_after_its_patience_and_remembers_it_over_a_checkpoint() -> None:
    """W74."""
    settings = ScheduleSettings(ScheduleKind.PLATEAU, plateau_factor=0.1, plateau_patience=2)
    optimiser = an_optimiser(1e-4)
    rate = LearningRate(optimiser, 1e-4, settings)
    for loss in (1.0, 1.0, 1.0):
        rate.validated(loss)
    before = rate.value
    other = an_optimiser(1e-4)
    resumed = LearningRate(other, 1e-4, settings)
    resumed.restore(rate.state())

    resumed.validated(1.0)
    resumed.follow(0.5)

    assert before == pytest.approx(1e-4)
    assert resumed.value == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("kind", "expected"), [(OptimiserKind.ADAM, torch.optim.Adam), (OptimiserKind.ADAMW, torch.optim.AdamW)]
)
def test_optimiser_has_the_recipes_rate_and_decay(kind: OptimiserKind, expected: type) -> None:
    optimiser = build_optimiser(torch.nn.Linear(2, 2), OptimiserSettings(2e-4, kind, weight_decay=1e-5))

    assert type(optimiser) is expected
    assert optimiser.param_groups[0]["lr"] == 2e-4
    assert optimiser.param_groups[0]["weight_decay"] == 1e-5
