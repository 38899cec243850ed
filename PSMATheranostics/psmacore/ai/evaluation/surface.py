"""Two masks of one case to the agreement of their surfaces."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.ai.evaluation.overlap import box_of_both
from psmacore.errors import GeometryError, UsageError
from psmacore.model.geometry import Geometry


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """Distances between the surfaces of truth and prediction: the one costly measurement.

    Parameters
    ----------
    to_prediction_mm, to_truth_mm : numpy.ndarray
        ``(n,)``: of each surface element of the truth to the predicted surface, and the other way round; infinite
        where the other surface is empty.
    true_areas_mm2, predicted_areas_mm2 : numpy.ndarray
        ``(n,)``: area of each element.
    """

    to_prediction_mm: NDArray[np.float64]
    to_truth_mm: NDArray[np.float64]
    true_areas_mm2: NDArray[np.float64]
    predicted_areas_mm2: NDArray[np.float64]


def measure_surfaces(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_], *, spacing_kji_mm: tuple[float, float, float]
) -> SurfaceDistances:
    """Measure the distances between two surfaces, with the area of every surface element.

    Parameters
    ----------
    truth, prediction : numpy.ndarray
        ``(k, j, i)``, bool, on one grid.
    spacing_kji_mm : tuple of float
        Distance between voxel centres.

    Returns
    -------
    SurfaceDistances
        Without elements where a mask is empty. Voxels beyond the volume are background.

    Raises
    ------
    GeometryError
        If the shapes differ.

    References
    ----------
    Nikolov et al., arXiv:1809.04430 (surface elements between 2 x 2 x 2 voxels, by their area); MONAI's
    ``get_edge_surface_distance(use_subvoxels=True)``, which computes them in the same way.
    """
    box, none = _box(truth, prediction), np.zeros(0)
    truth, prediction = truth[box], prediction[box]
    if truth.any() and prediction.any():
        (areas, other), (to_truth, to_prediction) = _monai_surfaces(prediction, truth, spacing_kji_mm)
        return SurfaceDistances(to_prediction, to_truth, other, areas)
    true, predicted = (
        _monai_surfaces(mask, mask, spacing_kji_mm)[0][0] if mask.any() else none for mask in (truth, prediction)
    )
    return SurfaceDistances(np.full(len(true), np.inf), np.full(len(predicted), np.inf), true, predicted)


def surface_dsc(distances: SurfaceDistances, *, tolerance_mm: float) -> float:
    """Return the part of both surfaces, by area, that lies within ``tolerance_mm`` of the other.

    NaN where the truth is empty; 0 where only the prediction is.

    Raises
    ------
    UsageError
        If the tolerance is negative or no number.

    References
    ----------
    Nikolov et al., arXiv:1809.04430, surface DSC at a tolerance.
    """
    if not tolerance_mm >= 0:
        raise UsageError(f"a tolerance must be 0 mm or more, not {tolerance_mm!r}")
    if not distances.true_areas_mm2.size:
        return float("nan")
    matching = distances.true_areas_mm2[distances.to_prediction_mm <= tolerance_mm].sum()
    matching += distances.predicted_areas_mm2[distances.to_truth_mm <= tolerance_mm].sum()
    return float(matching / (distances.true_areas_mm2.sum() + distances.predicted_areas_mm2.sum()))


def challenge_surface_dsc(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """Return the part of both surfaces' voxels that they share: zero tolerance on the voxel grid.

    A surface voxel has a face neighbour outside of its mask; what lies beyond the volume is no neighbour. NaN where
    the truth is empty or neither mask has a surface; 0 where only the prediction is empty.

    Raises
    ------
    GeometryError
        If the shapes differ.

    References
    ----------
    D17: ``get_surface_dice`` of evaluation.py, github.com/Peter-MacCallum-Cancer-Centre/DEEP-PSMA, commit 1f046ee:
    twice the truth's contour voxels at distance exactly 0 from the prediction's, over all contour voxels. This is
    that figure free of rounding; :func:`released_surface_dsc` is the code's own.
    """
    box = _box(truth, prediction)
    surfaces = [_contour(_image(mask[box])) for mask in (truth, prediction)]
    true, predicted = (sitk.GetArrayViewFromImage(surface) == 1 for surface in surfaces)
    return _share(int(np.count_nonzero(true & predicted)), true, predicted, truth)


def released_surface_dsc(truth: NDArray[np.bool_], prediction: NDArray[np.bool_], geometry: Geometry) -> float:
    """Return the surface DSC that the challenge's released code gives, rounding included.

    The code asks where a distance map in mm is exactly 0. With voxel sizes such as 4.07 mm the filter's rounding
    leaves some surface voxels at 1e-6 mm, so that even a perfect prediction scores below 1. Only for comparison
    with published tables; :func:`challenge_surface_dsc` is what was meant.

    Parameters
    ----------
    truth, prediction : numpy.ndarray
        ``(k, j, i)``, bool; whole volumes, since the rounding depends on where a voxel lies.
    geometry : Geometry
        Their grid.

    Returns
    -------
    float
        NaN and 0 as :func:`challenge_surface_dsc`.

    Raises
    ------
    GeometryError
        If a mask does not fill the grid.
    """
    _box(truth, prediction)
    if truth.shape != geometry.shape:
        raise GeometryError(f"the masks {truth.shape} do not fill the grid {geometry.shape} (k, j, i)")
    spacing_mm = [float(value) for value in geometry.spacing_ijk_mm]
    surfaces = [_contour(_image(mask, spacing_mm)) for mask in (truth, prediction)]
    true, predicted = (sitk.GetArrayViewFromImage(surface) == 1 for surface in surfaces)
    if not (true.any() and predicted.any()):
        return _share(0, true, predicted, truth)
    distance = sitk.Abs(sitk.SignedMaurerDistanceMap(surfaces[1], squaredDistance=False, useImageSpacing=True))
    n_shared = int(np.count_nonzero(sitk.GetArrayViewFromImage(distance)[true] == 0))
    return _share(n_shared, true, predicted, truth)


def _share(n_shared: int, true: NDArray[np.bool_], predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return twice the shared surface voxels over all; NaN where there are none or there is no truth."""
    n_voxels = np.count_nonzero(true) + np.count_nonzero(predicted)
    return 2.0 * n_shared / n_voxels if n_voxels and truth.any() else float("nan")


