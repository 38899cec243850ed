from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy import ndimage  # noqa: E402

from psmacore.ai.preprocess.assemble import air  # noqa: E402
from psmacore.ai.sampling.augment import DropTracer, GammaMasks, TrivialAugment  # noqa: E402
from psmacore.ai.sampling.settings import Augmentation, PatchRule, SamplingSettings  # noqa: E402
from psmacore.ai.sampling.training import training_transform  # noqa: E402
from psmacore.errors import ModelUnfitError  # noqa: E402
from Testing.core.ai.preprocess.manifests import lesion_manifest, paired_manifest, study_manifest  # noqa: E402

SIZE = 24
Item = dict[str, Any]


@pytest.fixture
def a_patch() -> Item:
    """A smooth ball of uptake with its mask, off centre, in both tracers, and a block of organ 5."""
    k, j, i = np.meshgrid(*(np.arange(SIZE),) * 3, indexing="ij")
    distance = np.sqrt((k - 12) ** 2 + (j - 9) ** 2 + (i - 14) ** 2)
    pet = (5 * np.exp(-((distance / 5) ** 2)) - 1).astype(np.float32)
    organs = np.zeros((SIZE,) * 3, np.float32)
    organs[4:20, 4:12, 4:20] = 5 / 117
    image = np.stack([pet, organs, pet, organs])
    label = np.stack([pet >= 0, pet >= 0]).astype(np.uint8)
    return {"image": torch.from_numpy(image), "label": torch.from_numpy(label), "gate_levels": [0.0, 0.0]}


def augmented(item: Item, settings: SamplingSettings, n: int, seed: int = 3) -> list[Item]:
    transform = TrivialAugment(paired_manifest(patch=(SIZE,) * 3), settings)
    transform.set_random_state(seed=seed)
    return [transform(dict(item)) for _ in range(n)]


def centroid(mask: Any) -> np.ndarray:
    return np.array(ndimage.center_of_mass(mask.numpy()))


def kind_of(patch: Item, item: Item) -> str:
    """Tell which operation made a patch, by what only that operation does."""
    if torch.equal(patch["image"], item["image"]):
        return "none"
    for axes in ((1,), (2,), (3,), (1, 2), (1, 3), (2, 3), (1, 2, 3)):
        if torch.equal(patch["image"], item["image"].flip(axes)):
            return "flip"
    before, after = int(item["label"][1].sum()), int(patch["label"][1].sum())
    return "rotation" if abs(after / before - 1) < 0.03 else "scale"


def test_exactly_one_operation_is_applied_to_a_patch(a_patch: Item) -> None:
    """D12: identity, rotation, scale or flips, one of them, all alike likely."""
    kinds = [kind_of(patch, a_patch) for patch in augmented(a_patch, SamplingSettings(), 240)]

    share = {kind: kinds.count(kind) / 240 for kind in set(kinds)}
    # a flip of no axis is one in eight flips; a scale that keeps the volume is taken for a rotation
    assert share["none"] == pytest.approx(0.25 + 0.25 / 8, abs=0.1)
    assert share["flip"] == pytest.approx(0.25 * 7 / 8, abs=0.1)
    assert share["rotation"] == pytest.approx(0.25, abs=0.1)
    assert share["scale"] == pytest.approx(0.25, abs=0.1)


def test_patches_of_one_case_are_changed_each_by_itself(a_patch: Item) -> None:
    """D12: one operation per sample, not per case."""
    settings = SamplingSettings(
        rule=PatchRule.WHOLE, patches_per_case=16, patch=(SIZE,) * 3, augmentation=Augmentation.TRIVIAL
    )
    transform = training_transform(paired_manifest(), settings)
    transform.set_random_state(seed=5)

    kinds = {kind_of(patch, a_patch) for patch in transform(a_patch)}

    assert kinds == {"none", "flip", "rotation", "scale"}


def test_rotations_stay_within_ten_degrees_and_scales_within_their_range(a_patch: Item) -> None:
    """D12: up to 10 degrees per axis; [0.9, 1.4] per axis, above 1 smaller."""
    volume = int(a_patch["label"][1].sum())
    offset = centroid(a_patch["label"][1]) - (SIZE - 1) / 2

    for patch in augmented(a_patch, SamplingSettings(flip_axes=()), 80):
        mask = patch["label"][1]
        scaled = int(mask.sum()) / volume
        assert 1 / 1.4**3 - 0.05 < scaled < 1 / 0.9**3 + 0.12
        moved = centroid(mask) - (SIZE - 1) / 2
        if kind_of(patch, a_patch) == "rotation":
            cosine = float(moved @ offset / np.linalg.norm(moved) / np.linalg.norm(offset))
            assert np.degrees(np.arccos(min(cosine, 1.0))) < 3**0.5 * 10 + 4


def test_masks_move_with_the_pet(a_patch: Item) -> None:
    for patch in augmented(a_patch, SamplingSettings(), 30):
        from_image = patch["image"][2] >= 0
        agreement = 2 * (from_image & (patch["label"][1] > 0)).sum() / (from_image.sum() + patch["label"][1].sum())
        assert agreement > 0.9
        assert set(torch.unique(patch["label"]).tolist()) <= {0, 1}
        assert patch["label"].dtype == torch.uint8


