"""A pair of tracers and a paired model, or all its folds, to lesion probabilities on either grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from psmacore.ai.data.case import ReferenceTracer
from psmacore.ai.deep_psma.postprocess import Growth, Mask, lesion_mask, moved_back
from psmacore.ai.inference.accumulate import BACKGROUND_LOGITS
from psmacore.ai.preprocess.grid import Interpolation, resample
from psmacore.ai.preprocess.pairing import TRACERS, Pair, images_on, other_of
from psmacore.ai.preprocess.prepare import restore
from psmacore.ai.segmenters.running import RunningModel
from psmacore.errors import ModelUnfitError
from psmacore.model.geometry import Geometry
from psmacore.pipeline.request import Postprocessing

_VOXELS_AT_ONCE = 1 << 20

Probabilities = Mapping[ReferenceTracer, NDArray[np.float32]]
"""By the tracer whose grid they lie on: ``(2, k, j, i)``, FDG's lesions first."""


@dataclass(frozen=True, eq=False)
class Found:
    """The lesions of one tracer on its own grid.

    Parameters
    ----------
    mask : numpy.ndarray
        ``(k, j, i)``, bool: after post-processing, at or above the threshold.
    predicted : numpy.ndarray
        ``(k, j, i)``, bool: what the model took for lesion before the threshold cut it; only as far as it was run.
    probability : numpy.ndarray
        ``(k, j, i)``, float32: the higher one of the ways that were used.
    """

    mask: Mask
    predicted: Mask
    probability: NDArray[np.float32]


def predict_pair(
    models: Sequence[RunningModel],
    pair: Pair,
    method: Postprocessing,
    *,
    references: Sequence[ReferenceTracer] = TRACERS,
    is_gated: bool = True,
    stage: str = "lesions",
    fractions: tuple[float, float] = (0.0, 1.0),
) -> Probabilities:
    """Run a model, or the mean of several, on the grids of the tracers named.

    Parameters
    ----------
    models : sequence of RunningModel
        One, or the folds of an ensemble, whose logits are averaged (D23).
    method : Postprocessing
        Decides which of the answers will be read.
    is_gated : bool
        Run only the windows whose answer can end at or above a threshold; masks are the same bit for bit.
        Without it nothing below the thresholds is missed (D28).
    fractions : tuple of float
        Of the job, at the start and at the end.

    Raises
    ------
    ModelUnfitError
        If folds of an ensemble read different images or patches.
    InputRefusedError, GeometryError
        See :func:`psmacore.ai.preprocess.pairing.images_on` and :func:`psmacore.ai.preprocess.prepare.prepare`.
    """
    _require_alike(models)
    found = {}
    start, step = fractions[0], (fractions[1] - fractions[0]) / max(len(references) * len(models), 1)
    for place, reference in enumerate(references):
        images = images_on(pair, reference)
        gate = gate_on(pair, reference, method) if is_gated else None
        total = np.zeros((len(TRACERS), *images.geometry.shape), np.float32)
        for number, model in enumerate(models):
            first = start + step * (place * len(models) + number)
            logits, prepared = model.logits(
                images.geometry,
                images.channels,
                images.thresholds_suv,
                gate=gate,
                stage=stage,
                fractions=(first, first + step),
            )
            total += restore(logits, prepared, fill=BACKGROUND_LOGITS)
        total /= np.float32(len(models))
        found[reference] = torch.from_numpy(total).sigmoid().numpy()
    return found


def lesions_of(
    tracer: ReferenceTracer,
    pair: Pair,
    probabilities: Probabilities,
    method: Postprocessing,
    *,
    operating_point: float,
    growth: Growth,
) -> Found:
    """Return one tracer's lesions on its own grid.

    Parameters
    ----------
    probabilities : mapping
        Of :func:`predict_pair`: on the tracer's own grid, and for both ways on the other's.
    operating_point : float
        Probability from which on a voxel is lesion, on the grid where it was predicted.
    """
    images, output = pair.of(tracer), TRACERS.index(tracer)
    probability = probabilities[tracer][output]
    own = np.asarray(probability >= np.float32(operating_point), dtype=np.bool_)
    predicted, other = own, None
    if method.is_both_ways:
        there = other_of(tracer)
        in_other, source, transform = probabilities[there][output], pair.of(there).geometry, pair.other_from(tracer)
        other = moved_back(in_other >= np.float32(operating_point), source, images.geometry, transform)
        moved = resample(
            in_other, source, images.geometry, interpolation=Interpolation.LINEAR, source_from_target=transform
        )
        predicted, probability = own | other, np.maximum(probability, moved)
    mask = lesion_mask(method, own, other, images.is_hot, images.organs, images.geometry, growth=growth)
    return Found(mask, predicted, probability)


def gate_on(pair: Pair, reference: ReferenceTracer, method: Postprocessing) -> Mask:
    """Return where on a tracer's grid an answer of the model is read, ``(k, j, i)``.

    That is where its own PET reaches its threshold and, both ways, at the eight neighbours of wherever a voxel of
    the other tracer's grid comes to lie that reaches its own: what linear interpolation back reads.
    """
    own, other = pair.of(reference), pair.of(other_of(reference))
    gate = own.is_hot
    if method.is_both_ways:
        _mark_neighbours(gate, own.geometry, other.is_hot, other.geometry, pair.other_from(other_of(reference)))
    return gate


def _mark_neighbours(gate: Mask, grid: Geometry, is_read: Mask, source: Geometry, transform: sitk.Transform) -> None:
    """Set the voxels of ``gate`` around each voxel of ``source`` that is read; the transform takes it to ``grid``."""
    matrix = _matrix(transform)
    sizes = np.array(gate.shape)[:, None]
    places = np.flatnonzero(is_read)
    for first in range(0, len(places), _VOXELS_AT_ONCE):
        kji = np.stack(np.unravel_index(places[first : first + _VOXELS_AT_ONCE], is_read.shape), axis=1)
        points = source.lps_of_kji(kji) @ matrix[:3, :3].T + matrix[:3, 3]
        inside = grid.kji_of_lps(points).T
        low, high = np.floor(inside - 1e-6).astype(np.intp), np.ceil(inside + 1e-6).astype(np.intp)
        is_near = np.all((high >= 0) & (low < sizes), axis=0)
        ends = [np.clip(end[:, is_near], 0, sizes - 1) for end in (low, high)]
        for k in ends:
            for j in ends:
                for i in ends:
                    gate[k[0], j[1], i[2]] = True


def _matrix(transform: sitk.Transform) -> NDArray[np.float64]:
    """Return the 4 x 4 matrix of a rigid transform, from where it takes four points."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    for axis in range(3):
        point = [0.0, 0.0, 0.0]
        point[axis] = 1.0
        matrix[:3, axis] = np.array(transform.TransformPoint(tuple(point))) - origin
    matrix[:3, 3] = origin
    return matrix


def _require_alike(models: Sequence[RunningModel]) -> None:
    first = models[0].manifest
    for model in models[1:]:
        one = model.manifest
        if (one.inputs, one.grid, one.outputs) != (first.inputs, first.grid, first.outputs):
            raise ModelUnfitError(
                f"{first.name} and {one.name} are no folds of one model: they read different images or patches"
            )
