"""Hosts never import PyTorch, and the worker imports it only for a job that asks for models."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from psmacore.errors import ModelMissingError, UsageError
from psmacore.jobs.job import Job, JobKind
from psmacore.jobs.worker_side import EventWriter
from psmacore.worker.__main__ import WORK_OF, work
from Testing.core.cli.psma_process import environment
from Testing.core.worker.conftest import PetCt

HEAVY = {"torch", "monai", "safetensors"}


def modules_after(script: str, *arguments: object) -> set[str]:
    """Return the top-level modules that a script has loaded in a process of its own."""
    tail = "\nimport sys\nsys.stderr.write('\\nMODULES ' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", script + tail, *map(str, arguments)],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "MODULES " in done.stderr, done.stderr
    return set(done.stderr.rpartition("MODULES ")[2].split())


@pytest.mark.slow
def test_a_host_that_ran_a_whole_analysis_has_not_imported_pytorch(a_real_study: PetCt, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom psmacore.cli.main import main\n"
        "code = main(['analyse', '--dicom', sys.argv[1], '--out', sys.argv[2]])\nassert code == 0, code"
    )
    loaded = modules_after(script, a_real_study.folder, tmp_path / "result")
    assert "psmacore" in loaded
    assert loaded & HEAVY == set()
    assert (tmp_path / "result" / "results.json").is_file()


def test_the_worker_does_a_threshold_job_without_pytorch(a_real_study: PetCt, tmp_path: Path) -> None:
    script = (
        "import io, sys\nfrom pathlib import Path\nfrom psmacore.jobs.job import Job, JobKind\n"
        "from psmacore.jobs.worker_side import EventWriter\nfrom psmacore.pipeline.request import AnalyseRequest\n"
        "from psmacore.worker.__main__ import work\n"
        "request = AnalyseRequest(dicom=Path(sys.argv[1]))\nout = Path(sys.argv[2])\nout.mkdir()\n"
        "job = Job(JobKind.ANALYSE, request.inputs(), request.parameters(), out)\n"
        "work(job, out, EventWriter(job.job, io.BytesIO()))"
    )
    assert modules_after(script, a_real_study.folder, tmp_path / "result") & HEAVY == set()
    assert (tmp_path / "result" / "results.json").is_file()


@pytest.mark.parametrize("command", ["analyse", "demo"])
def test_help_imports_nothing_heavy(command: str) -> None:
    script = (
        "import sys\nfrom psmacore.cli.main import main\n"
        "try:\n    main([sys.argv[1], '--help'])\nexcept SystemExit:\n    pass"
    )
    assert modules_after(script, command) & (HEAVY | {"numpy", "pydicom", "SimpleITK"}) == set()


def test_a_kind_without_work_is_refused(tmp_path: Path) -> None:
    job = Job(JobKind.COMPARE, {}, {}, tmp_path)
    with pytest.raises(UsageError, match="compare"):
        work(job, tmp_path, EventWriter(job.job, io.BytesIO()))


def test_a_missing_package_is_a_missing_model_and_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slicer's Python has no PyTorch until the user lets it be installed."""
    (tmp_path / "needs_torch.py").write_text("import a_package_that_nobody_has\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(WORK_OF, JobKind.ANALYSE, "needs_torch:do")  # type: ignore[arg-type]
    job = Job(JobKind.ANALYSE, {}, {}, tmp_path)
    with pytest.raises(ModelMissingError, match=r"a_package_that_nobody_has.*psma setup --ai"):
        work(job, tmp_path, EventWriter(job.job, io.BytesIO()))
