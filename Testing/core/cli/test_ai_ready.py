"""PyTorch and MONAI are installed when a command needs them, in the launcher's own environment alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from psmacore.cli import ai_ready
from psmacore.cli.ai_ready import missing_packages, require_ai
from psmacore.errors import ModelMissingError

LAUNCHER = """
import pathlib, sys
root = pathlib.Path(__file__).parent
(root / "asked").write_text(" ".join(sys.argv[1:]))
(root / "site" / "package_of_this_test.py").write_text("")
sys.exit({code})
"""


@pytest.fixture
def a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose launcher writes the missing package; this process runs in its environment."""
    (tmp_path / "psma").write_text(LAUNCHER.format(code=0))
    (tmp_path / ".venv").mkdir()
    (tmp_path / "site").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(missing_packages, "__defaults__", (("package_of_this_test",),))
    return tmp_path


def test_what_is_there_is_not_installed_again(a_checkout: Path) -> None:
    (a_checkout / "site" / "package_of_this_test.py").write_text("")
    require_ai(a_checkout)
    assert not (a_checkout / "asked").exists()


def test_the_launcher_installs_what_is_missing_and_the_command_goes_on(
    a_checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    require_ai(a_checkout)
    assert (a_checkout / "asked").read_text() == "setup --ai"
    told = capfd.readouterr()
    assert "package_of_this_test" in told.err
    assert ai_ready.SIZE in told.err
    assert told.out == ""


def test_a_failed_set_up_is_a_missing_model(a_checkout: Path) -> None:
    (a_checkout / "psma").write_text(LAUNCHER.format(code=1))
    with pytest.raises(ModelMissingError, match="set-up failed"):
        require_ai(a_checkout)


def test_a_foreign_environment_is_told_what_to_do(a_checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slicer's Python is not the launcher's to change."""
    monkeypatch.setattr(sys, "prefix", str(a_checkout / "Slicer"))
    with pytest.raises(ModelMissingError, match=r"package_of_this_test.*\./psma setup --ai"):
        require_ai(a_checkout)
    assert not (a_checkout / "asked").exists()


def test_nothing_is_imported_to_find_out() -> None:
    assert missing_packages(["json", "a_package_that_nobody_has"]) == ["a_package_that_nobody_has"]
