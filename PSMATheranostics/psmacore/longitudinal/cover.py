"""Weighted explanations of two dates' lesions to the cheapest set of them that explains every lesion once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import csc_array

_MOST_STEPS = 400  # of the search for a rival
_WHOLE = 1e-6


@dataclass(frozen=True)
class Explanation:
    """One way to explain some lesions of two dates.

    Parameters
    ----------
    earlier, later : tuple of int
        Numbers of the lesions: one and one are linked, several and one merge, one and several split; none and one is
        new, one and none is gone.
    cost : float
        Negative logarithm of its likelihood.
    """

    earlier: tuple[int, ...]
    later: tuple[int, ...]
    cost: float

    @property
    def is_link(self) -> bool:
        """Whether lesions of both dates take part."""
        return bool(self.earlier and self.later)


class Cover:
    """The cheapest set of explanations in which every lesion of either date takes part exactly once.

    It is the linear assignment problem, widened by explanations that hold more than two lesions: a set partition,
    solved as a linear program, and as an integer one in the rare case that this leaves a fraction.

    Parameters
    ----------
    explanations : sequence of Explanation
        Among them, for each lesion, one that holds it alone.
    n_earlier, n_later : int
        Lesions of either date.

    References
    ----------
    Balas and Padberg, SIAM Review 1976;18:710 (set partitioning); Huangfu and Hall, Math Prog Comp 2018;10:119
    (HiGHS).
    """

    def __init__(self, explanations: Sequence[Explanation], n_earlier: int, n_later: int) -> None:
        self._explanations = tuple(explanations)
        self._lesions = [
            frozenset((*one.earlier, *(n_earlier + number for number in one.later))) for one in self._explanations
        ]
        n_lesions = n_earlier + n_later
        self._holding: list[list[int]] = [[] for _ in range(n_lesions)]
        for number, lesions in enumerate(self._lesions):
            for lesion in sorted(lesions):
                self._holding[lesion].append(number)
        is_chosen, reduced = self._solved(n_lesions)
        self._reduced = reduced
        self._chosen = tuple(int(number) for number in np.flatnonzero(is_chosen))
        self._number = {one: number for number, one in enumerate(self._explanations)}
        self._by_lesion = {lesion: number for number in self._chosen for lesion in self._lesions[number]}
        for holding in self._holding:
            holding.sort(key=lambda number: (reduced[number], number))

    @property
    def chosen(self) -> tuple[Explanation, ...]:
        """The explanations of the cheapest set."""
        return tuple(self._explanations[number] for number in self._chosen)

    def rival(self, chosen: Explanation, within: float) -> tuple[Explanation, ...]:
        """Return what would take a chosen explanation's place at less than ``within`` more cost of the whole.

        The linear program's reduced costs bound what any other set costs, so that only near-optimal explanations are
        walked through. Empty where there is no such set, or none is found within 400 steps.
        """
        left_out = self._number[chosen]
        slack = float(sum(self._reduced[number] for number in self._chosen))
        search = _Search(self._lesions, self._holding, self._reduced, self._by_lesion, left_out, within + slack)
        return tuple(self._explanations[number] for number in search.run())

    def _solved(self, n_lesions: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return which explanations are chosen, and the reduced cost of each."""
        costs = np.array([one.cost for one in self._explanations])
        if not any(one.is_link for one in self._explanations):
            return np.ones(len(costs), bool), np.zeros(len(costs))
        rows = np.array([lesion for lesions in self._lesions for lesion in sorted(lesions)])
        columns = np.repeat(np.arange(len(costs)), [len(lesions) for lesions in self._lesions])
        matrix = csc_array((np.ones(len(rows)), (rows, columns)), shape=(n_lesions, len(costs)))
        relaxed = linprog(costs, A_eq=matrix, b_eq=np.ones(n_lesions), method="highs")
        reduced = np.maximum(costs - matrix.T @ relaxed.eqlin.marginals, 0.0)
        share = relaxed.x
        if np.abs(share - np.round(share)).max() > _WHOLE:
            share = milp(costs, constraints=LinearConstraint(matrix, 1, 1), integrality=1).x
        return share > 0.5, reduced


class _Search:
    """Depth-first search for a cover that leaves one chosen explanation out."""

    def __init__(
        self,
        lesions: Sequence[frozenset[int]],
        holding: Sequence[Sequence[int]],
        reduced: NDArray[np.float64],
        by_lesion: Mapping[int, int],
        left_out: int,
        budget: float,
    ) -> None:
        self._lesions, self._holding, self._reduced, self._by_lesion = lesions, holding, reduced, by_lesion
        self._left_out, self._budget = left_out, budget
        self._n_steps = 0

    def run(self) -> tuple[int, ...]:
        """Return the numbers of the explanations that step in; empty where none can."""
        return self._further(self._lesions[self._left_out], frozenset(), 0.0) or ()

    def _further(self, bare: frozenset[int], taken: frozenset[int], spent: float) -> tuple[int, ...] | None:
        """Cover what is bare, at less than the budget; whatever a step displaces becomes bare."""
        if not bare:
            return ()
        for number in self._holding[min(bare)]:
            self._n_steps += 1
            cost = spent + float(self._reduced[number])
            if cost >= self._budget or self._n_steps > _MOST_STEPS:
                return None
            lesions = self._lesions[number]
            if number == self._left_out or lesions & taken:
                continue
            displaced = frozenset().union(*(self._lesions[self._by_lesion[one]] for one in lesions - bare))
            rest = self._further((bare | (displaced - taken)) - lesions, taken | lesions, cost)
            if rest is not None:
                return (number, *rest)
        return None
