"""Source images to the Image Library of a report (TID 1600), which viewers look for before they read anything else."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset

from psmacore.dicom import codes
from psmacore.dicom.sr_items import Relation, coded, container, image, number, uid_reference
from psmacore.model.codes import Code

_CONTEXT = Relation.ACQUISITION_CONTEXT


def image_library(first: Dataset, references: Sequence[Dataset]) -> Dataset:
    """Return the library of images of one PET series.

    What the images share (TID 1602: modality, frame of reference, pixel grid) is said once for the
    group; the entries refer to the images and no more.

    Parameters
    ----------
    first : Dataset
        Header of one of the images.
    references : sequence of Dataset
        What ``reference_to`` makes of each image; at least one, and each image once.

    References
    ----------
    DICOM PS3.16 TID 1600, 1601, 1602.
    """
    spacing_rows_mm, spacing_columns_mm = (float(value) for value in first.PixelSpacing)
    shared = [
        coded(codes.MODALITY, codes.PET_MODALITY, _CONTEXT),
        uid_reference(codes.FRAME_OF_REFERENCE, str(first.FrameOfReferenceUID), _CONTEXT),
        _size(codes.PIXEL_ROWS, int(first.Rows), codes.PIXELS),
        _size(codes.PIXEL_COLUMNS, int(first.Columns), codes.PIXELS),
        _size(codes.HORIZONTAL_SPACING, spacing_columns_mm, codes.MILLIMETRE),
        _size(codes.VERTICAL_SPACING, spacing_rows_mm, codes.MILLIMETRE),
    ]
    entries = [image(codes.SOURCE, reference) for reference in references]
    return container(codes.IMAGE_LIBRARY, [container(codes.IMAGE_LIBRARY_GROUP, [*shared, *entries])])


def _size(name: Code, value: float, unit: Code) -> Dataset:
    return number(name, value, unit, _CONTEXT)
