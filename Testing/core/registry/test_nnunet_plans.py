"""Plans say what is built; nothing but networks and nnU-Net's own steps is imported for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("dynamic_network_architectures")

from psmacore.errors import ModelUnfitError, UsageError
from psmacore.registry.nnunet_plans import read_configuration
from Testing import nnunet_trees

PATH = Path("plans.json")


@pytest.fixture
def plans() -> dict[str, Any]:
    """Of CT and PET."""
    return nnunet_trees.plans("Dataset900_OwnLesions", 2)


def test_patch_and_spacing_are_told_in_the_images_order_of_axes(plans: dict[str, Any]) -> None:
    planned = plans["configurations"]["3d_fullres"]
    planned["patch_size"], planned["spacing"] = [8, 16, 32], [1.0, 2.0, 3.0]
    plans["transpose_forward"], plans["transpose_backward"] = [2, 0, 1], [1, 2, 0]
    read = read_configuration(plans, None, PATH)
    assert read.patch_kji == (16, 32, 8)
    assert read.spacing_kji_mm == (2.0, 3.0, 1.0)


def test_a_2d_network_leaves_the_slices_as_they_are(plans: dict[str, Any]) -> None:
    planned = plans["configurations"]["3d_fullres"]
    planned["patch_size"], planned["spacing"] = [16, 32], [2.0, 3.0]
    read = read_configuration(plans, None, PATH)
    assert read.patch_kji == (1, 16, 32)
    assert read.spacing_kji_mm is None


def test_a_configuration_inherits_from_another(plans: dict[str, Any]) -> None:
    plans["configurations"]["3d_fullres_bs8"] = {"inherits_from": "3d_fullres", "patch_size": [4, 4, 4]}
    read = read_configuration(plans, "3d_fullres_bs8", PATH)
    assert read.patch_kji == (4, 4, 4)
    assert read.n_normalised == 2


def test_configurations_in_a_circle_are_refused(plans: dict[str, Any]) -> None:
    plans["configurations"]["3d_fullres"]["inherits_from"] = "3d_fullres"
    with pytest.raises(ModelUnfitError, match="in a circle"):
        read_configuration(plans, "3d_fullres", PATH)


def test_of_several_configurations_one_must_be_named(plans: dict[str, Any]) -> None:
    plans["configurations"]["2d"] = plans["configurations"]["3d_fullres"]
    with pytest.raises(UsageError, match=r"plans 3d_fullres, 2d: .*--configuration"):
        read_configuration(plans, None, PATH)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("network_class_name", "os.system"),
        ("network_class_name", "dynamic_network_architectures.architectures.unet.np.load"),
        ("conv_op", "torch.nn.functional.torch.hub.load"),
        ("nonlin", "subprocess.Popen"),
    ],
)
def test_a_name_that_is_no_part_of_a_network_is_never_imported(plans: dict[str, Any], key: str, name: str) -> None:
    architecture = plans["configurations"]["3d_fullres"]["architecture"]
    (architecture if key in architecture else architecture["arch_kwargs"])[key] = name
    with pytest.raises(ModelUnfitError, match=f"{name.replace('.', '[.]')}' is not imported"):
        read_configuration(plans, None, PATH)


@pytest.mark.parametrize(
    ("key", "name"),
    [("preprocessor_name", "shutil"), ("resampling_fn_data", "rmtree"), ("resampling_fn_probabilities", "eval")],
)
def test_a_step_that_is_none_of_nnunets_is_never_looked_up(plans: dict[str, Any], key: str, name: str) -> None:
    plans["configurations"]["3d_fullres"][key] = name
    with pytest.raises(ModelUnfitError, match=f"{key} '{name}' is not imported"):
        read_configuration(plans, None, PATH)


def test_the_second_stage_of_a_cascade_is_refused(plans: dict[str, Any]) -> None:
    plans["configurations"]["3d_fullres"]["previous_stage"] = "3d_lowres"
    with pytest.raises(ModelUnfitError, match="cascade"):
        read_configuration(plans, None, PATH)


def test_plans_before_version_2_4_are_read(plans: dict[str, Any]) -> None:
    """TotalSegmentator's weights are of 2023 and name no architecture."""
    del plans["configurations"]["3d_fullres"]["architecture"]
    plans["configurations"]["3d_fullres"]["UNet_class_name"] = "PlainConvUNet"
    assert read_configuration(plans, None, PATH).name == "3d_fullres"


def test_plans_of_nnunet_1_are_refused() -> None:
    with pytest.raises(ModelUnfitError, match="no nnU-Net v2 plan"):
        read_configuration({"plans_per_stage": {}}, None, PATH)
