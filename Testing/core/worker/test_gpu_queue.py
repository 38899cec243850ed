"""Jobs that want one GPU take it one after the other, and a dead one never blocks the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from psmacore.worker.gpu_queue import WAITING, GpuQueue, runtime_folder
from Testing.core.cli.psma_process import environment, wait_until

HOLD = """
import sys, time
from pathlib import Path
from psmacore.worker.gpu_queue import GpuQueue
with GpuQueue(print, Path(sys.argv[1])) as queue:
    queue.take_turn("GPU-1")
    print("held", flush=True)
    sys.stdin.readline()
print("given back", flush=True)
"""


def a_holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        env=environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_job_waits_for_the_first_and_tells_it(tmp_path: Path) -> None:
    told: list[str] = []
    with a_holder(tmp_path) as first, GpuQueue(told.append, tmp_path) as queue:
        waiting = threading.Thread(target=queue.take_turn, args=("GPU-1",))
        waiting.start()
        wait_until(lambda: told != [])
        assert waiting.is_alive()
        first.communicate("go\n")
        waiting.join(20)
        assert not waiting.is_alive()
    assert set(told) == {WAITING}


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_killed_job_gives_the_gpu_back(tmp_path: Path) -> None:
    with a_holder(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
    told: list[str] = []
    with GpuQueue(told.append, tmp_path) as queue:
        queue.take_turn("GPU-1")
        assert [path.name for path in tmp_path.iterdir()] == ["gpu-GPU-1.lock"]
    assert told == []


def test_another_gpu_is_free_and_a_second_turn_is_the_first(tmp_path: Path) -> None:
    told: list[str] = []
    with a_holder(tmp_path) as first, GpuQueue(told.append, tmp_path) as queue:
        queue.take_turn("GPU-2")
        queue.take_turn("GPU-2")
        assert sorted(path.name for path in tmp_path.glob("*.lock")) == ["gpu-GPU-1.lock", "gpu-GPU-2.lock"]
        first.communicate("go\n")
    assert told == []


def test_leaving_gives_every_gpu_back(tmp_path: Path) -> None:
    with GpuQueue(lambda _words: None, tmp_path) as queue:
        queue.take_turn("GPU-1/../x")
        assert [path.name for path in tmp_path.iterdir()] == ["gpu-GPU-1____x.lock"]
    assert list(tmp_path.iterdir()) == []


def test_lock_files_lie_in_the_users_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_folder() == tmp_path / "psma"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "absent"))
    assert tmp_path not in runtime_folder().parents
