"""Fixtures that every room shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing.orthanc import running_orthanc, why_not

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = frozenset(filter(None, os.environ.get("PSMA_REQUIRE", "").split(",")))


def skip_or_fail(requirement: str, reason: str) -> None:
    """Skip the test where an optional part is missing, or fail where ``PSMA_REQUIRE`` names it."""
    if requirement in REQUIRED:
        pytest.fail(f"PSMA_REQUIRE names {requirement!r}, but {reason}")
    pytest.skip(reason)


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
