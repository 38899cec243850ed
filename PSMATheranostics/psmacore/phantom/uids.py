"""Seed and purpose to a DICOM UID that is the same in every run."""

from __future__ import annotations

import hashlib


def phantom_uid(seed: int, *purpose: str | int) -> str:
    """Return a UID under 2.25 (DICOM PS3.5 B.2), derived from the SHA-256 of seed and purpose."""
    text = "/".join(["simulated patient", str(seed), *map(str, purpose)])
    digest = bytearray(hashlib.sha256(text.encode()).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80  # UUID version 8: made by its own rule (RFC 9562 5.8)
    digest[8] = (digest[8] & 0x3F) | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"
