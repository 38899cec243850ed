"""The places that the phantom plants lesions at, to the sites that they should be named, and which lie at a border."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.lesions.physiology import BONES, LUNGS
from psmacore.lesions.site_codes import NodeStation, organ_code
from psmacore.lesions.sites import SiteFinder
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, PROSTATE
from psmacore.model.volumes import OrganMap
from psmacore.phantom.course import SimulatedTimepoint

LEAST_VOXELS = 3
BORDER_MM = 4.0  # about one voxel of PET
_RETROPERITONEAL = (
    NodeStation.PARA_AORTIC,
    NodeStation.INTERAORTOCAVAL,
    NodeStation.PARACAVAL,
    NodeStation.RETROPERITONEAL,
)
_STATIONS = {
    "external_iliac_node": (NodeStation.EXTERNAL_ILIAC,),
    "obturator_node": (NodeStation.OBTURATOR,),
    "internal_iliac_node": (NodeStation.INTERNAL_ILIAC,),
    "common_iliac_node": (NodeStation.COMMON_ILIAC,),
    "presacral_node": (NodeStation.PRESACRAL,),
    "mesorectal_node": (NodeStation.MESORECTAL,),
    "retroperitoneal_node": _RETROPERITONEAL,
    "retrocrural_node": (NodeStation.RETROCRURAL,),
    "mediastinal_node": (NodeStation.MEDIASTINAL,),
    "supraclavicular_node": (NodeStation.SUPRACLAVICULAR,),
}
_RIVALS = (
    frozenset(BONES),
    frozenset((LIVER, *LUNGS)),
)


def expected_words(place: str) -> frozenset[str] | None:
    """Return the words of the sites that fit a planted place; ``None`` where the phantom names an organ beside it.

    The words name station and side; a node near the midline may go without its side.
    """
    if place.startswith("beside_"):
        return None
    name, _, side = place.rpartition("_")
    if name in _STATIONS:
        sided = {station.site(side).meaning for station in _STATIONS[name] if side in ("left", "right")}  # type: ignore[arg-type]
        return frozenset(sided | {station.site().meaning for station in _STATIONS[name]})
    return frozenset({organ_code(ORGAN_NUMBERS[place]).meaning})


def is_at_border(place: str, voxels_kji: NDArray[np.int64], organs: OrganMap) -> bool:
    """Return whether a rival of the planted place lies within ``BORDER_MM`` of the lesion's centroid.

    Rivals of a bone are other bones, of lung and liver one another's lobes, of a node bone and prostate.
    """
    own = ORGAN_NUMBERS.get(place, 0)
    kinds = [kind for kind in _RIVALS if own in kind]
    rivals = kinds[0] if kinds else frozenset((*BONES, PROSTATE))
    centre = voxels_kji.mean(axis=0)
    reach = np.ceil(BORDER_MM / np.array(organs.geometry.spacing_kji_mm)).astype(int) + 1
    start = np.maximum(np.round(centre).astype(int) - reach, 0)
    box = tuple(slice(int(a), int(a + 2 * r + 1)) for a, r in zip(start, reach, strict=True))
    near = np.argwhere(np.isin(organs.labels[box], sorted(rivals - {own})))
    if not len(near):
        return False
    away = organs.geometry.lps_of_kji(near + start) - organs.geometry.lps_of_kji(centre)
    return bool(np.linalg.norm(away, axis=1).min() <= BORDER_MM)


@dataclass(frozen=True)
class SiteCheck:
    """One planted lesion: its place, the words of the site found for it and of the second one, and what was right."""

    place: str
    found: str
    alternative: str | None
    is_right: bool
    is_at_border: bool


def check_sites(timepoint: SimulatedTimepoint, organs: OrganMap | None = None) -> Iterator[SiteCheck]:
    """Yield a check for each planted lesion with a named place and at least three voxels.

    Parameters
    ----------
    timepoint : SimulatedTimepoint
        A simulated patient; lesions are its true masks.
    organs : OrganMap, optional
        On the PET grid; by default the true map. Borders are always those of the true one.
    """
    true_map = OrganMap(timepoint.pet.organ_labels, timepoint.pet_geometry)
    finder = SiteFinder(organs or true_map)
    boxes = ndimage.find_objects(timepoint.pet.lesion_labels)
    for lesion in timepoint.lesions:
        words = expected_words(lesion.site)
        if words is None or lesion.n_voxels < LEAST_VOXELS:
            continue
        box = boxes[lesion.id - 1]
        voxels = np.argwhere(timepoint.pet.lesion_labels[box] == lesion.id) + [side.start for side in box]
        site = finder.site(voxels, timepoint.pet.suv[tuple(voxels.T)])
        second = None if site.alternative is None else site.alternative.meaning
        is_border = is_at_border(lesion.site, voxels, true_map)
        yield SiteCheck(lesion.site, site.code.meaning, second, site.code.meaning in words, is_border)
