"""Fixtures that every room shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from Testing.orthanc import running_orthanc, why_not

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = frozenset(filter(None, os.environ.get("PSMA_REQUIRE", "").split(",")))


def skip_or_fail(requirement: str, reason: str) -> None:
    """Skip the test where an optional part is missing, or fail where ``PSMA_REQUIRE`` names it."""
    if requirement in REQUIRED:
        pytest.fail(f"PSMA_REQUIRE names {requirement!r}, but {reason}")
    pytest.skip(reason)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fail at once where ``PSMA_REQUIRE`` names PyTorch and it is missing: modules that need it would all skip."""
    if "torch" in REQUIRED and find_spec("torch") is None:
        pytest.exit("PSMA_REQUIRE names 'torch', but PyTorch is not installed: ./psma setup --ai", returncode=1)


@pytest.fixture(scope="session")
def torch_or_skip() -> ModuleType:
    """PyTorch, held to one thread because tests share the machine; skipped where it is not installed."""
    if find_spec("torch") is None:
        skip_or_fail("torch", "PyTorch is not installed: ./psma setup --ai")
    import torch

    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real, openly licensed images that is not part of the repository."""
    folder = Path(os.environ.get("PSMA_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        skip_or_fail("data", f"real image data is not at {folder}; set PSMA_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DICOMweb root of a real Orthanc whose archive was empty when the session began."""
    reason = why_not()
    if reason:
        skip_or_fail("orthanc", reason)
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as root:
        yield root
