"""One case of a data set: where its files lie, and its images on one voxel grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import ChannelName


class Layout(StrEnum):
    """Published layouts that can be read."""

    AUTOPET = "autopet"
    DEEP_PSMA = "deep-psma"
    PROSTATE_CT = "prostate-ct"


class ReferenceTracer(StrEnum):
    """Tracer whose grid a paired case lies on; both copies of a case belong to one split (D07)."""

    PSMA = "psma"
    FDG = "fdg"


@dataclass(frozen=True)
class CaseRef:
    """A case as found on disk, not yet read.

    Parameters
    ----------
    case_id : str
        Unique in the data set.
    patient_id : str
        Splits keep a patient together (W70).
    folder : pathlib.Path
        The case's own folder (or the data set's, where files of all cases lie together).
    tracer : str
        ``psma``, ``fdg``, or empty where the case holds both or none.
    reference : ReferenceTracer or None
        For paired cases: whose grid to bring both tracers to.
    """

    case_id: str
    patient_id: str
    layout: Layout
    folder: Path
    tracer: str = ""
    reference: ReferenceTracer | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """A case that has been read.

    Parameters
    ----------
    channels : mapping of ChannelName to numpy.ndarray
        ``(k, j, i)``, float32, in the unit of the image (g/ml, HU, label number); not yet normalised.
    target : numpy.ndarray or None
        ``(k, j, i)``, uint8 or uint16 label numbers as the model's outputs name them; for overlapping outputs
        ``(n, k, j, i)``, uint8, one binary map each (FDG first, then PSMA for paired lesions).
    thresholds_suv : mapping of ChannelName to float
        SUV threshold in g/ml of each PET channel, where the data set states one.
    has_lesion : bool or None
        Of the whole study.
    """

    ref: CaseRef
    geometry: Geometry
    channels: Mapping[ChannelName, NDArray[np.float32]]
    target: NDArray[np.uint8] | NDArray[np.uint16] | None = None
    thresholds_suv: Mapping[ChannelName, float] = field(default_factory=dict)
    has_lesion: bool | None = None

    def __post_init__(self) -> None:
        for name, values in self.channels.items():
            if values.shape != self.geometry.shape:
                raise GeometryError(f"channel {name} {values.shape} does not fill the grid {self.geometry.shape}")
        if self.target is not None and self.target.shape[-3:] != self.geometry.shape:
            raise GeometryError(f"the target {self.target.shape} does not fill the grid {self.geometry.shape}")
