from __future__ import annotations

import numpy as np
import pytest

from psmacore.ai.preprocess.prepare import Cropping, prepare, prepare_target, restore, restore_labels
from psmacore.ai.preprocess.targets import encode_target
from psmacore.errors import InputRefusedError
from psmacore.registry.manifest import ChannelName
from Testing.core.ai.preprocess.grids import an_oblique_grid, voxel_centres_lps
from Testing.core.ai.preprocess.manifests import (
    lesion_manifest,
    organ_manifest,
    paired_manifest,
    study_manifest,
)

THRESHOLDS = {ChannelName.FDG_PET: 2.0, ChannelName.PSMA_PET: 3.0}


@pytest.fixture
def a_pair() -> dict[ChannelName, np.ndarray]:
    shape = (30, 26, 28)
    channels = {
        name: np.zeros(shape, np.float32)
        for name in (ChannelName.FDG_PET, ChannelName.FDG_ORGANS, ChannelName.PSMA_PET, ChannelName.PSMA_ORGANS)
    }
    channels[ChannelName.FDG_PET][12, 10, 14] = 2.5
    channels[ChannelName.PSMA_PET][14, 13, 9] = 3.5
    channels[ChannelName.PSMA_PET][29, 25, 27] = 3.0
    channels[ChannelName.PSMA_ORGANS][:] = 5
    return channels


def test_a_pair_is_cropped_to_the_union_of_both_tracers_uptake(a_pair: dict[ChannelName, np.ndarray]) -> None:
    """D09: above, not at, the threshold; 5 voxels; padded to the patch."""
    prepared = prepare(paired_manifest(patch=(16, 8, 8)), an_oblique_grid(shape=(30, 26, 28)), a_pair, THRESHOLDS)

    assert prepared.crop.start == (7, 5, 4)
    assert prepared.crop.stop == (20, 19, 20)
    assert prepared.image.shape == (4, 16, 14, 16)
    assert prepared.geometry.shape == (16, 14, 16)
    assert (prepared.image[0, 0] == -1).all()
    assert (prepared.image[3, 0] == 0).all()


def test_a_paired_prediction_comes_back_bit_for_bit(a_pair: dict[ChannelName, np.ndarray]) -> None:
    """D09: exact uncrop, on the native grid (D08)."""
    native = an_oblique_grid(shape=(30, 26, 28))
    prepared = prepare(paired_manifest(patch=(16, 8, 8)), native, a_pair, THRESHOLDS)
    logits = np.random.default_rng(0).random((2, 16, 14, 16), np.float32)

    whole = restore(logits, prepared, fill=-9.0)

    box = (slice(None), slice(7, 20), slice(5, 19), slice(4, 20))
    assert whole.shape == (2, *native.shape)
    assert np.array_equal(whole[box], logits[:, 1:14])
    whole[box] = -9.0
    assert (whole == -9.0).all()


def test_no_uptake_at_all_keeps_the_whole_volume(a_pair: dict[ChannelName, np.ndarray]) -> None:
    for name in THRESHOLDS:
        a_pair[name][:] = 0

    prepared = prepare(paired_manifest(), an_oblique_grid(shape=(30, 26, 28)), a_pair, THRESHOLDS)

    assert prepared.image.shape == (4, 30, 26, 28)


def test_organ_labels_find_the_way_through_another_spacing_and_back() -> None:
    """W64 (the back-transform), on an oblique anisotropic grid; half spaces in the patient are the truth."""
    native = an_oblique_grid(shape=(24, 30, 28))
    manifest = organ_manifest(5, 207, spacing=(2.0, 2.0, 2.0))
    centres = voxel_centres_lps(native)
    middle = centres.reshape(-1, 3).mean(axis=0)
    target = np.where(centres[..., 0] > middle[0], 207, np.where(centres[..., 2] > middle[2], 5, 0)).astype(np.uint16)
    prepared = prepare(manifest, native, {ChannelName.CT: np.zeros(native.shape, np.float32)}, {})

    encoded = prepare_target(manifest, target, prepared)
    logits = np.stack([encoded[0] == index for index in range(3)]).astype(np.float32)
    back = restore_labels(manifest, logits, prepared)

    assert encoded.shape == (1, *prepared.geometry.shape)
    assert set(np.unique(encoded)) == {0, 1, 2}
    assert back.dtype == np.uint16
    assert (back == target).mean() > 0.95
    far = (np.abs(centres[..., 0] - middle[0]) > 3) & (np.abs(centres[..., 2] - middle[2]) > 3)
    assert np.array_equal(back[far], target[far])


def test_organs_are_looked_for_in_the_body_and_background_beyond_it() -> None:
    native = an_oblique_grid(shape=(20, 20, 20))
    ct = np.full(native.shape, -1000, np.float32)
    ct[5:15, 5:15, 5:15] = 0
    manifest = organ_manifest(5)
    prepared = prepare(manifest, native, {ChannelName.CT: ct}, {})
    logits = np.zeros((2, *prepared.geometry.shape), np.float32)
    logits[1] = 3.0

    labels = restore_labels(manifest, logits, prepared)

    assert prepared.geometry.shape == (10, 10, 10)
    assert np.array_equal(labels == 5, ct == 0)


def test_a_model_of_other_tasks_reads_the_whole_volume_unless_asked() -> None:
    native = an_oblique_grid(shape=(20, 20, 20))
    ct = np.full(native.shape, -1000, np.float32)
    ct[5:15, 5:15, 5:15] = 0
    channels = {ChannelName.CT: ct, ChannelName.PET: np.zeros(native.shape, np.float32)}

    assert prepare(lesion_manifest(), native, channels, {}).image.shape == (2, 20, 20, 20)
    assert prepare(lesion_manifest(), native, channels, {}, cropping=Cropping.BODY).image.shape == (2, 10, 10, 10)


def test_a_study_is_resized_whole() -> None:
    """W72."""
    native = an_oblique_grid()

    prepared = prepare(study_manifest(), native, {ChannelName.PET: np.full(native.shape, 5, np.float32)}, {})

    assert prepared.image.shape == (1, 16, 16, 16)
    assert prepared.image == pytest.approx(np.full((1, 16, 16, 16), 2.0))


def test_a_crop_by_threshold_without_a_threshold_is_refused() -> None:
    native = an_oblique_grid()
    channels = {name: np.zeros(native.shape, np.float32) for name in (ChannelName.PET, ChannelName.CT)}

    with pytest.raises(InputRefusedError, match="states none"):
        prepare(lesion_manifest(), native, channels, {}, cropping=Cropping.THRESHOLD)


def test_labels_become_indices_of_exclusive_outputs_and_unknown_ones_background() -> None:
    target = np.array([[[0, 5, 207, 118]]], np.uint16)

    assert encode_target(organ_manifest(207, 5), target).tolist() == [[[[0, 2, 1, 0]]]]


def test_binary_maps_of_overlapping_outputs_stay_apart() -> None:
    """D06."""
    target = np.array([[[[0, 1, 1]]], [[[1, 1, 0]]]], np.uint8)

    assert encode_target(paired_manifest(), target).tolist() == target.tolist()


def test_overlapping_maps_are_no_target_of_exclusive_outputs() -> None:
    with pytest.raises(InputRefusedError, match="exclusive"):
        encode_target(lesion_manifest(), np.zeros((2, 1, 1, 1), np.uint8))


def test_another_number_of_maps_than_outputs_is_refused() -> None:
    with pytest.raises(InputRefusedError, match="2 outputs"):
        encode_target(paired_manifest(), np.zeros((3, 1, 1, 1), np.uint8))
