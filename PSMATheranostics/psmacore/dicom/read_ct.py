"""The files of a CT series to voxels in Hounsfield units."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psmacore.dicom.headers import number, refusal
from psmacore.dicom.select import CT_IMAGE
from psmacore.dicom.series import RESCALE_INTERCEPT, fill_volume, read_slices, slope_of, stack
from psmacore.model.volumes import CtVolume

logger = logging.getLogger(__name__)

_HU_RANGE = np.iinfo(np.int16)


def read_ct_series(paths: Sequence[Path]) -> CtVolume:
    """Return the CT volume of one series.

    Parameters
    ----------
    paths : sequence of Path
        All files of the series, in any order.

    Returns
    -------
    CtVolume
        Values ``(k, j, i)``, int16, in HU; rounded, and held within int16 where a metal scale exceeds it.

    Raises
    ------
    StudyContentError
        If there is no path.
    DicomInputError
        If a file is truncated, not CT, without slope or intercept, or in an unknown encoding.
    GeometryError
        If the slices make no volume.

    References
    ----------
    DICOM PS3.3 C.8.2.1 (CT Image), C.11.1 (Modality LUT).
    """
    stacked = stack(read_slices(paths, sop_class_uid=CT_IMAGE, kind="CT"))
    scales = []
    for one in stacked.slices:
        where = one.plane.path.name
        intercept = number(one.dataset, RESCALE_INTERCEPT)
        if intercept is None:
            raise refusal("is missing: values are no HU", RESCALE_INTERCEPT, value=None, where=where)
        scales.append((slope_of(one.dataset, where=where), intercept))

    def hounsfield(k: int, stored: NDArray[Any]) -> NDArray[np.int16]:
        slope, intercept = scales[k]
        values = np.rint(stored * slope + intercept)
        return np.clip(values, _HU_RANGE.min, _HU_RANGE.max).astype(np.int16)

    return CtVolume(fill_volume(stacked, np.int16, hounsfield), stacked.geometry, stacked.header)
