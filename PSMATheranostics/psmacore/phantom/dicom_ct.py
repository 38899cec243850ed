"""A simulated CT to a CT series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from psmacore.model.geometry import Geometry
from psmacore.phantom.dicom_common import (
    SIMULATED,
    SIMULATED_IMAGE_TYPE,
    StudyIdentity,
    add_plane,
    add_series,
    date_of,
    decimal,
    set_slice,
    study_dataset,
    time_of,
)
from psmacore.phantom.dicom_pet import HEADERS

_INTERCEPT = -1024


def ct_series(identity: StudyIdentity, slabs: Iterable[NDArray[np.int16]], geometry: Geometry) -> Iterator[Dataset]:
    """Yield the CT images from the feet up, each with its pixels (12 bits, intercept -1024).

    The same data set is changed and yielded again: write or copy it before the next.

    Parameters
    ----------
    slabs : iterable of numpy.ndarray
        ``(k, j, i)`` each, HU, in order; together they fill ``geometry``.
    """
    ds = _template(identity, geometry)
    index = 0
    n_slices = geometry.shape[0]
    for slab in slabs:
        for plane in slab:
            set_slice(ds, identity, geometry, index, n_slices - index)
            pixels = (plane.astype(np.int32) - _INTERCEPT).clip(0, 4095).astype("<u2")
            ds.SmallestImagePixelValue, ds.LargestImagePixelValue = int(pixels.min()), int(pixels.max())
            ds.PixelData = pixels.tobytes()
            yield ds
            index += 1


def _template(identity: StudyIdentity, geometry: Geometry) -> Dataset:
    header, acquisition = HEADERS[identity.vendor], identity.acquisition
    ds = study_dataset(identity, CTImageStorage)
    add_series(ds, identity, modality="CT", number=2, description="Simulated CT low dose")
    add_plane(ds, geometry)
    moment = acquisition.study_at
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", SIMULATED_IMAGE_TYPE]
    ds.SeriesDate, ds.SeriesTime = date_of(moment), time_of(moment)
    ds.AcquisitionDate, ds.AcquisitionTime = date_of(moment), time_of(moment)
    ds.ContentDate, ds.ContentTime = date_of(moment), time_of(moment)
    ds.AcquisitionNumber = 1
    ds.Manufacturer, ds.ManufacturerModelName = header.manufacturer, header.model
    ds.SoftwareVersions = header.software
    ds.DeviceSerialNumber = "SIM0001"
    ds.StationName = "SIMULATION"
    ds.PatientPosition = "HFS"
    ds.KVP = decimal(120.0)
    ds.XRayTubeCurrent = 40
    ds.ExposureTime = 500
    ds.Exposure = 20
    ds.ConvolutionKernel = "SOFT"
    ds.ReconstructionDiameter = decimal(round(float(geometry.spacing_ijk_mm[0]) * geometry.shape[2], 3))
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = decimal(float(_INTERCEPT)), decimal(1.0), "HU"
    ds.WindowCenter, ds.WindowWidth = decimal(40.0), decimal(400.0)
    ds.LossyImageCompression = "00"
    ds.ImageComments = SIMULATED
    return ds
