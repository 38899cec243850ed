"""Bones, vessels and rectum of one pelvis to the places that its nodal stations take up."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from psmacore.lesions.courses import HEAD_MM, Courses, Points
from psmacore.lesions.site_codes import NodeStation
from psmacore.model.organs import Side

_STEP_MM = 4.0
_SIDES: tuple[Side, Side] = ("left", "right")
_S1_PART = 0.2  # of the sacrum's height: the common iliac vessels divide at the lower end of S1
_S2_PART = 0.55  # the sacroiliac joint ends
_S3_PART = 0.6  # presacral nodes lie above, mesorectal ones below
_BEFORE_BONE_MM = 8.0  # nodes lie this far in front of the sacrum or beside the wall, by their own radius
_OBTURATOR_INSIDE_MM = 12.0
_OBTURATOR_ABOVE_HEAD_MM = 20.0
_OBTURATOR_HEIGHT_MM = 45.0  # down to the upper end of the symphysis
_NOTCH_BEHIND_HEAD_MM = 35.0  # greater sciatic notch
_RECTUM_RADIUS_MM = 24.0  # to the middle of the mesorectal fat around it
_RECTUM_BEFORE_SACRUM_MM = 20.0
_RECTUM_REACH_MM = 40.0  # bowel farther from the midline is not rectum
_GROIN_BEFORE_HEAD_MM = (40.0, 60.0)
_GROIN_BELOW_TOP_MM = (10.0, 70.0)

Places = Mapping[tuple[NodeStation, Side | None], Points]


class Pelvis:
    """The pelvis of one study.

    Parameters
    ----------
    courses : Courses
        Of that study.
    """

    def __init__(self, courses: Courses) -> None:
        self._courses = courses
        self._sacrum = courses.voxels("sacrum")

    def places(self, aortic_bifurcation_s_mm: float) -> Places:
        """Return points along every station that the labels allow to place, by station and side.

        Parameters
        ----------
        aortic_bifurcation_s_mm : float
            Upper end of the common iliac stations.

        Returns
        -------
        mapping of (NodeStation, side) to numpy.ndarray
            ``(n, 3)``, L, P, S in mm; the side is ``None`` for the stations of the middle. Empty without sacrum.

        References
        ----------
        Levels and neighbours: Taylor et al., Clin Oncol 2007;19:542 (atlas of the pelvic nodal regions); Hall et
        al., IJROBP 2021;109:174 (NRG Oncology): common iliac from the division of the aorta to that of the common
        iliac vessels, external iliac to the femoral heads, obturator to the symphysis, presacral in front of S1 to S3.
        """
        if not len(self._sacrum):
            return {}
        places: dict[tuple[NodeStation, Side | None], Points] = {
            (NodeStation.PRESACRAL, None): self._presacral(),
            (NodeStation.MESORECTAL, None): self._mesorectal(),
        }
        division_mm = self._level_mm(_S1_PART)
        for side in _SIDES:
            head = self._courses.femoral_heads.get(side)
            vessels = self._courses.middle(f"iliac_artery_{side}", f"iliac_vena_{side}")
            if not len(vessels):
                vessels = self._assumed_vessels(side, head, aortic_bifurcation_s_mm)
            common = vessels[(vessels[:, 2] > division_mm) & (vessels[:, 2] <= aortic_bifurcation_s_mm + _STEP_MM)]
            low_mm = -np.inf if head is None else _groin_mm(head)
            external = vessels[(vessels[:, 2] <= division_mm) & (vessels[:, 2] >= low_mm)]
            places[NodeStation.COMMON_ILIAC, side] = common
            places[NodeStation.EXTERNAL_ILIAC, side] = external
            places[NodeStation.INTERNAL_ILIAC, side] = self._internal(side, common, head)
            if head is not None:
                places[NodeStation.OBTURATOR, side] = self._obturator(side, head)
                places[NodeStation.INGUINAL, side] = _groin(head)
        return {key: points for key, points in places.items() if len(points)}

    def _level_mm(self, part: float) -> float:
        """Return the height at a part of the sacrum from its upper end."""
        low, high = float(self._sacrum[:, 2].min()), float(self._sacrum[:, 2].max())
        return high - part * (high - low)

    @property
    def _middle_mm(self) -> float:
        """L of the sacrum's middle."""
        return float(self._sacrum[:, 0].min() + self._sacrum[:, 0].max()) / 2

    @property
    def _half_mm(self) -> float:
        return float(np.ptp(self._sacrum[:, 0])) / 2

    def _assumed_vessels(self, side: Side, head: Points | None, top_mm: float) -> Points:
        """Return where the iliac vessels run by the bones alone: from before L4 over the pelvic brim to the groin."""
        outward = 1.0 if side == "left" else -1.0
        division_mm = self._level_mm(_S1_PART)
        brim = self._before_sacrum(np.array([division_mm]), (0.0,))
        if not len(brim):
            return np.empty((0, 3))
        front = float(brim[0, 1])
        corners = [
            np.array([self._middle_mm, front - 20.0, top_mm]),
            np.array([self._middle_mm + outward * 0.72 * self._half_mm, front - 8.0, division_mm]),
        ]
        if head is not None:
            corners.append(np.array([head[0] - outward * 15.0, head[1] - _GROIN_BEFORE_HEAD_MM[0], _groin_mm(head)]))
        legs = [a + np.linspace(0, 1, 16)[:, None] * (b - a) for a, b in pairwise(corners)]
        return np.concatenate(legs)

    def _presacral(self) -> Points:
        heights = np.arange(self._level_mm(_S3_PART), self._level_mm(0.0), _STEP_MM)
        return self._before_sacrum(heights, (-0.4, -0.2, 0.0, 0.2, 0.4))

    def _before_sacrum(self, heights_mm: Points, parts: tuple[float, ...]) -> Points:
        """Return points before the sacrum, at parts of its half width from the midline, where bone is behind them."""
        bone, middle, half_mm = self._sacrum, self._middle_mm, self._half_mm
        points = []
        for height in heights_mm:
            level = bone[np.abs(bone[:, 2] - height) <= _STEP_MM]
            for part in parts:
                left = middle + part * half_mm  # L grows to the left
                column = level[np.abs(level[:, 0] - left) <= max(0.1 * half_mm, 3.0)]
                if len(column):
                    points.append((left, float(column[:, 1].min()) - _BEFORE_BONE_MM, float(height)))
        return np.array(points) if points else np.empty((0, 3))

    def _mesorectal(self) -> Points:
        angles = np.radians(np.arange(-30, 211, 30))  # beside and behind the rectum: in front of it is the prostate
        ring = _RECTUM_RADIUS_MM * np.stack((np.cos(angles), np.sin(angles), np.zeros(len(angles))), axis=1)
        course = self._rectum()
        return (course[:, None] + ring).reshape(-1, 3)

    def _rectum(self) -> Points:
        """Return the middle of the rectum, below S3; without bowel in the map, where it runs before the sacrum."""
        bowel, top_mm = self._courses.voxels("colon"), self._level_mm(_S3_PART)
        if len(bowel):
            bowel = bowel[(bowel[:, 2] <= top_mm) & (np.abs(bowel[:, 0] - self._middle_mm) <= _RECTUM_REACH_MM)]
        if not len(bowel):
            before = self._before_sacrum(np.arange(float(self._sacrum[:, 2].min()), top_mm, _STEP_MM), (0.0,))
            return before - np.array([0.0, _RECTUM_BEFORE_SACRUM_MM, 0.0]) if len(before) else before
        points = []
        for height in np.arange(bowel[:, 2].min(), bowel[:, 2].max() + _STEP_MM, _STEP_MM):
            level = bowel[np.abs(bowel[:, 2] - height) <= _STEP_MM]
            if len(level):
                points.append((*level[:, :2].mean(axis=0), float(height)))
        return np.array(points)

    def _internal(self, side: Side, common: Points, head: Points | None) -> Points:
        """Return points from the common iliac vessels' division along the sacroiliac joint to the sciatic notch."""
        outward = 1.0 if side == "left" else -1.0
        heights = np.arange(self._level_mm(_S2_PART), self._level_mm(_S1_PART), _STEP_MM)
        beside = self._before_sacrum(heights, (outward * 0.85,))
        parts = [beside]
        if len(common) and len(beside):
            start, end = common[common[:, 2].argmin()], beside[beside[:, 2].argmax()]
            parts.append(start + np.linspace(0.35, 1.0, 6)[:, None] * (end - start))
        if head is not None:
            low = np.arange(float(head[2]) + HEAD_MM, self._level_mm(_S2_PART), _STEP_MM)
            wall = self._courses.inner_wall(side, float(head[1]) + _NOTCH_BEHIND_HEAD_MM, low)
            parts.append(wall - np.array([outward * _BEFORE_BONE_MM, 0.0, 0.0]) if len(wall) else wall)
        return np.concatenate(parts)

    def _obturator(self, side: Side, head: Points) -> Points:
        top_mm = float(head[2]) + HEAD_MM + _OBTURATOR_ABOVE_HEAD_MM
        outward = 1.0 if side == "left" else -1.0
        wall = self._courses.inner_wall(
            side, float(head[1]), np.arange(top_mm - _OBTURATOR_HEIGHT_MM, top_mm, _STEP_MM)
        )
        return wall - np.array([outward * _OBTURATOR_INSIDE_MM, 0.0, 0.0]) if len(wall) else wall


def _groin_mm(head: Points) -> float:
    """Return the height of the inguinal ligament over a femoral head's middle."""
    return float(head[2]) + HEAD_MM - _GROIN_BELOW_TOP_MM[0]


def _groin(head: Points) -> Points:
    """Return points along and before the femoral vessels."""
    top_mm = _groin_mm(head)
    heights = np.arange(top_mm - _GROIN_BELOW_TOP_MM[1] + _GROIN_BELOW_TOP_MM[0], top_mm, _STEP_MM)
    return np.array([(head[0], head[1] - before, height) for before in _GROIN_BEFORE_HEAD_MM for height in heights])
