"""Images on the study's grid to the order and direction of axes that an nnU-Net was trained with, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.ai.preprocess.grid import Interpolation, empty_image, resample, to_image
from psmacore.model.geometry import Geometry

FloatImage = NDArray[np.float32]

# Where the axes i, j and k of each reader's images point to; the other readers leave images as they are stored.
_TOWARD = {"NibabelIOWithReorient": "RAS", "SimpleITKIOWithReorient": "RAS"}


@dataclass(frozen=True, eq=False)
class Oriented:
    """Images as a reader of nnU-Net's would give them.

    Parameters
    ----------
    values : numpy.ndarray
        ``(c, k, j, i)``, float32.
    geometry : Geometry
        Of ``values``: the study's grid with axes exchanged and turned round, nothing interpolated.
    native : Geometry
        The study's.
    """

    values: FloatImage
    geometry: Geometry
    native: Geometry

    def put_back(self, channel: NDArray[Any]) -> NDArray[Any]:
        """Return ``(k, j, i)`` of the study's grid, voxel by voxel."""
        return resample(channel, self.geometry, self.native, interpolation=Interpolation.NEAREST)


def orient(values: FloatImage, native: Geometry, reader: str) -> Oriented:
    """Return ``(c, k, j, i)`` images with the axes that a reader gives them."""
    toward = _TOWARD.get(reader)
    if toward is None:
        return Oriented(values, native, native)
    geometry = _geometry(sitk.DICOMOrient(empty_image(native), toward), native.frame_of_reference_uid)
    if geometry.is_same_grid(native):
        return Oriented(values, native, native)
    turned = [sitk.GetArrayFromImage(sitk.DICOMOrient(to_image(one, native), toward)) for one in values]
    return Oriented(np.stack(turned).astype(np.float32, copy=False), geometry, native)


def _geometry(image: sitk.Image, frame_of_reference_uid: str) -> Geometry:
    i, j, k = image.GetSize()
    return Geometry.from_axes(
        shape=(k, j, i),
        origin_lps_mm=image.GetOrigin(),
        spacing_ijk_mm=image.GetSpacing(),
        directions_lps=np.reshape(image.GetDirection(), (3, 3)),
        frame_of_reference_uid=frame_of_reference_uid,
    )