def _image(mask: NDArray[np.bool_], spacing_ijk_mm: list[float] | None = None) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(mask).view(np.uint8))
    if spacing_ijk_mm is not None:
        image.SetSpacing(spacing_ijk_mm)
    return image


def _contour(image: sitk.Image) -> sitk.Image:
    return sitk.LabelContour(image, False)


def _box(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """Return the box of both masks, one voxel of the whole volume where both are empty."""
    if truth.shape != prediction.shape:
        raise GeometryError(f"the prediction has {prediction.shape} voxels, the truth {truth.shape} (k, j, i)")
    box = box_of_both(truth, prediction, margin=1)
    return box if box[0].stop else (slice(0, 1), slice(0, 1), slice(0, 1))


def _monai_surfaces(
    first: NDArray[np.bool_], second: NDArray[np.bool_], spacing_kji_mm: tuple[float, float, float]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Return of each mask the elements' areas, and their distances to the other; neither mask may be empty."""
    import torch
    from monai.metrics.utils import get_edge_surface_distance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MONAI 1.6 passes itself an argument that it deprecates
        edges, distances, areas = get_edge_surface_distance(
            torch.from_numpy(np.ascontiguousarray(first)),
            torch.from_numpy(np.ascontiguousarray(second)),
            spacing=np.asarray(spacing_kji_mm),
            use_subvoxels=True,
            symmetric=True,
        )
    elements = [np.asarray(area)[np.asarray(edge)] for area, edge in zip(areas, edges, strict=True)]
    return (
        [np.asarray(area, dtype=np.float64) for area in elements],
        [np.asarray(distance, dtype=np.float64) for distance in distances],
    )
