from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.sampling.settings import PatchRule, SamplingSettings  # noqa: E402
from psmacore.ai.sampling.training import training_transform  # noqa: E402
from Testing.core.ai.preprocess.manifests import (  # noqa: E402
    lesion_manifest,
    organ_manifest,
    paired_manifest,
    study_manifest,
)

SHAPE = (40, 48, 44)
N_CASES = 150

Item = dict[str, Any]


@pytest.fixture
def a_lesion_case() -> Item:
    """Body in the middle with one lesion; every voxel of the image tells where it lies."""
    k, j, i = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SHAPE), indexing="ij")
    label = np.zeros((1, *SHAPE), np.uint8)
    label[0, 20:22, 30:32, 12:15] = 1
    body = np.zeros(SHAPE, np.float32)
    body[8:34, 10:40, 8:36] = 0.4
    image = np.stack([(k * SHAPE[1] + j) * SHAPE[2] + i + 1, body])
    return {"image": torch.from_numpy(image), "label": torch.from_numpy(label)}


@pytest.fixture
def a_paired_case() -> Item:
    """Tumour in PSMA, and uptake above the threshold that is no tumour (a bladder) elsewhere."""
    image = np.full((4, *SHAPE), -1, np.float32)
    image[[1, 3]] = 5 / 117
    image[2, 10:12, 10:12, 10:12] = 4.0
    image[2, 30:34, 34:38, 30:34] = 9.0
    label = np.zeros((2, *SHAPE), np.uint8)
    label[1, 10:12, 10:12, 10:12] = 1
    return {"image": torch.from_numpy(image), "label": torch.from_numpy(label), "gate_levels": [0.0, 0.0]}


def patches_of(item: Item, manifest: Any, settings: SamplingSettings, n_cases: int = N_CASES) -> list[list[Item]]:
    transform = training_transform(manifest, settings)
    transform.set_random_state(seed=7)
    return [transform(dict(item)) for _ in range(n_cases)]


