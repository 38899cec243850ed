"""A real Slicer with both modules to screenshots, ``verdict.json`` and an exit code: 0 where every check passed, or 1.

    Slicer --additional-module-paths PSMATheranostics PSMALongitudinal \
        --python-script Testing/slicer/self_test.py [--dicomweb URL] [--worker-python PATH] [--out DIR]

Ends Slicer whatever happens: a script that merely ends, or fails, would leave it running. Needs no package that Slicer
does not bring, and no other file of the checkout.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import qt
import slicer
import vtk

OLDEST_SLICER = (5, 10)
MODULES = ("PSMATheranostics", "PSMALongitudinal")
WORKER_PYTHON_SETTING = "PSMATheranostics/WorkerPython"
# Ends a Slicer that hangs, also behind a dialog that nobody answers.
DEADLINE_MS = 15 * 60 * 1000
WORKER_WAIT_S = 30.0
ARCHIVE_WAIT_S = 20.0


@dataclass
class Check:
    """One thing that was tried."""

    name: str
    passed: bool
    detail: str
    duration_s: float


@dataclass
class Verdict:
    """Everything that was tried; written after every check, so that a crash leaves what came before."""

    out: Path
    checks: list[Check] = field(default_factory=list)
    screenshots: list[str] = field(default_factory=list)
    uncaught: list[str] = field(default_factory=list)
    is_finished: bool = False
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    start: float = field(default_factory=time.monotonic)

    @property
    def passed(self) -> bool:
        """Whether the test ran to its end, tried something and nothing failed."""
        return self.is_finished and bool(self.checks) and all(check.passed for check in self.checks)

    def write(self) -> None:
        """Write ``verdict.json``."""
        record = {
            "schema": "psma-self-test/1",
            "passed": self.passed,
            "finished": self.is_finished,
            "started_at": self.started_at,
            "duration_s": round(time.monotonic() - self.start, 1),
            "slicer": {
                "version": slicer.app.applicationVersion,
                "revision": slicer.app.revision,
                "python": platform.python_version(),
                "vtk": vtk.vtkVersion.GetVTKVersion(),
                "platform": platform.platform(),
                "has_main_window": slicer.util.mainWindow() is not None,
            },
            "checks": [asdict(check) for check in self.checks],
            "screenshots": self.screenshots,
        }
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "verdict.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    @contextmanager
    def check(self, name: str) -> Iterator[list[str]]:
        """Record what happens inside as one check; what is put into the list becomes its detail."""
        said: list[str] = []
        began, n_uncaught = time.monotonic(), len(self.uncaught)
        try:
            yield said
            slicer.app.processEvents()
            # PythonQt prints what a slot raises and goes on; here it counts.
            assert len(self.uncaught) == n_uncaught, self.uncaught[-1]
        except Exception as error:  # noqa: BLE001  a failed check must not end the others
            place = traceback.extract_tb(error.__traceback__)[-1]
            passed, detail = False, f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        else:
            passed, detail = True, "; ".join(said)
        self.checks.append(Check(name, passed, detail, round(time.monotonic() - began, 2)))
        sys.stderr.write(f"self test: {'ok' if passed else 'FAILED'}  {name}  {detail}\n")
        self.write()

    def screenshot(self, widget: qt.QWidget, name: str) -> None:
        """Save what the widget shows as ``name.png``."""
        slicer.app.processEvents()
        path = self.out / f"{name}.png"
        assert widget.grab().save(str(path)), f"cannot write {path}"
        self.screenshots.append(path.name)


def panel_of(module: str) -> object:
    """Return the module's widget representation, with its own Python widget behind ``self()``."""
    entry = getattr(slicer.modules, module.lower(), None)
    assert entry is not None, f"{module} is not loaded: pass --additional-module-paths or install the extension"
    return entry.widgetRepresentation()


def wait_until(is_so: Callable[[], bool], timeout_s: float) -> bool:
    """Let the event loop run until ``is_so()`` or the time is over, and return the answer."""
    end = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.01)
    return is_so()


def check_slicer(verdict: Verdict) -> None:
    """The modules are written for this Slicer."""
    with verdict.check("Slicer is new enough") as said:
        said.append(slicer.app.applicationVersion)
        version = tuple(int(part) for part in slicer.app.applicationVersion.split("-")[0].split(".")[:2])
        assert version >= OLDEST_SLICER, f"{slicer.app.applicationVersion} is older than {OLDEST_SLICER}"


