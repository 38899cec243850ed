from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.evaluation.error_mip import FALSE_NEGATIVE_RGB, FALSE_POSITIVE_RGB, TRUE_POSITIVE_RGB, error_mip
from psmacore.errors import GeometryError, UsageError
from psmacore.model.geometry import Geometry
from Testing.core.ai.evaluation.masks import boxes, empty

SHAPE = (40, 20, 20)
GRID = Geometry.from_axes(shape=SHAPE, origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(4.0, 4.0, 4.0))


def pixels_of(picture, rgb):
    """Return the rows and columns of a colour on cold PET, (n, 2): three quarters of it on white."""
    tinted = np.rint(0.25 * 255 + 0.75 * np.asarray(rgb, dtype=np.float64))
    rows, columns = np.nonzero((np.abs(picture.astype(int) - tinted) <= 1).all(axis=2))
    return np.stack([rows, columns], axis=1)


def draw(truth, prediction, geometry=GRID):
    return error_mip(np.zeros(geometry.shape, np.float32), truth, prediction, geometry, title="a case")


def test_agreement_is_green_missed_is_cyan_and_invented_is_magenta():
    """D27."""
    truth = boxes(((30, 5, 5), (34, 9, 9)), ((20, 5, 5), (24, 9, 9)), shape=SHAPE)
    prediction = boxes(((30, 5, 5), (34, 9, 9)), ((10, 5, 5), (14, 9, 9)), shape=SHAPE)
    picture = draw(truth, prediction)
    rows = [pixels_of(picture, rgb)[:, 0].mean() for rgb in (TRUE_POSITIVE_RGB, FALSE_NEGATIVE_RGB, FALSE_POSITIVE_RGB)]
    assert rows == sorted(rows)  # head up: the larger k lies higher


def test_patients_left_is_on_the_right_of_the_anterior_view():
    left = boxes(((18, 8, 16), (22, 12, 20)), shape=SHAPE)  # LPS: i rises to the patient's left
    picture = draw(left, left)
    columns = pixels_of(picture, TRUE_POSITIVE_RGB)[:, 1]
    width = 20 * 4.0 / (40 * 4.0) * 720
    anterior = columns[columns < 14 + width]
    assert anterior.min() > 14 + width / 2


def test_pixels_are_square_whatever_the_spacing():
    flat = Geometry.from_axes(shape=(20, 20, 20), origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(2.0, 2.0, 8.0))
    cube = boxes(((8, 5, 5), (11, 17, 17)), shape=(20, 20, 20))  # 24 mm each way
    spots = pixels_of(draw(cube, cube, flat), TRUE_POSITIVE_RGB)
    anterior = spots[spots[:, 1] < 14 + 180]
    height, width = anterior.max(axis=0) - anterior.min(axis=0) + 1
    assert height == pytest.approx(width, abs=4)


def test_rim_that_is_missed_does_not_hide_that_the_lesion_was_found():
    truth = boxes(((10, 4, 4), (20, 14, 14)), shape=SHAPE)
    prediction = boxes(((11, 5, 5), (19, 13, 13)), shape=SHAPE)
    picture = draw(truth, prediction)
    assert len(pixels_of(picture, TRUE_POSITIVE_RGB)) > len(pixels_of(picture, FALSE_NEGATIVE_RGB)) > 0


def test_without_masks_the_pet_alone_is_drawn():
    picture = draw(empty(SHAPE), empty(SHAPE))
    assert picture.dtype == np.uint8
    assert not any(len(pixels_of(picture, rgb)) for rgb in (TRUE_POSITIVE_RGB, FALSE_NEGATIVE_RGB, FALSE_POSITIVE_RGB))


def test_what_does_not_fill_the_grid_is_refused():
    with pytest.raises(GeometryError, match="prediction"):
        draw(empty(SHAPE), empty((3, 3, 3)))


def test_empty_window_is_refused():
    with pytest.raises(UsageError):
        error_mip(np.zeros(SHAPE, np.float32), empty(SHAPE), empty(SHAPE), GRID, title="", suv_window=(5.0, 5.0))
