"""Small data sets in the published layouts, written by nibabel (RAS) so that reading in LPS is put to the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.model.geometry import Geometry
from Testing.core.ai.preprocess.grids import an_oblique_grid

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

PET_GRID = an_oblique_grid(shape=(9, 10, 12), spacing_ijk_mm=(4.0, 4.0, 5.0))
FDG_GRID = an_oblique_grid(shape=(10, 11, 12), spacing_ijk_mm=(3.6, 3.6, 5.5))
CT_GRID = an_oblique_grid(shape=(17, 24, 26), spacing_ijk_mm=(2.0, 2.0, 3.0))


def write(path: Path, values: NDArray[Any], geometry: Geometry) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(np.ascontiguousarray(values.T), RAS_FROM_LPS @ geometry.lps_from_ijk)
    nibabel.save(image, path)


def a_pet(geometry: Geometry, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).gamma(2.0, 0.8, geometry.shape).astype(np.float32)


def a_ct(geometry: Geometry) -> NDArray[np.int16]:
    ct = np.full(geometry.shape, -1000, np.int16)
    ct[2:-2, 2:-2, 2:-2] = 40
    return ct


def an_autopet_study(folder: Path, *, seed: int = 0, has_lesion: bool = True) -> None:
    pet = a_pet(PET_GRID, seed)
    mask = np.zeros(pet.shape, np.uint8)
    if has_lesion:
        mask[2:4, 3:6, 4:9] = 1
    write(folder / "SUV.nii.gz", pet, PET_GRID)
    write(folder / "CTres.nii.gz", a_ct(PET_GRID), PET_GRID)
    write(folder / "SEG.nii.gz", mask, PET_GRID)


def an_nnunet_study(root: Path, case_id: str, *, seed: int = 0, has_lesion: bool = True) -> None:
    pet = a_pet(PET_GRID, seed)
    mask = np.zeros(pet.shape, np.uint8)
    mask[1, 2, 3] = has_lesion
    write(root / "imagesTr" / f"{case_id}_0000.nii.gz", a_ct(PET_GRID), PET_GRID)
    write(root / "imagesTr" / f"{case_id}_0001.nii.gz", pet, PET_GRID)
    write(root / "labelsTr" / f"{case_id}.nii.gz", mask, PET_GRID)


def a_rigid_transform() -> sitk.Euler3DTransform:
    """LPS points of the FDG study's patient to those of the PSMA study's: FDG fixed, PSMA moving."""
    return sitk.Euler3DTransform([-20.0, 60.0, -790.0], 0.04, -0.03, 0.06, [4.0, -3.0, 2.0])


def a_deep_psma_case(folder: Path) -> None:
    for tracer, grid, threshold, seed in (("PSMA", PET_GRID, 3.0, 1), ("FDG", FDG_GRID, 2.5, 2)):
        pet = a_pet(grid, seed)
        tumour = np.zeros(grid.shape, np.uint8)
        tumour[3:6, 4:8, 4:9] = 1
        pet[tumour > 0] += 5.0
        organs = np.zeros(CT_GRID.shape, np.uint8)
        organs[2:8, 3:20, 3:20] = 5
        organs[8:12, 3:20, 3:20] = 117
        organs[12:16, 3:20, 3:20] = 208
        write(folder / tracer / "PET.nii.gz", pet, grid)
        write(folder / tracer / "TTB.nii.gz", tumour, grid)
        write(folder / tracer / "CT.nii.gz", a_ct(CT_GRID), CT_GRID)
        write(folder / tracer / "totseg_24.nii.gz", organs, CT_GRID)
        (folder / tracer / "threshold.json").write_text(json.dumps({"suv_threshold": threshold}))
    psma_from_fdg = a_rigid_transform()
    sitk.WriteTransform(psma_from_fdg, str(folder / "FDG" / "rigid.tfm"))
    sitk.WriteTransform(psma_from_fdg.GetInverse(), str(folder / "PSMA" / "rigid.tfm"))