def test_organ_numbers_are_never_mixed(a_patch: Item) -> None:
    for patch in augmented(a_patch, SamplingSettings(), 30):
        assert set((patch["image"][3] * 117).round(decimals=3).unique().tolist()) <= {0.0, 5.0}


def test_what_comes_in_from_outside_is_air(a_patch: Item) -> None:
    a_patch["image"][[0, 2]] = 4.0
    corners = [
        float(patch["image"][2, 0, 0, 0]) for patch in augmented(a_patch, SamplingSettings(scale=(1.4, 1.4)), 40)
    ]

    assert min(corners) == -1.0
    assert max(corners) == 4.0


def test_patches_are_plain_tensors_and_other_keys_stay(a_patch: Item) -> None:
    for patch in augmented(a_patch, SamplingSettings(), 12):
        assert set(patch) == {"image", "label", "gate_levels"}
        assert type(patch["image"]) is torch.Tensor
        assert type(patch["label"]) is torch.Tensor
        assert patch["image"].dtype == torch.float32
        assert patch["image"].shape == a_patch["image"].shape


def test_a_model_that_tells_left_from_right_is_not_flipped_there(a_patch: Item) -> None:
    for patch in augmented(a_patch, SamplingSettings(flip_axes=(0, 1)), 60):
        assert not torch.equal(patch["image"], a_patch["image"].flip(3))


def test_a_single_slice_turns_in_its_plane_only() -> None:
    item = {"image": torch.rand((2, 1, 16, 16)), "label": torch.ones((1, 1, 16, 16), dtype=torch.uint8)}
    transform = TrivialAugment(lesion_manifest(patch=(1, 16, 16)), SamplingSettings())
    transform.set_random_state(seed=1)

    for _ in range(20):
        patch = transform(dict(item))
        assert patch["image"].shape == (2, 1, 16, 16)
        assert float(patch["image"][:, 0, 6:10, 6:10].min()) > 0


def test_a_whole_study_keeps_its_label() -> None:
    item = {"image": torch.rand((1, 16, 16, 16)), "label": torch.tensor([1.0])}
    settings = SamplingSettings(rule=PatchRule.WHOLE, patches_per_case=8, augmentation=Augmentation.TRIVIAL)
    transform = training_transform(study_manifest(), settings)
    transform.set_random_state(seed=1)

    patches = transform(item)

    assert len(patches) == 8
    assert all(patch["label"].tolist() == [1.0] for patch in patches)
    assert len({float(patch["image"].sum()) for patch in patches}) > 2


def test_the_same_seed_gives_the_same_changes(a_patch: Item) -> None:
    first, second = (augmented(a_patch, SamplingSettings(), 12) for _ in range(2))

    assert all(torch.equal(a["image"], b["image"]) for a, b in zip(first, second, strict=True))


def test_dropping_a_tracer_empties_its_pet_and_organs_and_is_one_operation_more(a_patch: Item) -> None:
    """D13: kept as an option."""
    patches = augmented(a_patch, SamplingSettings(has_channel_drop=True, flip_axes=()), 100)

    outside = torch.from_numpy(air(paired_manifest()))[:, None, None, None]
    empty = [[bool((patch["image"][c] == outside[c]).all()) for c in range(4)] for patch in patches]
    fdg, psma = empty.count([True, True, False, False]), empty.count([False, False, True, True])
    assert fdg + psma + empty.count([False] * 4) == 100
    assert (fdg + psma) / 100 == pytest.approx(1 / 5, abs=0.12)
    assert min(fdg, psma) > 3
    assert all(bool(patch["label"].any()) for patch in patches)


def test_a_gamma_shrinks_or_grows_both_masks_at_the_threshold(a_patch: Item) -> None:
    """D13: kept as an option."""
    transform = GammaMasks(paired_manifest())
    transform.set_random_state(seed=2)
    volume = int(a_patch["label"][1].sum())
    apart = {
        "image_linear": a_patch["image"][[0, 2]] + 1,
        "image_nearest": a_patch["image"][[1, 3]],
        "label": a_patch["label"],
    }

    sizes = []
    for _ in range(30):
        patch = transform(apart)
        mask = patch["label"][1] > 0
        assert bool((patch["image_linear"][1][mask] >= 1).all())
        assert float(patch["image_linear"][1].max()) == pytest.approx(float(apart["image_linear"][1].max()), rel=1e-5)
        sizes.append(int(mask.sum()))

    assert min(sizes) < 0.8 * volume
    assert max(sizes) > 1.2 * volume
    assert int(a_patch["label"][1].sum()) == volume


@pytest.mark.parametrize("kind", [DropTracer, GammaMasks])
def test_what_needs_both_tracers_is_refused_for_a_model_of_one(kind: type[Any]) -> None:
    with pytest.raises(ModelUnfitError, match="need both tracers"):
        kind(lesion_manifest())
