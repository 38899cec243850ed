"""Label maps from NIfTI land on the PET voxel that lies at the same place in the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.pipeline.nifti import read_labels, read_organ_map


@pytest.fixture
def a_pet_geometry() -> Geometry:
    angle = np.radians(20)
    oblique = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return Geometry.from_axes(
        shape=(9, 7, 5), origin_lps_mm=(10, -20, 30), spacing_ijk_mm=(4, 4, 3), directions_lps=oblique
    )


def write(path: Path, labels: np.ndarray, geometry: Geometry) -> Path:
    image = sitk.GetImageFromArray(labels)
    image.SetOrigin(geometry.origin_lps_mm.tolist())
    image.SetSpacing(geometry.spacing_ijk_mm.tolist())
    image.SetDirection(geometry.directions_lps.ravel().tolist())
    sitk.WriteImage(image, str(path))
    return path


def test_labels_on_the_same_grid_come_back_unchanged(tmp_path: Path, a_pet_geometry: Geometry) -> None:
    labels = np.random.default_rng(1).integers(0, 209, a_pet_geometry.shape).astype(np.uint16)
    path = write(tmp_path / "organs.nii.gz", labels, a_pet_geometry)
    organs = read_organ_map(path, a_pet_geometry)
    assert np.array_equal(organs.labels, labels)
    assert "organs.nii.gz" in organs.source


def test_a_label_of_a_finer_grid_marks_the_pet_voxel_at_its_place(tmp_path: Path, a_pet_geometry: Geometry) -> None:
    fine = Geometry.from_axes(shape=(40, 60, 60), origin_lps_mm=(-20, -40, 20), spacing_ijk_mm=(1, 1, 1))
    target = a_pet_geometry.lps_of_kji((4, 3, 2))[0]
    labels = np.zeros(fine.shape, dtype=np.uint8)
    k, j, i = np.rint(fine.kji_of_lps(target)[0]).astype(int)
    labels[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] = 5
    read = read_labels(write(tmp_path / "fine.nii.gz", labels, fine), a_pet_geometry)
    assert np.argwhere(read == 5).tolist() == [[4, 3, 2]]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full((9, 7, 5), 1.5, dtype=np.float32), "whole numbers"),
        (np.full((9, 7, 5), -1, dtype=np.int16), "no labels"),
    ],
)
def test_voxels_that_are_no_labels_are_refused(
    tmp_path: Path, a_pet_geometry: Geometry, values: np.ndarray, reason: str
) -> None:
    path = write(tmp_path / "map.nii.gz", values, a_pet_geometry)
    with pytest.raises(InputRefusedError, match=reason):
        read_labels(path, a_pet_geometry)


def test_a_map_of_another_place_is_refused(tmp_path: Path, a_pet_geometry: Geometry) -> None:
    elsewhere = Geometry.from_axes(shape=(9, 7, 5), origin_lps_mm=(900, 0, 0), spacing_ijk_mm=(4, 4, 3))
    path = write(tmp_path / "map.nii.gz", np.ones((9, 7, 5), dtype=np.uint8), elsewhere)
    with pytest.raises(InputRefusedError, match="does not overlap"):
        read_labels(path, a_pet_geometry)


def test_a_file_that_is_no_nifti_is_refused(tmp_path: Path, a_pet_geometry: Geometry) -> None:
    path = tmp_path / "map.nii.gz"
    path.write_bytes(b"not an image")
    with pytest.raises(InputRefusedError, match=r"map\.nii\.gz"):
        read_labels(path, a_pet_geometry)
