"""The phantom's source code to its version and checksum, which model cards quote."""

from __future__ import annotations

import hashlib
from pathlib import Path

PHANTOM_VERSION = "2.0"
# Modules that only put simulated voxels on disk, or say what version they are.
_WRITERS = ("dicom_", "layout_", "write", "nifti", "version", "folders")


def phantom_sha256() -> str:
    """Return the SHA-256 of everything that the voxels and the truth depend on.

    It covers this package's modules in the order of their names, each name and text followed by a zero byte, with
    line ends of one byte; modules that only write files are left out, so that a new layout leaves it as it is.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith(_WRITERS):
            text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
            digest.update(f"{path.name}\0{text}\0".encode())
    return digest.hexdigest()


def phantom_stamp() -> dict[str, str]:
    """Return version and checksum as truth.json and simulated.json hold them."""
    return {"version": PHANTOM_VERSION, "sha256": phantom_sha256()}
