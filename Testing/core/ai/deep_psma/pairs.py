"""Pairs of tracers in memory, on grids of their own that no axis permutation or sign survives unnoticed."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from psmacore.ai.preprocess.pairing import Pair, TracerImages
from psmacore.model.geometry import Geometry
from Testing.core.ai.preprocess.grids import an_oblique_grid

PSMA_GRID = an_oblique_grid(shape=(10, 14, 12), spacing_ijk_mm=(4.0, 4.0, 5.0))
FDG_GRID = an_oblique_grid(shape=(11, 13, 15), spacing_ijk_mm=(3.6, 3.6, 5.5))
PSMA_SUV, FDG_SUV = 3.0, 2.5


def a_rigid_transform() -> sitk.Euler3DTransform:
    """LPS points of the FDG study to those of the PSMA study."""
    return sitk.Euler3DTransform([-20.0, 60.0, -790.0], 0.05, -0.04, 0.07, [3.0, -2.0, 1.5])


def tracer_images(geometry: Geometry, threshold_suv: float, seed: int) -> TracerImages:
    """Return a smooth random PET, a fifth of it above the threshold, with liver, label 117 and parotid."""
    random = np.random.default_rng(seed)
    pet = random.gamma(2.0, 0.35 * threshold_suv, geometry.shape).astype(np.float32)
    organs = np.zeros(geometry.shape, np.uint16)
    organs[:4, 2:9, 3:9], organs[5:7, 3:6, 3:6], organs[8:, 8:, 8:] = 5, 117, 201
    return TracerImages(pet, organs, geometry, threshold_suv)


def a_pair() -> Pair:
    """Return two tracers, some degrees and mm apart."""
    psma_from_fdg = a_rigid_transform()
    return Pair(
        fdg=tracer_images(FDG_GRID, FDG_SUV, 1),
        psma=tracer_images(PSMA_GRID, PSMA_SUV, 2),
        psma_from_fdg=psma_from_fdg,
        fdg_from_psma=psma_from_fdg.GetInverse(),
    )


def a_pair_on_one_grid() -> Pair:
    """Return two tracers on one grid that nothing moves."""
    still = sitk.Euler3DTransform()
    return Pair(tracer_images(PSMA_GRID, FDG_SUV, 1), tracer_images(PSMA_GRID, PSMA_SUV, 2), still, still)
