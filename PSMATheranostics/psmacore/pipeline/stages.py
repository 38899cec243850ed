"""The steps of an analysis to progress and to the time that each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OnProgress = Callable[[str, float], None]


@dataclass
class Stages:
    """Progress by named stage, and the time that each took."""

    on_progress: OnProgress
    timings_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, fraction: float) -> Iterator[None]:
        """Report ``name`` at ``fraction`` of the whole and time what follows, in s."""
        self.on_progress(name, fraction)
        start = time.perf_counter()
        yield
        self.timings_s[name] = round(time.perf_counter() - start, 3)
