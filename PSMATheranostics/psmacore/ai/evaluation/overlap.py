"""Two masks of one case to their counts, and counts to the volume metrics of the challenges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import cc3d
import numpy as np
from numpy.typing import NDArray

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.lesions.checks import require_finite

CONNECTIVITY: Literal[18] = 18  # of components in FPV and FNV: autoPET's and DEEP-PSMA's evaluation code (D17)
_PERCENT = 100.0


@dataclass(frozen=True, eq=False)
class Components:
    """The 18-connected components of one mask.

    Parameters
    ----------
    n_voxels : numpy.ndarray
        ``(n,)``, int64: voxels of each component; empty where the mask is.
    n_shared : numpy.ndarray
        ``(n,)``, int64: how many of them the other mask holds too.
    """

    n_voxels: NDArray[np.int64]
    n_shared: NDArray[np.int64]

    @property
    def is_missed(self) -> NDArray[np.bool_]:
        """``(n,)``: the components that share no voxel with the other mask."""
        return np.asarray(self.n_shared == 0, dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class Overlap:
    """What truth and prediction of one case have in common: the one costly measurement.

    Parameters
    ----------
    voxel_ml : float
        Volume of one voxel.
    n_true, n_predicted, n_shared : int
        Voxels of the truth, of the prediction, and of both.
    true_components, predicted_components : Components
        18-connected.
    suv_mean_true, suv_mean_predicted : float
        Mean SUV in g/ml within truth and prediction; NaN where that is empty or no SUV was given.
    """

    voxel_ml: float
    n_true: int
    n_predicted: int
    n_shared: int
    true_components: Components
    predicted_components: Components
    suv_mean_true: float = float("nan")
    suv_mean_predicted: float = float("nan")

    @cached_property
    def lesion_ml(self) -> NDArray[np.float64]:
        """``(n,)``: volume in ml of each lesion of the truth."""
        return np.asarray(self.true_components.n_voxels * self.voxel_ml, dtype=np.float64)


def measure_overlap(
    truth: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    *,
    voxel_ml: float,
    suv: NDArray[np.float32] | None = None,
) -> Overlap:
    """Count what two masks share.

    Parameters
    ----------
    truth, prediction : numpy.ndarray
        ``(k, j, i)``, bool, on one grid: the native grid of the PET.
    voxel_ml : float
        Volume of one voxel in ml.
    suv : numpy.ndarray, optional
        ``(k, j, i)``, float32, g/ml, on the same grid.

    Returns
    -------
    Overlap
        All counts 0 and no components where both masks are empty.

    Raises
    ------
    GeometryError
        If the shapes differ or the voxels have no volume.
    InputRefusedError
        If a mask is not bool or the SUV holds NaN or infinity.
    """
    _require_masks(truth, prediction)
    if not (np.isfinite(voxel_ml) and voxel_ml > 0):
        raise GeometryError(f"a voxel needs a volume; voxel_ml is {voxel_ml!r}")
    if suv is not None:
        if suv.shape != truth.shape:
            raise GeometryError(f"the SUV has {suv.shape} voxels, the truth {truth.shape} (k, j, i)")
        require_finite(suv, "SUV")
    box = box_of_both(truth, prediction)
    truth, prediction = truth[box], prediction[box]
    shared = truth & prediction
    return Overlap(
        voxel_ml=float(voxel_ml),
        n_true=int(np.count_nonzero(truth)),
        n_predicted=int(np.count_nonzero(prediction)),
        n_shared=int(np.count_nonzero(shared)),
        true_components=_components(truth, shared),
        predicted_components=_components(prediction, shared),
        suv_mean_true=float("nan") if suv is None else _mean(suv[box], truth),
        suv_mean_predicted=float("nan") if suv is None else _mean(suv[box], prediction),
    )


def box_of_both(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_], *, margin: int = 0
) -> tuple[slice, slice, slice]:
    """Return the box ``(k, j, i)`` that holds both masks, with ``margin`` voxels around; empty where both are."""
    union = truth | prediction
    slices = []
    for axis in range(3):
        present = np.flatnonzero(union.any(axis=tuple(other for other in range(3) if other != axis)))
        if not present.size:
            return slice(0, 0), slice(0, 0), slice(0, 0)
        slices.append(slice(max(0, int(present[0]) - margin), int(present[-1]) + 1 + margin))
    return slices[0], slices[1], slices[2]


def dsc(overlap: Overlap) -> float:
    """Return the Dice similarity coefficient ``2 |T and P| / (|T| + |P|)``.

    NaN where the truth is empty (autoPET III: only FPV counts in such a case); 0 where only the prediction is.
    """
    if overlap.n_true == 0:
        return float("nan")
    return 2.0 * overlap.n_shared / (overlap.n_true + overlap.n_predicted)


def fpv_ml(overlap: Overlap) -> float:
    """Return the false positive volume: predicted components without any overlap, in ml; 0 where none is (D17)."""
    missed = overlap.predicted_components
    return float(missed.n_voxels[missed.is_missed].sum()) * overlap.voxel_ml


def fnv_ml(overlap: Overlap) -> float:
    """Return the false negative volume: components of the truth without any overlap, in ml (D17).

    NaN where the truth is empty, as autoPET III has it (the DEEP-PSMA code, whose cases all have lesions, gives 0).
    """
    if overlap.n_true == 0:
        return float("nan")
    missed = overlap.true_components
    return float(missed.n_voxels[missed.is_missed].sum()) * overlap.voxel_ml


def volume_change_percent(overlap: Overlap) -> float:
    """Return how much larger the predicted volume is than the true one, in % of it; NaN where the truth is empty."""
    if overlap.n_true == 0:
        return float("nan")
    return _PERCENT * (overlap.n_predicted - overlap.n_true) / overlap.n_true


def delta_mtv_percent(overlap: Overlap) -> float:
    """Return the error of the tumour volume without its sign, in % of the truth; NaN where the truth is empty.

    The challenge ranks the mean of this over the cases (D17: ΔMTV, FDG).
    """
    return abs(volume_change_percent(overlap))


def delta_suv_mean_percent(overlap: Overlap) -> float:
    """Return the error of the mean SUV without its sign, in % of the truth (D17: ΔSUVmean, PSMA).

    NaN where the truth is empty or has mean 0. An empty prediction has no mean: it counts as 0 g/ml, thus 100 %.
    """
    if overlap.n_true == 0 or not overlap.suv_mean_true > 0:
        return float("nan")
    predicted = overlap.suv_mean_predicted if overlap.n_predicted else 0.0
    return _PERCENT * abs(predicted - overlap.suv_mean_true) / overlap.suv_mean_true


def lesion_sensitivity(overlap: Overlap) -> float:
    """Return the part of the truth's components that the prediction touches; NaN where there is none."""
    return _part(~overlap.true_components.is_missed)


