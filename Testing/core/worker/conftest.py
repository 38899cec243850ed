"""A study with PET and CT on disk, models with known answers, and ``psma analyse`` as a user starts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from Testing.core.cli import simulated_study
from Testing.core.cli.psma_process import Outcome, psma
from Testing.core.cli.simulated_study import SimulatedStudy

Analyse = Callable[..., Outcome]


def say_simulated(one: Dataset, _k: int) -> None:
    """Mark an image as simulated, as the phantom's are."""
    one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", "SIMULATED"]


@dataclass(frozen=True)
class PetCt:
    """A study on disk."""

    folder: Path
    pet: SimulatedStudy


def write_pet_ct(folder: Path, edit: Callable[[Dataset, int], None] | None = None, **parts: Any) -> PetCt:
    """Write PET (two lesions, a bladder, a liver) and CT into one folder."""
    pet = simulated_study.write_study(folder / "pet", edit, **parts)
    simulated_study.write_ct(pet, folder / "ct", edit)
    return PetCt(folder, pet)


@pytest.fixture(scope="session")
def a_real_study(tmp_path_factory: pytest.TempPathFactory) -> PetCt:
    """PET and CT that do not say that they are simulated."""
    return write_pet_ct(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="session")
def a_simulated_study(tmp_path_factory: pytest.TempPathFactory) -> PetCt:
    """PET and CT that say so."""
    return write_pet_ct(tmp_path_factory.mktemp("simulated"), say_simulated)


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hospital's models folder, empty."""
    folder = tmp_path / "models"
    monkeypatch.setenv("PSMA_MODELS", str(folder))
    return folder


@pytest.fixture
def analyse(tmp_path: Path, models_folder: Path) -> Analyse:
    """Run ``psma analyse`` into ``tmp_path/out/result``, one thread."""

    def run(study: PetCt, *options: object) -> Outcome:
        arguments = ("-v", "analyse", "--dicom", study.folder, "--out", tmp_path / "out" / "result", "--json", *options)
        return psma(*arguments, PSMA_MODELS=str(models_folder), OMP_NUM_THREADS="1")

    return run