def check_module(verdict: Verdict, module: str) -> None:
    """The module opens, tests itself and comes back after a reload."""
    with verdict.check(f"{module} opens") as said:
        panel = panel_of(module)
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule(module)
            verdict.screenshot(slicer.util.mainWindow(), module)
        else:
            panel.show()
            verdict.screenshot(panel, module)
        said.append("core " + panel.self().logic.coreVersion())
    with verdict.check(f"{module} passes its own tests") as said:
        tests = getattr(sys.modules[type(panel_of(module).self()).__module__], f"{module}Test")
        names = [name for name in dir(tests) if name.startswith("test_")]
        assert names, "it has none"
        tests().runTest()
        said.append(f"{len(names)} tests")
    with verdict.check(f"{module} comes back after a reload"):
        panel_of(module).self().onReload()
        slicer.app.processEvents()
        assert panel_of(module).self().panel.ui.coreVersionLabel.text == panel_of(module).self().logic.coreVersion()


def check_scene_close(verdict: Verdict) -> None:
    """Closing the scene under an open module harms nothing."""
    with verdict.check("the scene closes under an open module"):
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PET")
        slicer.mrmlScene.Clear(0)
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def check_worker(verdict: Verdict, worker_python: str) -> None:
    """The worker's Python answers; where none was named, that the panel says so counts."""
    with verdict.check("the worker's Python is asked") as said:
        settings = slicer.app.userSettings()
        kept = settings.value(WORKER_PYTHON_SETTING, "")
        try:
            ui = panel_of("PSMATheranostics").self().panel.ui
            ui.workerPythonPathLineEdit.currentPath = worker_python
            ui.checkWorkerButton.click()
            assert wait_until(lambda: ui.checkWorkerButton.enabled, WORKER_WAIT_S), "no answer"
            said.append(ui.workerLabel.text)
            assert not worker_python or ui.workerLabel.text.startswith("Python "), ui.workerLabel.text
        finally:
            settings.setValue(WORKER_PYTHON_SETTING, kept)


def check_archive(verdict: Verdict, url: str) -> None:
    """The archive answers a search (QIDO-RS)."""
    with verdict.check("the archive answers a search") as said:
        request = urllib.request.Request(
            f"{url.rstrip('/')}/studies?limit=1", headers={"Accept": "application/dicom+json"}
        )
        with urllib.request.urlopen(request, timeout=ARCHIVE_WAIT_S) as answer:
            found = json.loads(answer.read() or b"[]") if answer.status != 204 else []
        assert isinstance(found, list), "the answer is no list of studies"
        said.append("has studies" if found else "is empty")


def run(options: argparse.Namespace, verdict: Verdict) -> None:
    """Try everything that there is."""
    check_slicer(verdict)
    for module in MODULES:
        check_module(verdict, module)
    check_scene_close(verdict)
    check_worker(verdict, options.worker_python)
    if options.dicomweb:
        check_archive(verdict, options.dicomweb)
    verdict.is_finished = True


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="self_test.py", description=__doc__.splitlines()[0])
    parser.add_argument("--dicomweb", default="", metavar="URL", help="root of a DICOMweb archive that must answer")
    parser.add_argument(
        "--worker-python", default="", metavar="PATH", help="Python of the worker; default Slicer's own"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="for verdict.json and pictures; default a new folder")
    options = parser.parse_args(arguments)
    verdict = Verdict(options.out or Path(slicer.util.tempDirectory("PSMASelfTest")))

    def give_up() -> None:
        verdict.checks.append(Check("the self test ends in time", False, f"{DEADLINE_MS // 60000} min", 0.0))
        verdict.write()
        slicer.util.exit(1)

    verdict.write()
    qt.QTimer.singleShot(DEADLINE_MS, give_up)
    previous = sys.excepthook
    sys.excepthook = lambda kind, error, trace: (
        verdict.uncaught.append(f"{kind.__name__}: {error}"),
        previous(kind, error, trace),
    )
    try:
        run(options, verdict)
    finally:
        sys.excepthook = previous
        verdict.write()
        sys.stderr.write(f"self test: {'passed' if verdict.passed else 'FAILED'}, see {verdict.out / 'verdict.json'}\n")
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    code = 1
    try:
        code = main(sys.argv[1:])
    except SystemExit as left:  # wrong arguments, or --help
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:  # noqa: BLE001  whatever it is, Slicer must end
        traceback.print_exc()
    finally:
        slicer.util.exit(code)
