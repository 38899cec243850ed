"""Simulated patients that the tests of this room share."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from psmacore.phantom.course import Course, SimulatedTimepoint, plan_course, simulate_course, simulate_timepoint
from psmacore.phantom.layout_autopet import write_autopet_case, write_index
from psmacore.phantom.layout_common import CaseRequest
from psmacore.phantom.layout_deep_psma import write_deep_psma_case
from psmacore.phantom.layout_prostate_ct import write_prostate_ct_case
from psmacore.phantom.write import write_course


@pytest.fixture(scope="session")
def a_quick_course() -> Course:
    return simulate_course(7, quick=True)


@pytest.fixture(scope="session")
def a_timepoint(a_quick_course: Course) -> SimulatedTimepoint:
    return a_quick_course.timepoints[0]


@pytest.fixture(scope="session")
def an_fdg_timepoint() -> SimulatedTimepoint:
    return simulate_timepoint(plan_course(7, n_timepoints=1, tracer="fdg", quick=True), 0)


@pytest.fixture(scope="session")
def a_written_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "patient"
    write_course(out, 5, n_timepoints=1, vendor="ge", quick=True)
    return out


@pytest.fixture(scope="session")
def its_truth(a_written_course: Path) -> dict[str, Any]:
    return dict(json.loads((a_written_course / "truth.json").read_text()))


@pytest.fixture(scope="session")
def dicom3tools() -> None:
    """Skip where dicom3tools is not installed, or fail where ``PSMA_REQUIRE`` names it."""
    if shutil.which("dciodvfy") and shutil.which("dcentvfy"):
        return
    if "dicom3tools" in os.environ.get("PSMA_REQUIRE", "").split(","):
        pytest.fail("PSMA_REQUIRE names 'dicom3tools', but dciodvfy is not on the path")
    pytest.skip("dciodvfy is not on the path")


@pytest.fixture(scope="session")
def a_deep_psma_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("deep-psma")
    return write_deep_psma_case(out, CaseRequest(21, n_lesions=9, quick=True)).parent


@pytest.fixture(scope="session")
def an_autopet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("autopet")
    write_autopet_case(out, CaseRequest(20, tracer="fdg", n_lesions=8, quick=True))
    write_index(out)
    return out


@pytest.fixture(scope="session")
def a_prostate_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_prostate_ct_case(tmp_path_factory.mktemp("prostate-ct"), CaseRequest(5, quick=True)).parent
