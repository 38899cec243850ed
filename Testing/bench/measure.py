"""Ten lesions on a simulated whole-body PET to the time and memory that measuring them takes, ours against a peer's.

The peer is what one writes without this project: SimpleITK's label statistics for volume, uptake, centroid and Feret
diameter, and ``scipy.ndimage.convolve`` with the same 1 cm3 sphere in each lesion's box for both SUVpeaks. Both
sides start from the same arrays; their numbers must agree before a time counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PSMATheranostics")]

from psmacore.lesions.candidates import CandidatePart, Candidates  # noqa: E402
from psmacore.lesions.measure import measure  # noqa: E402
from psmacore.lesions.peak import peak_sphere  # noqa: E402
from psmacore.lesions.site_codes import ENTIRE_BODY  # noqa: E402
from psmacore.model.geometry import Geometry  # noqa: E402
from psmacore.model.lesions import LesionState  # noqa: E402
from psmacore.model.suv import SuvDerivation, SuvFactors  # noqa: E402
from psmacore.model.volumes import Segmentation, SuvVolume  # noqa: E402

GRIDS = {
    "standard": ((400, 200, 200), (3.0, 4.07, 4.07)),
    "large": ((500, 400, 400), (2.0, 1.65, 1.65)),
}
VOLUMES_ML = (0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, 80.0)
LIMIT_S = 0.1
_REPEATS = 7


class Numbers(NamedTuple):
    """What both sides give for one lesion."""

    volume_ml: float
    suv_max: float
    suv_mean: float
    suv_peak: float
    suv_peak_hottest: float


def a_case(grid: str) -> tuple[SuvVolume, Candidates]:
    """Return a simulated body with ten ball-shaped lesions of 0.3 to 80 ml."""
    shape, spacing_kji_mm = GRIDS[grid]
    rng = np.random.default_rng(20)
    values = rng.random(shape, dtype=np.float32)
    labels = np.zeros(shape, np.uint16)
    for number, volume_ml in enumerate(VOLUMES_ML, start=1):
        radius_mm = (volume_ml * 750 / np.pi) ** (1 / 3)
        half = [int(radius_mm / step) + 1 for step in spacing_kji_mm]
        axes = [np.arange(-h, h + 1) * step for h, step in zip(half, spacing_kji_mm, strict=True)]
        k, j, i = np.meshgrid(*axes, indexing="ij", sparse=True)
        ball = k**2 + j**2 + i**2 <= radius_mm**2
        centre = (shape[0] * number // 11, shape[1] * (1 + number % 3) // 4, shape[2] * (1 + number % 2) // 3)
        box = tuple(slice(c - h, c + h + 1) for c, h in zip(centre, half, strict=True))
        labels[box][ball] = number
        values[box] += np.where(ball, 10 + 3 * number, 0).astype(np.float32)
    geometry = Geometry.from_axes(shape=shape, origin_lps_mm=(0, 0, 0), spacing_ijk_mm=spacing_kji_mm[::-1])
    return _as_case(values, labels, geometry)


def _as_case(
    values: NDArray[np.float32], labels: NDArray[np.uint16], geometry: Geometry
) -> tuple[SuvVolume, Candidates]:
    factors = SuvFactors(1.0, None, None, None, None, None)
    derivation = SuvDerivation(
        "2.25.1", "BQML", None, "START", None, factors, None, None, None, None, None, None, "M", None, (), ()
    )
    parts = tuple(
        CandidatePart(int(n), LesionState.UNCONFIRMED, ENTIRE_BODY, None) for n in range(1, len(VOLUMES_ML) + 1)
    )
    found = Candidates(Segmentation(labels, geometry), parts, None, None, physiology_excluded=True)
    return SuvVolume(values, geometry, derivation), found


def ours(suv: SuvVolume, found: Candidates) -> dict[int, Numbers]:
    """Measure with ``psmacore.lesions``."""
    return {
        lesion.segment_number: Numbers(
            lesion.volume_ml, lesion.suv_max, lesion.suv_mean, lesion.suv_peak, lesion.suv_peak_hottest
        )
        for lesion in measure(suv, found)
    }


def peer(suv: SuvVolume, found: Candidates) -> dict[int, Numbers]:
    """Measure with SimpleITK and ``scipy.ndimage``."""
    spacing = [float(step) for step in suv.geometry.spacing_ijk_mm]
    image, mask = sitk.GetImageFromArray(suv.values), sitk.GetImageFromArray(found.segmentation.labels)
    image.SetSpacing(spacing)
    mask.SetSpacing(spacing)
    statistics_filter = sitk.LabelIntensityStatisticsImageFilter()
    statistics_filter.ComputeFeretDiameterOn()
    statistics_filter.Execute(mask, image)
    kernel = _kernel(suv.geometry)
    return {
        number: Numbers(
            statistics_filter.GetPhysicalSize(number) / 1000.0,
            statistics_filter.GetMaximum(number),
            statistics_filter.GetMean(number),
            *_peaks(suv.values, found.segmentation.labels, number, statistics_filter.GetBoundingBox(number), kernel),
        )
        for number in statistics_filter.GetLabels()
    }


def _kernel(geometry: Geometry) -> NDArray[np.float32]:
    sphere = peak_sphere(geometry)
    reach = np.abs(sphere.offsets).max(axis=0)
    kernel = np.zeros(2 * reach + 1, np.float32)
    kernel[tuple((sphere.offsets + reach).T)] = sphere.weights
    return kernel


def _peaks(
    values: NDArray[np.float32],
    labels: NDArray[np.uint16],
    number: int,
    box_ijk: tuple[int, ...],
    kernel: NDArray[np.float32],
) -> tuple[float, float]:
    reach = np.array(kernel.shape) // 2
    start, size = np.array(box_ijk[:3][::-1]), np.array(box_ijk[3:][::-1])
    box = tuple(slice(int(a), int(b)) for a, b in zip(start - reach, start + size + reach, strict=True))
    means = ndimage.convolve(values[box], kernel, mode="nearest")
    inside = labels[box] == number
    hottest = np.argmax(np.where(inside, values[box], -np.inf))
    return float(means[inside].max()), float(means.reshape(-1)[hottest])


def _require_agreement(first: dict[int, Numbers], second: dict[int, Numbers]) -> None:
    for number, mine in first.items():
        theirs = second[number]
        pairs = zip(mine._asdict().items(), theirs, strict=True)
        for (name, left), right in pairs:
            if abs(left - right) > 1e-4 * abs(right):
                raise ValueError(f"lesion {number}: {name} is {left} here and {right} with the peer")


def _seconds(side: Callable[[SuvVolume, Candidates], object], suv: SuvVolume, found: Candidates) -> float:
    start = time.perf_counter()
    side(suv, found)
    return time.perf_counter() - start


def _memory_mb(side: str, suv: SuvVolume, found: Candidates) -> float:
    """Return how far measuring lifts a fresh process's peak memory above its inputs."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "values.npy", suv.values)
        np.save(Path(folder) / "labels.npy", found.segmentation.labels)
        np.save(Path(folder) / "lps_from_ijk.npy", suv.geometry.lps_from_ijk)
        command = [sys.executable, str(Path(__file__).resolve()), "--memory-of", side, "--inputs", folder]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _report_memory(side: str, folder: Path) -> None:
    values, labels = np.load(folder / "values.npy"), np.load(folder / "labels.npy")
    geometry = Geometry(values.shape, np.load(folder / "lps_from_ijk.npy"))
    suv, found = _as_case(values, labels, geometry)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    {"ours": ours, "peer": peer}[side](suv, found)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"{max(after - before, 1024) / 1024}\n")


