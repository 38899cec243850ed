"""Voxels on one grid to voxels on another, each way back included."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

Voxel = TypeVar("Voxel", bound=np.generic)

AIR_HU = -1024.0
"""What CT holds outside its field of view."""


class Interpolation(StrEnum):
    """How a value between voxel centres is made; labels never mix."""

    LINEAR = "linear"
    NEAREST = "nearest"


_SITK = {Interpolation.LINEAR: sitk.sitkLinear, Interpolation.NEAREST: sitk.sitkNearestNeighbor}


def model_geometry(grid: Grid, native: Geometry) -> Geometry:
    """Return the grid that a model works on, over the native field of view.

    With ``spacing_kji_mm`` the number of voxels is the nearest that fills the field of view, and both grids
    share their centre; with ``resize_to`` the outer faces of both coincide. Neither reads the voxels, so equal
    input gives equal output (W64, W72).

    Returns
    -------
    Geometry
        ``native`` itself where the model works on the native grid.
    """
    native_shape = np.array(native.shape, dtype=np.float64)
    native_spacing = np.array(native.spacing_kji_mm)
    if grid.resize_to is not None:
        shape = np.array(grid.resize_to, dtype=np.int64)
        spacing = native_spacing * native_shape / shape
    elif grid.spacing_kji_mm is not None:
        spacing = np.array(grid.spacing_kji_mm, dtype=np.float64)
        shape = np.maximum(1, np.rint(native_shape * native_spacing / spacing)).astype(np.int64)
    else:
        return native
    centre_lps = native.lps_of_kji((native_shape - 1) / 2)[0]
    directions = native.directions_lps
    origin = centre_lps - directions @ (spacing * (shape - 1) / 2)[::-1]
    resized = Geometry.from_axes(
        shape=(int(shape[0]), int(shape[1]), int(shape[2])),
        origin_lps_mm=origin,
        spacing_ijk_mm=spacing[::-1],
        directions_lps=directions,
        frame_of_reference_uid=native.frame_of_reference_uid,
    )
    return native if resized.is_same_grid(native) else resized


def resample(
    values: NDArray[Voxel],
    source: Geometry,
    target: Geometry,
    *,
    interpolation: Interpolation,
    outside: float | None = 0.0,
    source_from_target: sitk.Transform | None = None,
) -> NDArray[Voxel]:
    """Return ``values`` at the voxel centres of another grid.

    Parameters
    ----------
    values : numpy.ndarray
        ``(k, j, i)`` on ``source``; any numeric type but bool.
    outside : float or None
        Value where the target leaves the source's field of view (its outermost half voxel still belongs to
        it); ``None`` takes the nearest voxel's.
    source_from_target : SimpleITK.Transform, optional
        Takes LPS points of the target to LPS points of the source, as ITK's registrations write it: target
        fixed, source moving. Identity if absent.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)`` on ``target``, type as given; ``values`` itself where the grids agree and nothing moves.

    Raises
    ------
    GeometryError
        If ``values`` do not fill ``source``.
    """
    if values.shape != source.shape:
        raise GeometryError(f"voxels {values.shape} do not fill the grid {source.shape} (k, j, i)")
    if source_from_target is None and source.is_same_grid(target, tolerance_mm=1e-3):
        return values
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(empty_image(target))
    resampler.SetInterpolator(_SITK[interpolation])
    resampler.SetTransform(source_from_target if source_from_target is not None else sitk.Transform())
    if outside is None:
        resampler.UseNearestNeighborExtrapolatorOn()
    else:
        resampler.SetDefaultPixelValue(outside)
    moved = sitk.GetArrayFromImage(resampler.Execute(to_image(values, source)))
    return np.asarray(moved, dtype=values.dtype)


def resample_channels(
    values: NDArray[Voxel], source: Geometry, target: Geometry, *, interpolation: Interpolation
) -> NDArray[Voxel]:
    """Return each channel of ``(c, k, j, i)`` on another grid of the same field of view (see :func:`resample`)."""
    moved = np.empty((values.shape[0], *target.shape), dtype=values.dtype)
    for index, channel in enumerate(values):
        moved[index] = resample(channel, source, target, interpolation=interpolation, outside=None)
    return moved


def argmax_on(logits: NDArray[np.float32], source: Geometry, target: Geometry) -> NDArray[np.uint8]:
    """Return which channel is largest at each voxel of another grid.

    Channels are brought over linearly one by one, so memory is that of two volumes however many there are.

    Parameters
    ----------
    logits : numpy.ndarray
        ``(c, k, j, i)`` on ``source``, at most 256 channels.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)`` on ``target``, uint8 channel numbers; the first of equals.
    """
    best = resample(logits[0], source, target, interpolation=Interpolation.LINEAR, outside=None).copy()
    winner = np.zeros(target.shape, np.uint8)
    for index in range(1, logits.shape[0]):
        channel = resample(logits[index], source, target, interpolation=Interpolation.LINEAR, outside=None)
        higher = channel > best
        winner[higher] = index
        best[higher] = channel[higher]
    return winner


def to_image(values: NDArray[Any], geometry: Geometry) -> sitk.Image:
    """Return ``(k, j, i)`` voxels as a SimpleITK image; both keep LPS."""
    image: Any = sitk.GetImageFromArray(values)
    _place(image, geometry)
    return image


def empty_image(geometry: Geometry) -> sitk.Image:
    """Return a SimpleITK image of that grid, for its grid alone."""
    size: Sequence[int] = [int(n) for n in reversed(geometry.shape)]
    image: Any = sitk.Image(size, sitk.sitkUInt8)
    _place(image, geometry)
    return image


def shifted(geometry: Geometry, start_kji: tuple[int, int, int], shape: tuple[int, int, int]) -> Geometry:
    """Return the grid of a part that starts at voxel ``start_kji``, which may lie outside."""
    matrix = geometry.lps_from_ijk.copy()
    matrix[:3, 3] = geometry.lps_of_kji(start_kji)[0]
    return replace(geometry, shape=shape, lps_from_ijk=matrix)


def _place(image: Any, geometry: Geometry) -> None:
    image.SetOrigin(geometry.origin_lps_mm.tolist())
    image.SetSpacing(geometry.spacing_ijk_mm.tolist())
    image.SetDirection(geometry.directions_lps.ravel().tolist())
