"""Masks or labels of a case to the record of its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.evaluation import overlap as volumes
from psmacore.ai.evaluation import surface
from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry
from psmacore.pipeline.evaluate_request import DEFAULT_TOLERANCE_MM
from psmacore.registry.manifest import OutputClass


class Figure(StrEnum):
    """Figures of one structure in one case, by their name in results.

    ``SURFACE_DSC`` has zero tolerance and is free of rounding, ``SURFACE_DSC_RELEASED`` is what the challenge's
    code gives, ``SURFACE_DSC_AT_TOLERANCE`` is DeepMind's.
    """

    DSC = "dsc"
    SURFACE_DSC = "surface_dsc"
    SURFACE_DSC_RELEASED = "surface_dsc_released"
    SURFACE_DSC_AT_TOLERANCE = "surface_dsc_at_tolerance"
    FPV_ML = "fpv_ml"
    FNV_ML = "fnv_ml"
    DELTA_MTV_PERCENT = "delta_mtv_percent"
    VOLUME_CHANGE_PERCENT = "volume_change_percent"
    DELTA_SUV_MEAN_PERCENT = "delta_suv_mean_percent"
    LESION_SENSITIVITY = "lesion_sensitivity"
    LESION_PRECISION = "lesion_precision"


@dataclass(frozen=True)
class LesionFound:
    """One 18-connected lesion of the truth, and the part of its voxels that was predicted."""

    volume_ml: float
    part_found: float


@dataclass(frozen=True)
class StructureResult:
    """One structure of one case.

    Parameters
    ----------
    structure : str
        ``lesion``, a tracer's lesions (``psma``, ``fdg``) or an organ.
    true_ml, predicted_ml : float
        Volumes.
    figures : mapping of Figure to float
        NaN where the case has no such figure.
    lesions : tuple of LesionFound
        Of lesion models.
    """

    structure: str
    true_ml: float
    predicted_ml: float
    figures: Mapping[Figure, float]
    lesions: tuple[LesionFound, ...] = ()


@dataclass(frozen=True)
class CaseResult:
    """One case that was evaluated.

    Parameters
    ----------
    case_id, patient_id : str
        As in the data set; the patient's is for the bootstrap and is not written to results.
    tracer : str
        ``psma``, ``fdg`` or empty.
    scan_range : str
        A value of :class:`psmacore.lesions.scan_range.ScanRange`, by the length of the volume.
    structures : tuple of StructureResult
        What a segmentation model is measured on.
    is_positive, probability : bool and float, or None
        Truth and answer of a classifier.
    seconds : float
        Time that the prediction took.
    """

    case_id: str
    patient_id: str
    tracer: str
    scan_range: str
    structures: tuple[StructureResult, ...] = ()
    is_positive: bool | None = None
    probability: float | None = None
    seconds: float = float("nan")


def measure_lesions(
    structure: str,
    truth: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    geometry: Geometry,
    *,
    suv: NDArray[np.float32],
    tolerance_mm: float = DEFAULT_TOLERANCE_MM,
) -> StructureResult:
    """Measure the lesions of one tracer.

    Parameters
    ----------
    structure : str
        Name in the results.
    truth, prediction : numpy.ndarray
        ``(k, j, i)``, bool, on the native PET grid.
    geometry : Geometry
        That grid.
    suv : numpy.ndarray
        ``(k, j, i)``, float32, g/ml.
    tolerance_mm : float
        Of DeepMind's surface DSC.

    Returns
    -------
    StructureResult
        Where the truth is empty only FPV is a number (autoPET III, evaluation and ranking).

    Raises
    ------
    GeometryError, InputRefusedError
        As :func:`~psmacore.ai.evaluation.overlap.measure_overlap`.
    """
    counts = volumes.measure_overlap(truth, prediction, voxel_ml=geometry.voxel_volume_ml, suv=suv)
    distances = surface.measure_surfaces(truth, prediction, spacing_kji_mm=geometry.spacing_kji_mm)
    parts = counts.true_components.n_shared / np.maximum(counts.true_components.n_voxels, 1)
    return StructureResult(
        structure=structure,
        true_ml=counts.n_true * counts.voxel_ml,
        predicted_ml=counts.n_predicted * counts.voxel_ml,
        figures={
            Figure.DSC: volumes.dsc(counts),
            Figure.SURFACE_DSC: surface.challenge_surface_dsc(truth, prediction),
            Figure.SURFACE_DSC_RELEASED: surface.released_surface_dsc(truth, prediction, geometry),
            Figure.SURFACE_DSC_AT_TOLERANCE: surface.surface_dsc(distances, tolerance_mm=tolerance_mm),
            Figure.FPV_ML: volumes.fpv_ml(counts),
            Figure.FNV_ML: volumes.fnv_ml(counts),
            Figure.DELTA_MTV_PERCENT: volumes.delta_mtv_percent(counts),
            Figure.VOLUME_CHANGE_PERCENT: volumes.volume_change_percent(counts),
            Figure.DELTA_SUV_MEAN_PERCENT: volumes.delta_suv_mean_percent(counts),
            Figure.LESION_SENSITIVITY: volumes.lesion_sensitivity(counts),
            Figure.LESION_PRECISION: volumes.lesion_precision(counts),
        },
        lesions=tuple(
            LesionFound(float(volume), float(part)) for volume, part in zip(counts.lesion_ml, parts, strict=True)
        ),
    )


def measure_labels(
    truth: NDArray[np.uint8] | NDArray[np.uint16],
    prediction: NDArray[np.uint8] | NDArray[np.uint16],
    outputs: tuple[OutputClass, ...],
    geometry: Geometry,
    *,
    tolerance_mm: float = DEFAULT_TOLERANCE_MM,
) -> tuple[StructureResult, ...]:
    """Measure every structure of a label map that truth or prediction hold.

    Parameters
    ----------
    truth, prediction : numpy.ndarray
        ``(k, j, i)``, uint8 or uint16, label numbers as ``outputs`` names them; other labels are background.
    outputs : tuple of OutputClass
        The model's; label 0 is background and not measured.
    geometry : Geometry
        Their grid.
    tolerance_mm : float
        Of DeepMind's surface DSC.

    Returns
    -------
    tuple of StructureResult
        In the order of ``outputs``, without those that neither map holds. A structure that only the prediction
        holds has no DSC, but its volume.

    Raises
    ------
    GeometryError
        If the maps do not fill the grid.
    """
    for name, labels in (("truth", truth), ("prediction", prediction)):
        if labels.shape != geometry.shape:
            raise GeometryError(f"the {name} {labels.shape} does not fill the grid {geometry.shape} (k, j, i)")
    present = {
        int(label) for labels in (truth, prediction) for label in np.flatnonzero(np.bincount(labels.reshape(-1)))
    }
    return tuple(
        _measure_label(output, truth == output.label, prediction == output.label, geometry, tolerance_mm)
        for output in outputs
        if output.label and output.label in present
    )


def _measure_label(
    output: OutputClass,
    truth: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    geometry: Geometry,
    tolerance_mm: float,
) -> StructureResult:
    box = volumes.box_of_both(truth, prediction, margin=1)
    truth, prediction = truth[box], prediction[box]
    counts = volumes.measure_overlap(truth, prediction, voxel_ml=geometry.voxel_volume_ml)
    distances = surface.measure_surfaces(truth, prediction, spacing_kji_mm=geometry.spacing_kji_mm)
    return StructureResult(
        structure=output.name,
        true_ml=counts.n_true * counts.voxel_ml,
        predicted_ml=counts.n_predicted * counts.voxel_ml,
        figures={
            Figure.DSC: volumes.dsc(counts),
            Figure.SURFACE_DSC_AT_TOLERANCE: surface.surface_dsc(distances, tolerance_mm=tolerance_mm),
            Figure.VOLUME_CHANGE_PERCENT: volumes.volume_change_percent(counts),
        },
    )
