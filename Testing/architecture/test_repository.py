"""The checkout keeps its shape: folders, licence, and nothing of any one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"PSMATheranostics", "PSMALongitudinal", "Resources", "Testing", "web_bridge"}
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".html", ".css", ".js", ".ui", ".cmake", ""}


@pytest.fixture(scope="module")
def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_only_the_agreed_folders_stand_at_the_top(tracked_files: list[Path]) -> None:
    top = {path.relative_to(ROOT).parts[0] for path in tracked_files if len(path.relative_to(ROOT).parts) > 1}
    assert {name for name in top if not name.startswith(".")} <= FOLDERS


def test_the_licence_is_apache_2() -> None:
    assert "Apache License" in (ROOT / "LICENSE.txt").read_text()
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()


def test_no_text_names_a_registry_host_or_a_path_of_one_machine(tracked_files: list[Path]) -> None:
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js", "deb.deb" + "ian.org"]
    pattern = re.compile("|".join([*map(re.escape, hosts), r"(?<![\w.])/(work|root)/"]))
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in tracked_files
        if path.suffix in TEXT
        for match in pattern.finditer(path.read_text(errors="replace"))
    ]
    assert found == []


def test_requirements_are_pinned_exactly() -> None:
    for name in ("requirements.txt", "requirements-all.txt", "requirements-host.txt"):
        lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        loose = [line for line in lines if line and not re.fullmatch(r"[\w.\-\[\]]+==[\w.+!]+", line)]
        assert loose == [], name
