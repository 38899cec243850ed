"""The module ``qt`` and the faults it recorded."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def qt() -> Any:
    """PySide6 with PythonQt's behaviour."""
    from Testing.host.qt_shim import install

    return install()


@pytest.fixture
def faults() -> Any:
    """What a real Slicer would only have printed."""
    from Testing.host.qt_shim import faults

    return faults


@pytest.fixture
def received() -> list[Any]:
    """Arguments that a slot was called with."""
    return []
