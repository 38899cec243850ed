"""Two CTs of one patient are brought together, and what cannot be is refused with the figure that says so."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from psmacore.errors import GeometryError
from psmacore.longitudinal.rigid import RigidRegistration, register_rigid
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import CtVolume, SeriesHeader

HEADER = SeriesHeader(
    patient_id="SIM-1", patient_sex="M", patient_birth_date="", study_uid="2.25.1", study_date="", study_time="",
    study_description="", series_uid="2.25.3", series_description="", modality="CT", frame_of_reference_uid="2.25.4",
    manufacturer="", model="", instances=(),
)  # fmt: skip
SMALL = (20, 40, 54)


def body_hu(points_mm: NDArray[np.float64], *, is_crooked: bool = True) -> NDArray[np.int16]:
    """Return a torso in HU at points of the body, ``(..., 3)``: spine, asymmetric ribs and a pelvis in soft tissue."""
    left, posterior, superior = np.moveaxis(points_mm, -1, 0)
    hu = np.full(left.shape, -1000.0)
    hu[(left / 150) ** 2 + (posterior / 100) ** 2 <= 1] = 40
    hu[((left + 70) / 50) ** 2 + (posterior / 60) ** 2 + ((superior - 60) / 70) ** 2 <= 1] = -800
    hu[(left**2 + (posterior - 60) ** 2 <= 15**2) & (np.mod(superior, 35) < 26)] = 500
    for number, height in enumerate((-110.0, -60.0, 0.0, 55.0, 120.0)):
        side = 1 if number % 2 else -1
        at = (side * (60 + 12 * number), -40.0 + 10 * number, height)
        hu[np.linalg.norm(points_mm - np.array(at), axis=-1) <= 10 + 2 * number] = 700
    if not is_crooked:
        hu[hu > 100] = 40
    return hu.astype(np.int16)


def ct(body_from_lps: NDArray[np.float64], *, shape: tuple[int, int, int] = (40, 44, 56), **more: bool) -> CtVolume:
    """Return a CT of 8 x 6 x 6 mm voxels around the origin, of a body that lies as told."""
    geometry = Geometry.from_axes(
        shape=shape,
        origin_lps_mm=(-6.0 * (shape[2] - 1) / 2, -6.0 * (shape[1] - 1) / 2, -8.0 * (shape[0] - 1) / 2),
        spacing_ijk_mm=(6.0, 6.0, 8.0),
    )
    indices = np.moveaxis(np.indices(shape), 0, -1).reshape(-1, 3)
    points = geometry.lps_of_kji(indices) @ body_from_lps[:3, :3].T + body_from_lps[:3, 3]
    return CtVolume(body_hu(points.reshape(*shape, 3), **more), geometry, HEADER)


def rigid(degrees: float, shift_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift_mm
    return matrix


@pytest.fixture(
    scope="module",
    params=[pytest.param((12.0, -7.0, 20.0), marks=pytest.mark.slow), (-15.0, 10.0, -90.0)],
    ids=["small", "large"],
)
def displaced(request: pytest.FixtureRequest) -> tuple[NDArray[np.float64], RigidRegistration]:
    """A known displacement, and what is found of it."""
    truth = rigid(5.0, request.param)
    return truth, register_rigid(ct(np.eye(4)), ct(np.linalg.inv(truth).astype(np.float64)))


def test_a_known_displacement_is_found(displaced: tuple[NDArray[np.float64], RigidRegistration]) -> None:
    """A point of the fixed CT is taken to where it lies in the moving one; the truth is exact."""
    truth, found = displaced
    points = np.array([[x, y, z, 1.0] for x in (-80, 80) for y in (-50, 50) for z in (-90, 90)])
    errors_mm = np.linalg.norm((points @ (found.moving_lps_from_fixed_lps - truth).T)[:, :3], axis=1)
    assert errors_mm.max() < 2.0
    assert found.bone_distance_mm <= 4.0
    assert found.shared_fraction > 0.6


def test_the_transform_is_rigid(displaced: tuple[NDArray[np.float64], RigidRegistration]) -> None:
    axes = displaced[1].moving_lps_from_fixed_lps[:3, :3]
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-6)
    assert np.linalg.det(axes) == pytest.approx(1.0)


def test_bodies_that_share_nothing_are_refused() -> None:
    empty = ct(rigid(0.0, (5000.0, 0.0, 0.0)))
    with pytest.raises(GeometryError, match=r"share|failed"):
        register_rigid(ct(np.eye(4)), empty)


def test_without_bones_nothing_vouches_for_the_result() -> None:
    with pytest.raises(GeometryError, match="bones"):
        register_rigid(ct(np.eye(4), shape=SMALL), ct(np.eye(4), shape=SMALL, is_crooked=False))
