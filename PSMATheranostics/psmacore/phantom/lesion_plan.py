"""A seed and an anatomy to the lesions of a course: where each lies, and its size and uptake on every date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from psmacore.phantom.anatomy import Anatomy
from psmacore.phantom.habitus import random_stream
from psmacore.phantom.lesion_course import Fate, SizeRule, as_tissue, draw_steps, radius_of
from psmacore.phantom.lesion_sites import Contact, LesionKind, Place, draw_contacts, draw_place
from psmacore.phantom.shapes import Ellipsoid, Float64, Shape, rotation_deg
from psmacore.phantom.tissue import Region
from psmacore.phantom.uptake import Tracer, suv_range

MAX_LESIONS = 60
N_CORE = 6
_KIND_SHARES = {
    LesionKind.BONE: 0.45,
    LesionKind.NODE: 0.40,
    LesionKind.LOCAL: 0.10,
    LesionKind.LIVER: 0.025,
    LesionKind.LUNG: 0.025,
}
_AVOIDED = (
    "kidney_left", "kidney_right", "ureter_left", "ureter_right", "urinary_bladder", "spleen", "duodenum", "jejunum",
    "parotid_gland_left", "parotid_gland_right", "submandibular_gland_left", "submandibular_gland_right",
)  # fmt: skip


Triple = tuple[float, float, float]
Lobe = tuple[Triple, Triple, Triple]


@dataclass(frozen=True)
class LesionState:
    """A lesion on one date.

    ``size_ml`` is the volume of tumour tissue; ``suv_max`` is the highest noise-free value that the scanner is
    to show, so uptake and partial volume together. Both are 0 where the lesion has vanished.
    """

    fate: Fate
    size_ml: float
    suv_max: float
    centre_mm: tuple[float, float, float]


@dataclass(frozen=True)
class PlannedLesion:
    """A lesion of the course; ``states`` holds ``None`` on dates before it appears.

    ``lobes`` are ellipsoids for a lesion of unit radius: offset, radii and the angles of rotation.
    """

    id: int
    kind: LesionKind
    site: str
    touches: str | None
    lobes: tuple[Lobe, ...]
    states: tuple[LesionState | None, ...]

    def shapes(self, date_index: int, *, shift_mm: Float64 | None = None) -> tuple[Shape, ...]:
        """Return the lesion's body on one date in patient coordinates; empty where it is absent."""
        state = self.states[date_index]
        if state is None or state.size_ml <= 0:
            return ()
        radius = radius_of(state.size_ml)
        centre = np.array(state.centre_mm) + (0.0 if shift_mm is None else shift_mm)
        return tuple(
            Ellipsoid(centre + radius * np.array(offset), radius * np.array(radii), rotation_deg(*angles))
            for offset, radii, angles in self.lobes
        )


def stratified(n: int, rng: np.random.Generator) -> Float64:
    """Return ``n`` stratified uniform numbers in random order, so that small samples follow the distribution too."""
    return np.asarray(rng.permutation((np.arange(n) + rng.uniform(size=n)) / max(n, 1)), dtype=np.float64)


def draw_count(seed: int) -> int:
    """Draw how many lesions a man has: none in 8 %, else log-normal with median 8, at most 60."""
    rng = random_stream(seed, "lesion count")
    return 0 if rng.random() < 0.08 else int(np.clip(round(rng.lognormal(np.log(8), 0.9)), 1, MAX_LESIONS))


def plan_lesions(
    seed: int, anatomies: Sequence[Anatomy], *, n_lesions: int, tracer: Tracer, rule: SizeRule
) -> tuple[PlannedLesion, ...]:
    """Plan ``n_lesions`` distinct lesions over the dates of ``anatomies``.

    Volume in the image: log-normal, median 1.2 ml, 0.15 to 80 ml. SUVmax in the image: log-normal, median 12 (PSMA)
    within 3 to 80, or 5 (FDG) within 2 to 25; small lesions show less, as partial volume has it. The first six
    are the core: bright and present on every date, the first against the bladder, the second against a ureter.
    Of the others some appear later, fade below the threshold or vanish.
    """
    rng = random_stream(seed, "lesions", tracer)
    targets = _targets(n_lesions, tracer, rng)
    kinds = _kinds(n_lesions, rng)
    contacts = draw_contacts(rng)
    planned: list[PlannedLesion] = []
    for number, (shown, suv) in enumerate(targets):
        contact = next(contacts) if number < 2 or (number >= N_CORE and rng.random() < 0.12) else None
        kind = _kind_of(kinds[number], contact)
        shown, suv = _adapted(kind, shown, suv, tracer, is_core=number < N_CORE, is_contact=contact is not None)
        steps = draw_steps(len(anatomies), shown, suv, is_core=number < N_CORE, rng=rng)
        course = tuple(None if step is None else as_tissue(step, rule) for step in steps)
        biggest = radius_of(max(step[1] for step in course if step is not None))
        place = find_place(anatomies[0], kind, biggest, contact, planned, rng)
        if place is None:
            continue
        states = tuple(
            None if step is None else LesionState(*step, _centre(anatomies[n], place, contact, step[1]))
            for n, step in enumerate(course)
        )
        organ = None if contact is None else contact.organ
        planned.append(PlannedLesion(len(planned) + 1, kind, place.site, organ, draw_lobes(shown, rng), states))
    return tuple(planned)


