"""Masks on both grids to lesions, against masks worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.ai.deep_psma.postprocess import GROWTH_MM, NO_GROWTH_ORGANS, Growth, grown, lesion_mask, moved_back
from psmacore.errors import UsageError
from psmacore.model.geometry import Geometry
from psmacore.pipeline.request import Postprocessing
from Testing.core.ai.deep_psma.pairs import FDG_GRID, PSMA_GRID, a_rigid_transform
from Testing.core.ai.preprocess.grids import voxel_centres_lps

SHAPE = (5, 7, 9)
GRID = Geometry.from_axes(shape=SHAPE, origin_lps_mm=(5.0, -3.0, 40.0), spacing_ijk_mm=(2.0, 3.0, 4.0))
EVERYWHERE = np.ones(SHAPE, np.bool_)
NOWHERE = np.zeros(SHAPE, np.uint16)
Mask = NDArray[np.bool_]


def voxels(*places: tuple[int, int, int]) -> Mask:
    mask = np.zeros(SHAPE, np.bool_)
    for place in places:
        mask[place] = True
    return mask


def ball(centre: tuple[int, int, int], radius_mm: float) -> Mask:
    points = voxel_centres_lps(GRID)
    return np.asarray(np.linalg.norm(points - points[centre], axis=-1) <= radius_mm + 1e-6)


def make(method: Postprocessing, **changes: object) -> Mask:
    given: dict[str, object] = {
        "own": voxels((2, 3, 4), (0, 0, 0)),
        "other": voxels((2, 3, 5), (4, 6, 8)),
        "is_hot": ~voxels((0, 0, 0)),
        "organs": NOWHERE,
        "geometry": GRID,
        "growth": Growth(),
    }
    return lesion_mask(method, **(given | changes))  # type: ignore[arg-type]


def test_single_is_the_own_prediction_at_or_above_the_threshold() -> None:
    """D18."""
    assert np.array_equal(make(Postprocessing.SINGLE), voxels((2, 3, 4)))
    assert np.array_equal(make(Postprocessing.SINGLE, other=None), voxels((2, 3, 4)))


def test_bothways_is_the_union_at_or_above_the_threshold() -> None:
    """D21."""
    assert np.array_equal(make(Postprocessing.BOTHWAYS), voxels((2, 3, 4), (2, 3, 5), (4, 6, 8)))
    with pytest.raises(UsageError, match="other tracer's space"):
        make(Postprocessing.BOTHWAYS, other=None)


def test_single_plus_grows_by_5_mm_between_voxel_centres_and_stops_at_the_threshold() -> None:
    """D19: voxels of 2 x 3 x 4 mm; within 5 mm lie 2 in i, 1 in j and 1 in k, and some diagonals, as in a ball."""
    assert np.array_equal(
        make(Postprocessing.SINGLE_PLUS, is_hot=EVERYWHERE, own=voxels((2, 3, 4))), ball((2, 3, 4), 5.0)
    )
    is_hot = voxels((2, 3, 4), (2, 3, 5), (2, 3, 6), (2, 3, 7), (3, 3, 4), (2, 5, 4))
    expected = voxels((2, 3, 4), (2, 3, 5), (2, 3, 6), (3, 3, 4))
    assert np.array_equal(make(Postprocessing.SINGLE_PLUS, is_hot=is_hot), expected)


def test_the_baselines_radius_can_be_had() -> None:
    """D19: 7 mm in the organisers' baseline."""
    found = make(Postprocessing.SINGLE_PLUS, is_hot=EVERYWHERE, own=voxels((2, 3, 4)), growth=Growth(7.0))
    assert np.array_equal(found, ball((2, 3, 4), 7.0))
    assert (GROWTH_MM, NO_GROWTH_ORGANS) == (5.0, (2, 3, 5, 21))


def test_growth_by_nothing_changes_nothing() -> None:
    mask = voxels((2, 3, 4), (2, 3, 5), (3, 3, 5), (1, 1, 1))
    assert np.array_equal(grown(mask, EVERYWHERE, NOWHERE, GRID, Growth(0.0)), mask)