def centre_value(patch: Item, channel: int) -> float:
    k, j, i = (n // 2 for n in patch["image"].shape[1:])
    return float(patch["image"][channel, k, j, i])


def test_four_patches_one_to_one(a_lesion_case: Item) -> None:
    """W65: 4 patches, 1:1 positive/negative, centred on labelled and on unlabelled voxels."""
    manifest = lesion_manifest(patch=(9, 9, 9))
    cases = patches_of(a_lesion_case, manifest, SamplingSettings(patches_per_case=4))

    for patches in cases:
        assert [tuple(patch["image"].shape) for patch in patches] == [(2, 9, 9, 9)] * 4
        assert [tuple(patch["label"].shape) for patch in patches] == [(1, 9, 9, 9)] * 4
        assert [int(patch["label"][0, 4, 4, 4]) for patch in patches] == [1, 1, 0, 0]


def test_a_lesion_is_in_at_least_half_of_the_patches(a_lesion_case: Item) -> None:
    """W81: 128 x 128 x 32, of which 32 along k; here a quarter of it."""
    manifest = lesion_manifest(patch=(8, 32, 32))

    for patches in patches_of(a_lesion_case, manifest, SamplingSettings(patches_per_case=4)):
        assert sum(bool(patch["label"].any()) for patch in patches) >= 2
        assert patches[0]["image"].shape == (2, 8, 32, 32)


def test_negative_patches_are_centred_in_tissue(a_lesion_case: Item) -> None:
    manifest = lesion_manifest(patch=(5, 5, 5))

    for patches in patches_of(a_lesion_case, manifest, SamplingSettings(patches_per_case=4)):
        assert all(centre_value(patch, channel=1) == pytest.approx(0.4) for patch in patches[2:])


def test_positive_centres_are_drawn_from_all_lesion_voxels_alike(a_lesion_case: Item) -> None:
    manifest = lesion_manifest(patch=(1, 1, 1))
    cases = patches_of(a_lesion_case, manifest, SamplingSettings(patches_per_case=2), n_cases=600)

    _, counts = np.unique([centre_value(patches[0], channel=0) for patches in cases], return_counts=True)

    assert len(counts) == 12
    assert counts.min() > 25  # 50 expected; 25 is 3.6 standard deviations below


def test_image_and_label_are_cut_at_the_same_place(a_lesion_case: Item) -> None:
    manifest = lesion_manifest(patch=(8, 8, 8))
    where = a_lesion_case["image"][0].numpy().astype(np.int64) - 1

    for patches in patches_of(a_lesion_case, manifest, SamplingSettings(), n_cases=20):
        for patch in patches:
            places = patch["image"][0].numpy().astype(np.int64) - 1
            assert (places >= 0).all()
            k, j, i = np.unravel_index(places, SHAPE)
            assert np.array_equal(a_lesion_case["label"][0].numpy()[k, j, i], patch["label"][0].numpy())
            assert (where[k, j, i] == places).all()


def test_a_case_without_lesion_gives_patches_of_tissue(a_lesion_case: Item) -> None:
    a_lesion_case["label"][:] = 0

    for patches in patches_of(a_lesion_case, lesion_manifest(), SamplingSettings(), n_cases=10):
        assert len(patches) == 4
        assert all(centre_value(patch, channel=1) == pytest.approx(0.4) for patch in patches)


def test_a_volume_smaller_than_the_patch_lies_in_its_middle_in_air() -> None:
    item = {"image": torch.ones((2, 4, 6, 6)), "label": torch.ones((1, 4, 6, 6), dtype=torch.uint8)}
    manifest = lesion_manifest(patch=(8, 10, 10))

    patch = patches_of(item, manifest, SamplingSettings(), n_cases=1)[0][0]

    inner = patch["image"][:, 2:6, 2:8, 2:8]
    assert (inner == 1).all()
    assert float(patch["image"].sum()) == float(inner.sum())
    assert int(patch["label"].sum()) == 4 * 6 * 6


def test_tumour_two_thirds_and_physiological_uptake_one_third(a_paired_case: Item) -> None:
    """D11."""
    settings = SamplingSettings(rule=PatchRule.TUMOUR_PHYSIOLOGICAL, patches_per_case=4)
    cases = patches_of(a_paired_case, paired_manifest(patch=(8, 8, 8)), settings)

    centres = [centre_value(patch, channel=2) for patches in cases for patch in patches]

    assert set(centres) == {4.0, 9.0}
    assert np.mean(np.array(centres) == 4.0) == pytest.approx(2 / 3, abs=0.06)


def test_the_tumour_stays_in_the_middle_at_the_edge_of_the_volume(a_paired_case: Item) -> None:
    """D11: the patch is centred on tumour; what lies outside the volume is air."""
    settings = SamplingSettings(rule=PatchRule.TUMOUR_PHYSIOLOGICAL, tumour_probability=1.0, patches_per_case=1)
    manifest = paired_manifest(patch=(40, 40, 40))

    for (patch,) in patches_of(a_paired_case, manifest, settings, n_cases=5):
        assert int(patch["label"][1, 20, 20, 20]) == 1
        assert (patch["image"][2, :8] == -1).all()
        assert (patch["image"][3, :8] == 0).all()
        assert patch["gate_levels"] == [0.0, 0.0]


def test_without_tumour_all_patches_show_physiological_uptake(a_paired_case: Item) -> None:
    a_paired_case["label"][:] = 0
    a_paired_case["image"][2, 10:12, 10:12, 10:12] = -1
    settings = SamplingSettings(rule=PatchRule.TUMOUR_PHYSIOLOGICAL)

    for patches in patches_of(a_paired_case, paired_manifest(), settings, n_cases=20):
        assert all(centre_value(patch, channel=2) == 9.0 for patch in patches)


def test_small_organs_are_seen_as_often_as_large_ones() -> None:
    label = np.zeros((1, *SHAPE), np.uint8)
    label[0, 5:30, 5:30, 5:30] = 1
    label[0, 35, 40, 40] = 2
    item = {"image": torch.ones((4, *SHAPE)), "label": torch.from_numpy(label)}
    settings = SamplingSettings(rule=PatchRule.BY_CLASS)

    cases = patches_of(item, organ_manifest(5, 201), settings)

    seen = [int(patch["label"][0, 4, 4, 4]) for patches in cases for patch in patches]
    at_edge = [int(patch["label"].max()) for patches in cases for patch in patches]
    assert np.mean(np.array(at_edge) == 2) == pytest.approx(1 / 3, abs=0.06)
    assert np.mean(np.array(seen) == 1) == pytest.approx(1 / 3, abs=0.06)


def test_a_classifier_sees_the_whole_study() -> None:
    """W71, W72."""
    item = {"image": torch.rand((1, 16, 16, 16)), "label": torch.tensor([1.0])}
    settings = SamplingSettings(rule=PatchRule.WHOLE, patches_per_case=1)

    (patch,) = patches_of(item, study_manifest(), settings, n_cases=1)[0]

    assert torch.equal(patch["image"], item["image"])
    assert torch.equal(patch["label"], item["label"])


def test_a_slice_of_a_2d_model_has_one_k() -> None:
    """W66: the 2D U-Net's patches."""
    label = np.zeros((1, *SHAPE), np.uint8)
    label[0, 20, 20:24, 20:24] = 1
    item = {"image": torch.ones((2, *SHAPE)), "label": torch.from_numpy(label)}

    patches = patches_of(item, lesion_manifest(patch=(1, 16, 16)), SamplingSettings(), n_cases=1)[0]

    assert {tuple(patch["image"].shape) for patch in patches} == {(2, 1, 16, 16)}
    assert [bool(patch["label"].any()) for patch in patches[:2]] == [True, True]


def test_the_same_seed_gives_the_same_patches(a_lesion_case: Item) -> None:
    manifest, settings = lesion_manifest(), SamplingSettings()

    first, second = (patches_of(a_lesion_case, manifest, settings, n_cases=3) for _ in range(2))

    for one, other in zip(first, second, strict=True):
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a["image"], b["image"])


def test_a_patch_does_not_share_memory_with_the_case(a_lesion_case: Item) -> None:
    manifest = lesion_manifest(patch=SHAPE)

    patches_of(a_lesion_case, manifest, SamplingSettings(), n_cases=1)[0][0]["image"][:] = 99

    assert float(a_lesion_case["image"][1].max()) == pytest.approx(0.4)


def test_misalignment_moves_anatomy_against_pet_and_label(a_lesion_case: Item) -> None:
    settings = SamplingSettings(misalignment_voxels=(2, 0, 0))
    a_lesion_case["image"][1] = a_lesion_case["image"][0]

    shifts = set()
    for patches in patches_of(a_lesion_case, lesion_manifest(), settings, n_cases=20):
        for patch in patches:
            difference = (patch["image"][1] - patch["image"][0])[patch["image"][1] > 0]
            assert len(torch.unique(difference)) == 1
            shifts.add(int(difference[0]) // (SHAPE[1] * SHAPE[2]))

    assert shifts == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize(
    "wrong",
    [
        {"patches_per_case": 0},
        {"tumour_probability": 1.2},
        {"scale": (1.4, 0.9)},
        {"flip_axes": (3,)},
        {"misalignment_voxels": (-1, 0, 0)},
        {"patch": (0, 8, 8)},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SamplingSettings(**wrong)
