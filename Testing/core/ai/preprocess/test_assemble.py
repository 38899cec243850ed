from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from psmacore.ai.preprocess.assemble import air, assemble
from psmacore.errors import GeometryError, InputRefusedError, ModelUnfitError
from psmacore.registry.manifest import ChannelName, InputChannel, Normalisation, OutputClass, Task
from Testing.core.ai.preprocess.manifests import CT, PAIR, PET, POSITIONS, a_manifest, lesion_manifest

SHAPE = (4, 5, 6)
A_BACKGROUND = (OutputClass(0, "background"), OutputClass(1, "thing"))


def of(values: list[float]) -> np.ndarray:
    volume = np.zeros(SHAPE, np.float32)
    volume.ravel()[: len(values)] = values
    return volume


def test_pet_and_ct_are_clipped_and_scaled_each_by_itself() -> None:
    """W80: PET [0, 15], CT [-100, 250], to [0, 1]."""
    channels = {
        ChannelName.CT: of([-1000, -100, 75, 250, 3000]),
        ChannelName.PET: of([-1, 0, 7.5, 15, 99]),
    }

    image = assemble(lesion_manifest(), channels, {})

    assert image.dtype == np.float32
    assert image[0].ravel()[:5] == pytest.approx([0, 0, 0.5, 1, 1])
    assert image[1].ravel()[:5] == pytest.approx([0, 0, 0.5, 1, 1])


def test_clip_is_the_papers_formula_with_its_lower_bound_at_zero() -> None:
    """W63: clip(I - a_min, 0, a_max - a_min) / (a_max - a_min)."""
    a_min, a_max = -160.0, 240.0
    channel = InputChannel(ChannelName.CT, "HU", Normalisation.CLIP_MIN_MAX, {"low": a_min, "high": a_max})
    intensities = np.linspace(-1024, 3071, 120, dtype=np.float32).reshape(SHAPE)

    image = assemble(a_manifest(Task.PROSTATE, (channel,), A_BACKGROUND), {ChannelName.CT: intensities}, {})

    expected = np.minimum(np.maximum(intensities - a_min, 0), a_max - a_min) / (a_max - a_min)
    assert image[0] == pytest.approx(expected, abs=1e-7)


def test_z_score_uses_the_manifests_mean_and_sd() -> None:
    """W72."""
    channel = InputChannel(ChannelName.PET, "g/ml", Normalisation.Z_SCORE, {"mean": 2.0, "sd": 4.0})

    image = assemble(a_manifest(Task.CLASSIFICATION, (channel,), A_BACKGROUND), {ChannelName.PET: of([2, 10])}, {})

    assert image[0].ravel()[:3] == pytest.approx([0, 2, -0.5])


def test_zero_equals_the_threshold_and_labels_are_divided_by_117() -> None:
    """D10: PET / threshold - 1; TotalSeg / 117, labels above 117 removed."""
    threshold = 2.1165041586631523
    channels = {
        ChannelName.FDG_PET: of([0.0, threshold, 2 * threshold]),
        ChannelName.FDG_ORGANS: of([0, 5, 117, 118, 208]),
        ChannelName.PSMA_PET: of([3.0, 6.0]),
        ChannelName.PSMA_ORGANS: of([21]),
    }
    thresholds = {ChannelName.FDG_PET: threshold, ChannelName.PSMA_PET: 3.0}

    image = assemble(a_manifest(Task.PAIRED_LESIONS, PAIR, A_BACKGROUND), channels, thresholds)

    assert image[0].ravel()[1] == 0
    assert image[0].ravel()[[0, 2]] == pytest.approx([-1, 1])
    assert image[1].ravel()[:5] == pytest.approx([0, 5 / 117, 1, 0, 0])
    assert image[2].ravel()[:2].tolist() == [0, 1]


def test_channels_keep_the_manifests_order() -> None:
    """D05."""
    channels = {channel.name: np.full(SHAPE, number, np.float32) for number, channel in enumerate(PAIR, 1)}
    thresholds = {ChannelName.FDG_PET: 1.0, ChannelName.PSMA_PET: 1.0}

    forward = assemble(a_manifest(Task.PAIRED_LESIONS, PAIR, A_BACKGROUND), channels, thresholds)
    backward = assemble(a_manifest(Task.PAIRED_LESIONS, PAIR[::-1], A_BACKGROUND), channels, thresholds)

    assert forward[:, 0, 0, 0] == pytest.approx([0, 2 / 117, 2, 4 / 117])
    assert np.array_equal(forward, backward[::-1])


