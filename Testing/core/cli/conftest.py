"""Studies to analyse, the runs that several tests look at, and an archive that fails on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from Testing.core.cli import simulated_study
from Testing.core.cli.psma_process import Outcome, psma
from Testing.core.cli.simulated_study import NAME, SimulatedStudy
from Testing.core.pacs.fault_server import FaultServer, running_fault_server


@dataclass(frozen=True)
class AnalysedStudy:
    """A command that succeeded, and its result folder, the only thing in its parent."""

    outcome: Outcome
    folder: Path


@pytest.fixture(scope="session")
def a_study(tmp_path_factory: pytest.TempPathFactory) -> SimulatedStudy:
    """Two lesions and a bladder; folder and files bear the patient's name, and so does a file that is not DICOM."""
    study = simulated_study.write_study(tmp_path_factory.mktemp("source") / f"Simulated {NAME}")
    (study.folder / f"letter on {NAME}.txt").write_text("not DICOM")
    for number, path in enumerate(study.paths):
        path.rename(path.with_name(f"{NAME}_{number:02d}.img"))
    return study


@pytest.fixture(scope="session")
def an_organ_map(a_study: SimulatedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Liver and bladder of that study."""
    return simulated_study.write_organ_map(tmp_path_factory.mktemp("organs") / f"organs {NAME}.nii.gz", a_study)


@pytest.fixture(scope="session")
def without_organs(a_study: SimulatedStudy, tmp_path_factory: pytest.TempPathFactory) -> AnalysedStudy:
    """The study alone, with ``--json`` and ``-v``."""
    out = tmp_path_factory.mktemp("out") / "result"
    return AnalysedStudy(psma("-v", "analyse", "--dicom", a_study.folder, "--out", out, "--json"), out)


@pytest.fixture(scope="session")
def with_organs(a_study: SimulatedStudy, an_organ_map: Path, tmp_path_factory: pytest.TempPathFactory) -> AnalysedStudy:
    """The study with its organ map and a weight that the reader entered."""
    out = tmp_path_factory.mktemp("out") / "result"
    options = ("--organs", an_organ_map, "--override", "weight_kg=120", "--out", out)
    return AnalysedStudy(psma("-v", "analyse", "--dicom", a_study.folder, *options), out)


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """A DICOMweb archive that fails as told."""
    with running_fault_server() as server:
        yield server


@pytest.fixture
def an_archive(fault_server: FaultServer, tmp_path: Path) -> tuple[FaultServer, SimulatedStudy]:
    """That archive with the study in it."""
    study = simulated_study.write_study(tmp_path / "source")
    fault_server.serve(study.paths)
    return fault_server, study
