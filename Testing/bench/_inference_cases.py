"""Simulated patients, or a PET of one's own, to images, gates and networks that inference is timed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from psmacore.ai.data.nifti import read_image
from psmacore.ai.networks.build import network_of
from psmacore.ai.preprocess.assemble import assemble
from psmacore.ai.preprocess.grid import AIR_HU
from psmacore.ai.weights import load_weights
from psmacore.model.geometry import Geometry
from psmacore.phantom.companion import plan_pair
from psmacore.phantom.course import plan_course, simulate_timepoint
from psmacore.phantom.ct import CtRequest, simulate_ct
from psmacore.registry.catalog import find_model
from psmacore.registry.manifest import ChannelName, Grid

SEED = 5000
PSMA_THRESHOLD_SUV = 3.0
LESION_64 = "inference-lesion-64"
_CUBE = Grid(patch=(64, 64, 64), overlap=0.5)
_NOISE_HU_1MM = 30.0


@dataclass(frozen=True, eq=False)
class BenchCase:
    """One image, the network that it is put through, and where the output is read.

    Parameters
    ----------
    weights : str
        ``shipped``, or ``random`` where the model has none yet: the masks are then noise, which is harder to equal
        bit for bit but says nothing of the Dice score of fast mode.
    """

    name: str
    network: nn.Module
    weights: str
    image: NDArray[np.float32]
    gate: NDArray[np.bool_]
    geometry: Geometry
    grid: Grid
    threshold_suv: float


def fixed_cases() -> Iterator[BenchCase]:
    """Yield whole-body PSMA at the published patch, the 64 x 64 x 64 lesion model on it, and sparse FDG."""
    psma, fdg = plan_pair(plan_course(SEED, n_timepoints=1))
    for plan, recipes in (
        (psma, (("inference-whole-body-psma", "lesion-unet-psma", None), (LESION_64, "lesion-unet-psma-sim", _CUBE))),
        (fdg, (("inference-sparse-fdg", "lesion-unet-fdg-sim", _CUBE),)),
    ):
        date = simulate_timepoint(plan, 0)
        request = CtRequest(
            date.pet_geometry, plan.body_from_lps(0), plan.lesions, date.decoys, 0, noise_hu_1mm=_NOISE_HU_1MM
        )
        ct = simulate_ct(plan.anatomies[0], request, np.random.default_rng(SEED)).astype(np.float32)
        channels = {ChannelName.PET: date.pet.suv, ChannelName.CT: ct}
        for name, model, grid in recipes:
            yield _case(name, model, channels, date.threshold_suv, date.pet_geometry, grid)


def case_of(volume: Path) -> BenchCase:
    """Return the 64 x 64 x 64 lesion model on a PET in SUV; its CT channel is air."""
    pet = read_image(volume.resolve())
    channels = {ChannelName.PET: pet.values, ChannelName.CT: np.full(pet.values.shape, AIR_HU, np.float32)}
    return _case(LESION_64, "lesion-unet-psma-sim", channels, PSMA_THRESHOLD_SUV, pet.geometry, _CUBE)


def _case(
    name: str,
    model_name: str,
    channels: dict[ChannelName, NDArray[np.float32]],
    threshold_suv: float,
    geometry: Geometry,
    grid: Grid | None,
) -> BenchCase:
    """Return a case on the PET's own grid, whatever grid the model was trained on."""
    model = find_model(model_name)
    torch.manual_seed(SEED)
    network = network_of(model.manifest).eval()
    if model.has_weights:
        load_weights(network, model)
    return BenchCase(
        name=name,
        network=network,
        weights="shipped" if model.has_weights else "random",
        image=assemble(model.manifest, channels, {ChannelName.PET: threshold_suv}),
        gate=channels[ChannelName.PET] >= threshold_suv,
        geometry=geometry,
        grid=grid or replace(model.manifest.grid, spacing_kji_mm=None),
        threshold_suv=threshold_suv,
    )
