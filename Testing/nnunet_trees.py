"""nnU-Net v2 results as trainings leave them and publishers publish them: small networks with random weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from torch import nn

PLAIN = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
RESIDUAL = "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
TWO_STAGES: dict[str, Any] = {
    "n_stages": 2,
    "features_per_stage": [2, 4],
    "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
    "strides": [[1, 1, 1], [2, 2, 2]],
    "n_conv_per_stage_decoder": [1],
    "conv_bias": True,
    "norm_op_kwargs": {"eps": 1e-05, "affine": True},
    "dropout_op_kwargs": None,
    "nonlin_kwargs": {"inplace": True},
}
IMPORTED: dict[str, Any] = {
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "dropout_op": None,
    "nonlin": "torch.nn.LeakyReLU",
}
RESAMPLED = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}


def configuration(n_channels: int, network: str = PLAIN, **changes: Any) -> dict[str, Any]:
    """Return one configuration of plans: patch 8 x 16 x 16, spacing 4 mm."""
    blocks = {"n_blocks_per_stage": [1, 1]} if network == RESIDUAL else {"n_conv_per_stage": [1, 1]}
    return {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": [8, 16, 16],
        "median_image_size_in_voxels": [12.0, 24.0, 20.0],
        "spacing": [4.0, 4.0, 4.0],
        "normalization_schemes": ["CTNormalization"] * n_channels,
        "use_mask_for_norm": [False] * n_channels,
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {**RESAMPLED, "order": 3},
        "resampling_fn_seg_kwargs": {**RESAMPLED, "is_seg": True},
        "resampling_fn_probabilities_kwargs": RESAMPLED,
        "architecture": {
            "network_class_name": network,
            "arch_kwargs": {**TWO_STAGES, **blocks, **IMPORTED},
            "_kw_requires_import": list(IMPORTED),
        },
        "batch_dice": False,
        **changes,
    }


def plans(dataset_name: str, n_channels: int, network: str = PLAIN, **changes: Any) -> dict[str, Any]:
    """Return plans.json of a data set; keywords replace parts of it."""
    intensities = {
        "max": 3000.0, "mean": 20.0, "median": 20.0, "min": -1000.0,
        "percentile_00_5": -900.0, "percentile_99_5": 900.0, "std": 100.0,
    }  # fmt: skip
    return {
        "dataset_name": dataset_name,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [4.0, 4.0, 4.0],
        "original_median_shape_after_transp": [12, 24, 20],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"3d_fullres": configuration(n_channels, network)},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {str(n): intensities for n in range(n_channels)},
        **changes,
    }


def dataset(channels: Sequence[str], labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return dataset.json."""
    return {
        "channel_names": {str(n): name for n, name in enumerate(channels)},
        "labels": dict(labels),
        "numTraining": 7,
        "file_ending": ".nii.gz",
    }


def network(n_inputs: int, n_outputs: int, name: str = PLAIN, seed: int = 0) -> nn.Module:
    """Return the network that :func:`configuration` plans, with heads that tell voxels apart."""
    torch.manual_seed(seed)
    parts = {"conv_op": nn.Conv3d, "norm_op": nn.InstanceNorm3d, "dropout_op": None, "nonlin": nn.LeakyReLU}
    if name == RESIDUAL:
        built: nn.Module = ResidualEncoderUNet(
            input_channels=n_inputs, num_classes=n_outputs, n_blocks_per_stage=[1, 1], **TWO_STAGES, **parts
        )
    else:
        built = PlainConvUNet(
            input_channels=n_inputs, num_classes=n_outputs, n_conv_per_stage=[1, 1], **TWO_STAGES, **parts
        )
    head = built.decoder.seg_layers[-1]
    classes, features = torch.arange(n_outputs)[:, None], torch.arange(2)[None]
    with torch.no_grad():
        head.weight[:] = 2 * torch.cos(1.7 * classes + 3.1 * features)[..., None, None, None]
        head.bias[:] = 0
    return built


def says(n_inputs: int, *biases: float, name: str = PLAIN) -> dict[str, torch.Tensor]:
    """Return the weights of a network that says the same of every voxel: one logit a class."""
    built = network(n_inputs, len(biases), name)
    head = built.decoder.seg_layers[-1]
    with torch.no_grad():
        head.weight[:] = 0
        head.bias[:] = torch.tensor(biases)
    return dict(built.state_dict())


def brightness_network() -> nn.Module:
    """Return a network of one input that says 1 where the image lies above its mean over the window, else 0."""
    built = network(1, 2)
    with torch.no_grad():
        for module in built.modules():
            if isinstance(module, nn.Conv3d):
                module.weight[:], module.bias[:] = 0, 0
                centre = tuple(size // 2 for size in module.kernel_size)
                for channel in range(min(module.weight.shape[:2])):
                    module.weight[(channel, channel, *centre)] = 1
            elif isinstance(module, nn.InstanceNorm3d):
                module.weight[:], module.bias[:] = 1, 0
            elif isinstance(module, nn.ConvTranspose3d):
                module.weight[:], module.bias[:] = 0, 0
        # the decoder sees what comes from below first and the skipped channels after it
        merged = next(module for module in built.decoder.stages[-1].modules() if isinstance(module, nn.Conv3d))
        merged.weight[:] = 0
        merged.weight[0, 2, 1, 1, 1] = 1
        head = built.decoder.seg_layers[-1]
        head.weight[:] = 0
        head.weight[1, 0] = 4
        head.bias[:] = torch.tensor([2.0, 0.0])
    return built


def checkpoint(weights: Mapping[str, torch.Tensor], **changes: Any) -> dict[str, Any]:
    """Return what nnU-Net's trainer saves, NumPy scalars in its curves included."""
    return {
        "network_weights": weights,
        "optimizer_state": {"state": {}, "param_groups": []},
        "grad_scaler_state": None,
        "logging": {"ema_fg_dice": [np.float64(0.5)], "lrs": [0.01], "dice_per_class_or_region": [[np.float32(0.5)]]},
        "_best_ema": np.float64(0.5),
        "current_epoch": 1,
        "init_args": {"configuration": "3d_fullres", "fold": 0, "device": torch.device("cpu")},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1, 2),
        **changes,
    }


def write_result(
    place: Path,
    plan: Mapping[str, Any],
    description: Mapping[str, Any],
    folds: Mapping[str, Mapping[str, Any]],
    *,
    file: str = "checkpoint_final.pth",
) -> Path:
    """Write one result; ``folds`` are checkpoints by the folds' names. Return its folder."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "plans.json").write_text(json.dumps(plan))
    (place / "dataset.json").write_text(json.dumps(description))
    for name, record in folds.items():
        (place / f"fold_{name}").mkdir()
        torch.save(dict(record), place / f"fold_{name}" / file)
    return place


def write_lesion_result(
    root: Path, *, folds: Sequence[str] = ("0",), labels: Mapping[str, Any] | None = None, **changes: Any
) -> Path:
    """Write the result of a hospital's own training on CT and PET; keywords change its plans."""
    names = labels or {"background": 0, "lesion": 1}
    states = {fold: checkpoint(network(2, len(names), seed=int(fold)).state_dict()) for fold in folds}
    plan = plans("Dataset900_OwnLesions", 2, **changes)
    place = root / "Dataset900_OwnLesions" / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    return write_result(place, plan, dataset(("CT", "PET"), names), states)