def run(*, grid: str = "large", repeats: int = _REPEATS) -> dict[str, str | float | int | bool]:
    """Return the benchmark's fields; ratios are peer / ours, so that more is better.

    Parameters
    ----------
    grid : str
        ``large``: 500 x 400 x 400 voxels of 2 x 1.65 x 1.65 mm; ``standard``: 400 x 200 x 200 of 3 x 4.07 x 4.07 mm.
    repeats : int
        Pairs of runs, taken in turn.

    Raises
    ------
    ValueError
        If the two sides disagree.
    """
    suv, found = a_case(grid)
    _require_agreement(ours(suv, found), peer(suv, found))
    pairs = [(_seconds(ours, suv, found), _seconds(peer, suv, found)) for _ in range(repeats)]
    ratios = sorted(theirs / mine for mine, theirs in pairs)
    ours_s = statistics.median(mine for mine, _ in pairs)
    ours_mb, peer_mb = _memory_mb("ours", suv, found), _memory_mb("peer", suv, found)
    return {
        "name": "measure",
        "peer": f"SimpleITK {sitk.Version_VersionString()} label statistics with scipy.ndimage.convolve",
        "ratio_median": statistics.median(ratios),
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
        "ours_s": ours_s,
        "peer_s": statistics.median(theirs for _, theirs in pairs),
        "memory_ratio": peer_mb / ours_mb,
        "device": "cpu",
        "command": f"Testing/bench/measure.py --grid {grid} --repeats {repeats}",
        "n_lesions": len(VOLUMES_ML),
        "voxels": int(np.prod(GRIDS[grid][0])),
        "repeats": repeats,
        "fastest_s": min(mine for mine, _ in pairs),
        "slowest_s": max(mine for mine, _ in pairs),
        "limit_s": LIMIT_S,
        "within_limit": ours_s < LIMIT_S,
    }


def main() -> None:
    """Print the benchmark as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grid", choices=sorted(GRIDS), default="large")
    parser.add_argument("--repeats", type=int, default=_REPEATS)
    parser.add_argument("--memory-of", choices=("ours", "peer"), help=argparse.SUPPRESS)
    parser.add_argument("--inputs", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        _report_memory(arguments.memory_of, arguments.inputs)
    else:
        sys.stdout.write(json.dumps(run(grid=arguments.grid, repeats=arguments.repeats)) + "\n")


if __name__ == "__main__":
    main()
