"""A command that needs PyTorch and MONAI to an environment that has them, or the error that says how to get them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from psmacore.errors import ModelMissingError

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("torch", "monai", "safetensors")
SIZE = "about 260 MB to download and 1.2 GB on disk for the CPU, some gigabytes where a GPU is present"


def require_ai(root: Path = ROOT) -> None:
    """Make sure that the worker will find PyTorch and MONAI; nothing is imported here.

    Where they are missing and this process runs in the environment that the launcher made, the launcher installs
    them first, with its output on stderr.

    Parameters
    ----------
    root : pathlib.Path
        The checkout, with the launcher ``psma`` and its ``.venv``.

    Raises
    ------
    ModelMissingError
        If they are missing and were not installed.
    """
    lacking = missing_packages()
    if not lacking:
        return
    words = f"this needs {', '.join(lacking)}, not installed yet ({SIZE})"
    launcher = root / "psma"
    if not launcher.is_file() or Path(sys.prefix).resolve() != (root / ".venv").resolve():
        raise ModelMissingError(f"{words}: run ./psma setup --ai in a checkout, or install them into {sys.executable}")
    sys.stderr.write(f"psma: {words}: installing\n")
    sys.stderr.flush()
    done = subprocess.run(
        [sys.executable, str(launcher), "setup", "--ai"], stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False
    )
    importlib.invalidate_caches()
    lacking = missing_packages()
    if done.returncode != 0 or lacking:
        raise ModelMissingError(f"the set-up failed, see above; still missing: {', '.join(lacking) or 'nothing'}")


def missing_packages(names: Sequence[str] = PACKAGES) -> list[str]:
    """Return which packages this interpreter does not find, without importing them."""
    return [name for name in names if find_spec(name) is None]
