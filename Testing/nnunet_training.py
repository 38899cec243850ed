"""A small nnU-Net that nnU-Net's own trainer trains on small simulated patients, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from psmacore.ai.nnunet.quiet import quietly
from Testing import nnunet_trees

NAME = "Dataset900_SimulatedLesions"
N_PATIENTS = 5
N_ITERATIONS = 80
SHAPE = (12, 24, 20)
PET_INTENSITIES = {
    "max": 10.0, "mean": 7.0, "median": 7.0, "min": 0.0, "percentile_00_5": 0.0, "percentile_99_5": 10.0, "std": 2.0,
}  # fmt: skip
THREE_STAGES = {  # nnU-Net's deep supervision leaves out the coarsest head, so two are the least
    "n_stages": 3,
    "features_per_stage": [6, 12, 12],
    "kernel_sizes": [[3, 3, 3]] * 3,
    "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
    "n_conv_per_stage": [1, 1, 1],
    "n_conv_per_stage_decoder": [1, 1],
}
SPACING_IJK_MM = (4.0, 4.5, 5.0)


def simulated_patient(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """Return CT (HU), PET (g/ml) and lesions, ``(k, j, i)``: tissue, a warm liver, two hot lesions."""
    random = np.random.default_rng(seed)
    pet = random.normal(0.8, 0.05, SHAPE).astype(np.float32)
    pet[6:10, 3:10, 12:19] = 1.5
    lesions = np.zeros(SHAPE, np.uint8)
    for _ in range(2):
        k, j, i = (int(random.integers(0, size - 4)) for size in SHAPE)
        lesions[k : k + 4, j : j + 4, i : i + 4] = 1
    pet[lesions > 0] = float(random.uniform(5, 10))
    return random.normal(20, 10, SHAPE).astype(np.float32), pet, lesions


def train_small_nnunet(root: Path, monkeypatch: pytest.MonkeyPatch, folds: tuple[int, ...] = (0,)) -> Path:
    """Train one epoch a fold and return the result folder: plans, data set, folds, as nnU-Net leaves them.

    Preprocessing and training are nnU-Net's; its planning, which asks for gigabytes, is replaced by small plans.
    """
    for name in ("raw", "preprocessed", "results"):
        monkeypatch.setenv(f"nnUNet_{name}", str(root / name))
    monkeypatch.setenv("nnUNet_n_proc_DA", "0")
    monkeypatch.setenv("nnUNet_compile", "f")
    plan = nnunet_trees.plans(NAME, 2)
    planned = plan["configurations"]["3d_fullres"]
    planned["architecture"]["arch_kwargs"].update(THREE_STAGES)
    plan["foreground_intensity_properties_per_channel"]["1"] = PET_INTENSITIES
    description = nnunet_trees.dataset(("CT", "PET"), {"background": 0, "lesion": 1})
    raw, preprocessed = root / "raw" / NAME, root / "preprocessed" / NAME
    (raw / "imagesTr").mkdir(parents=True)
    (preprocessed / "nnUNetPlans_3d_fullres").mkdir(parents=True)
    for folder in (raw, preprocessed):
        (folder / "dataset.json").write_text(json.dumps(description))
    (preprocessed / "nnUNetPlans.json").write_text(json.dumps(plan))
    (preprocessed / "dataset_fingerprint.json").write_text("{}")
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - nnU-Net's own source of chance
    with quietly():
        _preprocess(raw, preprocessed, plan, description)
        for fold in folds:
            _train(plan, description, fold)
    return root / "results" / NAME / "nnUNetTrainer__nnUNetPlans__3d_fullres"


def _preprocess(raw: Path, preprocessed: Path, plan: dict[str, object], description: dict[str, object]) -> None:
    from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    manager = PlansManager(plan)
    names = [f"patient_{number}" for number in range(N_PATIENTS)]
    for number, name in enumerate(names):
        files = [raw / "imagesTr" / f"{name}_000{channel}.nii.gz" for channel in range(2)]
        files.append(raw / f"{name}.nii.gz")
        for values, file in zip(simulated_patient(number), files, strict=True):
            image = sitk.GetImageFromArray(values)
            image.SetSpacing(SPACING_IJK_MM)
            sitk.WriteImage(image, str(file))
        DefaultPreprocessor(verbose=False).run_case_save(
            str(preprocessed / "nnUNetPlans_3d_fullres" / name),
            [str(file) for file in files[:2]],
            str(files[2]),
            manager,
            manager.get_configuration("3d_fullres"),
            description,
        )
    splits = [{"train": names[1:], "val": names[:1]}, {"train": names[:-1], "val": names[-1:]}]
    (preprocessed / "splits_final.json").write_text(json.dumps(splits))


def _train(plan: dict[str, object], description: dict[str, object], fold: int) -> None:
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    trainer = nnUNetTrainer({**plan, "continue_training": False}, "3d_fullres", fold, description, torch.device("cpu"))
    trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch = 1, N_ITERATIONS, 1
    trainer.run_training()
