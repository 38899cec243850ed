"""Coded concepts as DICOM writes them."""

from __future__ import annotations

from dataclasses import dataclass

PRIVATE_SCHEME = "99PSMATHER"
"""Coding scheme of concepts that have no standard code (DICOM PS3.16 Section 8.2: private ones begin with 99)."""


@dataclass(frozen=True, order=True)
class Code:
    """A coded concept: value, coding scheme designator and meaning (DICOM PS3.3 Section 8)."""

    value: str
    scheme: str
    meaning: str

    def matches(self, other: Code) -> bool:
        """Return whether both name the same concept, whatever words they use for it."""
        return (self.value, self.scheme) == (other.value, other.scheme)
