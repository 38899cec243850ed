"""The rooms know only whom DESIGN allows: import-linter's contracts hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def lint_imports(folder: Path, *arguments: str, core: Path | None = None) -> subprocess.CompletedProcess[str]:
    paths = [str(core or ROOT / "PSMATheranostics"), str(ROOT / "PSMALongitudinal"), str(ROOT)]
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", script, "--no-cache", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_contract_is_kept() -> None:
    outcome = lint_imports(ROOT)
    assert outcome.returncode == 0, outcome.stdout


def test_a_room_that_reaches_upwards_is_found(tmp_path: Path) -> None:
    package = tmp_path / "core" / "psmacore"
    for room in ("errors", "model", "suv", "lesions"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "suv" / "__init__.py").write_text("import psmacore.lesions\n")
    config = tmp_path / ".importlinter"
    config.write_text(
        "[importlinter]\nroot_package = psmacore\n\n"
        "[importlinter:contract:rooms]\nname = rooms\ntype = layers\n"
        "containers = psmacore\nlayers =\n    lesions | suv\n    model\n    errors\n"
    )
    outcome = lint_imports(tmp_path, "--config", str(config), core=tmp_path / "core")
    assert outcome.returncode == 1, outcome.stdout
    assert "psmacore.suv is not allowed to import psmacore.lesions" in outcome.stdout
