"""A point outside bones and organs to the nodal station that it lies in, by levels and neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from psmacore.lesions.courses import Courses, Points
from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.pelvic_stations import Pelvis, Places
from psmacore.lesions.site_codes import NodeStation
from psmacore.model.codes import Code
from psmacore.model.organs import Side

BORDER_MM = 5.0  # two stations are about equally near where no more than this parts them: about one voxel of PET
_MIDLINE_MM = 8.0  # nearer to it, a node has no side
_PELVIC_REACH_MM = 32.0  # farther from all stations, a pelvic node is just that
_GREAT_VESSEL_REACH_MM = 45.0  # farther from aorta and cava, a node is not retroperitoneal
_CRUS_MM = 22.0  # from the middle of the aorta: the space between the crura
_NECK_ROOT_MM = 45.0  # above T1, where C6 is not labelled
_CLAVICLE_REACH_MM = 10.0
_SIDELESS = frozenset(
    {
        NodeStation.PARA_AORTIC,  # these three say their side by the vessel
        NodeStation.INTERAORTOCAVAL,
        NodeStation.PARACAVAL,
        NodeStation.ABDOMINAL,
        NodeStation.ANY,
    }
)


@dataclass(frozen=True)
class StationChoice:
    """A nodal site, and the second one where a border is near."""

    site: Code
    alternative: Code | None = None


class NodeStations:
    """The nodal stations of one study.

    Parameters
    ----------
    landmarks : Landmarks
        Of its organ map.
    """

    def __init__(self, landmarks: Landmarks) -> None:
        self._courses, self._marks = Courses(landmarks), landmarks

    def choose(self, centre_lps_mm: NDArray[np.float64]) -> StationChoice:
        """Return the station of a point.

        Parameters
        ----------
        centre_lps_mm : numpy.ndarray
            ``(3,)``.

        Returns
        -------
        StationChoice
            The general ``Lymph node`` where the map has no level to go by.

        References
        ----------
        Stations of PROMISE (Eiber et al., JNM 2018;59:469). Levels above the pelvis: the crura at T12, the
        supraclavicular region above clavicles and manubrium up to the cricoid (IASLC map, Rusch et al., J Thorac
        Oncol 2009;4:568).
        """
        side = self._side(centre_lps_mm)
        if self._is_pelvic(float(centre_lps_mm[2])):
            first, second = self._pelvic(centre_lps_mm, side)
        else:
            first, second = self._above_pelvis(centre_lps_mm), None
        if second is None:
            second = self._across_level(centre_lps_mm, first)
        return StationChoice(_site(first, side), None if second is None else _site(second, side))

    def _side(self, at: NDArray[np.float64]) -> Side | None:
        middle = self._marks.midline_l_mm(float(at[2]))
        middle = self._marks.spine_l_mm if middle is None else middle
        if middle is None or abs(at[0] - middle) < _MIDLINE_MM:
            return None
        return "left" if at[0] > middle else "right"

    def _is_pelvic(self, superior_mm: float) -> bool:
        top = self._marks.aortic_bifurcation_s_mm
        return top is not None and superior_mm <= top

    def _across_level(self, at: NDArray[np.float64], first: NodeStation) -> NodeStation | None:
        """Return the station on the other side of a level that is near."""
        for step in (-BORDER_MM, BORDER_MM):
            other = at + np.array([0.0, 0.0, step])
            if self._is_pelvic(float(other[2])):
                if self._is_pelvic(float(at[2])):
                    continue
                station = self._pelvic(other, self._side(other))[0]
            else:
                station = self._above_pelvis(other)
            if station.value[0] != first.value[0]:
                return station
        return None

    @cached_property
    def _places(self) -> Places:
        top = self._marks.aortic_bifurcation_s_mm
        return {} if top is None else Pelvis(self._courses).places(top)

    def _pelvic(self, at: NDArray[np.float64], side: Side | None) -> tuple[NodeStation, NodeStation | None]:
        """Return the station whose places are nearest, and the second one where it is about as near."""
        distance_mm: dict[NodeStation, float] = {}
        for (station, placed), points in self._places.items():
            if side in (None, placed) or placed is None:
                nearest = float(np.linalg.norm(points - at, axis=1).min())
                distance_mm[station] = min(nearest, distance_mm.get(station, np.inf))
        ranked = sorted(distance_mm, key=lambda station: distance_mm[station])
        if not ranked or distance_mm[ranked[0]] > _PELVIC_REACH_MM:
            return NodeStation.PELVIC, None
        is_close = len(ranked) > 1 and distance_mm[ranked[1]] - distance_mm[ranked[0]] < BORDER_MM
        return ranked[0], ranked[1] if is_close else None

    def _above_pelvis(self, at: NDArray[np.float64]) -> NodeStation:
        marks, superior = self._marks, float(at[2])
        floor = self._neck_floor_s_mm(at)
        if floor is not None and superior > floor:
            return NodeStation.SUPRACLAVICULAR if superior <= self._cricoid_s_mm(floor) else NodeStation.CERVICAL
        if marks.diaphragm_s_mm is None:
            return NodeStation.ANY
        if self._is_retrocrural(at):
            return NodeStation.RETROCRURAL
        if superior <= marks.diaphragm_s_mm:
            return self._retroperitoneal(at)
        if marks.lungs_l_mm is not None and not marks.lungs_l_mm[0] <= at[0] <= marks.lungs_l_mm[1]:
            return NodeStation.AXILLARY
        return NodeStation.MEDIASTINAL

    def _neck_floor_s_mm(self, at: NDArray[np.float64]) -> float | None:
        """Return the upper border of the clavicle beneath a point, of the manubrium in the middle, else of T1."""
        for points in self._clavicles:
            over = points[np.abs(points[:, 0] - at[0]) <= _CLAVICLE_REACH_MM]
            if len(over):
                return float(over[:, 2].max())
        manubrium = self._marks.top_s_mm("sternum")
        return manubrium if manubrium is not None and len(self._clavicles) else self._marks.thoracic_inlet_s_mm

    @cached_property
    def _clavicles(self) -> tuple[Points, ...]:
        found = (self._courses.voxels(f"clavicula_{side}") for side in ("left", "right"))
        return tuple(points for points in found if len(points))

    def _cricoid_s_mm(self, floor_mm: float) -> float:
        """Return the level of the cricoid: the lower end of C6."""
        level = self._marks.bottom_s_mm("vertebrae_C6")
        if level is None:
            level = (self._marks.thoracic_inlet_s_mm or floor_mm) + _NECK_ROOT_MM
        return level

    def _is_retrocrural(self, at: NDArray[np.float64]) -> bool:
        low, high = self._marks.crura_s_mm
        if low is None or high is None or not low <= at[2] <= high:
            return False
        aorta = _at_height(self._aorta, float(at[2]))
        return aorta is not None and float(np.linalg.norm(at[:2] - aorta[:2])) <= _CRUS_MM

    @cached_property
    def _aorta(self) -> Points:
        return self._courses.middle("aorta")

    @cached_property
    def _cava(self) -> Points:
        return self._courses.middle("inferior_vena_cava")

    def _retroperitoneal(self, at: NDArray[np.float64]) -> NodeStation:
        aorta, cava = _at_height(self._aorta, float(at[2])), _at_height(self._cava, float(at[2]))
        if aorta is None or cava is None:
            return NodeStation.RETROPERITONEAL
        if min(np.linalg.norm(at[:2] - vessel[:2]) for vessel in (aorta, cava)) > _GREAT_VESSEL_REACH_MM:
            return NodeStation.ABDOMINAL
        if at[0] >= aorta[0]:
            return NodeStation.PARA_AORTIC
        return NodeStation.PARACAVAL if at[0] <= cava[0] else NodeStation.INTERAORTOCAVAL


def _site(station: NodeStation, side: Side | None) -> Code:
    return station.site(None if station in _SIDELESS else side)


def _at_height(course: Points, superior_mm: float) -> NDArray[np.float64] | None:
    """Return the course's point at a height; ``None`` where it does not come that high or low."""
    if not len(course) or not course[:, 2].min() - BORDER_MM <= superior_mm <= course[:, 2].max() + BORDER_MM:
        return None
    return np.asarray(course[np.argmin(np.abs(course[:, 2] - superior_mm))], dtype=np.float64)
