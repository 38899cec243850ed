"""A study's images to what models read on the PET's grid, with the part of the PET that the CT covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.preprocess.body import BODY_SUV
from psmacore.ai.preprocess.grid import AIR_HU, Interpolation, resample
from psmacore.ai.segmenters.running import Images
from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import CtVolume, SuvVolume
from psmacore.pipeline.images import StudyImages
from psmacore.registry.manifest import ChannelName, Manifest

_MOSTLY = 0.95
"""Part of the patient below which the reader is told that the CT does not cover it; a CT's field is often narrower."""


def covered_by(ct: CtVolume, geometry: Geometry) -> NDArray[np.bool_]:
    """Return which voxels of a grid lie in the CT's field of view, ``(k, j, i)``.

    Raises
    ------
    GeometryError
        If none does.
    """
    corners = np.indices(geometry.shape, dtype=np.float32).reshape(3, -1).T
    ct_from_pet = ct.geometry.ijk_from_lps @ geometry.lps_from_ijk
    ijk = corners[:, ::-1] @ ct_from_pet[:3, :3].T.astype(np.float32) + ct_from_pet[:3, 3].astype(np.float32)
    last = np.array(ct.geometry.shape[::-1], np.float32) - np.float32(0.5)
    inside = np.all((ijk >= -0.5) & (ijk <= last), axis=1).reshape(geometry.shape)
    if not inside.any():
        raise GeometryError(
            f"the CT series {ct.header.series_uid} does not cover the PET anywhere, although both name the same frame "
            "of reference"
        )
    return np.asarray(inside, dtype=np.bool_)


def coverage_warnings(covered: NDArray[np.bool_], suv: SuvVolume) -> tuple[str, ...]:
    """Warn where a part of the patient, as the PET shows it, has no CT, and a model sees air there."""
    body = suv.values > np.float32(BODY_SUV)
    if not body.any():
        return ()
    part = float(np.count_nonzero(covered & body)) / np.count_nonzero(body)
    words = f"the CT covers {100 * part:.0f} % of what the PET shows of the patient; elsewhere models see air"
    return () if part >= _MOSTLY else (words,)


def hu_on(ct: CtVolume, geometry: Geometry) -> NDArray[np.float32]:
    """Return the CT on another grid, ``(k, j, i)``, float32, in HU; air outside its field of view."""
    values = ct.values.astype(np.float32)
    return resample(values, ct.geometry, geometry, interpolation=Interpolation.LINEAR, outside=AIR_HU)


def channels_on_pet(manifest: Manifest, images: StudyImages) -> tuple[Images, tuple[str, ...]]:
    """Return the PET, and the CT where a model reads one, on the PET grid, and what the reader should know of them.

    Raises
    ------
    StudyContentError
        If the study lacks a CT that the model reads.
    GeometryError
        If the CT does not cover the PET anywhere.
    """
    channels = {ChannelName.PET: images.suv.values}
    if all(channel.name is not ChannelName.CT for channel in manifest.inputs):
        return channels, ()
    covered = covered_by(images.ct, images.suv.geometry)
    return {**channels, ChannelName.CT: hu_on(images.ct, images.suv.geometry)}, coverage_warnings(covered, images.suv)
