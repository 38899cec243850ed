"""Series that the tests of this room read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from psmacore.dicom.read_pet import read_pet_series
from psmacore.model.volumes import PetVolume
from Testing.simulated_series import SimulatedSeries


@pytest.fixture(scope="session")
def the_real_ge_pet(shared_data: Path) -> PetVolume:
    """Whole-trunk FDG PET of a GE scanner, 267 slices (STS_001)."""
    return read_pet_series(sorted((shared_data / "sts001-pet-ge-bqml" / "image").iterdir()))


@pytest.fixture
def a_pet_series(tmp_path: Path) -> SimulatedSeries:
    return SimulatedSeries(tmp_path / "pet")


@pytest.fixture
def a_ct_series(tmp_path: Path) -> SimulatedSeries:
    return SimulatedSeries(tmp_path / "ct", modality="CT")


@pytest.fixture
def another_series(tmp_path: Path) -> Callable[..., SimulatedSeries]:
    """Make further series: ``another_series("name", modality="CT", ...)``."""
    return lambda name, **parts: SimulatedSeries(tmp_path / name, **parts)
