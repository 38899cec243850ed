"""One man on one date to his PET image, with the lesions' share of every voxel kept apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.anatomy import Anatomy
from psmacore.phantom.canvas import Box, Canvas
from psmacore.phantom.decoys import Decoy, DecoyKind
from psmacore.phantom.lesion_plan import PlannedLesion
from psmacore.phantom.lesion_sites import LesionKind
from psmacore.phantom.scanner import PetScanner, add_noise, breath_weight, breathing_matrix, noise_field
from psmacore.phantom.shapes import Float32, Shape
from psmacore.phantom.tissue import Region

_PATCHY = {"duodenum": 0.30, "jejunum": 0.38, "small_bowel": 0.25, "colon": 0.20, "liver": 0.05, "spleen": 0.05}
_MOST_UPTAKE = 400.0


@dataclass(frozen=True, eq=False)
class PetImage:
    """A simulated PET.

    Parameters
    ----------
    suv : numpy.ndarray
        ``(k, j, i)``, float32: SUVbw in g/ml with noise, before it is stored as DICOM.
    noise_free, lesion_part : numpy.ndarray
        ``(k, j, i)``, float32: the same without noise, and what the lesions contribute to it.
    lesion_labels : numpy.ndarray
        ``(k, j, i)``, uint16: the truth; 0 background, otherwise the lesion's id.
    organ_labels : numpy.ndarray
        ``(k, j, i)``, uint16: organs where the CT shows them (breath-hold).
    liver_suv : float
        Mean true SUV of the liver.
    """

    suv: Float32
    noise_free: Float32
    lesion_part: Float32
    lesion_labels: NDArray[np.uint16]
    organ_labels: NDArray[np.uint16]
    liver_suv: float


@dataclass(frozen=True)
class PetRequest:
    """Everything that a PET image depends on but the anatomy."""

    geometry: Geometry
    body_from_lps: FloatArray
    uptake: dict[Region, float]
    scanner: PetScanner
    lesions: tuple[PlannedLesion, ...]
    decoys: tuple[Decoy, ...]
    date_index: int
    threshold_suv: float


@dataclass(frozen=True, eq=False)
class _Spot:
    """A body's share of the voxels of a box, and its image for unit uptake."""

    box: Box
    coverage: Float32
    response: Float32


def simulate_pet(anatomy: Anatomy, request: PetRequest, rng: np.random.Generator) -> PetImage:
    """Simulate one PET image.

    Lesions replace the tissue in their place. The activity of lesions and of everything else is blurred
    apart; their sum is the noise-free image. A voxel belongs to the truth where the noise-free image
    reaches the threshold and the lesions' part exceeds the rest; where lesions overlap it belongs to the
    strongest one.
    """
    canvas = Canvas(request.geometry, request.body_from_lps, with_labels=True)
    for structure in anatomy.structures:
        canvas.paint(structure.parts, request.uptake[structure.region], label=structure.label)
    labels = canvas.labels if canvas.labels is not None else np.zeros(request.geometry.shape, np.uint16)
    _make_patchy(canvas, anatomy, rng)
    _breathe(canvas, anatomy, request)
    activity = canvas.values
    for decoy in request.decoys:
        _add_decoy(canvas, decoy, request)
    background = request.scanner.blur(activity, request.geometry)
    spots = [(lesion, _lesion_spot(canvas, anatomy, lesion, request)) for lesion in request.lesions]
    uptakes = [_uptake_for(lesion, spot, background, request.date_index) for lesion, spot in spots]
    for (_, spot), uptake in zip(spots, uptakes, strict=True):
        if spot is not None and uptake > 0:
            activity[spot.box] *= 1 - spot.coverage
    background = request.scanner.blur(activity, request.geometry)
    lesion_part, owner = _lesion_parts(spots, uptakes, request.geometry)
    noise_free = background + lesion_part
    truth = (noise_free >= request.threshold_suv) & (lesion_part > background)
    noisy = add_noise(noise_free, request.scanner, request.geometry, request.uptake[Region.LIVER], rng)
    return PetImage(
        suv=noisy,
        noise_free=noise_free,
        lesion_part=lesion_part,
        lesion_labels=np.where(truth, owner, 0).astype(np.uint16),
        organ_labels=labels,
        liver_suv=request.uptake[Region.LIVER],
    )


