"""SUVpeak against analytic means and the IBSI digital phantom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import integrate

from psmacore.errors import InputRefusedError
from psmacore.lesions.peak import PEAK_RADIUS_MM, SphereRule, peak_sphere, peaks
from psmacore.model.geometry import Geometry
from Testing.core.lesions.scenes import a_geometry

VOXELS = ((4.0, 4.0, 4.0), (2.0, 1.65, 1.65), (3.27, 5.47, 5.47), (5.0, 2.0, 3.0))


def an_oblique_geometry() -> Geometry:
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]]) @ np.array(
        [[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]]
    )
    return Geometry.from_axes(
        shape=(31, 33, 35), origin_lps_mm=(5, -7, 11), spacing_ijk_mm=(2.0, 2.5, 3.0), directions_lps=turn
    )


def a_gaussian_blob(geometry: Geometry, sigma_mm: float) -> tuple[np.ndarray, np.ndarray]:
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    centre = geometry.lps_of_kji([[n // 2 for n in geometry.shape]])
    squared = ((geometry.lps_of_kji(indices) - centre) ** 2).sum(axis=1)
    values = 10 * np.exp(-squared / (2 * sigma_mm**2))
    return values.reshape(geometry.shape).astype(np.float32), np.array([[n // 2 for n in geometry.shape]])


def mean_of_gaussian_in_sphere(sigma_mm: float) -> float:
    def shell(r: float) -> float:
        return 10 * np.exp(-(r**2) / (2 * sigma_mm**2)) * 4 * np.pi * r**2

    return integrate.quad(shell, 0, PEAK_RADIUS_MM)[0] / 1000.0


def test_the_sphere_holds_one_cubic_centimetre():
    assert 4 / 3 * np.pi * PEAK_RADIUS_MM**3 == pytest.approx(1000, rel=1e-4)


@pytest.mark.parametrize("spacing", VOXELS)
def test_partial_voxels_make_up_the_sphere_volume(spacing):
    sphere = peak_sphere(a_geometry((9, 9, 9), spacing))
    central = sphere.weights[(sphere.offsets == 0).all(axis=1)][0]
    assert central * 1000 == pytest.approx(np.prod(spacing), rel=5e-3)  # that voxel lies inside as a whole
    assert sphere.weights.sum() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    ("spacing", "tolerance"), [((4.0, 4.0, 4.0), 0.08), ((2.0, 1.65, 1.65), 0.015), ((1.0, 1.0, 1.0), 0.005)]
)
@pytest.mark.parametrize("sigma_mm", [4.0, 8.0])
def test_peak_of_a_gaussian_blob_is_its_analytic_mean(spacing, tolerance, sigma_mm):
    """The finer the voxels, the nearer: within a voxel the image counts as constant."""
    shape = tuple(2 * int(14 / step) + 1 for step in spacing)
    values, centre = a_gaussian_blob(a_geometry(shape, spacing), sigma_mm)
    found = peaks(values, a_geometry(shape, spacing), centre)
    assert found.highest == pytest.approx(mean_of_gaussian_in_sphere(sigma_mm), rel=tolerance)


def test_peak_on_an_oblique_grid_is_the_same_sphere():
    geometry = an_oblique_geometry()
    values, centre = a_gaussian_blob(geometry, 8.0)
    assert peaks(values, geometry, centre).highest == pytest.approx(mean_of_gaussian_in_sphere(8.0), rel=0.015)


def test_peak_of_a_uniform_image_is_its_value_also_at_the_border():
    values = np.full((6, 7, 8), 4.0, np.float32)
    corner = np.array([[0, 0, 0], [5, 6, 7]])
    found = peaks(values, a_geometry(values.shape), corner)
    assert (found.highest, found.hottest) == (pytest.approx(4), pytest.approx(4))


def test_highest_peak_may_lie_away_from_the_hottest_voxel():
    values = np.ones((15, 15, 30), np.float32)
    values[7, 7, 5] = 20  # one hot voxel
    values[5:10, 5:10, 18:25] = 12  # a broad plateau
    lesion = np.argwhere(values > 1)
    found = peaks(values, a_geometry(values.shape), lesion)
    assert found.highest == pytest.approx(12, rel=1e-4)
    assert found.hottest < 6


def test_scattered_and_compact_lesions_are_summed_alike():
    rng = np.random.default_rng(3)
    values = rng.random((20, 20, 20), dtype=np.float32)
    geometry = a_geometry(values.shape, (2.0, 2.0, 2.0))
    compact = np.argwhere(np.ones((6, 6, 6))) + 7  # by shifted sums
    each = [peaks(values, geometry, voxel[None, :]).highest for voxel in compact]  # by gathering
    assert peaks(values, geometry, compact).highest == pytest.approx(max(each), rel=1e-5)


def test_sphere_inside_one_voxel_is_that_voxel():
    values = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    found = peaks(values, a_geometry((3, 3, 3), (40.0, 40.0, 40.0)), np.array([[1, 1, 1]]))
    assert found.highest == pytest.approx(13)


def test_peak_next_to_a_nan_is_refused():
    values = np.ones((9, 9, 9), np.float32)
    values[4, 4, 5] = np.nan
    with pytest.raises(InputRefusedError, match="NaN"):
        peaks(values, a_geometry(values.shape), np.array([[4, 4, 4]]))


def test_peaks_of_the_ibsi_phantom(shared_data: Path):
    """IBSI consensus: local intensity peak 2.6, global 3.1 (voxels whole when their centre lies inside)."""
    folder = shared_data / "ibsi-digital-phantom" / "nifti"
    image = sitk.ReadImage(str(folder / "image" / "phantom.nii.gz"), sitk.sitkFloat32)
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "mask" / "mask.nii.gz"))) > 0
    values = sitk.GetArrayFromImage(image)
    geometry = a_geometry(values.shape, image.GetSpacing()[::-1])
    found = peaks(values, geometry, np.argwhere(mask), SphereRule.CENTRES)
    assert round(found.hottest, 1) == 2.6
    assert round(found.highest, 1) == 3.1
