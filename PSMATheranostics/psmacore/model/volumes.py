"""Voxels with their geometry: PET as stored, CT, SUV, organ labels and lesion segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import GeometryError
from psmacore.model.administration import PetAcquisition
from psmacore.model.geometry import Geometry
from psmacore.model.suv import SuvDerivation


@dataclass(frozen=True)
class StudyRef:
    """A study as the archive lists it (DICOM PS3.18 10.6, study level).

    ``date`` and ``time`` are DICOM DA and TM; nothing here may be logged but the UID.
    """

    study_uid: str
    patient_id: str = ""
    patient_name: str = ""
    patient_sex: str = ""
    patient_birth_date: str = ""
    date: str = ""
    time: str = ""
    description: str = ""
    accession_number: str = ""
    modalities: tuple[str, ...] = ()
    n_series: int | None = None
    n_instances: int | None = None


@dataclass(frozen=True)
class SeriesRef:
    """A series as the archive lists it (DICOM PS3.18 10.6, series level)."""

    study_uid: str
    series_uid: str
    modality: str = ""
    description: str = ""
    number: int | None = None
    date: str = ""
    time: str = ""
    n_instances: int | None = None


@dataclass(frozen=True)
class InstanceRef:
    """One stored image of a series and where its file lies."""

    sop_class_uid: str
    sop_instance_uid: str
    path: Path
    position_lps_mm: tuple[float, float, float]


@dataclass(frozen=True)
class SeriesHeader:
    """What names a loaded series: identity of patient, study and series, and its images in slice order k.

    ``findings`` are the geometry findings that did not forbid loading, in words. ``is_synthetic`` tells
    simulated images: (0008,001C) Synthetic Data is YES, or (0008,0008) Image Type says SIMULATED.
    """

    patient_id: str
    patient_sex: str
    patient_birth_date: str
    study_uid: str
    study_date: str
    study_time: str
    study_description: str
    series_uid: str
    series_description: str
    modality: str
    frame_of_reference_uid: str
    manufacturer: str
    model: str
    instances: tuple[InstanceRef, ...]
    findings: tuple[str, ...] = ()
    is_synthetic: bool = False


def _require_shape(values: NDArray[Any], geometry: Geometry) -> None:
    if values.shape != geometry.shape:
        raise GeometryError(f"voxels {values.shape} do not fill the grid {geometry.shape} (k, j, i)")


@dataclass(frozen=True, eq=False)
class PetVolume:
    """PET voxels in the units of the header.

    Parameters
    ----------
    values : numpy.ndarray
        ``(k, j, i)``, float32; stored value times slope plus intercept of its own slice, so in
        the unit that ``acquisition.units`` names.
    """

    values: NDArray[np.float32]
    geometry: Geometry
    header: SeriesHeader
    acquisition: PetAcquisition

    def __post_init__(self) -> None:
        _require_shape(self.values, self.geometry)


@dataclass(frozen=True, eq=False)
class CtVolume:
    """CT voxels in HU, ``(k, j, i)``, int16."""

    values: NDArray[np.int16]
    geometry: Geometry
    header: SeriesHeader

    def __post_init__(self) -> None:
        _require_shape(self.values, self.geometry)


@dataclass(frozen=True, eq=False)
class SuvVolume:
    """Standardized uptake values by body weight (SUVbw) in g/ml, ``(k, j, i)``, float32, with their derivation."""

    values: NDArray[np.float32]
    geometry: Geometry
    derivation: SuvDerivation

    def __post_init__(self) -> None:
        _require_shape(self.values, self.geometry)


@dataclass(frozen=True, eq=False)
class OrganMap:
    """Organ labels on a voxel grid.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(k, j, i)``, uint16: 0 background, 1 to 117 as TotalSegmentator v2 numbers them,
        201/202 parotid left/right, 203/204 submandibular, 205/206 lacrimal, 207/208 ureter.
    source : str
        Where the map comes from, in words for the report.
    """

    labels: NDArray[np.uint16]
    geometry: Geometry
    source: str = ""

    def __post_init__(self) -> None:
        _require_shape(self.labels, self.geometry)

    def mask(self, *numbers: int) -> NDArray[np.bool_]:
        """Return the voxels of the given labels, ``(k, j, i)``, bool; all False where none is present."""
        return np.isin(self.labels, numbers)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Non-overlapping segments on the PET grid.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(k, j, i)``, uint16: 0 background, n = segment number n, counted from 1.
    names : mapping of int to str
        Segment number to its label; empty where the source names none.
    """

    labels: NDArray[np.uint16]
    geometry: Geometry
    names: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_shape(self.labels, self.geometry)
