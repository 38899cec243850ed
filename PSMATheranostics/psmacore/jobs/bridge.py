"""The web bridge as a process: its command to the address that it answers at."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psmacore
from psmacore.errors import PsmaError

_CHECKOUT = Path(psmacore.__file__).resolve().parents[2]
_CORE = Path(psmacore.__file__).resolve().parents[1]
_GRACE_S = 5.0


@dataclass(frozen=True)
class BridgeAddress:
    """Where a running bridge answers."""

    url: str
    dicomweb_root: str
    port: int


def bridge_command(store: Path | None, *, port: int, viewer: str = "auto") -> list[str]:
    """Return the command that serves ``store``, by default the user's own; port 0 takes a free one."""
    options = [] if store is None else ["--store", str(store.absolute())]
    return [sys.executable, "-m", "web_bridge", "serve", *options, "--port", str(port), "--viewer", viewer]


def bridge_environment() -> dict[str, str]:
    """Return the environment in which ``web_bridge`` and the core are found."""
    paths = [str(_CORE), str(_CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def become_bridge(store: Path | None, *, port: int, viewer: str) -> int:
    """Replace this process by the bridge, so that whoever ends it leaves no child behind."""
    command = bridge_command(store, port=port, viewer=viewer)
    if os.name == "nt":  # Windows has no exec that keeps the console
        return subprocess.run(command, env=bridge_environment(), check=False).returncode
    os.execve(command[0], command, bridge_environment())


@contextlib.contextmanager
def running_bridge(store: Path, *, port: int = 0, viewer: str = "auto") -> Iterator[BridgeAddress]:
    """Serve ``store`` while the context is open.

    The bridge ends with this process, also when this process is killed: it watches its standard input.

    Raises
    ------
    PsmaError
        If the bridge ends before it answers, with what it said.
    """
    command = [*bridge_command(store, port=port, viewer=viewer), "--exit-with-parent"]
    with subprocess.Popen(
        command, env=bridge_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[str]) -> BridgeAddress:
    line = process.stdout.readline() if process.stdout is not None else ""
    try:
        record = json.loads(line)
        return BridgeAddress(record["url"], record["dicomweb_root"], int(record["port"]))
    except (ValueError, KeyError, TypeError) as error:
        status = process.poll()
        raise PsmaError(f"the web bridge did not start (exit status {status}); it said: {line.strip()!r}") from error
