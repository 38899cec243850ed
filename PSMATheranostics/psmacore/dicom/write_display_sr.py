"""Lesion masks to a display SR: a 2D contour on the PET slice of each lesion's hottest voxel (TID 1410, SCOORD)."""

from __future__ import annotations

from pathlib import Path

import contourpy
import numpy as np
from highdicom import sr
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from psmacore.dicom import codes
from psmacore.dicom.publishing import Publication, PublishedSeries, save
from psmacore.dicom.sr_parts import GroupContext, concept, finding_site, lesion_state, volume
from psmacore.dicom.sr_parts import suv as suv_measurement
from psmacore.dicom.sr_report import build_report
from psmacore.dicom.write_seg import lesions_of_union
from psmacore.model.lesions import Lesion
from psmacore.model.volumes import Segmentation, SuvVolume

_LEVEL = 0.49
"""Below one half, so that marching squares joins pixels that touch at a corner."""
_TEXT_LIMIT = 64


def write_display_sr(
    publication: Publication,
    suv: SuvVolume,
    segmentation: Segmentation,
    rwvm: Dataset,
    path: Path,
) -> Dataset | None:
    """Write the report that viewers draw: the lesions of the union SEG, one contour each.

    Viewers show TID 1411 segment references as nothing and drop the derivation of a measurement, so
    each contour names site and SUVmax in its tracking identifier.

    Returns
    -------
    Dataset or None
        The object as written; ``None``, and no file, where nothing counts.

    References
    ----------
    DICOM PS3.16 TID 1410; PS3.3 C.18.6 (Spatial Coordinates).
    """
    lesions = lesions_of_union(publication.timepoint)
    if not lesions:
        return None
    boxes = ndimage.find_objects(segmentation.labels)
    context = GroupContext.of(publication, rwvm)
    groups, images = [], {}
    for lesion in lesions:
        k, outline = hottest_outline(suv, segmentation, lesion.segment_number, boxes[lesion.segment_number - 1])
        images[k] = publication.sources.images[k]
        groups.append(_group(lesion, images[k], outline, context))
    made = build_report(
        publication, groups, [], list(images.values()), [rwvm], PublishedSeries.SR_DISPLAY, "PSMA lesion outlines"
    )
    save(made, path)
    return made


def hottest_outline(
    suv: SuvVolume,
    segmentation: Segmentation,
    label: int,
    box: tuple[slice, slice, slice],
) -> tuple[int, NDArray[np.float64]]:
    """Return the slice of a label's hottest voxel and the outline of the part of the label around it.

    Parameters
    ----------
    box : tuple of slice
        Bounding box of the label in ``(k, j, i)``.

    Returns
    -------
    k : int
        Slice index.
    outline : numpy.ndarray
        ``(n, 2)``, float64, closed (first point equals last); column and row in pixels, where 0, 0 is
        the outer corner of the first pixel and 0.5, 0.5 its centre (DICOM PS3.3 C.18.6.1.2).
    """
    inside = segmentation.labels[box] == label
    values = np.where(inside, suv.values[box], -np.inf)
    k, j, i = np.unravel_index(int(np.argmax(values)), values.shape)
    parts, _ = ndimage.label(inside[k], structure=np.ones((3, 3)))
    part = ndimage.binary_fill_holes(parts == parts[j, i])
    lines = contourpy.contour_generator(z=np.pad(part, 1).astype(float)).lines(_LEVEL)
    outline = max((np.asarray(line, dtype=np.float64) for line in lines), key=len)
    # contourpy counts pixel centres of the padded part from 0; SCOORD counts from the pixel's corner
    outline += np.array([box[2].start, box[1].start]) - 1 + 0.5
    return int(box[0].start + k), outline


def outline_label(lesion: Lesion) -> str:
    """Return the words beside a contour: ``L001 Rib left SUVmax 12.3``."""
    tail = f" SUVmax {lesion.suv_max:.1f}"
    return f"{lesion.tracking_id} {lesion.site.meaning}"[: _TEXT_LIMIT - len(tail)] + tail


def _group(
    lesion: Lesion, source: Dataset, outline: NDArray[np.float64], context: GroupContext
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    category, kind = codes.property_of(lesion)
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=lesion.tracking_uid, identifier=outline_label(lesion)),
        referenced_region=sr.ImageRegion(
            graphic_type=sr.GraphicTypeValues.POLYLINE,
            graphic_data=outline,
            source_image=sr.SourceImageForRegion.from_source_image(source),
        ),
        referenced_real_world_value_map=context.value_map,
        time_point_context=context.time_point,
        finding_category=concept(category),
        finding_type=concept(kind),
        algorithm_id=context.algorithm,
        finding_sites=[finding_site(lesion.site)],
        measurements=[suv_measurement(lesion.suv_max, codes.MAXIMUM), volume(lesion)],
        qualitative_evaluations=[lesion_state(lesion)],
    )
