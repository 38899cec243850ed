"""Analytic shapes to a simulated PET with organ labels and the exact lesion and background part of every voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.model.geometry import Geometry
from psmacore.model.suv import SuvDerivation, SuvFactors
from psmacore.model.volumes import OrganMap, SuvVolume

_FINE = 3  # sub-voxels along each axis
_SIGMA_PER_FWHM = 1 / 2.3548


def a_derivation() -> SuvDerivation:
    """An SUV derivation without content: measuring does not read it."""
    factors = SuvFactors(1.0, None, None, None, None, None)
    return SuvDerivation(
        "2.25.1", "BQML", None, "START", 1e-4, factors, None, None, None, None, None, None, "M", None, (), ()
    )


def a_geometry(shape: tuple[int, int, int], spacing_kji_mm: tuple[float, float, float] = (4.0, 4.0, 4.0)) -> Geometry:
    return Geometry.from_axes(shape=shape, origin_lps_mm=(0, 0, 0), spacing_ijk_mm=spacing_kji_mm[::-1])


def a_suv(values: NDArray[np.float32], spacing_kji_mm: tuple[float, float, float] = (4.0, 4.0, 4.0)) -> SuvVolume:
    return SuvVolume(values.astype(np.float32), a_geometry(values.shape, spacing_kji_mm), a_derivation())


@dataclass(frozen=True, eq=False)
class Picture:
    """A finished scene. ``truth``: at or above SUV 3 with the lesion part above the background part."""

    suv: SuvVolume
    organs: OrganMap
    lesion_part: NDArray[np.float32]
    background_part: NDArray[np.float32]

    @property
    def truth(self) -> NDArray[np.bool_]:
        return (self.lesion_part + self.background_part >= 3) & (self.lesion_part > self.background_part)


class Scene:
    """Shapes on sub-voxels, ``(k, j, i)`` in mm from the grid's corner voxel centre."""

    def __init__(
        self, shape: tuple[int, int, int], spacing_kji_mm: tuple[float, float, float] = (4.0, 4.0, 4.0)
    ) -> None:
        self.shape, self.spacing_kji_mm = shape, spacing_kji_mm
        axes = [
            ((np.arange(size * _FINE) + 0.5) / _FINE - 0.5) * step
            for size, step in zip(shape, spacing_kji_mm, strict=True)
        ]
        self.k_mm, self.j_mm, self.i_mm = np.meshgrid(*axes, indexing="ij", sparse=True)
        fine = tuple(size * _FINE for size in shape)
        self._background = np.full(fine, 0.5, np.float32)
        self._lesions = np.zeros(fine, np.float32)
        self._labels = np.zeros(fine, np.uint16)

    def ellipsoid(self, centre_mm: tuple[float, ...], radii_mm: tuple[float, ...]) -> NDArray[np.bool_]:
        axes = (self.k_mm, self.j_mm, self.i_mm)
        return sum(((x - c) / r) ** 2 for x, c, r in zip(axes, centre_mm, radii_mm, strict=True)) <= 1

    def tube(self, start_mm: tuple[float, ...], end_mm: tuple[float, ...], radius_mm: float) -> NDArray[np.bool_]:
        start, along = np.array(start_mm), np.array(end_mm) - np.array(start_mm)
        axes = (self.k_mm, self.j_mm, self.i_mm)
        part = sum((x - s) * a for x, s, a in zip(axes, start, along, strict=True)) / (along @ along)
        part = np.clip(part, 0, 1)
        return sum((x - s - part * a) ** 2 for x, s, a in zip(axes, start, along, strict=True)) <= radius_mm**2

    def organ(
        self, inside: NDArray[np.bool_], suv: float, label: int, *, label_shift_kji: tuple[int, int, int] = (0, 0, 0)
    ) -> None:
        """Fill an organ; its label may lie elsewhere, by whole voxels."""
        self._background[inside] = suv
        self._labels[np.roll(inside, [_FINE * n for n in label_shift_kji], axis=(0, 1, 2))] = label

    def lesion(self, inside: NDArray[np.bool_], suv: float) -> None:
        self._background[inside] = 0
        self._lesions[inside] = suv

    def picture(self, *, fwhm_mm: float = 6.0, noise: float = 0.0, seed: int = 0) -> Picture:
        """Blur, sample and add noise, as a part of the square root of SUV 5 times the SUV."""
        background, lesions = self._blurred(self._background, fwhm_mm), self._blurred(self._lesions, fwhm_mm)
        clean = background + lesions
        grain = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=self.shape), 0.7)
        noisy = clean + noise * grain / grain.std() * np.sqrt(5 * clean)
        middle = slice(_FINE // 2, None, _FINE)
        geometry = a_geometry(self.shape, self.spacing_kji_mm)
        return Picture(
            SuvVolume(np.maximum(noisy, 0).astype(np.float32), geometry, a_derivation()),
            OrganMap(self._labels[middle, middle, middle].copy(), geometry, "simulated"),
            lesions,
            background,
        )

    def _blurred(self, field: NDArray[np.float32], fwhm_mm: float) -> NDArray[np.float32]:
        sigma = [fwhm_mm * _SIGMA_PER_FWHM / step * _FINE for step in self.spacing_kji_mm]
        k, j, i = self.shape
        smooth = ndimage.gaussian_filter(field, sigma)
        return smooth.reshape(k, _FINE, j, _FINE, i, _FINE).mean(axis=(1, 3, 5)).astype(np.float32)
