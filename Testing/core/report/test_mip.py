"""The picture of a study: grey values, lesions, orientation, and what it must not show."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from psmacore.errors import GeometryError, UsageError
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import LesionState
from psmacore.model.palette import EXCLUDED_RGB, segment_rgb
from psmacore.model.timepoint import Patient, Timepoint
from psmacore.model.volumes import Segmentation, SuvVolume
from psmacore.report.mip import encode_png, project, render_mip
from Testing.timepoints import make_derivation, make_lesion, make_timepoint


def a_box_volume(suv_inside: float, spacing_ijk_mm: tuple[float, float, float]) -> SuvVolume:
    """Return a box of 100 mm edge in air, whatever the voxels."""
    shape = tuple(round(300 / spacing) for spacing in reversed(spacing_ijk_mm))
    geometry = Geometry.from_axes(shape=shape, origin_lps_mm=(0, 0, 0), spacing_ijk_mm=spacing_ijk_mm)
    values = np.zeros(shape, dtype=np.float32)
    values[tuple(slice(round(100 / mm), round(200 / mm)) for mm in reversed(spacing_ijk_mm))] = suv_inside
    return SuvVolume(values, geometry, make_derivation())


def dark_box(found: np.ndarray) -> tuple[int, int]:
    """Return height and width, in pixels, of the marked part of the anterior view."""
    view = found[60:640, : found.shape[1] * 2 // 5]
    rows, columns = np.flatnonzero(view.sum(axis=1) > 20), np.flatnonzero(view.sum(axis=0) > 20)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def has_colour(rgb: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((rgb == np.asarray(colour, dtype=np.uint8)).all(axis=2).any())


@pytest.mark.parametrize("spacing_ijk_mm", [(2.0, 2.0, 2.0), (2.5, 5.0, 10.0), (5.0, 4.0, 2.0)])
def test_cube_looks_square_whatever_the_voxel_spacing(spacing_ijk_mm: tuple[float, float, float]) -> None:
    rgb = render_mip(a_box_volume(5.0, spacing_ijk_mm), None, make_timepoint(0))
    height, width = dark_box(rgb.max(axis=2) < 191)  # half of its own darkness
    assert height == pytest.approx(width, rel=0.03)
    assert height == pytest.approx(100 / 0.5, rel=0.03)


@pytest.mark.parametrize(("suv", "window", "level"), [(5, (0, 10), 128), (2.5, (0, 10), 191), (5, (0, 20), 191)])
def test_grey_is_inverted_and_linear_in_the_window(suv: float, window: tuple[float, float], level: int) -> None:
    rgb = render_mip(a_box_volume(suv, (4.0, 4.0, 4.0)), None, make_timepoint(0), suv_window=window)
    height, width = dark_box((rgb == level).all(axis=2))
    assert min(height, width) > 50


def test_lesions_show_in_the_colour_of_their_segment(a_timepoint: Timepoint, a_body: tuple) -> None:
    rgb = render_mip(*a_body, a_timepoint)
    for number in (1, 2, 3):
        assert has_colour(rgb, segment_rgb(number))


def test_excluded_candidate_has_a_grey_outline_and_no_colour(a_timepoint: Timepoint, a_body: tuple) -> None:
    rgb = render_mip(*a_body, a_timepoint)
    assert not has_colour(rgb, segment_rgb(4))
    assert has_colour(rgb, EXCLUDED_RGB)
    counted = make_timepoint(4)
    assert has_colour(render_mip(*a_body, counted), segment_rgb(4))


def test_lesion_on_the_patients_left_is_on_the_right_of_the_anterior_view(a_body: tuple) -> None:
    suv, segmentation = a_body
    labels = np.zeros_like(segmentation.labels)
    labels[150:154, 48:52, 84:88] = 1  # i grows to the patient's left, k to the head
    rgb = render_mip(suv, Segmentation(labels, suv.geometry), make_timepoint(1))
    rows, columns = np.nonzero((rgb == np.asarray(segment_rgb(1), dtype=np.uint8)).all(axis=2))
    anterior = columns < 400
    assert columns[anterior].mean() > 200 + 30  # the panel spans 18 to 398
    assert rows[anterior].mean() < rgb.shape[0] / 2


def test_picture_names_neither_patient_nor_id(a_timepoint: Timepoint, a_body: tuple) -> None:
    """W07: two patients with the same findings have the same picture."""
    other = replace(a_timepoint, patient=Patient("ANOTHER-ID", "F", 1970))
    assert np.array_equal(render_mip(*a_body, a_timepoint), render_mip(*a_body, other))


def test_simulated_data_carries_a_watermark(a_timepoint: Timepoint, a_body: tuple) -> None:
    plain, marked = (render_mip(*a_body, a_timepoint, is_simulated=flag) for flag in (False, True))
    changed = (plain != marked).any(axis=2)
    assert plain.shape == marked.shape
    assert 0.005 < changed.mean() < 0.2


def test_unconfirmed_picture_differs_from_the_confirmed_one_in_its_foot_line(
    a_timepoint: Timepoint, a_body: tuple
) -> None:
    """W90: the status is drawn into the picture, below the views."""
    read = replace(
        a_timepoint,
        lesions=tuple(
            replace(lesion, state=LesionState.CONFIRMED, confirmed_by="Reader 1") if lesion.state.counts else lesion
            for lesion in a_timepoint.lesions
        ),
    )
    changed_rows = np.flatnonzero((render_mip(*a_body, a_timepoint) != render_mip(*a_body, read)).any(axis=(1, 2)))
    assert changed_rows.size
    assert changed_rows.min() > 54 + 880


@pytest.mark.parametrize("suv", [0.0, 3.0])
def test_volume_without_contrast_is_drawn_whole(suv: float) -> None:
    volume = a_box_volume(0.0, (4.0, 4.0, 4.0))
    values = np.full(volume.values.shape, suv, dtype=np.float32)
    rgb = render_mip(SuvVolume(values, volume.geometry, volume.derivation), None, make_timepoint(0))
    assert rgb.dtype == np.uint8
    assert rgb.shape[1] > 900


def test_sixty_lesions_keep_their_numbers_apart(a_body: tuple) -> None:
    suv, _ = a_body
    labels = np.zeros(suv.values.shape, dtype=np.uint16)
    places = [(k, i) for k in range(20, 180, 16) for i in range(36, 96, 10)]
    for number, (k, i) in enumerate(places, start=1):
        labels[k : k + 2, 48:50, i : i + 2] = number
    timepoint = make_timepoint(len(places))
    rgb = render_mip(suv, Segmentation(labels, suv.geometry), timepoint)
    assert all(has_colour(rgb, segment_rgb(number)) for number in range(1, len(places) + 1))


def test_segments_on_another_grid_are_refused(a_timepoint: Timepoint, a_body: tuple) -> None:
    suv, _ = a_body
    moved = suv.geometry.lps_from_ijk.copy()
    moved[0, 3] += 1.0
    labels = np.zeros(suv.values.shape, dtype=np.uint16)
    with pytest.raises(GeometryError, match="grid of the PET"):
        render_mip(suv, Segmentation(labels, Geometry(suv.geometry.shape, moved)), a_timepoint)


@pytest.mark.parametrize("window", [(5.0, 5.0), (-1.0, 10.0), (10.0, 0.0)])
def test_empty_window_is_refused(window: tuple[float, float], a_timepoint: Timepoint, a_body: tuple) -> None:
    with pytest.raises(UsageError, match="window"):
        render_mip(*a_body, a_timepoint, suv_window=window)


def test_png_holds_the_picture_and_is_always_the_same(a_timepoint: Timepoint, a_body: tuple) -> None:
    rgb = render_mip(*a_body, a_timepoint)
    content = encode_png(rgb)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), rgb)
    assert encode_png(render_mip(*a_body, a_timepoint)) == content


def test_lesion_that_no_lesion_record_names_stays_untouched(a_body: tuple) -> None:
    suv, segmentation = a_body
    with_segments = render_mip(suv, segmentation, make_timepoint(0))
    assert np.array_equal(with_segments, render_mip(suv, None, make_timepoint(0)))


def test_projection_is_part_of_the_public_room() -> None:
    assert project(np.array([[[1.0, 5.0], [3.0, 2.0]]]), 1).tolist() == [[3.0, 5.0]]


def test_rejected_lesion_is_not_coloured(a_body: tuple) -> None:
    suv, segmentation = a_body
    timepoint = make_timepoint(0, others=[make_lesion(1, LesionState.REJECTED)])
    assert not has_colour(render_mip(suv, segmentation, timepoint), segment_rgb(1))


def test_physiological_uptake_in_front_never_hides_a_lesion() -> None:
    volume = a_box_volume(5.0, (4.0, 4.0, 4.0))
    labels = np.zeros(volume.values.shape, dtype=np.uint16)
    labels[30:40, 26:28, 30:40], labels[33:36, 40:43, 33:36] = 1, 2
    volume.values[labels == 1] = 60.0
    timepoint = make_timepoint(0, others=[make_lesion(1, LesionState.EXCLUDED_CANDIDATE), make_lesion(2)])
    rgb = render_mip(volume, Segmentation(labels, volume.geometry), timepoint)
    assert has_colour(rgb[:, : rgb.shape[1] * 2 // 5], segment_rgb(2))


def test_lesion_behind_a_hotter_one_keeps_its_number() -> None:
    """Nothing is hidden without a trace: the frame of its number is drawn in its colour."""
    volume = a_box_volume(5.0, (4.0, 4.0, 4.0))
    labels = np.zeros(volume.values.shape, dtype=np.uint16)
    labels[30:40, 26:28, 30:40], labels[33:36, 40:43, 33:36] = 1, 2
    volume.values[labels == 1] = 60.0
    rgb = render_mip(volume, Segmentation(labels, volume.geometry), make_timepoint(2))
    anterior = (rgb[:, : rgb.shape[1] * 2 // 5] == np.asarray(segment_rgb(2), dtype=np.uint8)).all(axis=2)
    assert 40 < anterior.sum() < 120  # the frame of a box and nothing filled
