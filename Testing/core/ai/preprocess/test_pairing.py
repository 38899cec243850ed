"""Both tracers on one grid: order, normalisation, and which of them is left as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from psmacore.ai.data.case import ReferenceTracer
from psmacore.ai.preprocess.pairing import PET_CHANNELS, TracerImages, images_on, other_of
from psmacore.ai.preprocess.prepare import prepare, restore
from psmacore.errors import GeometryError
from psmacore.registry.manifest import ChannelName
from Testing.core.ai.deep_psma.pairs import PSMA_GRID, a_pair, a_pair_on_one_grid
from Testing.core.ai.preprocess.manifests import paired_manifest

BOTH = list(ReferenceTracer)


@pytest.mark.parametrize("reference", BOTH)
def test_channels_are_fdg_and_psma_with_their_organs_whatever_the_reference(reference: ReferenceTracer) -> None:
    """D05."""
    pair = a_pair()
    images = images_on(pair, reference)
    prepared = prepare(paired_manifest(), images.geometry, images.channels, images.thresholds_suv)
    assert list(images.channels) == [
        ChannelName.FDG_PET, ChannelName.FDG_ORGANS, ChannelName.PSMA_PET, ChannelName.PSMA_ORGANS
    ]  # fmt: skip
    own = pair.of(reference)
    place = 0 if reference is ReferenceTracer.FDG else 2
    expected = own.pet / np.float32(own.threshold_suv) - np.float32(1)
    whole = restore(prepared.image, prepared, fill=prepared.outside)
    inside = prepared.crop.put_back(np.ones(prepared.image.shape[1:], np.bool_))
    assert np.array_equal(whole[place][inside], expected[inside])


@pytest.mark.parametrize("reference", BOTH)
def test_the_reference_is_not_resampled(reference: ReferenceTracer) -> None:
    """D07, D08: one copy of a patient on each tracer's own grid."""
    pair = a_pair()
    images = images_on(pair, reference)
    assert images.geometry is pair.of(reference).geometry
    assert images.channels[PET_CHANNELS[reference]] is pair.of(reference).pet
    other = images.channels[PET_CHANNELS[other_of(reference)]]
    assert other.shape == images.geometry.shape
    assert other.any()


def test_zero_is_the_threshold_and_organs_above_117_are_none() -> None:
    """D10: PET / threshold - 1 and TotalSegmentator / 117; the parotid, 201, is no label of TotalSegmentator's."""
    pair = a_pair_on_one_grid()
    pet = np.full(PSMA_GRID.shape, 1.5, np.float32)
    pet[0, 0, 0], pet[-1, -1, -1] = 3.0, 6.0
    pair = replace(pair, psma=TracerImages(pet, pair.psma.organs, PSMA_GRID, 3.0))
    images = images_on(pair, ReferenceTracer.PSMA)
    prepared = prepare(paired_manifest(), images.geometry, images.channels, images.thresholds_suv)
    assert prepared.crop.is_whole
    _, _, psma, organs = prepared.image
    assert psma[0, 0, 0] == 0.0
    assert (psma[-1, -1, -1], psma[5, 5, 5]) == (1.0, -0.5)
    assert np.array_equal(np.unique(organs), np.array([0, 5 / 117, 1], np.float32))
    assert not organs[pair.psma.organs == 201].any()


def test_the_crop_is_the_box_of_both_tracers_above_threshold_with_5_voxels_padded_to_the_patch() -> None:
    """D09, with the exact way back."""
    pair = a_pair_on_one_grid()
    cold = np.zeros(PSMA_GRID.shape, np.float32)
    fdg, psma = cold.copy(), cold.copy()
    fdg[1, 7, 6], psma[2, 8, 6] = 9.0, 9.0
    pair = replace(
        pair, fdg=replace(pair.fdg, pet=fdg), psma=replace(pair.psma, pet=psma)
    )  # fmt: skip
    images = images_on(pair, ReferenceTracer.PSMA)
    prepared = prepare(paired_manifest(patch=(12, 8, 8)), images.geometry, images.channels, images.thresholds_suv)
    assert (prepared.crop.start, prepared.crop.stop) == ((0, 2, 1), (8, 14, 12))
    assert (prepared.crop.before, prepared.crop.after) == ((2, 0, 0), (2, 0, 0))
    marked = np.random.default_rng(0).normal(size=(2, *prepared.crop.cropped_shape)).astype(np.float32)
    back = restore(marked, prepared, fill=(-1.0, -2.0))
    assert np.array_equal(prepared.crop.cut(back)[:, 2:-2], marked[:, 2:-2])
    assert (back[0, 8:] == -1.0).all()


def test_a_transform_that_loses_the_other_tracer_is_refused() -> None:
    pair = replace(a_pair(), fdg_from_psma=sitk.TranslationTransform(3, [5000.0, 0.0, 0.0]))
    with pytest.raises(GeometryError, match="out of the reference grid"):
        images_on(pair, ReferenceTracer.PSMA)


def test_an_organ_map_on_another_grid_is_refused() -> None:
    images = a_pair().psma
    with pytest.raises(GeometryError, match="organ map"):
        replace(images, organs=images.organs[1:])
