"""The cheapest set of explanations is exact, and what comes close to it is found."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from psmacore.longitudinal.cover import Cover, Explanation


def alone(n_earlier: int, n_later: int, cost: float = 10.0) -> list[Explanation]:
    """Return what says of each lesion that it is gone or new."""
    return [Explanation((n,), (), cost) for n in range(n_earlier)] + [
        Explanation((), (n,), cost) for n in range(n_later)
    ]


def cheapest_of_all(given: list[Explanation], n_earlier: int, n_later: int) -> float:
    """Return the cost of the best exact cover, by trying every set of up to all lesions' explanations."""
    wanted = {("e", n) for n in range(n_earlier)} | {("l", n) for n in range(n_later)}
    held = [{("e", n) for n in one.earlier} | {("l", n) for n in one.later} for one in given]
    best = np.inf
    for size in range(1, n_earlier + n_later + 1):
        for chosen in combinations(range(len(given)), size):
            if sum(len(held[n]) for n in chosen) == len(wanted) and set().union(*(held[n] for n in chosen)) == wanted:
                best = min(best, sum(given[n].cost for n in chosen))
    return float(best)


@pytest.mark.parametrize("seed", range(5))
def test_of_links_alone_it_is_the_linear_assignment(seed: int):
    costs = np.random.default_rng(seed).uniform(0.0, 15.0, (12, 12))
    links = [Explanation((i,), (j,), float(costs[i, j])) for i in range(12) for j in range(12)]
    rows, columns = linear_sum_assignment(costs)
    chosen = Cover([*alone(12, 12), *links], 12, 12).chosen
    assert sum(one.cost for one in chosen) == pytest.approx(costs[rows, columns].sum())


@pytest.mark.parametrize("seed", range(6))
def test_with_merges_and_splits_it_is_the_cheapest_of_all_covers(seed: int):
    rng = np.random.default_rng(seed)
    given = alone(3, 3, 4.0)
    given += [Explanation((i,), (j,), float(rng.uniform(0, 8))) for i in range(3) for j in range(3)]
    given += [Explanation(pair, (j,), float(rng.uniform(0, 8))) for pair in combinations(range(3), 2) for j in range(2)]
    given += [Explanation((1,), pair, float(rng.uniform(0, 8))) for pair in combinations(range(3), 2)]
    chosen = Cover(given, 3, 3).chosen
    assert sorted(n for one in chosen for n in one.earlier) == [0, 1, 2]
    assert sorted(n for one in chosen for n in one.later) == [0, 1, 2]
    assert sum(one.cost for one in chosen) == pytest.approx(cheapest_of_all(given, 3, 3))


def test_a_cover_whose_linear_program_has_a_fraction_is_still_whole():
    """Three merges of three lesions in a ring: half of each is the cheapest fraction, and no answer."""
    given = [*alone(3, 3, 10.0), *(Explanation(pair, (n,), 1.0) for n, pair in enumerate([(0, 1), (1, 2), (0, 2)]))]
    chosen = Cover(given, 3, 3).chosen
    assert sum(one.cost for one in chosen) == pytest.approx(31.0)


def test_a_rival_is_found_within_its_margin_only():
    first, second = Explanation((0,), (0,), 3.0), Explanation((1,), (0,), 4.5)
    cover = Cover([*alone(2, 1, 5.0), first, second], 2, 1)
    assert first in cover.chosen
    assert second in cover.rival(first, 1.6)
    assert cover.rival(first, 1.4) == ()


def test_a_rival_may_need_others_to_change_places():
    """Each pair swaps at once: one link's rival frees the other's lesion."""
    links = [Explanation((i,), (j,), 2.0 if i == j else 2.4) for i in range(2) for j in range(2)]
    cover = Cover([*alone(2, 2), *links], 2, 2)
    assert set(cover.rival(links[0], 1.0)) == {links[1], links[2]}
    assert cover.rival(links[0], 0.7) == ()


def test_without_lesions_nothing_is_chosen():
    assert Cover([], 0, 0).chosen == ()
