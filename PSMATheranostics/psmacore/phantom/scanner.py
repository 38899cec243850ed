"""Perfect activity to what a scanner shows: blur, breathing and count noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.shapes import Float32, Float64, rotation_deg

SIGMA_PER_FWHM = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
DOME_MM = 350.0


@dataclass(frozen=True)
class PetScanner:
    """How a scanner and a breathing man turn activity into an image.

    Parameters
    ----------
    fwhm_mm : float
        Resolution after reconstruction, 4 to 7 mm.
    liver_cv : float
        Voxel noise in the liver, standard deviation over mean, 0.08 to 0.15.
    noise_fwhm_mm : float
        Correlation of the noise after reconstruction.
    breath_mm : float
        Movement of the diaphragm's dome during the PET scan, peak to peak, 5 to 15 mm.
    breath_offset_mm : float
        Mean of the PET's position against the breath-hold of the CT; negative is towards the feet.
    """

    fwhm_mm: float
    liver_cv: float
    noise_fwhm_mm: float
    breath_mm: float
    breath_offset_mm: float

    def sigma_kji(self, geometry: Geometry, extra_z_mm: float = 0.0) -> tuple[float, float, float]:
        """Return the blur's standard deviation in voxels ``(k, j, i)``; ``extra_z_mm`` adds to it along k."""
        k, j, i = geometry.spacing_kji_mm
        sigma = self.fwhm_mm * SIGMA_PER_FWHM
        return float(np.hypot(sigma, extra_z_mm)) / k, sigma / j, sigma / i

    def blur(self, activity: Float32, geometry: Geometry, extra_z_mm: float = 0.0) -> Float32:
        """Return the activity as the scanner resolves it, ``(k, j, i)``; nothing lies beyond the block."""
        sigma = self.sigma_kji(geometry, extra_z_mm)
        return np.asarray(gaussian_filter(activity, sigma, mode="constant", truncate=4.0), dtype=np.float32)


def draw_scanner(seed: int, date_index: int | str, *, voxel_mm: float) -> PetScanner:
    """Draw one date's scanner; the machine (resolution) is the man's, noise and breathing are the date's."""
    machine, date = random_stream(seed, "scanner"), random_stream(seed, "scanner", date_index)
    sharpest = 4.0 if voxel_mm < 4.5 else 5.5
    return PetScanner(
        fwhm_mm=float(machine.uniform(sharpest, 7.0)),
        liver_cv=float(date.uniform(0.08, 0.15)),
        noise_fwhm_mm=float(machine.uniform(1.0, 1.4)) * voxel_mm,
        breath_mm=float(date.uniform(5.0, 13.0)),
        breath_offset_mm=float(date.uniform(-4.0, 2.0)),
    )


def breath_weight(z_mm: Float64) -> Float64:
    """Return how far tissue at template height ``z_mm`` follows the dome: 1 there, 0 at the pelvis and the apex."""
    return np.asarray(np.interp(z_mm, (60.0, 200.0, 300.0, DOME_MM + 20, 460.0, 540.0), (0, 0.45, 0.9, 1, 0.3, 0)))


def breathing_matrix(scanner: PetScanner, z_mm: Float64, step_mm: float, *, n_phases: int = 7) -> Float32:
    """Return the matrix ``(K, K)`` that takes slices at rest to the mean of all phases of breathing.

    Parameters
    ----------
    z_mm : numpy.ndarray
        ``(K,)``: template heights of the slices, rising evenly.
    step_mm : float
        Distance between slices in mm of this man.
    """
    n = len(z_mm)
    matrix = np.zeros((n, n))
    # A man rests longer at the end of breathing out: positions follow sin^2 in time.
    phases = np.sin(np.pi * (np.arange(n_phases) + 0.5) / (2 * n_phases)) ** 2 - 0.5
    for phase in phases:
        move = (scanner.breath_offset_mm + phase * scanner.breath_mm) * breath_weight(z_mm)
        source = np.clip(np.arange(n) - move / step_mm, 0, n - 1)
        low = np.minimum(source.astype(int), n - 2)
        matrix[np.arange(n), low] += (1 - (source - low)) / n_phases
        matrix[np.arange(n), low + 1] += (source - low) / n_phases
    return matrix.astype(np.float32)


def noise_field(shape: tuple[int, int, int], sigma_kji: tuple[float, ...], rng: np.random.Generator) -> Float32:
    """Return correlated Gaussian noise of zero mean and unit standard deviation, ``(k, j, i)``."""
    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma_kji, mode="nearest", truncate=3.0)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def add_noise(
    clean: Float32, scanner: PetScanner, geometry: Geometry, liver_suv: float, rng: np.random.Generator
) -> Float32:
    """Return the image with count noise: its variance rises with the signal, and is ``liver_cv`` in the liver.

    Values stay at or above zero, as reconstructions by expectation maximisation do.
    """
    k, j, i = (scanner.noise_fwhm_mm * SIGMA_PER_FWHM / step for step in geometry.spacing_kji_mm)
    noise = noise_field(geometry.shape, (k, j, i), rng)
    noise *= np.sqrt(np.maximum(clean, 0) * np.float32(liver_suv)) * np.float32(scanner.liver_cv)
    return np.asarray(np.maximum(clean + noise, 0), dtype=np.float32)


def rigid_move(rng: np.random.Generator, *, shift_mm: tuple[float, float, float], turn_deg: float) -> FloatArray:
    """Draw a rigid transform, 4 x 4: shifts of 1 SD ``shift_mm`` and turns of 1 SD ``turn_deg``, both cut at 2 SD."""
    angles = np.clip(rng.normal(0, 1, 3), -2, 2) * turn_deg
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_deg(*angles)
    matrix[:3, 3] = np.clip(rng.normal(0, 1, 3), -2, 2) * np.array(shift_mm)
    return matrix
