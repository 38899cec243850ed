"""Manifests become networks of the published shape and size, checked without memory on the meta device."""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.networks.build import build_network, is_2d, network_of  # noqa: E402
from psmacore.errors import ModelUnfitError  # noqa: E402
from psmacore.registry.catalog import open_model, shipped_models_folder  # noqa: E402
from psmacore.registry.manifest import Architecture, Manifest, Task  # noqa: E402

FOLDERS = sorted(path.parent for path in shipped_models_folder().glob("*/manifest.json"))
TINY_DYNUNET = {"filters": (4, 6, 8, 8, 8), "strides": (1, 2, 2, 2, 1), "n_heads": 3}


def published(name: str) -> Manifest:
    return open_model(shipped_models_folder() / name).manifest


def n_parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def on_meta(manifest: Manifest) -> torch.nn.Module:
    with torch.device("meta"):
        return network_of(manifest).eval()


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_every_shipped_model_turns_a_patch_into_its_outputs(folder: Path) -> None:
    """W66, W73, W74, W82, D04: shapes of the published sizes."""
    manifest = open_model(folder).manifest
    size = manifest.grid.patch[1:] if is_2d(manifest) else manifest.grid.patch
    if manifest.task is Task.CLASSIFICATION:
        assert manifest.grid.resize_to is not None
        size, expected = manifest.grid.resize_to, ()
    else:
        expected = size
    network = on_meta(manifest)
    with torch.no_grad():
        logits = network(torch.empty(1, len(manifest.inputs), *size, device="meta"))
    assert tuple(logits.shape) == (1, len(manifest.outputs), *expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prostate-unet2d", 1_629_053),
        ("prostate-unet3d", 4_813_253),
        ("prostate-attention-unet", 5_909_198),
        ("lesion-unet-psma", 4_809_781),
        ("lesion-unet-fdg", 4_809_781),
        ("deep-psma", 30_798_280),
        ("organ-unet", 16_545_214),
    ],
)
def test_published_networks_keep_their_size(name: str, expected: int) -> None:
    assert n_parameters(on_meta(published(name))) == expected


def test_the_custom_cnn_has_the_parameters_that_its_layers_add_up_to() -> None:
    """W73: 3 x 3 x 3 kernels with bias, two numbers a channel of batch normalisation, two dense layers."""
    widths = (1, 32, 64, 128, 256)
    blocks = sum(27 * a * b + b + 2 * b for a, b in pairwise(widths))
    dense = 256 * 128 + 128 + 128 * 1 + 1
    assert n_parameters(on_meta(published("study-cnn"))) == blocks + dense == 1_196_545


def test_resnet50_has_the_parameters_of_its_table() -> None:
    """W74; He et al. 2016, table 1, with 3D kernels, biased projections of MONAI and one logit."""

    def stage(n_in: int, n_mid: int, n_blocks: int) -> int:
        n_out = 4 * n_mid
        norms = 2 * (n_mid + n_mid + n_out)
        first = n_in * n_mid + 27 * n_mid * n_mid + n_mid * n_out + norms
        projection = n_in * n_out + n_out + 2 * n_out
        other = n_out * n_mid + 27 * n_mid * n_mid + n_mid * n_out + norms
        return first + projection + (n_blocks - 1) * other

    stem = 343 * 64 + 2 * 64
    stages = stage(64, 64, 3) + stage(256, 128, 4) + stage(512, 256, 6) + stage(1024, 512, 3)
    assert n_parameters(on_meta(published("study-resnet50"))) == stem + stages + 2048 + 1


def test_the_lesion_network_has_five_levels_with_stride_two() -> None:
    """W82."""
    network = on_meta(published("lesion-unet-psma"))
    halved = [one for one in network.modules() if isinstance(one, torch.nn.ConvTranspose3d)]
    assert [one.stride for one in halved] == [(2, 2, 2)] * 4
    widths = published("lesion-unet-psma").architecture.parameters["channels"]
    assert isinstance(widths, tuple)
    assert len(widths) == 5


def test_attention_gates_stand_in_every_skip() -> None:
    """W66."""
    network = on_meta(published("prostate-attention-unet"))
    gates = [one for one in network.modules() if type(one).__name__ == "AttentionBlock"]
    assert len(gates) == 4


