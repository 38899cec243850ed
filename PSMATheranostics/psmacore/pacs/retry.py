"""A request that may fail for a moment to one that is tried again within bounds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from psmacore.errors import CancelledError, PacsError

logger = logging.getLogger(__name__)

T = TypeVar("T")
_SLICE_S = 0.1


class TransientError(Exception):
    """A failure that may pass; never leaves the room.

    Parameters
    ----------
    final : PacsError
        What to raise when patience ends.
    wait_s : float or None
        What the server asked for (Retry-After).
    """

    def __init__(self, final: PacsError, wait_s: float | None = None) -> None:
        super().__init__(str(final))
        self.final = final
        self.wait_s = wait_s


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently: waits double from the first to the longest, in s."""

    n_attempts: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0

    def wait_s(self, n_failed: int, asked_s: float | None = None) -> float:
        """Return the wait after ``n_failed`` attempts (from 1); the server's wish counts up to the longest wait."""
        own = self.first_wait_s * 2.0 ** (n_failed - 1)
        return float(min(max(own, asked_s or 0.0), self.longest_wait_s))


def with_retries(action: Callable[[], T], policy: RetryPolicy, is_cancelled: Callable[[], bool]) -> T:
    """Return what ``action`` returns, tried again where it raises :class:`TransientError`.

    Raises
    ------
    PacsError
        The last attempt's.
    CancelledError
        If cancelled while waiting.
    """
    for n_failed in range(1, policy.n_attempts + 1):
        try:
            return action()
        except TransientError as error:
            if n_failed == policy.n_attempts:
                raise error.final from None
            pause(policy, n_failed, error, is_cancelled)
    raise ValueError("a retry policy needs at least one attempt")


def pause(policy: RetryPolicy, n_failed: int, error: TransientError, is_cancelled: Callable[[], bool]) -> None:
    """Wait before the next attempt.

    Raises
    ------
    CancelledError
        If cancelled meanwhile.
    """
    wait_s = policy.wait_s(n_failed, error.wait_s)
    logger.warning("%s; attempt %s of %s follows in %.1f s", error, n_failed + 1, policy.n_attempts, wait_s)
    end = time.monotonic() + wait_s
    while (rest_s := end - time.monotonic()) > 0:
        raise_if(is_cancelled)
        time.sleep(min(_SLICE_S, rest_s))
    raise_if(is_cancelled)


def raise_if(is_cancelled: Callable[[], bool]) -> None:
    """Raise :class:`CancelledError` where the user has had enough."""
    if is_cancelled():
        raise CancelledError("the transfer was cancelled")
