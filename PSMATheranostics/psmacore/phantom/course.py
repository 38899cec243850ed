"""A seed to a simulated man's course: one to many dates with PET, CT, organs and truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import UsageError
from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.acquisition import (
    FULL,
    FULL_COMPANION,
    QUICK,
    QUICK_COMPANION,
    Acquisition,
    GridSizes,
    draw_acquisitions,
    draw_positions,
    grids,
)
from psmacore.phantom.anatomy import Anatomy, build_anatomy
from psmacore.phantom.ct import CtRequest, CtSlab, iterate_ct, iterate_labelled_ct
from psmacore.phantom.decoys import Decoy, DecoyKind, plan_decoys
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.lesion_course import SizeRule
from psmacore.phantom.lesion_plan import MAX_LESIONS, PlannedLesion, draw_count, plan_lesions
from psmacore.phantom.pet import PetImage, PetRequest, simulate_pet
from psmacore.phantom.scanner import SIGMA_PER_FWHM, PetScanner, draw_scanner
from psmacore.phantom.tissue import Region
from psmacore.phantom.truth import LesionTruth, lesion_truths
from psmacore.phantom.uptake import Tracer, draw_uptake

PSMA_THRESHOLD_SUV = 3.0
_USUAL_FDG_THRESHOLD_SUV = 2.6
_FEWEST_QUICK = 9


@dataclass(frozen=True, eq=False)
class CoursePlan:
    """Everything about a course but its voxels.

    Parameters
    ----------
    lps_from_body : tuple of numpy.ndarray
        One 4 x 4 transform per date, from patient coordinates to that date's world.
    companion_to : Tracer or None
        The tracer of the course that this one is the companion of: another tracer in the same man, some days
        apart, on another scanner's grid (:mod:`psmacore.phantom.companion`).
    """

    seed: int
    tracer: Tracer
    quick: bool
    anatomies: tuple[Anatomy, ...]
    acquisitions: tuple[Acquisition, ...]
    lps_from_body: tuple[FloatArray, ...]
    lesions: tuple[PlannedLesion, ...]
    companion_to: Tracer | None = None

    @property
    def sizes(self) -> GridSizes:
        """Voxels of PET and CT."""
        if self.companion_to is None:
            return QUICK if self.quick else FULL
        return QUICK_COMPANION if self.quick else FULL_COMPANION

    def date_key(self, date_index: int) -> int | str:
        """Return what a date is called where random numbers and UIDs are drawn: its number, for a companion a name."""
        return date_index if self.companion_to is None else companion_key(date_index)

    @property
    def patient_id(self) -> str:
        """Patient ID; it says that the man is a phantom."""
        return f"PHANTOM-{self.seed:04d}"

    @property
    def n_timepoints(self) -> int:
        """Number of dates."""
        return len(self.acquisitions)

    def body_from_lps(self, date_index: int) -> FloatArray:
        """Return the transform, 4 x 4, from one date's world to patient coordinates."""
        return np.asarray(np.linalg.inv(self.lps_from_body[date_index]), dtype=np.float64)

    def lps_t_from_lps_1(self, date_index: int) -> FloatArray:
        """Return the rigid transform, 4 x 4, that takes a point of the first date's world to this date's world."""
        return np.asarray(self.lps_from_body[date_index] @ self.body_from_lps(0), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class SimulatedTimepoint:
    """One date of a course.

    Parameters
    ----------
    date_index : int
        From 0.
    pet_geometry, ct_geometry : Geometry
        Grids in one frame of reference.
    pet : PetImage
        SUV with and without noise, truth mask and organ labels.
    lesions : tuple of LesionTruth
        The truth.
    decoys : tuple of Decoy
        False lesions.
    transform : numpy.ndarray
        4 x 4, ``lps_t_from_lps_1``.
    threshold_suv : float
        Of the truth mask.
    """

    plan: CoursePlan
    date_index: int
    pet_geometry: Geometry
    ct_geometry: Geometry
    pet: PetImage
    scanner: PetScanner
    lesions: tuple[LesionTruth, ...]
    decoys: tuple[Decoy, ...]
    transform: FloatArray
    threshold_suv: float

    @property
    def acquisition(self) -> Acquisition:
        """Day, weight, dose and times."""
        return self.plan.acquisitions[self.date_index]

    @cached_property
    def ct_hu(self) -> NDArray[np.int16]:
        """CT in HU, ``(k, j, i)``, int16; simulated when first asked for."""
        return np.concatenate(list(self.iterate_ct()))

    def iterate_ct(self) -> Iterator[NDArray[np.int16]]:
        """Yield the CT in slabs of slices from the feet up."""
        request, rng = self._ct_request()
        return iterate_ct(self.plan.anatomies[self.date_index], request, rng)

    def iterate_labelled_ct(self) -> Iterator[CtSlab]:
        """Yield the same CT together with the organ labels on its grid."""
        request, rng = self._ct_request()
        return iterate_labelled_ct(self.plan.anatomies[self.date_index], request, rng)

    def _ct_request(self) -> tuple[CtRequest, np.random.Generator]:
        rng = random_stream(self.plan.seed, "ct noise", self.plan.date_key(self.date_index))
        request = CtRequest(
            geometry=self.ct_geometry,
            body_from_lps=self.plan.body_from_lps(self.date_index),
            lesions=self.plan.lesions,
            decoys=self.decoys,
            date_index=self.date_index,
            noise_hu_1mm=float(rng.uniform(20.0, 40.0)),
        )
        return request, rng


@dataclass(frozen=True, eq=False)
class Course:
    """All dates of one simulated man."""

    plan: CoursePlan
    timepoints: tuple[SimulatedTimepoint, ...]


def plan_course(
    seed: int,
    *,
    n_timepoints: int = 3,
    n_lesions: int | None = None,
    tracer: Tracer | str = Tracer.PSMA_11,
    quick: bool = False,
) -> CoursePlan:
    """Plan a course.

    Parameters
    ----------
    seed : int
        The man; the same seed gives the same man, images and UIDs.
    n_lesions : int, optional
        Distinct lesions over the whole course, 0 to 60; some fewer where crowding leaves no free place. Drawn
        where absent; with ``quick`` 9 to 12.
    tracer : Tracer or str
        ``psma-11``, ``psma-1007``, ``dcfpyl`` or ``fdg``.
    quick : bool
        Coarse grids: PET 128 x 128, CT 256 x 256, slices of 5 mm, at least 200 of them.

    Raises
    ------
    UsageError
        If a number lies outside its range or the tracer is unknown.
    """
    if seed < 0 or n_timepoints < 1 or (n_lesions is not None and not 0 <= n_lesions <= MAX_LESIONS):
        raise UsageError(
            f"a course needs a seed from 0, at least one date and 0 to {MAX_LESIONS} lesions, "
            f"not seed {seed}, {n_timepoints} dates, {n_lesions} lesions"
        )
    if tracer not in {item.value for item in Tracer}:
        raise UsageError(f"unknown tracer {tracer!r}; the phantom knows {', '.join(Tracer)}")
    kind = Tracer(tracer)
    anatomies = tuple(build_anatomy(seed, date_index=n) for n in range(n_timepoints))
    if n_lesions is None:
        n_lesions = _FEWEST_QUICK + seed % 4 if quick else draw_count(seed)
    rule = size_rule(seed, kind, QUICK if quick else FULL)
    return CoursePlan(
        seed=seed,
        tracer=kind,
        quick=quick,
        anatomies=anatomies,
        acquisitions=draw_acquisitions(seed, anatomies[0], kind, n_timepoints),
        lps_from_body=draw_positions(seed, n_timepoints),
        lesions=plan_lesions(seed, anatomies, n_lesions=n_lesions, tracer=kind, rule=rule),
    )


def size_rule(seed: int, tracer: Tracer, sizes: GridSizes) -> SizeRule:
    """Return how large the man's scanner shows tumour tissue on a grid."""
    sharp = draw_scanner(seed, 0, voxel_mm=sizes.pet_pixel_mm).fwhm_mm * SIGMA_PER_FWHM
    blur = float(np.hypot(sharp, sizes.pet_pixel_mm / np.sqrt(12.0)))
    return SizeRule(blur, PSMA_THRESHOLD_SUV if tracer.is_psma else _USUAL_FDG_THRESHOLD_SUV)


def companion_key(date_index: int) -> str:
    """Return what a companion study is called where random numbers and UIDs are drawn."""
    return f"companion {date_index}"


def truth_threshold_suv(tracer: Tracer, uptake: Mapping[Region, float], scanner: PetScanner) -> float:
    """Return the threshold of the truth: SUV 3 for PSMA, mean + 2 SD of the simulated liver for FDG (DEEP-PSMA)."""
    if tracer.is_psma:
        return PSMA_THRESHOLD_SUV
    return uptake[Region.LIVER] * (1.0 + 2.0 * scanner.liver_cv)


def simulate_timepoint(plan: CoursePlan, date_index: int) -> SimulatedTimepoint:
    """Simulate one date of a plan."""
    anatomy, key = plan.anatomies[date_index], plan.date_key(date_index)
    pet_geometry, ct_geometry = grids(plan.seed, key, anatomy, plan.lps_from_body[date_index], plan.sizes)
    scanner = draw_scanner(plan.seed, key, voxel_mm=plan.sizes.pet_pixel_mm)
    decoys = _decoys(plan, date_index)
    uptake = draw_uptake(plan.seed, plan.tracer, date_index)
    threshold = truth_threshold_suv(plan.tracer, uptake, scanner)
    request = PetRequest(
        geometry=pet_geometry,
        body_from_lps=plan.body_from_lps(date_index),
        uptake=uptake,
        scanner=scanner,
        lesions=plan.lesions,
        decoys=decoys,
        date_index=date_index,
        threshold_suv=threshold,
    )
    image = simulate_pet(anatomy, request, random_stream(plan.seed, "pet noise", plan.tracer, key))
    return SimulatedTimepoint(
        plan=plan,
        date_index=date_index,
        pet_geometry=pet_geometry,
        ct_geometry=ct_geometry,
        pet=image,
        scanner=scanner,
        lesions=lesion_truths(image, pet_geometry, plan.lesions, date_index, plan.lps_from_body[date_index]),
        decoys=decoys,
        transform=plan.lps_t_from_lps_1(date_index),
        threshold_suv=threshold,
    )


def _decoys(plan: CoursePlan, date_index: int) -> tuple[Decoy, ...]:
    """Return the false lesions of one date; a companion's healing fracture is that of the man's other study."""
    anatomy = plan.anatomies[date_index]
    own = plan_decoys(plan.seed, anatomy, plan.tracer, plan.lesions, date_index)
    if plan.companion_to is None:
        return own
    other = plan_decoys(plan.seed, anatomy, plan.companion_to, plan.lesions, date_index)
    broken = (decoy for decoy in other if decoy.kind is DecoyKind.FRACTURE)
    return (*(decoy for decoy in own if decoy.kind is not DecoyKind.FRACTURE), *broken)


def simulate_course(
    seed: int,
    *,
    n_timepoints: int = 3,
    n_lesions: int | None = None,
    tracer: Tracer | str = Tracer.PSMA_11,
    quick: bool = False,
) -> Course:
    """Simulate all dates of a course; see :func:`plan_course` for the parameters.

    A course that is not quick holds some 300 MB a date: for many dates, use :func:`plan_course` and
    :func:`simulate_timepoint` one by one.
    """
    plan = plan_course(seed, n_timepoints=n_timepoints, n_lesions=n_lesions, tracer=tracer, quick=quick)
    return Course(plan, tuple(simulate_timepoint(plan, number) for number in range(n_timepoints)))
