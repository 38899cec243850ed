"""SUVbw beside the PET values it came from to the factor of each slice, for objects that must scale as was measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import DicomInputError, GeometryError
from psmacore.model.volumes import PetVolume, SuvVolume

_ONE_FACTOR = 1e-6
"""Relative difference below which the slices' ratios are one factor; float32 volumes leave 2e-7 of it."""
_PROPORTIONAL = 1e-5
"""Greatest distance from proportionality, relative to the greatest SUV of the slice."""


def suvbw_per_value(pet: PetVolume, suv: SuvVolume) -> tuple[float | None, ...]:
    """Return for each slice the factor from a PET value in the header's unit to SUVbw.

    It is measured, not derived: over all voxels of a slice the factor that fits best,
    ``sum(suv * value) / sum(value * value)`` in float64. Where the factors of all slices agree
    within 1e-6, as in every series whose images are corrected for decay to one time, the series has
    one factor, fitted over all its voxels. Otherwise each slice has its own, rounded to float32,
    the precision of what it was measured from, so that slices of one bed position share it.

    Returns
    -------
    tuple of float or None
        One for each slice k; ``SUVbw[k] = pet.values[k] * factor[k]``, to 1e-6. A slice of zeros tells
        nothing: it has the factor of the series where there is one, and ``None`` where each slice has
        its own.

    Raises
    ------
    GeometryError
        If SUV and PET are not on one grid.
    DicomInputError
        If every voxel is 0, or SUV and PET values are not proportional, so do not belong together.

    References
    ----------
    DICOM PS3.3 C.7.6.16.2.11 (Real World Value Mapping), which the factors are for; how SUV is
    derived is the concern of ``psmacore.suv``.
    """
    if not suv.geometry.is_same_grid(pet.geometry):
        raise GeometryError("SUV and PET are not on one grid")
    sums = np.array(
        [_sums(values, measured, pet) for values, measured in zip(pet.values, suv.values, strict=True)],
        dtype=np.float64,
    )
    tells = sums[:, 1] > 0
    if not tells.any():
        raise DicomInputError("every voxel is 0: no scale can be told", where=pet.header.series_uid)
    ratios = sums[tells, 0] / sums[tells, 1]
    if np.ptp(ratios) <= _ONE_FACTOR * np.abs(ratios).max():
        whole = float(sums[:, 0].sum() / sums[:, 1].sum())
        return (whole,) * len(sums)
    return tuple(float(np.float32(product / square)) if square > 0 else None for product, square in sums.tolist())


def _sums(values: NDArray[np.float32], measured: NDArray[np.float32], pet: PetVolume) -> tuple[float, float]:
    """Return sum(suv * value) and sum(value * value) of one slice; refuse what is not proportional."""
    value, found = values.ravel().astype(np.float64), measured.ravel().astype(np.float64)
    product, square = float((found * value).sum()), float((value * value).sum())
    factor = product / square if square > 0 else 0.0
    is_proportional = np.abs(found - factor * value).max() <= _PROPORTIONAL * np.abs(found).max()
    if not is_proportional or (square > 0 and factor <= 0):
        raise DicomInputError("the SUV was not measured on these PET values", where=pet.header.series_uid)
    return product, square
