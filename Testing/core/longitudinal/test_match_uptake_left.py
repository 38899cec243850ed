"""What a PET shows where a lesion was: read from its place, against its surroundings, clear of other lesions."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.errors import GeometryError
from psmacore.longitudinal.uptake_left import SuvProbe
from psmacore.model.geometry import FloatArray, Geometry
from psmacore.model.volumes import Segmentation, SuvVolume
from Testing.timepoints import make_derivation

SHAPE = (30, 34, 38)
OBLIQUE = np.array([[0.0, -1.0, 0.0], [0.8, 0.0, -0.6], [0.6, 0.0, 0.8]])
GEOMETRY = Geometry.from_axes(
    shape=SHAPE, origin_lps_mm=(20.0, -40.0, 300.0), spacing_ijk_mm=(3.0, 3.5, 4.0), directions_lps=OBLIQUE
)
MIDDLE_KJI = (15.0, 17.0, 19.0)


def blob(height: float, sigma_mm: float = 5.0, at_kji: tuple[float, float, float] = MIDDLE_KJI) -> np.ndarray:
    """Return a Gaussian of uptake on the grid."""
    indices = np.moveaxis(np.indices(SHAPE), 0, -1).reshape(-1, 3)
    away = np.linalg.norm(GEOMETRY.lps_of_kji(indices) - GEOMETRY.lps_of_kji(at_kji), axis=1)
    return (height * np.exp(-0.5 * (away / sigma_mm) ** 2)).reshape(SHAPE)


def a_probe(extra: np.ndarray | float = 0.0, labels: np.ndarray | None = None) -> SuvProbe:
    """Return a probe of tissue at SUV 1 with 5 % noise, with uptake added."""
    noise = np.random.default_rng(3).normal(0.0, 0.05, SHAPE)
    suv = SuvVolume((1.0 + noise + extra).astype(np.float32), GEOMETRY, make_derivation())
    return SuvProbe(suv, Segmentation(np.zeros(SHAPE, np.uint16) if labels is None else labels, GEOMETRY))


def place(at_kji: tuple[float, float, float] = MIDDLE_KJI, radius_mm: float = 6.0) -> FloatArray:
    """Return points 2 mm apart in a ball."""
    steps = np.arange(-3, 4) * 2.0
    around = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return GEOMETRY.lps_of_kji(at_kji) + around[np.linalg.norm(around, axis=1) <= radius_mm]


def test_a_place_at_background_is_told_so():
    left = a_probe().left_at(place())
    assert left.is_at_background
    assert left.background_suv == pytest.approx(1.0, abs=0.01)
    assert left.background_sd == pytest.approx(0.05, rel=0.1)


def test_uptake_that_is_left_is_measured():
    left = a_probe(blob(1.5)).left_at(place())
    assert left.is_focal
    assert left.suv_max == pytest.approx(2.5, abs=0.2)
    assert left.suv_mean is not None
    assert left.suv_peak is not None
    assert 1.5 < left.suv_mean <= left.suv_peak < left.suv_max


def test_uptake_is_found_although_the_registration_is_4_mm_off():
    shifted = place() + np.array([4.0, 0.0, 0.0])
    assert a_probe(blob(1.0)).left_at(shifted).is_focal


def test_a_sparse_cloud_of_points_is_filled():
    every = place()
    whole, sparse = (a_probe(blob(1.5)).left_at(points) for points in (every, every[::6]))
    assert sparse.suv_mean == pytest.approx(whole.suv_mean, rel=0.1)


def test_an_organ_at_the_edge_does_not_raise_the_background():
    organ = np.zeros(SHAPE)
    organ[:, :, 22:] = 20.0
    left = a_probe(blob(1.0) + organ).left_at(place(at_kji=(15.0, 17.0, 17.0)))
    assert left.background_suv == pytest.approx(1.05, abs=0.1)


def test_a_neighbouring_segment_is_not_read():
    """A hot lesion 20 mm away, segmented: neither its voxels nor its spill are the place's background."""
    beside = (15.0, 17.0, 13.0)
    labels = (blob(1.0, 5.0, beside) > 0.5).astype(np.uint16)
    left = a_probe(blob(30.0, 5.0, beside), labels).left_at(place())
    assert left.background_suv == pytest.approx(1.0, abs=0.1)


def test_a_place_under_another_segment_is_covered():
    labels = (blob(1.0) > 0.5).astype(np.uint16)
    left = a_probe(blob(9.0), labels).left_at(place())
    assert left.is_covered
    assert left.suv_max is None


def test_a_place_outside_the_scan_is_told_so():
    left = a_probe().left_at(place(at_kji=(-20.0, 17.0, 19.0)))
    assert not left.is_in_view
    assert not left.is_at_background


def test_a_place_at_the_edge_of_the_scan_is_read_as_far_as_it_goes():
    assert a_probe().left_at(place(at_kji=(0.0, 17.0, 19.0))).is_at_background


def test_a_single_point_is_a_voxel():
    left = a_probe().left_at(GEOMETRY.lps_of_kji(MIDDLE_KJI))
    assert left.suv_max == pytest.approx(left.suv_mean)


def test_segments_on_another_grid_are_refused():
    other = Geometry.from_axes(shape=SHAPE, origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(3.0, 3.5, 4.0))
    suv = SuvVolume(np.ones(SHAPE, np.float32), GEOMETRY, make_derivation())
    with pytest.raises(GeometryError, match="grid"):
        SuvProbe(suv, Segmentation(np.zeros(SHAPE, np.uint16), other))
