"""Log records of some rooms to events of a job."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psmacore.jobs.worker_side import EventWriter


class _Events(logging.Handler):
    def __init__(self, events: EventWriter) -> None:
        super().__init__(logging.INFO)
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        self._events.log(record.getMessage(), record.levelname)


@contextmanager
def logged_as_events(events: EventWriter, rooms: Sequence[str]) -> Iterator[None]:
    """Send what those rooms log, from INFO on, as events while the context is open.

    Parameters
    ----------
    rooms : sequence of str
        Names of loggers; their records go nowhere else, so that nothing is told twice.
    """
    handler = _Events(events)
    former = []
    for name in rooms:
        logger = logging.getLogger(name)
        former.append((logger, logger.level, logger.propagate))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, level, propagate in former:
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
