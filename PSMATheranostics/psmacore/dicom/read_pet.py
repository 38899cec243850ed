"""The files of a PET series to voxels in the header's unit, with all that an SUV needs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psmacore.dicom.acquisition import distinguishing_tags, pet_acquisition
from psmacore.dicom.geometry import DUPLICATE_MM, GeometryFault, slice_distances_mm
from psmacore.dicom.select import PET_IMAGE
from psmacore.dicom.series import Slice, fill_volume, read_slices, stack
from psmacore.errors import GeometryError
from psmacore.model.volumes import PetVolume

logger = logging.getLogger(__name__)


def read_pet_series(paths: Sequence[Path]) -> PetVolume:
    """Return the PET volume of one series.

    Parameters
    ----------
    paths : sequence of Path
        All files of the series, in any order.

    Returns
    -------
    PetVolume
        Values ``(k, j, i)``, float32, stored value times slope plus intercept of its own slice.

    Raises
    ------
    StudyContentError
        If there is no path.
    DicomInputError
        If a file is truncated, not PET, without scale or in an unknown encoding, or an attribute that an
        SUV depends on is unreadable.
    GeometryError
        If the slices make no volume, or the series holds several times or gates.

    References
    ----------
    DICOM PS3.3 C.8.9.4 (PET Image).
    """
    slices = read_slices(paths, sop_class_uid=PET_IMAGE, kind="PET")
    _refuse_several_times(slices)
    stacked = stack(slices)
    acquisition = pet_acquisition(stacked.datasets)
    frames = acquisition.frames

    def scaled(k: int, stored: NDArray[Any]) -> NDArray[np.float32]:
        return (stored * frames[k].slope + frames[k].intercept).astype(np.float32)

    values = fill_volume(stacked, np.float32, scaled)
    return PetVolume(values, stacked.geometry, stacked.header, acquisition)


def _refuse_several_times(slices: Sequence[Slice]) -> None:
    """Refuse a dynamic or gated series, naming what tells its images apart.

    (0054,0101) Number of Time Slices is not asked: static GE series carry numbers above 1 there.
    """
    planes = [one.plane for one in slices]
    if len({(plane.series_uid, plane.row_lps, plane.column_lps) for plane in planes}) > 1:
        return  # mixed: the stack refuses it with the right name
    distances = slice_distances_mm(planes)
    order = np.argsort(distances, kind="stable")
    starts = np.flatnonzero(np.diff(distances[order], prepend=-np.inf) > DUPLICATE_MM)
    sizes = np.diff(np.append(starts, len(order)))
    if sizes.max() == 1:
        return
    at = int(sizes.argmax())
    together = [slices[int(index)].dataset for index in order[starts[at] : starts[at] + sizes[at]]]
    tags = distinguishing_tags(together)
    if tags:
        raise GeometryError(
            f"{GeometryFault.DUPLICATE_POSITION}: up to {sizes.max()} images at each of {len(starts)} positions, told "
            f"apart by {', '.join(tags)}: a dynamic or gated series; name a static one "
            f"[series {planes[0].series_uid}]"
        )
