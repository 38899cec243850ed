"""The self test for a real Slicer, run in the host: it says what it found, and always ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import psmacore
from Testing.architecture.module_source import DOORS, ROOT

# One host for all runs: the second module is loaded after the first run only.
RUNNER = """
import json, sys
from pathlib import Path
from Testing.host.start import start
root, out, doors = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4:]
host = start()
codes = {}
host.load_module(root / doors[0])
for name, arguments in json.loads(sys.argv[3]).items():
    codes[name] = host.run_script(root / "Testing/slicer/self_test.py", *arguments)
    host.load_module(root / doors[1])
(out / "codes.json").write_text(json.dumps(codes))
"""


@pytest.fixture(scope="module")
def self_tests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, Path]]:
    """Exit code and folder of several runs."""
    folder = tmp_path_factory.mktemp("self-test")
    (folder / "a-file").write_text("")
    runs = {
        "one module": ["--out", str(folder / "one module")],
        "good": ["--out", str(folder / "good"), "--worker-python", sys.executable],
        "silent archive": ["--out", str(folder / "silent archive"), "--dicomweb", "http://127.0.0.1:9/dicom-web"],
        "misspelt": ["--ouut", str(folder / "misspelt")],
        "no folder": ["--out", str(folder / "a-file")],
    }
    outcome = subprocess.run(
        [sys.executable, "-c", RUNNER, str(ROOT), str(folder), json.dumps(runs), *DOORS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    codes: dict[str, int] = json.loads((folder / "codes.json").read_text())
    return {name: (code, folder / name) for name, code in codes.items()}


def verdict_in(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "verdict.json").read_text())
    return record


def test_a_good_run_ends_with_0_and_a_verdict_that_names_every_check(self_tests: dict[str, tuple[int, Path]]) -> None:
    code, folder = self_tests["good"]
    verdict = verdict_in(folder)
    assert [check for check in verdict["checks"] if not check["passed"]] == []
    assert (code, verdict["passed"], verdict["finished"]) == (0, True, True)
    assert len(verdict["checks"]) >= 9
    assert verdict["slicer"]["version"]
    worker = next(check for check in verdict["checks"] if "worker" in check["name"])
    assert f"core {psmacore.__version__}" in worker["detail"]


def test_the_pictures_of_a_good_run_show_something(self_tests: dict[str, tuple[int, Path]]) -> None:
    from PIL import Image

    _, folder = self_tests["good"]
    names = verdict_in(folder)["screenshots"]
    assert names == ["PSMATheranostics.png", "PSMALongitudinal.png"]
    for name in names:
        with Image.open(folder / name) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20


def test_one_failed_check_fails_the_run_and_hides_no_other(self_tests: dict[str, tuple[int, Path]]) -> None:
    code, folder = self_tests["silent archive"]
    verdict = verdict_in(folder)
    failed = [check["name"] for check in verdict["checks"] if not check["passed"]]
    assert (code, verdict["passed"], verdict["finished"]) == (1, False, True)
    assert failed == ["the archive answers a search"]


def test_wrong_arguments_end_slicer_too(self_tests: dict[str, tuple[int, Path]]) -> None:
    assert self_tests["misspelt"][0] == 2


def test_a_folder_that_cannot_be_made_ends_slicer_too(self_tests: dict[str, tuple[int, Path]]) -> None:
    assert self_tests["no folder"][0] == 1


def test_a_module_that_is_not_loaded_is_named(self_tests: dict[str, tuple[int, Path]]) -> None:
    code, folder = self_tests["one module"]
    failed = [check for check in verdict_in(folder)["checks"] if not check["passed"]]
    assert code == 1
    assert failed
    assert all("PSMALongitudinal" in check["name"] for check in failed)
    assert "is not loaded" in failed[0]["detail"]