def _make_patchy(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> None:
    sigma = tuple(9.0 / step for step in canvas.geometry.spacing_kji_mm)
    field = noise_field(canvas.geometry.shape, sigma, rng)
    for name, spread in _PATCHY.items():
        inside = canvas.inside(anatomy.by_name[name].parts)
        canvas.values[inside] *= np.exp(np.float32(spread) * field[inside] - np.float32(spread**2 / 2))


def _breathe(canvas: Canvas, anatomy: Anatomy, request: PetRequest) -> None:
    geometry = canvas.geometry
    z_lps = geometry.origin_lps_mm[2] + geometry.lps_from_ijk[2, 2] * np.arange(geometry.shape[0])
    z_body = z_lps + request.body_from_lps[2, 3]
    z_template = z_body / anatomy.frame.scale[2]
    moves = np.flatnonzero(breath_weight(z_template) > 0)
    if len(moves) < 3:
        return
    first, last = max(int(moves[0]) - 4, 0), min(int(moves[-1]) + 5, geometry.shape[0])
    matrix = breathing_matrix(request.scanner, z_template[first:last], geometry.spacing_kji_mm[0])
    slab = canvas.values[first:last]
    moved = (matrix @ slab.reshape(len(slab), -1)).reshape(slab.shape)
    inside = canvas.inside((*anatomy.breathing, *anatomy.lungs))[first:last]
    np.copyto(slab, moved, where=inside)


def _spot(canvas: Canvas, shapes: tuple[Shape, ...], request: PetRequest, extra_z_mm: float = 0.0) -> _Spot | None:
    margin = 4.5 * float(np.hypot(request.scanner.fwhm_mm / 2.355, extra_z_mm)) + 2.0
    boxes = [box for shape in shapes if (box := canvas.box(shape, margin)) is not None]
    if not boxes:
        return None
    k, j, i = (slice(min(b[n].start for b in boxes), max(b[n].stop for b in boxes)) for n in range(3))
    coverage = np.max([canvas.coverage(shape, (k, j, i)) for shape in shapes], axis=0)
    return _Spot((k, j, i), coverage, request.scanner.blur(coverage, request.geometry, extra_z_mm))


def _add_decoy(canvas: Canvas, decoy: Decoy, request: PetRequest) -> None:
    spot = _spot(canvas, (decoy.shape,), request)
    if spot is None:
        return
    peak = float(spot.response.max())
    view = canvas.values[spot.box]
    base = float(request.scanner.blur(view, request.geometry)[np.unravel_index(spot.response.argmax(), view.shape)])
    if decoy.kind is DecoyKind.URETER:
        base = min(base, decoy.suv_max / 2)
    uptake = np.clip((decoy.suv_max - base * (1 - peak)) / max(peak, 1e-3), 0, _MOST_UPTAKE)
    view += spot.coverage * np.maximum(np.float32(uptake) - view, 0)


def _lesion_spot(canvas: Canvas, anatomy: Anatomy, lesion: PlannedLesion, request: PetRequest) -> _Spot | None:
    state = lesion.states[request.date_index]
    if state is None or state.size_ml <= 0:
        return None
    shift, extra = np.zeros(3), 0.0
    if lesion.kind in (LesionKind.LIVER, LesionKind.LUNG):
        weight = float(breath_weight(np.array(state.centre_mm[2] / anatomy.frame.scale[2])))
        shift[2] = request.scanner.breath_offset_mm * weight
        extra = 0.35 * request.scanner.breath_mm * weight  # standard deviation of sin^2 motion, peak to peak 1
    return _spot(canvas, lesion.shapes(request.date_index, shift_mm=shift), request, extra)


def _uptake_for(lesion: PlannedLesion, spot: _Spot | None, background: Float32, date_index: int) -> float:
    """Return the tumour's true SUV for which the noise-free image peaks at the planned value; 0 for none."""
    state = lesion.states[date_index]
    if state is None or spot is None:
        return 0.0
    peak = float(spot.response.max())
    base = float(background[spot.box].ravel()[int(spot.response.argmax())])
    if peak < 1e-3:
        return 0.0
    return float(np.clip((state.suv_max - base * (1 - peak)) / peak, 0.0, _MOST_UPTAKE))


def _lesion_parts(
    spots: list[tuple[PlannedLesion, _Spot | None]], uptakes: list[float], geometry: Geometry
) -> tuple[Float32, NDArray[np.uint16]]:
    total = np.zeros(geometry.shape, dtype=np.float32)
    strongest = np.zeros(geometry.shape, dtype=np.float32)
    owner = np.zeros(geometry.shape, dtype=np.uint16)
    for (lesion, spot), uptake in zip(spots, uptakes, strict=True):
        if spot is None or uptake <= 0:
            continue
        part = spot.response * np.float32(uptake)
        total[spot.box] += part
        stronger = part > strongest[spot.box]
        owner[spot.box][stronger] = lesion.id
        np.maximum(strongest[spot.box], part, out=strongest[spot.box])
    return total, owner
