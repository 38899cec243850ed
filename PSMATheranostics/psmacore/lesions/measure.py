"""SUV and candidate segments to measured lesions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import InputRefusedError
from psmacore.lesions.candidates import CandidatePart, Candidates
from psmacore.lesions.checks import require_same_grid
from psmacore.lesions.diameter import short_axis_mm
from psmacore.lesions.expression import Expression, ScoreReference, expression
from psmacore.lesions.peak import peaks
from psmacore.lesions.promise import mi_tnm
from psmacore.model.lesions import Lesion, LesionState, ReferenceRegion, Totals
from psmacore.model.promise import CommonIliac
from psmacore.model.uids import new_uid
from psmacore.model.volumes import Segmentation, SuvVolume

_WORD = 8  # bytes of labels that are looked at together
_CHUNK = 1 << 16  # words that stay in the processor's cache


@dataclass(frozen=True, eq=False)
class SegmentVoxels:
    """The voxels of one segment: number, ``(n, 3)`` indices in ``(k, j, i)`` order."""

    segment_number: int
    voxels_kji: NDArray[np.int64]


def measure(
    suv: SuvVolume,
    candidates: Candidates,
    *,
    reference: Sequence[ReferenceRegion] = (),
    score_reference: ScoreReference | None = ScoreReference.LIVER,
    common_iliac: CommonIliac = CommonIliac.PELVIC,
) -> tuple[Lesion, ...]:
    """Measure every part on the native PET grid.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    candidates : Candidates
        On the same grid.
    reference : sequence of ReferenceRegion
        Blood pool, liver or spleen, and parotid give the expression score; without all three it is ``None``.
    score_reference : ScoreReference or None
        The organ between blood pool and parotid; ``None`` for tracers that have no score.
    common_iliac : CommonIliac
        Whether common iliac nodes are miN or miM1a.

    Returns
    -------
    tuple of Lesion
        In the order of the parts, each with a new tracking UID and the tracking ID ``L001`` for segment 1;
        empty without parts.

    Raises
    ------
    GeometryError
        If the segments lie on another grid.
    InputRefusedError
        If a part has no voxels, or the SUV is not finite in or around one.

    References
    ----------
    TL-PSMA = volume x SUVmean: Werner et al., Molecular Imaging 2022;7056983. SUVpeak: ``lesions.peak``.
    """
    require_same_grid(suv, candidates.segmentation.geometry, "segmentation")
    voxels = {found.segment_number: found.voxels_kji for found in segment_voxels(candidates.segmentation)}
    lesions = []
    for part in candidates.parts:
        if part.segment_number not in voxels:
            raise InputRefusedError(f"segment {part.segment_number} has no voxels on the PET grid")
        lesion = _measured(suv, part, voxels[part.segment_number])
        lesions.append(_classified(lesion, reference, score_reference, common_iliac))
    return tuple(lesions)


def total(lesions: Iterable[Lesion]) -> Totals:
    """Sum the lesions that count (confirmed and unconfirmed).

    Parameters
    ----------
    lesions : iterable of Lesion
        All lesions of a time point.

    Returns
    -------
    Totals
        ``suv_mean`` is TL-PSMA / PSMA-TV; zeros where no lesion counts.
    """
    counted = [lesion for lesion in lesions if lesion.state.counts]
    volume_ml = sum(lesion.volume_ml for lesion in counted)
    tl_psma_ml = sum(lesion.tl_psma_ml for lesion in counted)
    return Totals(
        n_lesions=len(counted),
        psma_tv_ml=volume_ml,
        tl_psma_ml=tl_psma_ml,
        suv_max=max((lesion.suv_max for lesion in counted), default=0.0),
        suv_mean=tl_psma_ml / volume_ml if volume_ml > 0 else 0.0,
    )


def segment_voxels(segmentation: Segmentation) -> tuple[SegmentVoxels, ...]:
    """List the voxels of every segment in one pass over the labels.

    Parameters
    ----------
    segmentation : Segmentation
        Labels, ``(k, j, i)``, uint16.

    Returns
    -------
    tuple of SegmentVoxels
        By ascending segment number; voxels in array order; segments without voxels are absent.
    """
    flat = np.ascontiguousarray(segmentation.labels).reshape(-1)
    indices = _nonzero(flat)
    labels = flat[indices]
    order = np.argsort(labels, kind="stable")
    numbers, starts = np.unique(labels[order], return_index=True)
    groups = np.split(indices[order], starts[1:]) if len(numbers) else []
    shape = segmentation.labels.shape
    return tuple(
        SegmentVoxels(int(number), np.stack(np.unravel_index(group, shape), axis=1).astype(np.int64))
        for number, group in zip(numbers, groups, strict=True)
    )


def _nonzero(flat: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return the indices of non-zero labels; stretches that are zero are passed over."""
    per_word = _WORD // flat.itemsize
    n_whole = flat.size // per_word * per_word
    whole = flat[:n_whole].view(np.uint64)
    parts = [np.empty(0, np.int64)]
    for first in range(0, len(whole), _CHUNK):
        chunk = whole[first : first + _CHUNK]
        if np.bitwise_or.reduce(chunk):
            parts.append(np.flatnonzero(chunk) + first)
    words = np.concatenate(parts)
    inside = (words[:, None] * per_word + np.arange(per_word)[None, :]).reshape(-1)
    indices = np.concatenate((inside, np.arange(n_whole, flat.size)))
    return np.asarray(indices[flat[indices] != 0], dtype=np.int64)


def _classified(
    lesion: Lesion,
    reference: Sequence[ReferenceRegion],
    score_reference: ScoreReference | None,
    common_iliac: CommonIliac,
) -> Lesion:
    """Return the lesion with its PROMISE class and score; what is excluded has none."""
    if lesion.state is LesionState.EXCLUDED_CANDIDATE:
        return lesion
    found = Expression(None)
    if score_reference is not None:
        found = expression(lesion.suv_mean, reference, score_reference)
    return replace(
        lesion,
        mi_tnm=mi_tnm(lesion.site, common_iliac),
        expression_score=found.score,
        is_score_borderline=found.is_borderline,
    )


def _measured(suv: SuvVolume, part: CandidatePart, voxels_kji: NDArray[np.int64]) -> Lesion:
    sample = suv.values[voxels_kji[:, 0], voxels_kji[:, 1], voxels_kji[:, 2]].astype(np.float64)
    if not np.isfinite(sample).all():
        raise InputRefusedError(f"segment {part.segment_number} covers NaN or infinite SUV voxels")
    volume_ml = len(sample) * suv.geometry.voxel_volume_ml
    suv_mean = float(sample.mean())
    peak = peaks(suv.values, suv.geometry, voxels_kji)
    centroid = suv.geometry.lps_of_kji(voxels_kji.mean(axis=0))[0]
    return Lesion(
        tracking_uid=new_uid(),
        tracking_id=f"L{part.segment_number:03d}",
        segment_number=part.segment_number,
        state=part.state,
        site=part.site,
        volume_ml=volume_ml,
        suv_max=float(sample.max()),
        suv_mean=suv_mean,
        suv_peak=peak.highest,
        suv_peak_hottest=peak.hottest,
        tl_psma_ml=volume_ml * suv_mean,
        short_axis_mm=short_axis_mm(voxels_kji, suv.geometry),
        centroid_lps_mm=(float(centroid[0]), float(centroid[1]), float(centroid[2])),
        n_voxels=len(sample),
        site_alternative=part.site_alternative,
        confidence=part.confidence,
    )
