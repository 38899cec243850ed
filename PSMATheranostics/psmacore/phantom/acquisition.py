"""A seed and a date to how that study was acquired: day, weight, dose, times and grids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np

from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.anatomy import Anatomy
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.scanner import rigid_move
from psmacore.phantom.uids import phantom_uid
from psmacore.phantom.uptake import FACTS, Tracer

_FIRST_DAY = datetime(2023, 1, 9)  # noqa: DTZ001  (scanner's local time, as DICOM writes it)


class Vendor(StrEnum):
    """Whose headers the images carry."""

    SIEMENS = "siemens"
    GE = "ge"
    PHILIPS = "philips"


@dataclass(frozen=True)
class Acquisition:
    """How one study was acquired.

    All datetimes are naive: the scanner's local time.

    Parameters
    ----------
    weight_kg, height_m : float
        As the header holds them.
    activity_bq : float
        Administered at ``injected_at``.
    scan_at : datetime
        Start of the first bed, to which the images are decay-corrected.
    bed_s : float
        Duration of one bed position.
    """

    tracer: Tracer
    study_at: datetime
    injected_at: datetime
    scan_at: datetime
    weight_kg: float
    height_m: float
    born_on: date
    activity_bq: float
    bed_s: float

    @property
    def age_y(self) -> int:
        """Age in full years on the day of the study."""
        day = self.study_at.date()
        return day.year - self.born_on.year - ((day.month, day.day) < (self.born_on.month, self.born_on.day))

    @property
    def uptake_min(self) -> float:
        """From injection to the start of the scan."""
        return (self.scan_at - self.injected_at).total_seconds() / 60.0

    @property
    def bq_per_ml_per_suv(self) -> float:
        """Activity concentration (Bq/ml), decay-corrected to ``scan_at``, that SUVbw 1 g/ml stands for."""
        elapsed_s = (self.scan_at - self.injected_at).total_seconds()
        left = self.activity_bq * 2.0 ** (-elapsed_s / FACTS[self.tracer].half_life_s)
        return float(left / (self.weight_kg * 1000.0))


def draw_acquisitions(seed: int, anatomy: Anatomy, tracer: Tracer, n_timepoints: int) -> tuple[Acquisition, ...]:
    """Draw the studies of a course: 6 to 14 weeks apart, weight changing by some kg, other dose and uptake time."""
    rng = random_stream(seed, "acquisition", tracer)
    facts = FACTS[tracer]
    day = _FIRST_DAY + timedelta(days=int(rng.integers(0, 500)))
    born_on = date(day.year - anatomy.habitus.age_y, 7, 1)
    weight = anatomy.habitus.weight_kg
    result = []
    for _ in range(n_timepoints):
        injected = day + timedelta(hours=int(rng.integers(8, 13)), minutes=int(rng.integers(0, 60)))
        scan = injected + timedelta(seconds=round(60 * float(rng.uniform(*facts.uptake_min))))
        result.append(
            Acquisition(
                tracer=tracer,
                study_at=scan - timedelta(seconds=240),
                injected_at=injected,
                scan_at=scan,
                weight_kg=round(weight, 1),
                height_m=anatomy.habitus.height_m,
                born_on=born_on,
                activity_bq=float(round(facts.activity_bq_per_kg * weight * float(rng.uniform(0.88, 1.12)), -4)),
                bed_s=float(rng.choice([120, 150, 180])),
            )
        )
        day += timedelta(days=int(rng.integers(42, 99)))
        weight = max(45.0, weight + float(np.clip(rng.normal(-1.0, 2.0), -5, 4)))
    return tuple(result)


def draw_positions(seed: int, n_timepoints: int) -> tuple[FloatArray, ...]:
    """Draw where the man lies at each date: 4 x 4 transforms from patient coordinates to the world (LPS)."""
    result = []
    for number in range(n_timepoints):
        rng = random_stream(seed, "position", number)
        move = rigid_move(rng, shift_mm=(8.0, 6.0, 14.0), turn_deg=0.0 if number == 0 else 1.6)
        move[1, 3] += 20.0
        move[2, 3] -= 950.0
        result.append(move)
    return tuple(result)


@dataclass(frozen=True)
class GridSizes:
    """Voxels of PET and CT; slices are added where the man is longer than the least number covers."""

    pet_pixels: int
    pet_pixel_mm: float
    pet_slice_mm: float
    ct_pixels: int
    ct_pixel_mm: float
    ct_slice_mm: float
    least_slices: int


QUICK = GridSizes(128, 5.3, 5.0, 256, 2.2, 5.0, 200)
FULL = GridSizes(200, 4.07283, 3.0, 512, 1.171875, 3.0, 330)
QUICK_COMPANION = GridSizes(128, 5.46875, 4.25, 256, 2.1484375, 4.25, 235)
FULL_COMPANION = GridSizes(192, 3.6458, 3.27, 512, 1.3671875, 3.27, 300)


def grids(
    seed: int, date_index: int | str, anatomy: Anatomy, position: FloatArray, sizes: GridSizes
) -> tuple[Geometry, Geometry]:
    """Return the grids of PET and CT, vertex to mid-thigh, in one frame of reference and with different origins."""
    low, high = (z + float(position[2, 3]) for z in anatomy.z_range_mm)
    frame_uid = phantom_uid(seed, "frame of reference", date_index)

    def grid(pixels: int, pixel_mm: float, slice_mm: float, shift: tuple[float, float, float]) -> Geometry:
        n_slices = max(sizes.least_slices, int(np.ceil((high - low) / slice_mm)))
        corner = -(pixels - 1) / 2 * pixel_mm
        origin = [round(corner + shift[0], 3), round(corner + shift[1], 3), round(low + shift[2], 3)]
        return Geometry.from_axes(
            shape=(n_slices, pixels, pixels),
            origin_lps_mm=origin,
            spacing_ijk_mm=[pixel_mm, pixel_mm, slice_mm],
            frame_of_reference_uid=frame_uid,
        )

    pet = grid(sizes.pet_pixels, sizes.pet_pixel_mm, sizes.pet_slice_mm, (0.0, 20.0, 0.0))
    return pet, grid(sizes.ct_pixels, sizes.ct_pixel_mm, sizes.ct_slice_mm, (0.0, 22.0, -1.5))