def test_positions_run_from_zero_to_one_over_the_body() -> None:
    ct = np.full((20, 24, 30), -1000, np.float32)
    ct[5:15, 4:20, 10:25] = 40

    image = assemble(a_manifest(Task.ORGANS, (CT, *POSITIONS), A_BACKGROUND), {ChannelName.CT: ct}, {})

    along_k, along_j, along_i = image[1, :, 0, 0], image[2, 0, :, 0], image[3, 0, 0, :]
    assert (along_k[:6] == 0).all()
    assert along_k[14:].tolist() == [1] * 6
    assert along_k[5:15] == pytest.approx(np.linspace(0, 1, 10))
    assert along_j[4:20] == pytest.approx(np.linspace(0, 1, 16))
    assert along_i[10:25] == pytest.approx(np.linspace(0, 1, 15))
    assert (image[1] == along_k[:, None, None]).all()


def test_a_thin_table_is_no_part_of_the_body() -> None:
    ct = np.full((20, 24, 30), -1000, np.float32)
    ct[5:15, 4:16, 10:25] = 40
    ct[:, 20, :] = 100

    image = assemble(a_manifest(Task.ORGANS, (CT, *POSITIONS), A_BACKGROUND), {ChannelName.CT: ct}, {})

    assert image[2, 0, 15:, 0].tolist() == [1] * 9
    assert image[1, 4, 0, 0] == 0


def test_without_a_body_positions_run_over_the_volume() -> None:
    ct = np.full(SHAPE, -1000, np.float32)

    image = assemble(a_manifest(Task.ORGANS, (CT, *POSITIONS), A_BACKGROUND), {ChannelName.CT: ct}, {})

    assert image[3, 0, 0] == pytest.approx(np.linspace(0, 1, 6))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_voxel_that_is_no_number_is_refused_by_the_images_name(bad: float) -> None:
    channels = {ChannelName.PET: of([1.0, bad]), ChannelName.CT: of([0.0])}

    with pytest.raises(InputRefusedError, match="pet holds 1 voxels"):
        assemble(lesion_manifest(), channels, {})


def test_a_missing_image_is_named() -> None:
    with pytest.raises(InputRefusedError, match="needs the images ct; there are: pet"):
        assemble(lesion_manifest(), {ChannelName.PET: of([1.0])}, {})


def test_images_of_different_shape_are_refused() -> None:
    channels = {ChannelName.PET: of([1.0]), ChannelName.CT: np.zeros((4, 5, 7), np.float32)}

    with pytest.raises(GeometryError, match="different grids"):
        assemble(lesion_manifest(), channels, {})


@pytest.mark.parametrize(("threshold", "reason"), [(None, "states none"), (0.0, "must be positive"), (-1.0, "not -1")])
def test_a_threshold_that_cannot_divide_is_refused(threshold: float | None, reason: str) -> None:
    channels = {channel.name: of([1.0]) for channel in PAIR}
    thresholds = {} if threshold is None else {ChannelName.FDG_PET: threshold, ChannelName.PSMA_PET: 3.0}

    with pytest.raises(InputRefusedError, match=reason):
        assemble(a_manifest(Task.PAIRED_LESIONS, PAIR, A_BACKGROUND), channels, thresholds)


def test_a_manifest_without_its_constants_is_unfit() -> None:
    manifest = a_manifest(Task.CLASSIFICATION, (replace(PET, parameters={"low": 0.0}),), A_BACKGROUND)

    with pytest.raises(ModelUnfitError, match="clip_min_max needs high"):
        assemble(manifest, {ChannelName.PET: of([1.0])}, {})


def test_air_is_what_assembling_air_gives() -> None:
    manifest = a_manifest(Task.PAIRED_LESIONS, (*PAIR, PET, CT), A_BACKGROUND)
    channels = {channel.name: np.zeros(SHAPE, np.float32) for channel in manifest.inputs}
    channels[ChannelName.CT] -= 1024

    image = assemble(manifest, channels, {ChannelName.FDG_PET: 2.4, ChannelName.PSMA_PET: 3.0})

    assert air(manifest) == pytest.approx(image[:, 0, 0, 0])
