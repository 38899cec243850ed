"""One man on one date to his low-dose CT, slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.anatomy import Anatomy
from psmacore.phantom.canvas import Canvas
from psmacore.phantom.decoys import Decoy, DecoyKind
from psmacore.phantom.lesion_plan import PlannedLesion
from psmacore.phantom.lesion_sites import LesionKind
from psmacore.phantom.outline import SKIN_MM, trunk
from psmacore.phantom.shapes import Column
from psmacore.phantom.tissue import HU, Tissue

_SLAB_VOXELS = 4_000_000
# Carbon fibre laminate over foam.
_SHELL_HU, _FOAM_HU = -60.0, -920.0
_LESION_HU = {
    LesionKind.BONE: 520.0,
    LesionKind.NODE: 42.0,
    LesionKind.LOCAL: 48.0,
    LesionKind.LIVER: 34.0,
    LesionKind.LUNG: 28.0,
}


@dataclass(frozen=True, eq=False)
class CtSlab:
    """Some slices of a CT, ``(k, j, i)``: int16 HU, and uint8 organ labels (0 none) where a voxel's centre lies."""

    hu: NDArray[np.int16]
    organs: NDArray[np.uint8]


@dataclass(frozen=True)
class CtRequest:
    """Everything that a CT depends on but the anatomy.

    ``noise_hu_1mm`` is the noise of a 1 mm slice (20 to 40 HU); thicker slices have less, by the square root.
    """

    geometry: Geometry
    body_from_lps: FloatArray
    lesions: tuple[PlannedLesion, ...]
    decoys: tuple[Decoy, ...]
    date_index: int
    noise_hu_1mm: float


def couch(anatomy: Anatomy, geometry: Geometry, body_from_lps: FloatArray) -> tuple[Column, Column]:
    """Return shell and foam core of the table top, in scanner coordinates, under the man's back."""
    back = trunk(anatomy.frame, SKIN_MM, 1.0)
    low = np.linalg.inv(body_from_lps) @ np.array([0, float((back.centre_y_mm + back.half_depth_mm).max()), 150.0, 1.0])
    bottom = float(geometry.origin_lps_mm[2]) - 5
    heights = np.array([bottom, bottom + geometry.shape[0] * float(geometry.spacing_ijk_mm[2]) + 10])

    def plate(wide: float, thick: float) -> Column:
        ones = np.ones(2)
        return Column(heights, wide * ones, thick * ones, (low[1] + 24.0) * ones, squareness=0.85)

    return plate(205.0, 17.0), plate(202.0, 14.0)


def simulate_ct(anatomy: Anatomy, request: CtRequest, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return the CT in HU, ``(k, j, i)``, int16."""
    return np.concatenate(list(iterate_ct(anatomy, request, rng)))


def iterate_ct(anatomy: Anatomy, request: CtRequest, rng: np.random.Generator) -> Iterator[NDArray[np.int16]]:
    """Yield the CT in slabs of some slices from the feet up, so that a large one need not fit into memory."""
    for hu, _ in _iterate(anatomy, request, rng, with_labels=False):
        yield hu


def iterate_labelled_ct(anatomy: Anatomy, request: CtRequest, rng: np.random.Generator) -> Iterator[CtSlab]:
    """Yield the same CT with the organ labels of its voxels; lesions leave the labels as they are."""
    for hu, organs in _iterate(anatomy, request, rng, with_labels=True):
        yield CtSlab(hu, np.zeros(hu.shape, np.uint8) if organs is None else organs.astype(np.uint8))


def _iterate(
    anatomy: Anatomy, request: CtRequest, rng: np.random.Generator, *, with_labels: bool
) -> Iterator[tuple[NDArray[np.int16], NDArray[np.uint16] | None]]:
    sigma = request.noise_hu_1mm / float(np.sqrt(request.geometry.spacing_kji_mm[0]))
    table = couch(anatomy, request.geometry, request.body_from_lps)
    n_slices, n_rows, n_columns = request.geometry.shape
    step = max(1, _SLAB_VOXELS // (n_rows * n_columns))
    for first in range(0, n_slices, step):
        slab = _slab(request.geometry, first, min(step, n_slices - first))
        canvas = _paint(anatomy, request, slab, table, with_labels=with_labels)
        values = canvas.values
        noise = gaussian_filter(rng.standard_normal(slab.shape, dtype=np.float32), (0, 0.6, 0.6), truncate=3.0)
        values += noise * np.float32(sigma / max(float(noise.std()), 1e-6))
        yield np.clip(np.rint(values), -1024, 3071).astype(np.int16), canvas.labels


def _slab(geometry: Geometry, first: int, n_slices: int) -> Geometry:
    matrix = geometry.lps_from_ijk.copy()
    matrix[:3, 3] += first * matrix[:3, 2]
    return Geometry((n_slices, *geometry.shape[1:]), matrix, geometry.frame_of_reference_uid)


def _paint(
    anatomy: Anatomy, request: CtRequest, geometry: Geometry, table: tuple[Column, Column], *, with_labels: bool
) -> Canvas:
    bench = Canvas(geometry, np.eye(4), fill=HU[Tissue.AIR])
    bench.paint(table[:1], _SHELL_HU)
    bench.paint(table[1:], _FOAM_HU)
    canvas = Canvas(geometry, request.body_from_lps, with_labels=with_labels)
    canvas.values = bench.values
    for structure in anatomy.structures:
        hu = HU[structure.tissue] if structure.hu is None else structure.hu
        canvas.paint(structure.parts, hu, label=structure.label)
    for decoy in request.decoys:
        if decoy.kind is DecoyKind.FRACTURE:
            canvas.paint((decoy.shape,), 620.0)
    for lesion in request.lesions:
        canvas.paint(lesion.shapes(request.date_index), _LESION_HU[lesion.kind])
    return canvas