def lesion_precision(overlap: Overlap) -> float:
    """Return the part of the predicted components that touch the truth; NaN where nothing is predicted."""
    return _part(~overlap.predicted_components.is_missed)


def _part(is_hit: NDArray[np.bool_]) -> float:
    return float(is_hit.mean()) if is_hit.size else float("nan")


def _components(mask: NDArray[np.bool_], shared: NDArray[np.bool_]) -> Components:
    if not mask.any():
        return Components(np.zeros(0, np.int64), np.zeros(0, np.int64))
    labels = cc3d.connected_components(np.ascontiguousarray(mask), connectivity=CONNECTIVITY)
    n_voxels = np.bincount(labels[mask])[1:]
    n_shared = np.bincount(labels[shared], minlength=len(n_voxels) + 1)[1:]
    return Components(n_voxels.astype(np.int64), n_shared.astype(np.int64))


def _mean(suv: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    return float(suv[mask].mean(dtype=np.float64)) if mask.any() else float("nan")


def _require_masks(truth: NDArray[Any], prediction: NDArray[Any]) -> None:
    for name, mask in (("truth", truth), ("prediction", prediction)):
        if mask.ndim != 3:
            raise GeometryError(f"the {name} must have three axes (k, j, i), not shape {mask.shape}")
        if mask.dtype != np.bool_:
            raise InputRefusedError(f"the {name} must be a mask of bool voxels, not {mask.dtype}")
    if truth.shape != prediction.shape:
        raise GeometryError(f"the prediction has {prediction.shape} voxels, the truth {truth.shape} (k, j, i)")
