"""An archive, the application over it, and the real server process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from Testing.conftest import ROOT
from Testing.web.client import InProcess
from Testing.web.synthetic import SimulatedStudy, encoded, simulated_study
from web_bridge.app import build_app
from web_bridge.store import Archive
from web_bridge.viewer import Viewer


@pytest.fixture
def an_archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path / "store")
    yield archive
    archive.close()


@pytest.fixture
def a_client(an_archive: Archive) -> InProcess:
    return InProcess(build_app(an_archive, Viewer()))


@pytest.fixture(scope="session")
def a_simulated_study() -> SimulatedStudy:
    return simulated_study()


@pytest.fixture(scope="session")
def a_filled_archive(tmp_path_factory: pytest.TempPathFactory, a_simulated_study: SimulatedStudy) -> Iterator[Archive]:
    """Holds one whole study; tests only read it."""
    archive = Archive(tmp_path_factory.mktemp("filled"))
    answer = InProcess(build_app(archive, Viewer())).store(encoded(item) for item in a_simulated_study.all)
    if answer.status_code != 200:
        raise RuntimeError(answer.text)
    yield archive
    archive.close()


@pytest.fixture(scope="session")
def a_reader(a_filled_archive: Archive) -> InProcess:
    return InProcess(build_app(a_filled_archive, Viewer()))


@dataclass(frozen=True)
class RunningBridge:
    """A server process that answers."""

    process: subprocess.Popen[bytes]
    url: str
    dicomweb_root: str
    port: int
    store: Path
    log: Path


def child_environment() -> dict[str, str]:
    """Return the environment in which a child finds our packages."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "PSMATheranostics"), str(ROOT)))}


@contextmanager
def running_bridge(store: Path, *arguments: str, log: Path) -> Iterator[RunningBridge]:
    """Start the bridge as users do, wait for its first line, and end it."""
    command = [sys.executable, "-m", "web_bridge", "serve", "--store", str(store), *arguments]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=child_environment()
        )
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise RuntimeError(log.read_text())
            ready = json.loads(line)
            yield RunningBridge(process, ready["url"], ready["dicomweb_root"], ready["port"], store, log)
        finally:
            process.terminate()
            process.wait(timeout=10)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


@pytest.fixture(scope="module")
def a_bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBridge]:
    folder = tmp_path_factory.mktemp("bridge")
    with running_bridge(folder / "store", "--viewer", "none", log=folder / "log") as bridge:
        yield bridge
