"""Lesions followed so far, with those of the next date, to every explanation of them worth weighing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.spatial.distance import cdist

from psmacore.longitudinal.cover import Explanation
from psmacore.longitudinal.likelihood import (
    BACK_COST,
    FAINT_COST,
    GONE_COST,
    NEW_COST,
    STILL_GONE_COST,
    Placed,
    covered,
    joint_cost,
    link_cost,
    reach_mm,
)
from psmacore.longitudinal.links import Spot

_LEAST_COVERED = 0.25  # of a lesion that merges or splits
_FEW = 4  # parts of which every subset is weighed; of more, every pair and the best covered ones together


@dataclass(frozen=True, eq=False)
class Followed(Placed):
    """A lesion as it was last seen.

    Parameters
    ----------
    spot : Spot
        Its date and UID; of a lesion below the threshold that vouches for it, where there is one since.
    is_gap : bool
        Whether it was missing, or below the threshold, at the date before.
    """

    spot: Spot
    is_gap: bool = False


def explanations(earlier: Sequence[Followed], later: Sequence[Placed]) -> list[Explanation]:
    """Return the explanations that could be part of the cheapest set.

    Left out are those that cost no less than their lesions gone and new, which are always among them.
    """
    gone = [STILL_GONE_COST if one.is_gap else GONE_COST for one in earlier]
    new = [NEW_COST if one.lesion.state.counts else FAINT_COST for one in later]
    found = [Explanation((number,), (), cost) for number, cost in enumerate(gone)]
    found += [Explanation((), (number,), cost) for number, cost in enumerate(new)]
    if not earlier or not later:
        return found
    near = _near(earlier, later)
    proposed = (*_links(earlier, later, near), *_merges(earlier, later, near), *_splits(earlier, later, near))
    for one in proposed:
        if one.cost < sum(gone[number] for number in one.earlier) + sum(new[number] for number in one.later):
            found.append(one)
    return found


Pairs = Sequence[tuple[int, int]]


def _near(earlier: Sequence[Followed], later: Sequence[Placed]) -> list[tuple[int, int]]:
    """Return the pairs of lesions within reach of each other."""
    apart = cdist([one.extent.centre_mm for one in earlier], [one.extent.centre_mm for one in later])
    widest = max(reach_mm(a.extent, a.extent) for a in (*earlier, *later))
    return [
        (int(i), int(j))
        for i, j in np.argwhere(apart <= widest)
        if apart[i, j] <= reach_mm(earlier[i].extent, later[j].extent)
    ]


def _links(earlier: Sequence[Followed], later: Sequence[Placed], near: Pairs) -> Iterator[Explanation]:
    for i, j in near:
        back = BACK_COST if earlier[i].is_gap else 0.0
        yield Explanation((i,), (j,), link_cost(earlier[i], later[j]) + back)


def _merges(earlier: Sequence[Followed], later: Sequence[Placed], near: Pairs) -> Iterator[Explanation]:
    """Yield merges of lesions that were seen at the date before: one in a gap has nothing to merge with."""
    for j, whole in enumerate(later):
        if not whole.lesion.state.counts:
            continue
        parts = {
            i: covered(earlier[i].extent, whole.extent)
            for i, other in near
            if other == j and not earlier[i].is_gap and earlier[i].lesion.state.counts
        }
        for group in _groups(parts):
            yield Explanation(group, (j,), _joint(whole, earlier, parts, group, is_split=False))


def _splits(earlier: Sequence[Followed], later: Sequence[Placed], near: Pairs) -> Iterator[Explanation]:
    for i, whole in enumerate(earlier):
        if whole.is_gap or not whole.lesion.state.counts:
            continue
        parts = {
            j: covered(later[j].extent, whole.extent)
            for other, j in near
            if other == i and later[j].lesion.state.counts
        }
        for group in _groups(parts):
            yield Explanation((i,), group, _joint(whole, later, parts, group, is_split=True))


def _joint(
    whole: Placed, others: Sequence[Placed], coverages: dict[int, float], group: tuple[int, ...], *, is_split: bool
) -> float:
    return joint_cost(whole, [others[n] for n in group], [coverages[n] for n in group], is_split=is_split)


def _groups(covered_by_number: dict[int, float]) -> Iterator[tuple[int, ...]]:
    """Yield the sets of parts to weigh, each in ascending order."""
    best = sorted(covered_by_number, key=lambda number: (-covered_by_number[number], number))
    fit = [number for number in best if covered_by_number[number] >= _LEAST_COVERED]
    largest = 2 if len(fit) > _FEW else len(fit)
    for size in range(2, largest + 1):
        yield from (tuple(sorted(group)) for group in combinations(fit, size))
    if len(fit) > _FEW:
        yield from (tuple(sorted(fit[:size])) for size in range(3, len(fit) + 1))
