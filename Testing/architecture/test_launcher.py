"""The launcher hands over to the core without leaving a process behind, and refuses what it does not know."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "psma"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no exec: the launcher waits for its child there")


def psma(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(LAUNCHER), *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", ["analyse", "suv", "phantom", "demo", "serve", "bench"])
def test_every_command_explains_itself(command: str) -> None:
    outcome = psma(command, "--help")
    assert outcome.returncode == 0
    assert f"psma {command}" in outcome.stdout


def test_setup_explains_itself_without_setting_up() -> None:
    explanation = psma("setup", "--help").stdout
    assert "--ai" in explanation
    assert "--host" in explanation


@pytest.mark.parametrize(
    ("options", "installed"),
    [
        ((), ["requirements.txt"]),
        (("--ai",), ["requirements-all.txt"]),
        (("--host",), ["requirements.txt", "requirements-host.txt"]),
        (("--host", "--ai"), ["requirements-all.txt", "requirements-host.txt"]),
    ],
)
def test_setup_installs_what_its_options_name(
    options: tuple[str, ...], installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = runpy.run_path(str(LAUNCHER))
    asked: list[str] = []
    monkeypatch.setitem(launcher["main"].__globals__, "set_up", asked.append)
    assert launcher["main"](["setup", *options]) == 0
    assert asked == installed


def test_an_unknown_command_is_a_usage_error() -> None:
    outcome = psma("teleport")
    assert outcome.returncode == 2
    assert "teleport" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_an_unknown_option_of_setup_is_a_usage_error() -> None:
    outcome = psma("setup", "--gpu")
    assert outcome.returncode == 2
    assert "--gpu" in outcome.stderr


def test_the_test_command_takes_pytests_own_arguments() -> None:
    outcome = psma("test", "--collect-only", "-q", "-m", "not slow", "Testing/core/test_errors.py")
    assert outcome.returncode == 0, outcome.stderr
    assert "test_each_error_means_one_exit_code" in outcome.stdout


def test_the_launcher_runs_from_any_folder(tmp_path: Path) -> None:
    assert psma("--version", cwd=tmp_path).stdout.startswith("psma ")


def test_the_launcher_becomes_the_core_and_leaves_no_child(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(LAUNCHER), "serve", "--store", str(tmp_path / "store"), "--port", "0", "--viewer", "none"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert '"dicomweb_root"' in process.stdout.readline()
            command = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
            assert b"psmacore" in command or b"web_bridge" in command
        finally:
            process.kill()
    survivors = subprocess.run(["pgrep", "-f", str(tmp_path / "store")], capture_output=True, text=True, check=False)
    assert survivors.stdout.split() == []


def test_importing_the_command_line_pulls_in_nothing_heavy() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from psmacore.cli.main import _parser; "
        "_parser(); print(*sys.modules)"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "PSMATheranostics")], capture_output=True, text=True, check=True
    )
    loaded = set(outcome.stdout.split())
    assert loaded & {"numpy", "pydicom", "SimpleITK", "highdicom", "scipy", "torch", "requests"} == set()
