"""The test host, once for all tests of a process, and what a real Slicer would only have printed as a failure."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from Testing.conftest import REQUIRED
from Testing.host.needs import why_not

if TYPE_CHECKING:
    from Testing.host.start import Host

MISSING = why_not()
if MISSING and "host" in REQUIRED:
    pytest.exit(f"PSMA_REQUIRE names 'host', but {MISSING}", returncode=1)
# Without its packages nothing here can be imported; test_host_is_here.py says so instead.
collect_ignore_glob = ["*/test_*.py"] if MISSING else []
if not MISSING:
    from Testing.host import qt_shim

    qt_shim.install()  # test files say ``import qt`` at their top


@pytest.fixture(scope="session")
def running_host() -> Host:
    """The host as it was started; a test that changes the scene takes ``host`` instead."""
    from Testing.host.start import start

    return start()


@pytest.fixture
def host(running_host: Host) -> Iterator[Host]:
    """The host with an empty scene, which it also leaves behind."""
    running_host.clear()
    yield running_host
    running_host.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test on the host inside Qt's event loop, where all code in Slicer runs."""
    if "host" not in pyfuncitem.fixturenames:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    pyfuncitem.funcargs["host"].call(lambda: pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(autouse=True)
def _nothing_passes_in_silence() -> Iterator[None]:
    """Fail the test for which VTK, Qt or PythonQt printed an error and went on."""
    _take_reports()
    yield
    reports = _take_reports()
    if reports:
        pytest.fail("what a real Slicer would only have printed:\n" + "\n".join(reports), pytrace=False)


def _take_reports() -> list[str]:
    """Return and forget what was recorded; nothing of the host is imported for it."""
    reports: list[str] = []
    if "Testing.host.qt_shim" in sys.modules:
        from Testing.host.qt_shim import faults

        reports += map(str, faults)
        faults.clear()
    if "Testing.host.errors" in sys.modules:
        from Testing.host.errors import vtk_errors

        reports += vtk_errors.messages
        vtk_errors.clear()
    return reports
