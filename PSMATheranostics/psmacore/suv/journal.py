"""Steps and warnings, in the order in which they arise, to the words of a derivation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from psmacore.errors import DicomInputError

_LOGGER = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass
class Journal:
    """Collects what was done with one series, for its ``SuvDerivation``."""

    series_uid: str
    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def step(self, text: str) -> None:
        """Note one step of the derivation."""
        self.steps.append(text)

    def warn(self, text: str) -> None:
        """Note what the reader should know; the same words are kept once."""
        if text not in self.warnings:
            _LOGGER.info("series %s: %s", self.series_uid, text)
            self.warnings.append(text)

    def attempt(self, read: Callable[[], _T]) -> _T | None:
        """Return what ``read`` gives; where the header forbids it, note a warning and return ``None``.

        For facts that the SUV of this series does not depend on.
        """
        try:
            return read()
        except DicomInputError as error:
            self.warn(f"Not needed for this series' SUV, but not usable: {error}")
            return None