def test_a_lesion_in_the_liver_neither_grows_nor_vanishes() -> None:
    """D20: it is painted back; the lesion beside it does not grow into the liver."""
    organs = NOWHERE.copy()
    organs[:, :, 5:] = 5
    mask = voxels((2, 3, 4), (2, 3, 7))
    found = grown(mask, EVERYWHERE, organs, GRID, Growth())
    expected = ball((2, 3, 4), 5.0) | ball((2, 3, 7), 5.0)
    expected[:, :, 5:] = False
    assert np.array_equal(found, expected | voxels((2, 3, 7)))


@pytest.mark.parametrize("label", [2, 3, 5, 21])
def test_kidneys_liver_and_bladder_are_not_grown_into(label: int) -> None:
    """D19."""
    organs = np.full(SHAPE, label, np.uint16)
    mask = voxels((2, 3, 4))
    assert np.array_equal(grown(mask, EVERYWHERE, organs, GRID, Growth()), mask)
    assert grown(mask, EVERYWHERE, organs, GRID, Growth(excluded_organs=())).sum() > 1
    assert grown(mask, EVERYWHERE, organs + 100, GRID, Growth()).sum() > 1


def test_bothways_plus_grows_the_union() -> None:
    """D22."""
    found = make(Postprocessing.BOTHWAYS_PLUS, is_hot=EVERYWHERE, own=voxels((0, 0, 0)), other=voxels((4, 6, 8)))
    assert np.array_equal(found, ball((0, 0, 0), 5.0) | ball((4, 6, 8), 5.0))


def test_nothing_stays_nothing() -> None:
    empty = np.zeros(SHAPE, np.bool_)
    for method in Postprocessing:
        assert not make(method, own=empty, other=empty).any()


def test_everything_stays_everything() -> None:
    for method in Postprocessing:
        assert make(method, own=EVERYWHERE, other=EVERYWHERE, is_hot=EVERYWHERE).all()


def test_a_negative_radius_is_refused() -> None:
    with pytest.raises(UsageError, match="not by -1"):
        Growth(-1.0)


def test_a_mask_that_nothing_moves_comes_back_as_it_was() -> None:
    """D21."""
    mask = np.random.default_rng(3).random(PSMA_GRID.shape) > 0.8
    assert np.array_equal(moved_back(mask, PSMA_GRID, PSMA_GRID, sitk.Euler3DTransform()), mask)


def test_half_a_voxel_marks_both_neighbours() -> None:
    """D21: linear, and any value above 0 counts."""
    moved = moved_back(voxels((2, 3, 4)), GRID, GRID, sitk.TranslationTransform(3, [1.0, 0.0, 0.0]))
    assert np.array_equal(moved, voxels((2, 3, 3), (2, 3, 4)))


def test_the_way_back_marks_what_has_the_mask_among_its_eight_neighbours() -> None:
    """D21: an oblique rigid transform, against the weights worked out voxel by voxel."""
    mask = np.random.default_rng(4).random(PSMA_GRID.shape) > 0.97
    psma_from_fdg = a_rigid_transform()
    moved = moved_back(mask, PSMA_GRID, FDG_GRID, psma_from_fdg)
    points = voxel_centres_lps(FDG_GRID).reshape(-1, 3)
    kji = PSMA_GRID.kji_of_lps([psma_from_fdg.TransformPoint(point) for point in points.tolist()])
    low = np.floor(kji).astype(int)
    within = ((low >= 0) & (low < np.array(PSMA_GRID.shape) - 1)).all(axis=1)
    expected = np.zeros(len(points), np.bool_)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, kji - low, 1 - kji + low), axis=1)
        expected[within] |= (weight[within] > 0) & mask[tuple((low[within] + corner).T)]
    assert expected.sum() > 50
    assert np.array_equal(moved.ravel()[within], expected[within])
