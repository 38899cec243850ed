"""Where the viewer's files are, or in words why they are not there."""

from __future__ import annotations

from pathlib import Path


class Viewer:
    """The viewer as the routes see it; filled while the server already answers.

    Parameters
    ----------
    root : Path or None
        Folder that holds ``index.html``.
    status : str
        What the user is told while ``root`` is ``None``.
    """

    def __init__(self, root: Path | None = None, status: str = "The web viewer is switched off.") -> None:
        self._state = (root, status)

    @property
    def root(self) -> Path | None:
        """Folder of the viewer's files, or ``None`` while there is none."""
        return self._state[0]

    @property
    def status(self) -> str:
        """Why there is no viewer; empty where there is one."""
        return self._state[1] if self._state[0] is None else ""

    def ready(self, root: Path) -> None:
        """Serve the viewer from ``root`` from now on."""
        self._state = (root.resolve(), "")

    def waiting(self, status: str) -> None:
        """Tell the user ``status`` from now on."""
        self._state = (None, status)
