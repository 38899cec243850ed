"""Two made-up patients on a grid of 12 x 16 x 16 voxels, in published layouts, whose figures can be done by hand.

Uptake is 10 g/ml in two lesions and in a decoy, which fills the liver's middle, 0.5 elsewhere. With a threshold of
3 g/ml the hot voxels are those three boxes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

SHAPE = (12, 16, 16)
SPACING_MM = 5.0
VOXEL_ML = 0.125
LESIONS = (((2, 2, 2), (4, 4, 4)), ((8, 2, 2), (10, 4, 5)))  # 8 and 12 voxels
LIVER = ((4, 7, 7), (9, 13, 13))  # 180 voxels
DECOY = ((5, 8, 8), (8, 12, 12))  # 48 voxels, inside the liver
N_LESION, N_DECOY, N_LIVER = 20, 48, 180
LIVER_LABEL = 5


def image(
    *boxes: tuple[tuple[int, int, int], tuple[int, int, int]], inside: float, outside: float
) -> NDArray[np.float32]:
    values = np.full(SHAPE, outside, np.float32)
    for (k, j, i), (k_end, j_end, i_end) in boxes:
        values[k:k_end, j:j_end, i:i_end] = inside
    return values


def write_deep_psma(folder: Path, *, patients: tuple[str, ...] = ("train_0001", "train_0002")) -> Path:
    """Write the DEEP-PSMA layout; both tracers of a patient are alike and in place."""
    for patient in patients:
        for tracer in ("PSMA", "FDG"):
            case = folder / patient / tracer
            case.mkdir(parents=True)
            _write(image(*LESIONS, DECOY, inside=10, outside=0.5), case / "PET.nii.gz")
            _write(image(*LESIONS, inside=1, outside=0).astype(np.uint8), case / "TTB.nii.gz")
            _write(image(LIVER, inside=60, outside=0), case / "CT.nii.gz")
            _write(image(LIVER, inside=LIVER_LABEL, outside=0).astype(np.uint8), case / "totseg_24.nii.gz")
            (case / "threshold.json").write_text(json.dumps({"suv_threshold": 3.0}))
            sitk.WriteTransform(sitk.Euler3DTransform(), str(case / "rigid.tfm"))
    return folder


def write_autopet(folder: Path, *, tracer: str = "psma", lesion_free: tuple[str, ...] = ("b",)) -> Path:
    """Write the nnU-Net form of autoPET: patients a, b, c; those of ``lesion_free`` show the decoy alone."""
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    for patient in ("a", "b", "c"):
        lesions = () if patient in lesion_free else LESIONS
        name = f"{tracer}_{patient}_2024-01-01"
        _write(image(LIVER, inside=60, outside=0), folder / "imagesTr" / f"{name}_0000.nii.gz")
        _write(image(*lesions, DECOY, inside=10, outside=0.5), folder / "imagesTr" / f"{name}_0001.nii.gz")
        _write(image(*lesions, inside=1, outside=0).astype(np.uint8), folder / "labelsTr" / f"{name}.nii.gz")
    return folder


def _write(values: NDArray[np.float32] | NDArray[np.uint8], path: Path) -> None:
    picture = sitk.GetImageFromArray(values)
    picture.SetSpacing((SPACING_MM,) * 3)
    sitk.WriteImage(picture, str(path))
