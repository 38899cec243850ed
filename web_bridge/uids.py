"""Text from a URL or a file to a UID that is safe as a file name."""

from __future__ import annotations

import re

from web_bridge.errors import BadRequestError

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
MAX_LENGTH = 64


def is_uid(text: str) -> bool:
    """Return whether ``text`` has the form of a UID (DICOM PS3.5 Section 9.1).

    Components with a leading zero, which the standard forbids and old scanners write, are accepted:
    digits and dots between digits cannot leave a folder.
    """
    return len(text) <= MAX_LENGTH and _UID.fullmatch(text) is not None


def require_uid(text: str, name: str) -> str:
    """Return ``text`` if it is a UID.

    Raises
    ------
    BadRequestError
        If it is not; ``name`` says which one.
    """
    if not is_uid(text):
        raise BadRequestError(f"{name} must be a DICOM UID of at most {MAX_LENGTH} digits and dots")
    return text
