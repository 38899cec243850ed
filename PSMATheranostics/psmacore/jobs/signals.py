"""SIGINT, SIGTERM and SIGHUP to a cancellation that the launcher can ask for."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def cancel_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether the user or the system asked this process to end.

    For a command's main thread, around ``run_local(job, is_cancelled=…)``: the first signal cancels in
    order, a second SIGINT raises ``KeyboardInterrupt`` at once. The former handlers come back at the
    end. Outside the main thread, where Python cannot catch signals, the function stays false.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()

    former = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield asked.is_set
    finally:
        for number, handler in former.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
