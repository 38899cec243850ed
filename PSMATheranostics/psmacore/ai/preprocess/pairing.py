"""Both tracers of one patient, each on its own grid, to the images of both on one of these grids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.ai.data.case import ReferenceTracer
from psmacore.ai.preprocess.grid import Interpolation, resample
from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import ChannelName

TRACERS = (ReferenceTracer.FDG, ReferenceTracer.PSMA)
"""In the order of a paired model's outputs and of its targets."""

PET_CHANNELS = {ReferenceTracer.FDG: ChannelName.FDG_PET, ReferenceTracer.PSMA: ChannelName.PSMA_PET}
_ORGAN_CHANNELS = {ReferenceTracer.FDG: ChannelName.FDG_ORGANS, ReferenceTracer.PSMA: ChannelName.PSMA_ORGANS}


@dataclass(frozen=True, eq=False)
class TracerImages:
    """One tracer on its own PET grid.

    Parameters
    ----------
    pet : numpy.ndarray
        ``(k, j, i)``, float32, SUV in g/ml.
    organs : numpy.ndarray
        ``(k, j, i)``, uint16, organ labels on the same grid; those above 117 are left to the normalisation,
        which removes them (D10).
    threshold_suv : float
        In g/ml (D02).

    Raises
    ------
    GeometryError
        If an image does not fill the grid.
    """

    pet: NDArray[np.float32]
    organs: NDArray[np.uint16]
    geometry: Geometry
    threshold_suv: float

    def __post_init__(self) -> None:
        for name, values in (("PET", self.pet), ("organ map", self.organs)):
            if values.shape != self.geometry.shape:
                raise GeometryError(f"the {name} {values.shape} does not fill the grid {self.geometry.shape}")

    @property
    def is_hot(self) -> NDArray[np.bool_]:
        """``(k, j, i)``: where the PET reaches the threshold."""
        return np.asarray(self.pet >= np.float32(self.threshold_suv), dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class Pair:
    """Both tracers of one patient.

    Parameters
    ----------
    psma_from_fdg, fdg_from_psma : SimpleITK.Transform
        Rigid; take LPS points of one study to the same place of the body in the other. The former is
        ``FDG/rigid.tfm`` of the DEEP-PSMA layout, the latter ``PSMA/rigid.tfm``.
    name : str
        For error messages.
    """

    fdg: TracerImages
    psma: TracerImages
    psma_from_fdg: sitk.Transform
    fdg_from_psma: sitk.Transform
    name: str = "the pair"

    def of(self, tracer: ReferenceTracer) -> TracerImages:
        """Return one tracer's images."""
        return self.fdg if tracer is ReferenceTracer.FDG else self.psma

    def other_from(self, tracer: ReferenceTracer) -> sitk.Transform:
        """Return what takes a tracer's points to the other's: that tracer fixed, the other moving."""
        return self.psma_from_fdg if tracer is ReferenceTracer.FDG else self.fdg_from_psma


@dataclass(frozen=True, eq=False)
class PairedImages:
    """Images of both tracers on one grid, in their own units, as a paired model's channels name them."""

    geometry: Geometry
    channels: Mapping[ChannelName, NDArray[np.float32]]
    thresholds_suv: Mapping[ChannelName, float]


def other_of(tracer: ReferenceTracer) -> ReferenceTracer:
    """Return the other tracer of a pair."""
    return ReferenceTracer.PSMA if tracer is ReferenceTracer.FDG else ReferenceTracer.FDG


def images_on(pair: Pair, reference: ReferenceTracer) -> PairedImages:
    """Return both tracers on the grid of one of them, which is not resampled (D07, D08).

    The other tracer comes through the rigid transform: PET linearly, organ labels by nearest neighbour, 0 where it
    was not imaged. Training, evaluation and inference all get their channels here.

    Returns
    -------
    PairedImages
        ``fdg_pet``, ``fdg_organs``, ``psma_pet``, ``psma_organs`` in this order (D05).

    Raises
    ------
    GeometryError
        If the transform moves the other tracer's uptake out of the reference grid.
    """
    own, other = pair.of(reference), pair.of(other_of(reference))
    rigid = pair.other_from(reference)
    pet = resample(
        other.pet, other.geometry, own.geometry, interpolation=Interpolation.LINEAR, source_from_target=rigid
    )  # fmt: skip
    if other.pet.any() and not pet.any():
        raise GeometryError(f"{pair.name}: the rigid transform moves the other tracer's PET out of the reference grid")
    organs = resample(
        other.organs, other.geometry, own.geometry, interpolation=Interpolation.NEAREST, source_from_target=rigid
    )  # fmt: skip
    moved = TracerImages(pet, organs, own.geometry, other.threshold_suv)
    channels: dict[ChannelName, NDArray[np.float32]] = {}
    for tracer in TRACERS:
        images = own if tracer is reference else moved
        channels[PET_CHANNELS[tracer]] = images.pet
        channels[_ORGAN_CHANNELS[tracer]] = images.organs.astype(np.float32)
    thresholds = {PET_CHANNELS[tracer]: pair.of(tracer).threshold_suv for tracer in TRACERS}
    return PairedImages(own.geometry, channels, thresholds)
