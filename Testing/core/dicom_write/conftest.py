"""A simulated result and its objects, and the same on a real PET series."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from psmacore.dicom.publication import Confirmation, Predecessor, PublishedFiles
from psmacore.dicom.read_pet import read_pet_series
from Testing.core.dicom_write.simulated_pet import PetRecipe, Result, a_volume, analysed, scattered_labels

N_LESIONS, N_EXCLUDED = 6, 1


@pytest.fixture(scope="session")
def a_result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Six segments, one of them excluded, on an asymmetric oblique volume of unequal steps."""
    recipe = PetRecipe()
    pet = a_volume(tmp_path_factory.mktemp("pet"), recipe)
    return analysed(pet, scattered_labels(recipe.shape, N_LESIONS), n_excluded=N_EXCLUDED)


@pytest.fixture(scope="session")
def a_publication(a_result: Result, tmp_path_factory: pytest.TempPathFactory) -> PublishedFiles:
    """The objects of ``a_result`` before anybody confirmed."""
    return a_result.write(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def a_confirmation() -> Confirmation:
    """A reader two hours east of UTC who replaces one earlier report."""
    at = datetime(2026, 3, 3, 8, 15, 30, tzinfo=timezone(timedelta(hours=2)))
    return Confirmation(
        "Reader^Simulated", at, "", (Predecessor("1.2.3", "1.2.3.4", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.3.4.5"),)
    )


@pytest.fixture(scope="session")
def a_confirmed_publication(
    a_result: Result, a_confirmation: Confirmation, tmp_path_factory: pytest.TempPathFactory
) -> PublishedFiles:
    """The objects of ``a_result`` once a reader has confirmed."""
    return a_result.write(tmp_path_factory.mktemp("confirmed"), a_confirmation)


@pytest.fixture(scope="session")
def a_real_result(shared_data: Path) -> Result:
    """Twelve segments, two excluded, on the real GE series whose slices step 3.19, 3.27 and 3.29 mm."""
    pet = read_pet_series(sorted((shared_data / "sts001-pet-ge-bqml" / "image").glob("*.dcm")))
    return analysed(pet, scattered_labels(pet.geometry.shape, 12), n_excluded=2)


@pytest.fixture(scope="session")
def a_real_publication(a_real_result: Result, tmp_path_factory: pytest.TempPathFactory) -> PublishedFiles:
    """The objects of the real series."""
    return a_real_result.write(tmp_path_factory.mktemp("real"))
