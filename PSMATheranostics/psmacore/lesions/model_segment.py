"""A model's lesion probability and the SUV threshold to candidate segments with their states and sites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.lesions.candidates import CandidatePart, Candidates
from psmacore.lesions.checks import require_finite, require_same_grid
from psmacore.lesions.drafts import Draft, components, lesion_drafts, organ_drafts
from psmacore.lesions.measure import segment_voxels
from psmacore.lesions.physiology import listed_as, physiological_organs
from psmacore.lesions.regions import split_by_region
from psmacore.lesions.segment import MIN_VOXELS, numbered
from psmacore.lesions.thresholds import Threshold
from psmacore.model.lesions import LesionState
from psmacore.model.volumes import OrganMap, SuvVolume

FloatImage = NDArray[np.float32]
NOT_A_LESION = "reaches the threshold, but the model takes it for no lesion"
OUTSIDE_BODY_MASK = "the model's lesion, dropped by the body mask (CT not above 0 HU)"


def segment_by_probability(
    suv: SuvVolume,
    probability: FloatImage,
    threshold: Threshold,
    organs: OrganMap | None,
    *,
    operating_point: float,
    is_fdg: bool,
    body: NDArray[np.bool_] | None = None,
    predicted: NDArray[np.bool_] | None = None,
    min_voxels: int = MIN_VOXELS,
) -> Candidates:
    """Take for lesions what a model says and the threshold confirms.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    probability : numpy.ndarray
        ``(k, j, i)``, float32, 0 to 1, of being lesion, on the grid of ``suv``.
    threshold : Threshold
        The tracer's rule, worked out for this study.
    organs : OrganMap or None
        On the same grid; names sites, splits confluent disease by region and lists physiological uptake by organ.
    operating_point : float
        Probability at or above which a voxel is lesion.
    is_fdg : bool
        Whether uptake in brain and heart is listed as physiological.
    body : numpy.ndarray, optional
        ``(k, j, i)``, bool: lesion voxels outside it are dropped (W84, as published). None by default, because
        it deletes lesions in lung and fat.
    predicted : numpy.ndarray, optional
        ``(k, j, i)``, bool: what the model takes for lesion after its own post-processing (D18 to D22), in place of
        probability and operating point.
    min_voxels : int
        Smaller components do not count; they are listed together as one excluded candidate.

    Returns
    -------
    Candidates
        ``UNCONFIRMED`` is each 26-connected component of voxels at or above both limits, split by region.
        ``BELOW_THRESHOLD`` is each component of the model that reaches the threshold nowhere (D28: kept, never
        dropped silently). Whatever else reaches the threshold is an excluded candidate: by organ, or by itself.
        Where nothing is found there are no parts.

    Raises
    ------
    InputRefusedError
        If SUV or probability hold NaN or infinite voxels, or the operating point is no probability.
    GeometryError
        If arrays or organ map do not fill the SUV's grid.

    References
    ----------
    D02 (threshold), D20 (a lesion within an organ keeps the model's answer), D28, W84.
    """
    _check(suv, probability, organs, {"body mask": body, "model's mask": predicted}, operating_point)
    hot = threshold.accepts(suv, organs)
    positive = probability >= np.float32(operating_point) if predicted is None else predicted
    lesion = positive & hot
    dropped = np.zeros_like(lesion) if body is None else lesion & ~body
    lesion &= ~dropped
    counted = lesion_drafts(components(lesion), LesionState.UNCONFIRMED, "", min_voxels)
    if organs is not None:
        counted = [part for draft in counted for part in split_by_region(draft, suv, organs)]
    note = f"below the threshold of SUV {threshold.lowest_suv:.2f}"
    faint = lesion_drafts(_without_any(positive, hot), LesionState.BELOW_THRESHOLD, note, min_voxels)
    drafts = [*counted, *faint]
    drafts += lesion_drafts(components(dropped), LesionState.EXCLUDED_CANDIDATE, OUTSIDE_BODY_MASK, min_voxels)
    drafts += _rejected(hot & ~positive, organs, min_voxels, is_fdg=is_fdg)
    warnings = _warnings(drafts, int(np.count_nonzero(dropped)) * suv.geometry.voxel_volume_ml)
    found = numbered(suv, organs, drafts, threshold.lowest_suv, threshold.rule, warnings, physiology_excluded=True)
    return with_confidence(found, probability)


def with_confidence(candidates: Candidates, probability: FloatImage) -> Candidates:
    """Return the candidates with the mean probability over the voxels of each part that the model drew."""
    flat = probability.reshape(-1)
    mean: dict[int, float] = {}
    for segment in segment_voxels(candidates.segmentation):
        voxels = np.ravel_multi_index(tuple(segment.voxels_kji.T), probability.shape)
        mean[segment.segment_number] = float(flat[voxels].mean(dtype=np.float64))
    return replace(candidates, parts=tuple(_confident(part, mean[part.segment_number]) for part in candidates.parts))


def _confident(part: CandidatePart, mean: float) -> CandidatePart:
    is_drawn = part.state is not LesionState.EXCLUDED_CANDIDATE
    return replace(part, confidence=min(max(mean, 0.0), 1.0)) if is_drawn else part


def _check(
    suv: SuvVolume,
    probability: FloatImage,
    organs: OrganMap | None,
    masks: Mapping[str, NDArray[np.bool_] | None],
    operating_point: float,
) -> None:
    require_finite(suv.values, "SUV")
    for name, values in {"probability": probability, **masks}.items():
        if values is not None and values.shape != suv.values.shape:
            raise GeometryError(f"the {name} has {values.shape} voxels, the PET {suv.values.shape} (k, j, i)")
    require_finite(probability, "the model's probability")
    if organs is not None:
        require_same_grid(suv, organs.geometry, "organ map")
    if not 0.0 < operating_point <= 1.0:
        raise InputRefusedError(f"an operating point is a probability above 0, not {operating_point!r}")


def _without_any(positive: NDArray[np.bool_], hot: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Return the components of ``positive`` that hold no hot voxel."""
    labels = components(positive)
    touched = np.unique(labels[hot & positive])
    return np.where(np.isin(labels, touched), np.uint16(0), labels)


def _rejected(mask: NDArray[np.bool_], organs: OrganMap | None, min_voxels: int, *, is_fdg: bool) -> list[Draft]:
    """Return what is above the threshold and no lesion: one part per organ, the rest by component.

    A component belongs to the physiological organ that most of its voxels lie in, for uptake spills beyond an organ.
    """
    labels = components(mask)
    if organs is None or not labels.any():
        return lesion_drafts(labels, LesionState.EXCLUDED_CANDIDATE, NOT_A_LESION, min_voxels)
    known = physiological_organs(is_fdg=is_fdg)
    inside = np.where(np.isin(organs.labels, known), organs.labels, np.uint16(0))
    held = np.zeros((int(labels.max()) + 1, int(inside.max()) + 1), np.int64)
    np.add.at(held, (labels[mask], inside[mask]), 1)
    held[:, 0] = 0
    owner = np.where(held.any(axis=1), held.argmax(axis=1), 0).astype(np.uint16)
    organ = np.where(inside > 0, inside, owner[labels])
    organ[labels == 0] = 0
    for number in known:
        organ[organ == number] = listed_as(number)
    alone = np.where(organ > 0, np.uint16(0), labels)
    return [
        *organ_drafts(organ),
        *lesion_drafts(alone, LesionState.EXCLUDED_CANDIDATE, NOT_A_LESION, min_voxels),
    ]


def _warnings(drafts: Iterable[Draft], dropped_ml: float) -> tuple[str, ...]:
    n_faint = sum(draft.state is LesionState.BELOW_THRESHOLD for draft in drafts)
    warnings = []
    if n_faint:
        noun = "lesion" if n_faint == 1 else "lesions"
        warnings.append(f"{n_faint} {noun} of the model below the SUV threshold: listed, not counted")
    if dropped_ml > 0:
        warnings.append(f"the body mask (CT > 0 HU) dropped {dropped_ml:.2f} ml that the model takes for lesion")
    return tuple(warnings)


def body_mask(ct_on_pet: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return where a CT on the PET grid, ``(k, j, i)`` in HU, lies above 0 HU, as published (W84)."""
    return np.asarray(ct_on_pet > 0.0, dtype=np.bool_)
