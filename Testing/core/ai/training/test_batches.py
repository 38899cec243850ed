from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.training.batches import Batch, Plan, batches  # noqa: E402


class Marked:
    """Patches whose voxels tell their case, their number and a random draw."""

    def __init__(self, n_patches: int) -> None:
        self._n_patches = n_patches
        self._rng = np.random.default_rng()

    def set_random_state(self, seed: int | None = None) -> None:
        self._rng = np.random.default_rng(seed)

    def __call__(self, item: Mapping[str, Any], /) -> list[Mapping[str, Any]]:
        return [
            {
                "image": torch.tensor([item["number"], number, self._rng.random()]).view(3, 1, 1, 1),
                "label": torch.zeros((1, 1, 1, 1), dtype=torch.uint8),
                "gate_levels": item["gate_levels"],
            }
            for number in range(self._n_patches)
        ]


def cases(n: int) -> list[dict[str, Any]]:
    return [{"number": float(number), "gate_levels": [0.5]} for number in range(n)]


def drawn(plan: Plan, epoch: int = 1, **options: Any) -> list[Batch]:
    return list(batches(cases(plan.n_cases), Marked(plan.patches_per_case), plan, epoch=epoch, **options))


def marks(found: list[Batch]) -> list[list[float]]:
    return [list(patch.flatten().tolist()) for batch in found for patch in batch.image]


@pytest.mark.parametrize("n_cases", [1, 4, 5, 7])
@pytest.mark.parametrize("n_patches", [1, 4])
def test_every_patch_of_every_case_comes_once_an_epoch(n_cases: int, n_patches: int) -> None:
    """W65, W81: 4 patches a volume."""
    plan = Plan(n_cases, n_patches, batch_size=4, steps_per_epoch=None, seed=0)
    found = drawn(plan)

    assert Counter((case, number) for case, number, _ in marks(found)) == Counter(
        (float(case), float(number)) for case in range(n_cases) for number in range(n_patches)
    )
    assert len(found) == plan.n_steps
    assert all(len(batch.image) == 4 for batch in found[:-1])


def test_an_epoch_of_given_steps_goes_round_as_often_as_it_needs() -> None:
    plan = Plan(n_cases=3, patches_per_case=2, batch_size=4, steps_per_epoch=7, seed=0)
    found = drawn(plan)

    assert [len(batch.image) for batch in found] == [4] * 7
    seen = Counter(case for case, _, _ in marks(found))
    assert set(seen) == {0.0, 1.0, 2.0}


def test_a_batch_holds_patches_of_several_cases() -> None:
    plan = Plan(n_cases=16, patches_per_case=4, batch_size=4, steps_per_epoch=None, seed=0)

    several = [len({float(patch[0]) for patch in batch.image}) for batch in drawn(plan)]

    assert np.mean(several) > 2


def test_epochs_differ_and_each_can_be_had_again() -> None:
    plan = Plan(n_cases=6, patches_per_case=2, batch_size=2, steps_per_epoch=None, seed=5)

    assert marks(drawn(plan, 1)) == marks(drawn(plan, 1))
    assert marks(drawn(plan, 1)) != marks(drawn(plan, 2))


@pytest.mark.parametrize("first_step", range(8))
@pytest.mark.parametrize("steps_per_epoch", [None, 7])
def test_an_epoch_entered_anywhere_goes_on_the_same(first_step: int, steps_per_epoch: int | None) -> None:
    """What a resumed training needs to equal the uninterrupted one."""
    plan = Plan(n_cases=5, patches_per_case=3, batch_size=2, steps_per_epoch=steps_per_epoch, seed=1)
    whole = drawn(plan)

    rest = drawn(plan, first_step=first_step)

    assert marks(rest) == marks(whole[first_step:])


def test_a_process_that_loads_ahead_gives_the_same_batches() -> None:
    plan = Plan(n_cases=5, patches_per_case=2, batch_size=2, steps_per_epoch=None, seed=1)

    assert marks(drawn(plan, n_workers=1)) == marks(drawn(plan))


def test_thresholds_travel_with_their_patches() -> None:
    plan = Plan(n_cases=2, patches_per_case=1, batch_size=2, steps_per_epoch=None, seed=1)
    (batch,) = drawn(plan)

    assert batch.gate_levels is not None
    assert batch.gate_levels.tolist() == [[0.5], [0.5]]


def test_patches_of_one_slice_become_slices() -> None:
    """W66: the 2D U-Net."""
    batch = Batch(torch.zeros(2, 3, 1, 4, 5), torch.zeros(2, 1, 1, 4, 5), None).flat()

    assert batch.image.shape == (2, 3, 4, 5)
    assert batch.label.shape == (2, 1, 4, 5)
