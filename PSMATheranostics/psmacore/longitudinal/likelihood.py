"""Lesions of two dates to how unlikely it is that they are one, in natural units of minus log-likelihood.

The constants are our own: orders of magnitude, then set on simulated courses of other seeds than the benchmark's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from psmacore.lesions.site_codes import ENTIRE_BODY
from psmacore.longitudinal.extents import Extent, pooled, radius_of
from psmacore.model.lesions import Lesion

MEDIAN_PER_SIGMA = 1.5382
"""Median length of a vector whose three components are normal with SD 1 (chi distribution, 3 degrees)."""

NEW_COST = 15.0
"""Of a new lesion: about three of them in 10 litres of bone and nodes, per mm3."""
FAINT_COST = 11.0
"""Of a new region below the threshold; such are more frequent."""
GONE_COST = 2.3
"""Of a lesion that is no longer seen: about one in ten."""
STILL_GONE_COST = 0.2
"""Of a lesion that stays unseen."""
BACK_COST = 2.3
"""Of a lesion that is seen again after a gap."""

_SPLIT_COST = 1.0  # of each further part, against a merge: treatment splits lesions less often than growth joins them
_ROUND_COST = 2.0  # of each further part where only volumes vouch for what touches what
_ROUND_SLACK = 0.5  # of a sphere's radius: lesions that touch are longer than a sphere of their volume
_UNCOVERED_COST = 6.0  # of a part that lies wholly outside the lesion that it is said to be part of
_ONE_SIDED_COST = 3.0  # of growing or shrinking to one side by more than the centroid allows for
_JITTER_MM = 1.0  # of a centroid, by voxels and noise, along each axis
_GROWTH = 0.35  # of the change of radius, as SD of the centroid: a lesion grows and shrinks to one side
_RESPONSE = 0.25  # of the spread of lesions that merge or split: they respond unequally, which moves the common centre
_VOLUME_SD = 0.5  # of the natural logarithm of the ratio of two volumes
_UNKNOWN_SIZE_COST = 0.5  # what a change of volume costs on average


class SiteAgreement(Enum):
    """How well two sites agree; the value is the cost."""

    SAME = 0.0
    UNKNOWN = 0.3
    BORDER = 0.4
    NEIGHBOUR = 1.2
    OTHER = 2.5


@dataclass(frozen=True, eq=False)
class Placed:
    """A lesion with its extent in the common frame."""

    lesion: Lesion
    extent: Extent


def site_agreement(first: Lesion, second: Lesion) -> SiteAgreement:
    """Return whether two lesions are said to lie in one region.

    ``BORDER`` where only a lesion's second region matches, ``NEIGHBOUR`` where the code is one and the words are not
    (ribs share a code), ``UNKNOWN`` where either has no region.
    """
    one, other = first.site, second.site
    if ENTIRE_BODY.matches(one) or ENTIRE_BODY.matches(other):
        return SiteAgreement.UNKNOWN
    if one.matches(other):
        is_same = one.meaning.casefold() == other.meaning.casefold()
        return SiteAgreement.SAME if is_same else SiteAgreement.NEIGHBOUR
    seconds = (first.site_alternative, other), (second.site_alternative, one)
    if any(alternative is not None and alternative.matches(site) for alternative, site in seconds):
        return SiteAgreement.BORDER
    return SiteAgreement.OTHER


def sigma_mm(first: Extent, second: Extent) -> float:
    """Return the SD along each axis between the centroids of one lesion at two dates, of registration and voxels."""
    return math.hypot(first.error_mm / MEDIAN_PER_SIGMA, second.error_mm / MEDIAN_PER_SIGMA, _JITTER_MM)


def link_cost(first: Placed, second: Placed) -> float:
    """Return the cost of two lesions being one: by distance, change of size, and site.

    The size of a region below the threshold says nothing of the lesion's.
    """
    here, there = first.extent, second.extent
    sigma = math.hypot(sigma_mm(here, there), _GROWTH * (here.radius_mm - there.radius_mm))
    distance = math.dist(here.centre_mm, there.centre_mm)
    are_seen = first.lesion.state.counts and second.lesion.state.counts
    size = _volume_cost(here.volume_ml, there.volume_ml) if are_seen else _UNKNOWN_SIZE_COST
    place = _place_cost(_position_cost(distance, sigma), here, there)
    return place + size + site_agreement(first.lesion, second.lesion).value


def _place_cost(by_centroid: float, first: Extent, second: Extent) -> float:
    """Return the cost of two places: by centroid, or less where the smaller lesion lies anywhere within the larger.

    So does one that grew, or shrank, to one side. Only the larger one's voxels tell: a sphere of its volume says little
    of where it reaches.
    """
    small, large = sorted((first, second), key=lambda extent: extent.volume_ml)
    if large.voxels_mm is None:
        return by_centroid
    within = _room_cost(large, sigma_mm(small, large)) + _ONE_SIDED_COST
    if by_centroid <= within:
        return by_centroid
    return min(by_centroid, within + _UNCOVERED_COST * (1.0 - covered(small, large)))


def joint_cost(whole: Placed, parts: Sequence[Placed], coverages: Sequence[float], *, is_split: bool) -> float:
    """Return the cost of one lesion being several at the other date: of a merge, or of a split.

    The parts' common centre should lie where the whole has its own, their volumes should add up, and the room of each
    should be covered by the whole (``coverages``, 0 to 1 each). A split explains several lesions at once, so that
    the place of each of them within the whole's room counts too.
    """
    extent, pool = whole.extent, pooled([part.extent for part in parts])
    noise = max(sigma_mm(extent, part.extent) for part in parts)
    change = extent.radius_mm - radius_of(pool.volume_ml)
    sigma = math.hypot(noise, _GROWTH * change, _RESPONSE * pool.spread_mm)
    place = _position_cost(math.dist(extent.centre_mm, pool.centre_mm), sigma)
    each = _ROUND_COST if extent.voxels_mm is None else 0.0
    if extent.voxels_mm is not None:
        place = min(place, _room_cost(extent, noise) + _ONE_SIDED_COST)
    if is_split:
        each += _SPLIT_COST + _room_cost(extent, noise)
    return (
        place
        + each * (len(parts) - 1)
        + sum(_UNCOVERED_COST * (1.0 - coverage) for coverage in coverages)
        + _volume_cost(extent.volume_ml, pool.volume_ml)
        + min(site_agreement(whole.lesion, part.lesion).value for part in parts)
    )


def covered(part: Extent, whole: Extent) -> float:
    """Return the part of a lesion's room that another covers, within what registration leaves open."""
    slack_mm = 0.0 if whole.voxels_mm is not None else _ROUND_SLACK * whole.radius_mm
    return part.part_covered_by(whole, 1.5 * sigma_mm(part, whole) + slack_mm)


def reach_mm(first: Extent, second: Extent) -> float:
    """Return the distance of centroids beyond which two lesions are not looked at together."""
    return first.radius_mm + second.radius_mm + 6.0 * sigma_mm(first, second)


def _position_cost(distance_mm: float, sigma_mm_: float) -> float:
    return 1.5 * math.log(2.0 * math.pi * sigma_mm_**2) + 0.5 * (distance_mm / sigma_mm_) ** 2


def _room_cost(extent: Extent, sigma: float) -> float:
    """Return the cost of lying anywhere within a lesion's room."""
    return math.log(4.0 / 3.0 * math.pi * (extent.radius_mm + 2.0 * sigma) ** 3)


def _volume_cost(first_ml: float, second_ml: float) -> float:
    """Return the cost of a change of volume; with the tails of Student's t, because a therapy may work tenfold."""
    if min(first_ml, second_ml) <= 0.0:
        return _UNKNOWN_SIZE_COST
    return 2.0 * math.log1p((math.log(first_ml / second_ml) / _VOLUME_SD) ** 2 / 4.0)