def test_deep_psma_is_built_as_released() -> None:
    """D04."""
    network = on_meta(published("deep-psma"))
    assert network.filters == [32, 64, 128, 256, 320, 320]
    assert network.strides == [[1, 1, 1], *[[2, 2, 2]] * 4, [2, 1, 1]]
    slopes = {one.negative_slope for one in network.modules() if isinstance(one, torch.nn.LeakyReLU)}
    assert slopes == {0.01}
    kinds = {type(one).__name__ for one in network.modules()}
    assert "InstanceNorm3d" in kinds
    assert "UnetResBlock" in kinds
    assert len(network.deep_supervision_heads) == 3


@pytest.fixture
def a_supervised_network() -> torch.nn.Module:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return build_network(Architecture("dynunet", TINY_DYNUNET), n_inputs=2, n_outputs=2)


def test_supervision_adds_heads_in_training_only(a_supervised_network: torch.nn.Module) -> None:
    image = torch.randn(2, 2, 16, 16, 16)
    stacked = a_supervised_network(image)
    assert tuple(stacked.shape) == (2, 4, 2, 16, 16, 16)
    plain = a_supervised_network.eval()(image)
    assert tuple(plain.shape) == (2, 2, 16, 16, 16)
    assert torch.equal(stacked[:, 0], plain)  # instance normalisation has no running statistics


def test_the_gradient_reaches_every_weight(a_supervised_network: torch.nn.Module) -> None:
    a_supervised_network(torch.randn(1, 2, 16, 16, 16)).square().sum().backward()
    without = [name for name, one in a_supervised_network.named_parameters() if one.grad is None]
    assert without == []


def test_a_network_that_was_trained_can_be_copied(a_supervised_network: torch.nn.Module) -> None:
    image = torch.randn(1, 2, 16, 16, 16)
    a_supervised_network(image).sum().backward()
    twin = copy.deepcopy(a_supervised_network).eval()
    with torch.no_grad():
        assert torch.equal(twin(image), a_supervised_network.eval()(image))
        for parameter in twin.parameters():
            parameter.zero_()
        assert a_supervised_network(image).abs().sum() > 0
    assert tuple(twin.train()(image).shape) == (1, 4, 2, 16, 16, 16)


def test_a_2d_network_takes_slices() -> None:
    manifest = published("prostate-unet2d")
    assert is_2d(manifest)
    assert not is_2d(published("prostate-unet3d"))
    assert {type(one).__name__ for one in on_meta(manifest).modules()} >= {"Conv2d", "ConvTranspose2d"}


def test_networks_of_one_seed_are_alike() -> None:
    architecture = Architecture("cnn3d", {"channels": (4, 8), "n_hidden": 4})
    torch.manual_seed(7)
    first = build_network(architecture, n_inputs=1, n_outputs=1).state_dict()
    torch.manual_seed(7)
    second = build_network(architecture, n_inputs=1, n_outputs=1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("architecture", "named"),
    [
        (Architecture("vnet", {}), "'vnet' is unknown; known: unet, attention_unet"),
        (Architecture("unet", {"spatial_dims": 3, "channels": (4, 8)}), "missing a required argument: 'strides'"),
        (Architecture("cnn3d", {"channels": (4,), "n_hidden": 4, "depth": 2}), "unexpected keyword argument 'depth'"),
        (Architecture("cnn3d", {"channels": (), "n_hidden": 4}), "every block needs a width"),
        (Architecture("cnn3d", {"channels": (4,), "n_hidden": "many"}), "build no cnn3d"),
        (Architecture("cnn3d", {"channels": (4,), "n_hidden": 4, "n_inputs": 7}), "n_inputs"),
        (Architecture("unet", {"spatial_dims": 4, "channels": (4, 8), "strides": (2,)}), "build no unet"),
        (Architecture("unet", {"spatial_dims": 3, "channels": (4, 8), "strides": (2, 2)}), "need 1 strides, not 2"),
        (Architecture("unet", {"spatial_dims": 3, "channels": (4, 0), "strides": (2,)}), "width of 1 or more"),
        (Architecture("unet", {"spatial_dims": 3, "channels": (4, 8), "strides": (2,), "norm": "x"}), "build no unet"),
        (Architecture("dynunet", {"filters": (4, 8, 8), "strides": (2, 2, 2)}), "first stride must be 1"),
        (Architecture("dynunet", {**TINY_DYNUNET, "n_heads": 4}), "deep_supr_num"),
        (Architecture("resnet50_3d", {"width_factor": 0.0}), "build no resnet50_3d"),
    ],
)
def test_an_architecture_that_builds_nothing_is_refused_by_name(architecture: Architecture, named: str) -> None:
    with pytest.raises(ModelUnfitError, match=named):
        build_network(architecture, n_inputs=1, n_outputs=1)
