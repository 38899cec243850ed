"""A segmentation on the PET grid to DICOM SEG: a segment per lesion, and the counted tumour as one segment."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray

from psmacore.dicom.codes import (
    ABNORMAL_STRUCTURE,
    ARTIFICIAL_INTELLIGENCE,
    LESION,
    MANUAL_PROCESSING,
    NEIGHBORHOOD_ANALYSIS,
    NEOPLASM,
    WHOLE_BODY,
    concept,
    is_excluded,
    property_of,
    side_of,
    without_side,
)
from psmacore.dicom.publishing import MANUFACTURER, Publication, PublishedSeries, save
from psmacore.errors import GeometryError, UsageError
from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.palette import EXCLUDED_RGB, UNION_RGB, segment_rgb
from psmacore.model.timepoint import SegmenterInfo, Timepoint
from psmacore.model.uids import new_uid
from psmacore.model.volumes import Segmentation

_LO = 64  # PS3.5 6.2
_MANUAL_SEGMENTERS = frozenset({"manual", "mask"})
_LABEL_PREFIX = {
    LesionState.EXCLUDED_CANDIDATE: "Excluded: ",
    LesionState.REJECTED: "Rejected: ",
    LesionState.CANDIDATE: "Candidate: ",
    LesionState.BELOW_THRESHOLD: "Below threshold: ",
}


def write_seg(publication: Publication, segmentation: Segmentation, path: Path) -> hd.seg.Segmentation | None:
    """Write the per-lesion SEG: a BINARY segment for every lesion of the time point, whatever its state.

    Parameters
    ----------
    segmentation : Segmentation
        Labels ``(k, j, i)`` on the grid of the source images; label n is the lesion of segment number n.

    Returns
    -------
    Segmentation or None
        The object as written. ``None``, and no file, where the time point has no lesion: a SEG must
        have at least one segment (PS3.3 C.8.20.2, Segment Sequence is Type 1); the SR then says
        that there are none.

    Raises
    ------
    UsageError
        If lesions and labels do not belong together.
    GeometryError
        If the labels are not on the grid of the source images.

    References
    ----------
    DICOM PS3.3 A.51 (Segmentation IOD), C.8.20.
    """
    lesions = publication.timepoint.lesions
    _require_same_grid(publication, segmentation)
    _require_matching_labels(lesions, segmentation.labels)
    if not lesions:
        return None
    descriptions = [_describe(lesion, publication) for lesion in sorted(lesions, key=lambda item: item.segment_number)]
    labels = segmentation.labels.astype(np.uint8) if len(lesions) < 256 else segmentation.labels
    made = _segmentation(publication, labels, descriptions, PublishedSeries.SEG, "LESIONS")
    publication.finish(made, PublishedSeries.SEG, "PSMA lesions")
    save(made, path)
    return made


def write_union_seg(publication: Publication, segmentation: Segmentation, path: Path) -> hd.seg.Segmentation | None:
    """Write the union SEG: one BINARY segment of all lesions that count.

    It exists because viewers' tumour volume counts segment 1 alone. Where physiological uptake was
    not excluded (no totals), it holds the candidates and its label says so.

    Returns
    -------
    Segmentation or None
        ``None``, and no file, where nothing counts.

    Raises
    ------
    UsageError, GeometryError
        As ``write_seg``.
    """
    timepoint = publication.timepoint
    _require_same_grid(publication, segmentation)
    _require_matching_labels(timepoint.lesions, segmentation.labels)
    lesions = lesions_of_union(timepoint)
    if not lesions:
        return None
    belongs = np.zeros(len(timepoint.lesions) + 1, dtype=np.uint8)
    belongs[[lesion.segment_number for lesion in lesions]] = 1
    union = belongs[segmentation.labels]
    volume_ml = sum(lesion.volume_ml for lesion in lesions)
    if timepoint.totals is None:
        label, kind = f"Candidates, physiological uptake not excluded, {volume_ml:.1f} ml", LESION
    else:
        label, kind = f"PSMA-TV {volume_ml:.1f} ml", NEOPLASM
    description = SegmentDescription(
        segment_number=1,
        segment_label=label,
        segmented_property_category=concept(ABNORMAL_STRUCTURE),
        segmented_property_type=concept(kind),
        algorithm_type=_union_algorithm_type(lesions, publication),
        algorithm_identification=_algorithm(timepoint.segmenter),
        tracking_uid=new_uid(),
        tracking_id="PSMA-TV",
        anatomic_regions=[concept(WHOLE_BODY)],
        display_color=CIELabColor.from_rgb(*UNION_RGB),
    )
    _drop_name_of_manual(description)
    made = _segmentation(publication, union, [description], PublishedSeries.SEG_UNION, "PSMA_TV")
    publication.finish(made, PublishedSeries.SEG_UNION, "PSMA tumor volume, one segment")
    save(made, path)
    return made


def lesions_of_union(timepoint: Timepoint) -> list[Lesion]:
    """Return the lesions that count, or the candidates where the time point has no totals."""
    if timepoint.totals is None:
        return [lesion for lesion in timepoint.lesions if lesion.state.counts or lesion.state is LesionState.CANDIDATE]
    return [lesion for lesion in timepoint.lesions if lesion.state.counts]


def segment_label(lesion: Lesion) -> str:
    """Return (0062,0005) Segment Label: ``L001 Rib left SUVmax 12.3``, opened by the state where it does not count."""
    tail = f" SUVmax {lesion.suv_max:.1f}"
    head = f"{_LABEL_PREFIX.get(lesion.state, '')}{lesion.tracking_id} {lesion.site.meaning}"
    return head[: _LO - len(tail)] + tail


def _describe(lesion: Lesion, publication: Publication) -> SegmentDescription:
    category, kind = property_of(lesion)
    colour = EXCLUDED_RGB if is_excluded(lesion) else segment_rgb(lesion.segment_number)
    description = SegmentDescription(
        segment_number=lesion.segment_number,
        segment_label=segment_label(lesion),
        segmented_property_category=concept(category),
        segmented_property_type=concept(kind),
        algorithm_type=_algorithm_type(lesion, publication),
        algorithm_identification=_algorithm(publication.timepoint.segmenter),
        tracking_uid=lesion.tracking_uid,
        tracking_id=lesion.tracking_id,
        anatomic_regions=[concept(without_side(lesion.site))],
        display_color=CIELabColor.from_rgb(*colour),
    )
    _drop_name_of_manual(description)
    side = side_of(lesion.site)
    if side is not None:  # PS3.3 Table 10-8, (0008,2220) Anatomic Region Modifier Sequence
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [concept(side)]
    return description


def _drop_name_of_manual(description: SegmentDescription) -> None:
    """Drop (0062,0009) where a reader drew the segment: it stands only with an algorithm (PS3.3 C.8.20.4)."""
    if description.SegmentAlgorithmType == SegmentAlgorithmTypeValues.MANUAL.value:
        del description.SegmentAlgorithmName


def _algorithm_type(lesion: Lesion, publication: Publication) -> SegmentAlgorithmTypeValues:
    """Return (0062,0008): what a reader drew is MANUAL, what a reader looked at is SEMIAUTOMATIC."""
    if publication.timepoint.segmenter.name in _MANUAL_SEGMENTERS:
        return SegmentAlgorithmTypeValues.MANUAL
    if publication.is_confirmed or lesion.state in (LesionState.CONFIRMED, LesionState.REJECTED):
        return SegmentAlgorithmTypeValues.SEMIAUTOMATIC
    return SegmentAlgorithmTypeValues.AUTOMATIC


def _union_algorithm_type(lesions: list[Lesion], publication: Publication) -> SegmentAlgorithmTypeValues:
    kinds = {_algorithm_type(lesion, publication) for lesion in lesions}
    return kinds.pop() if len(kinds) == 1 else SegmentAlgorithmTypeValues.SEMIAUTOMATIC


def _algorithm(segmenter: SegmenterInfo) -> hd.AlgorithmIdentificationSequence:
    family = ARTIFICIAL_INTELLIGENCE if segmenter.weights_sha256 else NEIGHBORHOOD_ANALYSIS
    parameters = {str(key): str(value) for key, value in sorted(segmenter.parameters.items())}
    if segmenter.threshold_suv is not None:
        parameters["threshold_suv"] = f"{segmenter.threshold_suv:.6g}"
    if segmenter.weights_sha256:
        parameters["weights_sha256"] = segmenter.weights_sha256
    return hd.AlgorithmIdentificationSequence(
        name=segmenter.name[:_LO],
        family=concept(MANUAL_PROCESSING if segmenter.name in _MANUAL_SEGMENTERS else family),
        version=segmenter.version[:_LO],
        source=MANUFACTURER,
        parameters=parameters or None,
    )


def _segmentation(
    publication: Publication,
    labels: NDArray[np.uint8] | NDArray[np.uint16],
    descriptions: list[SegmentDescription],
    series: PublishedSeries,
    content_label: str,
) -> hd.seg.Segmentation:
    """Build the object; each frame takes position, orientation and reference from the source image of its slice."""
    made = hd.seg.Segmentation(
        source_images=list(publication.sources.images),
        pixel_array=labels,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        series_instance_uid=new_uid(),
        series_number=publication.number_of(series),
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=publication.model_name,
        software_versions=publication.software_version,
        device_serial_number=publication.software_version,
        content_label=content_label,
        content_description="Confirmed by a reader" if publication.is_confirmed else "AI, unconfirmed",
        contributing_equipment=[publication.equipment()],
    )
    made.ContentCreatorName = publication.reader
    _identify_segment_per_frame(made)
    return made


def _identify_segment_per_frame(made: hd.seg.Segmentation) -> None:
    """Move the Segment Identification of a one-segment SEG from the shared groups to each frame, in place.

    Both places are allowed (PS3.3 Table A.51-2), but many readers look into the frames alone.
    """
    shared = made.SharedFunctionalGroupsSequence[0]
    if "SegmentIdentificationSequence" in shared:
        for groups in made.PerFrameFunctionalGroupsSequence:
            groups.SegmentIdentificationSequence = deepcopy(shared.SegmentIdentificationSequence)
        del shared.SegmentIdentificationSequence


def _require_same_grid(publication: Publication, segmentation: Segmentation) -> None:
    images = publication.sources.images
    expected = (len(images), int(images[0].Rows), int(images[0].Columns))
    if segmentation.geometry.shape != expected:
        raise GeometryError(f"labels {segmentation.geometry.shape} on source images {expected} (k, j, i)")


def _require_matching_labels(lesions: tuple[Lesion, ...], labels: NDArray[np.uint16]) -> None:
    """Refuse lesions that are not numbered 1 to n (PS3.3 C.8.20.2) or whose voxels are not those measured."""
    numbers = sorted(lesion.segment_number for lesion in lesions)
    if numbers != list(range(1, len(lesions) + 1)):
        raise UsageError(f"segments must be numbered 1 to {len(lesions)}, met {numbers[:10]}")
    counts = np.bincount(labels[labels > 0], minlength=len(lesions) + 1)
    if len(counts) > len(lesions) + 1:
        raise UsageError(f"label {len(counts) - 1} has no lesion")
    for lesion in lesions:
        if counts[lesion.segment_number] != lesion.n_voxels or lesion.n_voxels == 0:
            raise UsageError(
                f"lesion {lesion.tracking_uid} was measured on {lesion.n_voxels} voxels, "
                f"its segment {lesion.segment_number} has {counts[lesion.segment_number]}"
            )