def _targets(n: int, tracer: Tracer, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Draw volume and SUVmax in the image; their logarithms correlate by 0.5."""
    size = ndtri(np.clip(stratified(n, rng), 1e-4, 1 - 1e-4))
    other = ndtri(np.clip(stratified(n, rng), 1e-4, 1 - 1e-4))
    level = 0.5 * size + np.sqrt(0.75) * other
    volume = np.clip(1.2 * np.exp(1.15 * size), 0.15, 80.0)
    if tracer.is_psma:
        suv = np.clip(12.0 * np.exp(0.75 * level), 3.0, 80.0)
    else:
        suv = np.clip(5.0 * np.exp(0.6 * level), 2.0, 25.0)
    return [(float(v), float(s)) for v, s in zip(volume, suv, strict=True)]


def _kind_of(drawn: LesionKind, contact: Contact | None) -> LesionKind:
    if contact is None:
        return drawn
    return LesionKind.LOCAL if contact.organ == "urinary_bladder" else LesionKind.NODE


def _adapted(
    kind: LesionKind, shown_ml: float, suv: float, tracer: Tracer, *, is_core: bool, is_contact: bool
) -> tuple[float, float]:
    """Return volume and SUVmax within what the lesion's place and role ask for."""
    if is_contact:
        return float(np.clip(shown_ml, 0.8, 5.0)), float(np.clip(suv, 9.0, 40.0))
    if is_core:
        shown_ml, suv = max(shown_ml, 0.4), max(suv, 6.0 if tracer.is_psma else 4.0)
    if kind is LesionKind.LIVER:  # a liver metastasis is told by exceeding the liver
        return max(shown_ml, 1.0), max(suv, 1.7 * suv_range(Region.LIVER, tracer)[1])
    return (min(shown_ml, 10.0) if kind is LesionKind.LOCAL else shown_ml), suv


def _kinds(n: int, rng: np.random.Generator) -> list[LesionKind]:
    kinds = list(_KIND_SHARES)
    edges = np.cumsum(list(_KIND_SHARES.values()))
    return [kinds[min(int(np.searchsorted(edges, q)), len(kinds) - 1)] for q in stratified(n, rng)]


def draw_lobes(size_ml: float, rng: np.random.Generator) -> tuple[Lobe, ...]:
    """Draw a body of unit radius: one stretched ellipsoid, or from 3 ml on two that overlap."""
    stretch = np.exp(rng.normal(0, 0.18, 3))
    stretch /= np.prod(stretch) ** (1 / 3)
    angles = _triple(rng.uniform(-90, 90, 3))
    if size_ml < 3.0:
        return (((0.0, 0.0, 0.0), _triple(stretch), angles),)
    side = rng.normal(size=3)
    side /= np.linalg.norm(side)
    return (_triple(-0.18 * side), _triple(0.93 * stretch), angles), (_triple(0.62 * side), (0.66, 0.6, 0.66), angles)


def _triple(values: Float64) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def _centre(anatomy: Anatomy, place: Place, contact: Contact | None, size_ml: float) -> tuple[float, float, float]:
    centre = (
        place.centre_mm if contact is None or size_ml <= 0 else contact.place(anatomy, radius_of(size_ml)).centre_mm
    )
    return float(centre[0]), float(centre[1]), float(centre[2])


def find_place(
    anatomy: Anatomy,
    kind: LesionKind,
    radius_mm: float,
    contact: Contact | None,
    others: Sequence[PlannedLesion],
    rng: np.random.Generator,
) -> Place | None:
    """Return a free place for a lesion of ``radius_mm``, or ``None`` where crowding leaves none."""
    for attempt in range(160):
        if contact is not None:
            place: Place | None = contact.place(anatomy, radius_mm)
        else:
            place = draw_place(anatomy, kind, radius_mm, rng)
        if place is None:
            continue
        ease = 1.0 - attempt / 160
        if contact is not None or (
            _is_apart(place, radius_mm, others, 14.0 * ease) and _is_clear(anatomy, kind, place, radius_mm, ease)
        ):
            return place
    return None


def _is_apart(place: Place, radius_mm: float, others: Sequence[PlannedLesion], gap_mm: float) -> bool:
    for other in others:
        state = next(state for state in other.states if state is not None)
        reach = max(radius_of(s.size_ml) for s in other.states if s is not None)
        if np.linalg.norm(place.centre_mm - np.array(state.centre_mm)) < radius_mm + reach + gap_mm:
            return False
    return True


def _is_clear(anatomy: Anatomy, kind: LesionKind, place: Place, radius_mm: float, ease: float) -> bool:
    gap = radius_mm + 4.0 + 6.0 * ease
    avoided = () if kind in (LesionKind.LIVER, LesionKind.LUNG) else ("liver",)
    if kind is LesionKind.LOCAL:
        gap = 0.6 * radius_mm
    return all(anatomy.distance_mm(name, place.centre_mm) > gap for name in (*_AVOIDED, *avoided))
