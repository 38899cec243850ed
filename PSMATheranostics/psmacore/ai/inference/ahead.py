"""Cases on disk to cases in memory, the next one being read while the device is busy with the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Ref = TypeVar("Ref")
Loaded = TypeVar("Loaded")


def loaded_ahead(refs: Iterable[Ref], load: Callable[[Ref], Loaded]) -> Iterator[Loaded]:
    """Yield ``load(ref)`` for every reference in turn, always reading one ahead in a thread of its own.

    Two cases are in memory at once. What ``load`` raises is raised where its case would have come.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="load") as reader:
        coming = None
        for ref in refs:
            following = reader.submit(load, ref)
            if coming is not None:
                yield coming.result()
            coming = following
        if coming is not None:
            yield coming.result()
