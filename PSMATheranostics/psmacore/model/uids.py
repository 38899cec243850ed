"""Unique identifiers for what is made here."""

from __future__ import annotations

import uuid


def new_uid() -> str:
    """Return a fresh DICOM UID derived from a random UUID (DICOM PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"
