"""Links between lesions to threads: which lesions are one through all dates, where they merge and where they split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from psmacore.longitudinal.likelihood import Placed
from psmacore.longitudinal.links import Link, Spot


@dataclass(eq=False)
class Thread:
    """A lesion's spots through the dates, while they are gathered.

    Parameters
    ----------
    spots : dict of int to Spot
        By the number of the date; a merged lesion stands in several threads.
    own : Spot
        Where it was last seen apart from other threads.
    split_from : Thread or None
        The thread that it came off.
    """

    own: Spot
    split_from: Thread | None = None
    spots: dict[int, Spot] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Joints:
    """What the links say of each lesion.

    Parameters
    ----------
    before, after : mapping of Spot to tuple of Link
        The links to what it was, and to what became of it.
    """

    before: Mapping[Spot, tuple[Link, ...]]
    after: Mapping[Spot, tuple[Link, ...]]

    def is_merged(self, spot: Spot) -> bool:
        """Return whether several lesions became this one."""
        return len(self.before.get(spot, ())) > 1

    def is_split(self, spot: Spot) -> bool:
        """Return whether the lesion that this one was became others too."""
        return any(len(self.after[link.earlier]) > 1 for link in self.before.get(spot, ()))


def joints_of(links: Sequence[Link]) -> Joints:
    """Return the links by the lesions that they join."""
    before: dict[Spot, tuple[Link, ...]] = defaultdict(tuple)
    after: dict[Spot, tuple[Link, ...]] = defaultdict(tuple)
    for link in links:
        before[link.later] += (link,)
        after[link.earlier] += (link,)
    return Joints(dict(before), dict(after))


def threads_of(spots: Mapping[Spot, Placed], joints: Joints) -> list[Thread]:
    """Return the threads in the order in which they begin.

    Where a lesion splits, its thread goes on in the largest part and the others begin threads of their own, come off
    it. Where threads that had merged part again, each goes on in the part that lies nearest to where it was last
    seen apart.

    Parameters
    ----------
    spots : mapping of Spot to Placed
        All lesions that take part, in order of date.
    """
    threads: list[Thread] = []
    arriving: dict[Spot, list[Thread]] = defaultdict(list)
    for spot in spots:
        through = arriving[spot]
        if not through:
            through = [Thread(spot)]
            threads += through
        for thread in through:
            thread.spots[spot.date] = spot
            if len(through) == 1:
                thread.own = spot
        children = [link.later for link in joints.after.get(spot, ())]
        for child, going in _shared_out(through, children, spots).items():
            threads += [thread for thread in going if thread not in threads]
            arriving[child] += [thread for thread in going if thread not in arriving[child]]
    return threads


def _shared_out(
    through: Sequence[Thread], children: Sequence[Spot], spots: Mapping[Spot, Placed]
) -> dict[Spot, list[Thread]]:
    """Return which threads go on in which lesion."""
    if len(children) <= 1:
        return {child: list(through) for child in children}
    by_size = sorted(children, key=lambda child: (-spots[child].extent.volume_ml, child))
    if len(through) == 1:
        going = {by_size[0]: [through[0]]}
        return going | {child: [Thread(child, split_from=through[0])] for child in by_size[1:]}
    apart = cdist(
        [spots[thread.own].extent.centre_mm for thread in through],
        [spots[child].extent.centre_mm for child in by_size],
    )
    shares: dict[Spot, list[Thread]] = {child: [] for child in by_size}
    rows, columns = linear_sum_assignment(apart)
    for number, thread in enumerate(through):
        placed = np.flatnonzero(rows == number)
        nearest = int(columns[placed[0]]) if len(placed) else int(np.argmin(apart[number]))
        shares[by_size[nearest]].append(thread)
    for column, child in enumerate(by_size):
        if not shares[child]:
            shares[child] = [Thread(child, split_from=through[int(np.argmin(apart[:, column]))])]
    return shares
