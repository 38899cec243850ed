"""Files aside to published ones, a few at a time behind the network's back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from psmacore.locks import OwnedLock
from psmacore.pacs.part10 import Identity

_N_THREADS = 4
_N_PENDING = 16


class FinishingLine:
    """Publishes files while the next ones arrive: the wait for the disk costs most of a fetch otherwise.

    Leaving waits for all that were added; the first failure is raised, unless another error is on
    its way.

    Parameters
    ----------
    publish : callable
        Checks a file aside, flushes it to disk and renames it; called in other threads.
    on_landed : callable
        Told of each that is done, in the caller's thread.
    """

    def __init__(self, publish: Callable[[OwnedLock], Identity], on_landed: Callable[[Identity], None]) -> None:
        self._publish = publish
        self._on_landed = on_landed
        self._pool = ThreadPoolExecutor(_N_THREADS, thread_name_prefix="publish")
        self._pending: deque[Future[Identity]] = deque()

    def __enter__(self) -> FinishingLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failures: list[BaseException] = []
        try:
            for future in self._pending:
                failure = future.exception()
                if failure is None:
                    self._on_landed(future.result())
                else:
                    failures.append(failure)
        finally:
            self._pool.shutdown()
        if failures and error is None:
            raise failures[0]

    def add(self, aside: OwnedLock) -> None:
        """Publish a file soon; waits where too many are waiting, and raises what an earlier one failed of."""
        self._pending.append(self._pool.submit(self._publish, aside))
        while self._pending and (len(self._pending) > _N_PENDING or self._pending[0].done()):
            self._on_landed(self._pending.popleft().result())
