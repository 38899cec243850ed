"""A small PET/CT with two lesions, a bladder and a liver in memory, and where models with known answers lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from psmacore.model.codes import Code
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import CtVolume, OrganMap, SeriesHeader, SuvVolume
from psmacore.pipeline.images import StudyImages
from Testing.timepoints import PSMA_11, make_derivation

SHAPE = (12, 24, 20)
HOT, WARM = np.s_[2:5, 4:7, 4:7], np.s_[7:10, 15:18, 3:6]
BLADDER, LIVER = np.s_[2:5, 14:19, 12:17], np.s_[6:12, 2:11, 10:19]
LESION_VOXELS = 27
BLADDER_VOXELS = 75


@pytest.fixture(autouse=True)
def _one_thread(torch_or_skip: ModuleType) -> None:
    """Every test here runs networks."""


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hospital's models folder, empty."""
    folder = tmp_path / "models"
    monkeypatch.setenv("PSMA_MODELS", str(folder))
    return folder


@pytest.fixture
def pet_grid() -> Geometry:
    """Anisotropic and oblique."""
    c, s = np.cos(0.2), np.sin(0.2)
    return Geometry.from_axes(
        shape=SHAPE,
        origin_lps_mm=(-31.0, 12.5, -407.0),
        spacing_ijk_mm=(4.0, 4.5, 5.0),
        directions_lps=[[c, -s, 0], [s, c, 0], [0, 0, 1]],
        frame_of_reference_uid="2.25.77",
    )


@pytest.fixture
def suv(pet_grid: Geometry) -> SuvVolume:
    """SUVbw: background 0.8, liver 2, bladder 8, lesions 9 and 6."""
    values = np.full(SHAPE, 0.8, np.float32)
    for part, level in ((LIVER, 2.0), (BLADDER, 8.0), (WARM, 6.0), (HOT, 9.0)):
        values[part] = level
    return SuvVolume(values, pet_grid, make_derivation())


@pytest.fixture
def organs(pet_grid: Geometry) -> OrganMap:
    """Liver and bladder."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[LIVER], labels[BLADDER] = 5, 21
    return OrganMap(labels, pet_grid, "test")


def ct_over(geometry: Geometry, values_hu: NDArray[np.int16] | None = None) -> CtVolume:
    """Return a CT on that grid, water by default."""
    header = SeriesHeader(
        patient_id="SIM-1", patient_sex="M", patient_birth_date="", study_uid="2.25.1", study_date="20260305",
        study_time="", study_description="", series_uid="2.25.3", series_description="", modality="CT",
        frame_of_reference_uid="2.25.77", manufacturer="", model="", instances=(),
    )  # fmt: skip
    values = np.full(geometry.shape, 20, np.int16) if values_hu is None else values_hu
    return CtVolume(values, geometry, header)


@pytest.fixture
def make_images(suv: SuvVolume, organs: OrganMap) -> Callable[..., StudyImages]:
    """A study; keywords replace its parts, ``ct`` the CT."""

    def make(tracer: Code = PSMA_11, ct: CtVolume | None = None, **changes: object) -> StudyImages:
        volume = ct_over(suv.geometry) if ct is None else ct
        images = StudyImages(suv=suv, organs=organs, tracer=tracer, read_ct=lambda: volume)
        return replace(images, **changes)  # type: ignore[arg-type]

    return make
