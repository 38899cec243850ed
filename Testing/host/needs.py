"""What the host runs on to what of it is missing here, found without importing any of it."""

from __future__ import annotations

import ctypes
import sys
from importlib.util import find_spec

PACKAGES = {"slicer_core": "slicer-core", "vtk": "vtk", "PySide6": "PySide6_Essentials", "shiboken6": "shiboken6"}
# Shared library to the Debian package that has it: what VTK's EGL window, Mesa and Qt's offscreen platform load.
DEBIAN = {
    "libEGL.so.1": "libegl1",
    "libEGL_mesa.so.0": "libegl-mesa0",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
SETUP = "./psma setup --host"


def missing_packages() -> list[str]:
    """Return the Python packages that are not installed."""
    return [package for module, package in PACKAGES.items() if find_spec(module) is None]


def missing_libraries() -> list[str]:
    """Return the Debian packages whose library cannot be loaded; other systems bring their own."""
    if sys.platform != "linux":
        return []
    return [package for library, package in DEBIAN.items() if not _loads(library)]


def why_not() -> str | None:
    """Return in one sentence why the host cannot start and what to install, or None where it can."""
    packages, libraries = missing_packages(), missing_libraries()
    parts = []
    if packages:
        parts.append(f"Python packages are missing: {', '.join(packages)} ({SETUP})")
    if libraries:
        parts.append(f"Debian packages are missing: apt-get install {' '.join(libraries)}")
    return "; ".join(parts) or None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
