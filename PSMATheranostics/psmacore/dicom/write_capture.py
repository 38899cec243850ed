"""A MIP picture to a DICOM Secondary Capture image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from highdicom.enum import CoordinateSystemNames, PhotometricInterpretationValues
from highdicom.sc import SCImage
from numpy.typing import NDArray
from pydicom.valuerep import DA, TM

from psmacore.dicom.publishing import MANUFACTURER, Publication, PublishedSeries, save
from psmacore.errors import UsageError
from psmacore.model.uids import new_uid


def write_capture(publication: Publication, mip_rgb: NDArray[np.uint8], path: Path) -> SCImage:
    """Write the picture as an RGB Secondary Capture.

    Parameters
    ----------
    mip_rgb : numpy.ndarray
        ``(rows, columns, 3)``, uint8, seen from the front: rows run from head to feet, columns from
        the patient's right to the left. It carries text, so (0028,0301) Burned In Annotation is YES.

    Returns
    -------
    SCImage
        The object as written.

    Raises
    ------
    UsageError
        If the picture is not RGB.

    References
    ----------
    DICOM PS3.3 A.8.1 (Secondary Capture Image IOD), C.7.6.1.1.1 (Patient Orientation).
    """
    if mip_rgb.ndim != 3 or mip_rgb.shape[2] != 3 or mip_rgb.dtype != np.uint8 or 0 in mip_rgb.shape:
        raise UsageError(f"the MIP must be (rows, columns, 3) uint8, not {mip_rgb.shape} {mip_rgb.dtype}")
    first = publication.sources.first
    made = SCImage(
        pixel_array=np.ascontiguousarray(mip_rgb),
        photometric_interpretation=PhotometricInterpretationValues.RGB,
        bits_allocated=8,
        coordinate_system=CoordinateSystemNames.PATIENT,
        patient_orientation=("L", "F"),
        study_instance_uid=str(first.StudyInstanceUID),
        series_instance_uid=new_uid(),
        series_number=publication.number_of(PublishedSeries.CAPTURE),
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        patient_sex=None,
        contributing_equipment=[publication.equipment()],
    )
    made.BurnedInAnnotation = "YES"
    made.ConversionType = "WSD"
    made.DateOfSecondaryCapture = DA(publication.made_at.date())
    made.TimeOfSecondaryCapture = TM(publication.made_at.time())
    publication.name_body_part(made)
    made.DerivationDescription = "Maximum intensity projection of SUVbw with lesions"
    publication.finish(made, PublishedSeries.CAPTURE, "PET MIP with lesions")
    save(made, path)
    return made
