"""NIfTI label files to label arrays on the PET grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import OrganMap


def is_nifti(path: Path) -> bool:
    """Return whether the file name ends as NIfTI's do."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read_labels(path: Path, geometry: Geometry) -> NDArray[np.uint16]:
    """Read a label map and bring it onto ``geometry`` by nearest neighbour.

    Parameters
    ----------
    path : pathlib.Path
        NIfTI file of whole numbers from 0 to 65535.
    geometry : Geometry
        Target grid. The file carries no frame of reference: it must lie in the PET's.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, uint16; 0 outside the file's field of view.

    Raises
    ------
    InputRefusedError
        If the file cannot be read, is not one volume of whole numbers, or does not meet the PET at all.
    """
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputRefusedError(f"{path.name} cannot be read as NIfTI: {str(error).splitlines()[-1]}") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputRefusedError(f"{path.name} is not one scalar volume")
    values = sitk.GetArrayViewFromImage(image)
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise InputRefusedError(f"{path.name} holds no labels: values from {values.min()} to {values.max()}")
    if not np.array_equal(values, np.rint(values)):
        raise InputRefusedError(f"{path.name} holds fractions where labels are whole numbers")
    target = sitk.Image(*reversed(geometry.shape), sitk.sitkUInt16)
    target.SetOrigin(geometry.origin_lps_mm.tolist())
    target.SetSpacing(geometry.spacing_ijk_mm.tolist())
    target.SetDirection(geometry.directions_lps.ravel().tolist())
    labels = sitk.GetArrayFromImage(
        sitk.Resample(sitk.Cast(image, sitk.sitkUInt16), target, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    )
    if values.any() and not labels.any():
        raise InputRefusedError(f"{path.name} does not overlap the PET: is it of another study or frame of reference?")
    return np.asarray(labels, dtype=np.uint16)


def read_organ_map(path: Path, geometry: Geometry) -> OrganMap:
    """Read an organ label map (numbers as in :mod:`psmacore.model.organs`) onto ``geometry``."""
    return OrganMap(read_labels(path, geometry), geometry, source=f"label map {path.name}")
