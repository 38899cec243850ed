"""Uptake blurred by the scanner to an estimate of where it comes from: deconvolution, and what each source spills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_SIGMA_PER_FWHM = 1.0 / 2.354820045030949  # 2 sqrt(2 ln 2)
_TRUNCATE = 3.5
_TINY = np.float32(1e-6)


@dataclass(frozen=True)
class PointSpread:
    """The scanner's blur: a Gaussian of the same width along all axes.

    Parameters
    ----------
    fwhm_mm : float
        Full width at half maximum of the reconstructed image.
    spacing_kji_mm : tuple of float
        Of the grid that it is applied on.
    """

    fwhm_mm: float
    spacing_kji_mm: tuple[float, float, float]

    def blur(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the field as the scanner shows it, ``(k, j, i)``, float32; beyond the border it goes on unchanged."""
        sigma = [self.fwhm_mm * _SIGMA_PER_FWHM / step for step in self.spacing_kji_mm]
        blurred = ndimage.gaussian_filter(field, sigma, output=np.float32, mode="nearest", truncate=_TRUNCATE)
        return np.asarray(blurred, dtype=np.float32)

    @property
    def margin_kji(self) -> tuple[int, int, int]:
        """Voxels along each axis within which a source still spills."""
        k, j, i = (int(np.ceil(1.5 * self.fwhm_mm / step)) for step in self.spacing_kji_mm)
        return k, j, i


def deblur(values: NDArray[np.float32], spread: PointSpread, *, n_iterations: int) -> NDArray[np.float32]:
    """Return the activity that, blurred, explains the image.

    Parameters
    ----------
    values : numpy.ndarray
        SUVbw, ``(k, j, i)``; negative values count as zero.
    spread : PointSpread
        The blur.
    n_iterations : int
        Few: every further one sharpens noise as well.

    Returns
    -------
    numpy.ndarray
        ``(k, j, i)``, float32, positive.

    References
    ----------
    Richardson, J Opt Soc Am 1972;62:55; Lucy, Astron J 1974;79:745.
    """
    image = np.asarray(np.maximum(values, _TINY), dtype=np.float32)
    activity = image.copy()
    for _ in range(n_iterations):
        ratio = np.asarray(image / np.maximum(spread.blur(activity), _TINY), dtype=np.float32)
        activity *= spread.blur(ratio)
    return activity


def part_of(
    values: NDArray[np.float32], activity: NDArray[np.float32], owned: NDArray[np.float32], spread: PointSpread
) -> NDArray[np.float32]:
    """Return the part of each voxel's SUV that the owned activity explains.

    Parameters
    ----------
    values : numpy.ndarray
        SUVbw, ``(k, j, i)``.
    activity : numpy.ndarray
        From ``deblur``.
    owned : numpy.ndarray
        ``(k, j, i)``, float32: the part of each voxel's activity that is asked for.
    spread : PointSpread
        The same blur.

    Returns
    -------
    numpy.ndarray
        SUVbw, ``(k, j, i)``; with the part of the activity that is not owned it adds up to ``values``.
    """
    explained = spread.blur(activity)
    share = spread.blur(activity * owned) / np.maximum(explained, _TINY)
    return np.asarray(np.maximum(values, 0) * share, dtype=np.float32)
