from __future__ import annotations

import numpy as np
import pytest

from psmacore.ai.preprocess.crop import crop_around, padded_to, whole
from psmacore.errors import GeometryError
from Testing.core.ai.preprocess.grids import an_oblique_grid, voxel_centres_lps

SHAPE = (20, 24, 28)


def a_mask() -> np.ndarray:
    mask = np.zeros(SHAPE, np.bool_)
    mask[9, 2, 20] = mask[11, 10, 22] = True
    return mask


def test_the_box_has_a_margin_of_five_voxels_inside_the_volume() -> None:
    """D09."""
    crop = crop_around(a_mask())

    assert crop.start == (4, 0, 15)
    assert crop.stop == (17, 16, 28)


def test_padding_reaches_the_least_size_with_the_odd_voxel_behind() -> None:
    """D09: at least 256 x 128 x 128; here 16 x 16 x 16."""
    crop = padded_to(crop_around(a_mask()), (16, 16, 16))

    assert crop.cropped_shape == (16, 16, 16)
    assert crop.before == (1, 0, 1)
    assert crop.after == (2, 0, 2)


def test_what_is_cut_and_put_back_is_the_same_inside_and_the_fill_outside() -> None:
    """D09: crop-uncrop identity."""
    values = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    crop = padded_to(crop_around(a_mask()), (16, 18, 16))

    back = crop.put_back(crop.cut(values, [-1.0, 7.0]), fill=[3.0, 4.0])

    box = (slice(4, 17), slice(0, 16), slice(15, 28))
    outside = np.ones(SHAPE, np.bool_)
    outside[box] = False
    assert back[(slice(None), *box)].tobytes() == values[(slice(None), *box)].tobytes()
    assert (back[0][outside] == 3.0).all()
    assert (back[1][outside] == 4.0).all()


def test_padding_holds_each_channels_fill() -> None:
    crop = padded_to(crop_around(a_mask()), (16, 16, 16))

    cut = crop.cut(np.zeros((2, *SHAPE), np.float32), [-1.0, 7.0])

    assert (cut[0, 0] == -1.0).all()
    assert (cut[1, :, :, -1] == 7.0).all()
    assert (cut[:, 1:-2, :, 1:-2] == 0).all()


def test_an_empty_mask_gives_the_whole_volume() -> None:
    crop = crop_around(np.zeros(SHAPE, np.bool_))

    assert crop == whole(SHAPE)
    assert crop.is_whole


def test_voxels_keep_their_place_in_the_patient() -> None:
    geometry = an_oblique_grid(shape=SHAPE)
    crop = padded_to(crop_around(a_mask()), (16, 16, 16))

    cropped = crop.geometry(geometry)

    assert cropped.shape == crop.cropped_shape
    places = np.moveaxis(voxel_centres_lps(geometry), -1, 0)
    inner = crop.cut(places, np.nan)
    known = np.isfinite(inner[0])
    assert voxel_centres_lps(cropped)[known] == pytest.approx(np.moveaxis(inner, 0, -1)[known], abs=1e-9)


def test_a_volume_of_another_shape_is_refused() -> None:
    with pytest.raises(GeometryError, match="crop was made for"):
        crop_around(a_mask()).cut(np.zeros((3, 3, 3)))
