"""Organ labels to the levels and lines of one patient that anatomical rules refer to."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.lesions.physiology import LUNGS
from psmacore.model.geometry import Geometry
from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.model.volumes import OrganMap

_SPINE = frozenset(range(25, 51))  # sacrum and vertebrae
Box = tuple[slice, slice, slice]
_ISLAND_GAP_MM = 15.0
_ISLAND_PART = 0.1  # of a structure's voxels: a smaller part beyond a gap is no part of it
_LEVEL_MM = 25.0  # vertebrae this near in height give the midline


class Landmarks:
    """Where the organs of one study lie.

    Parameters
    ----------
    organs : OrganMap
        On the PET grid.
    """

    def __init__(self, organs: OrganMap) -> None:
        self._organs = organs
        self._boxes = ndimage.find_objects(organs.labels)
        self._main_boxes: dict[int, Box | None] = {}

    @property
    def organs(self) -> OrganMap:
        """The map."""
        return self._organs

    def box(self, number: int) -> Box | None:
        """Return the smallest box around a structure without stray voxels of its label; ``None`` if it is absent."""
        if number not in self._main_boxes:
            found = self._boxes[number - 1] if number <= len(self._boxes) else None
            labels, spacing = self._organs.labels, self._organs.geometry.spacing_kji_mm
            self._main_boxes[number] = None if found is None else _main_box(labels, number, found, spacing)
        return self._main_boxes[number]

    def _extent(self, number: int) -> NDArray[np.float64] | None:
        box = self.box(number)
        return None if box is None else _extent(box, self._organs.geometry)

    def extent(self, *names: str) -> NDArray[np.float64] | None:
        """Return the lowest and highest L, P, S of organs together, ``(2, 3)`` in mm; ``None`` if none is there."""
        extents = (self._extent(ORGAN_NUMBERS[name]) for name in names)
        found = [extent for extent in extents if extent is not None]
        if not found:
            return None
        return np.stack((np.min([one[0] for one in found], axis=0), np.max([one[1] for one in found], axis=0)))

    def top_s_mm(self, *names: str) -> float | None:
        """Return the upper end of organs."""
        extent = self.extent(*names)
        return None if extent is None else float(extent[1, 2])

    def bottom_s_mm(self, *names: str) -> float | None:
        """Return the lower end of organs."""
        extent = self.extent(*names)
        return None if extent is None else float(extent[0, 2])

    def midline_l_mm(self, superior_mm: float) -> float | None:
        """Return the L coordinate of the spine's middle at a height; ``None`` where no vertebra is near."""
        near = [
            extent[:, 0].mean()
            for extent in self._spine
            if extent[0, 2] - _LEVEL_MM <= superior_mm <= extent[1, 2] + _LEVEL_MM
        ]
        return float(np.mean(near)) if near else None

    @cached_property
    def spine_l_mm(self) -> float | None:
        """L of the middle of all vertebrae and the sacrum."""
        return float(np.mean([extent[:, 0].mean() for extent in self._spine])) if self._spine else None

    @cached_property
    def _spine(self) -> list[NDArray[np.float64]]:
        extents = (self._extent(number) for number in _SPINE)
        return [extent for extent in extents if extent is not None]

    @cached_property
    def aortic_bifurcation_s_mm(self) -> float | None:
        """Upper end of the iliac arteries, else of the body of L4, else the pelvic inlet: nodes below are pelvic."""
        top = self.top_s_mm("iliac_artery_left", "iliac_artery_right")
        if top is None:
            extent = self.extent("vertebrae_L4")
            top = None if extent is None else float(extent[:, 2].mean())
        return self.pelvic_inlet_s_mm if top is None else top

    @cached_property
    def crura_s_mm(self) -> tuple[float | None, float | None]:
        """Lower end of T12 and upper end of T11: nodes beside the aorta between them are retrocrural."""
        low, high = self.bottom_s_mm("vertebrae_T12"), self.top_s_mm("vertebrae_T11")
        return low, high if high is not None else self.top_s_mm("vertebrae_T12")

    @cached_property
    def pelvic_inlet_s_mm(self) -> float | None:
        """Upper end of the sacrum, else the lower end of L5."""
        top = self.top_s_mm("sacrum", "vertebrae_S1")
        return top if top is not None else self.bottom_s_mm("vertebrae_L5")

    @cached_property
    def diaphragm_s_mm(self) -> float | None:
        """Middle of T12, else the lower end of the lungs: retroperitoneal nodes lie below."""
        extent = self.extent("vertebrae_T12")
        return self.bottom_s_mm(*_LUNG_NAMES) if extent is None else float(extent[:, 2].mean())

    @cached_property
    def thoracic_inlet_s_mm(self) -> float | None:
        """Upper end of T1, else of the lungs: mediastinal and axillary nodes lie below."""
        top = self.top_s_mm("vertebrae_T1")
        return top if top is not None else self.top_s_mm(*_LUNG_NAMES)

    @cached_property
    def lungs_l_mm(self) -> tuple[float, float] | None:
        """Right and left end of the lungs: axillary nodes lie outside."""
        extent = self.extent(*_LUNG_NAMES)
        return None if extent is None else (float(extent[0, 0]), float(extent[1, 0]))


_LUNG_NAMES = tuple(name for name, number in ORGAN_NUMBERS.items() if number in LUNGS)


def _main_box(labels: NDArray[np.uint16], number: int, box: Box, spacing_kji_mm: tuple[float, float, float]) -> Box:
    """Return a structure's box without small islands that a wide gap along one axis parts from the rest.

    A model's labels have stray voxels far from the organ; one of them must not move a level. A vessel that other
    organs interrupt stays whole.
    """
    inside = labels[box] == number
    for axis in range(3):
        profile = np.count_nonzero(inside, axis=tuple(other for other in range(3) if other != axis))
        at = np.flatnonzero(profile)
        islands = np.split(at, np.flatnonzero(np.diff(at) * spacing_kji_mm[axis] > _ISLAND_GAP_MM) + 1)
        sizes = [int(profile[island].sum()) for island in islands]
        least = min(_ISLAND_PART * sum(sizes), max(sizes))
        kept = [island for island, size in zip(islands, sizes, strict=True) if size >= least]
        part = [slice(None)] * 3
        part[axis] = slice(int(kept[0][0]), int(kept[-1][-1]) + 1)
        inside = inside[tuple(part)]
        first = box[axis].start + int(kept[0][0])
        sides = list(box)
        sides[axis] = slice(first, first + inside.shape[axis])
        box = (sides[0], sides[1], sides[2])
    return box


def _extent(box: Box, geometry: Geometry) -> NDArray[np.float64]:
    """Return the lowest and highest L, P, S of a box of voxels, ``(2, 3)`` in mm."""
    ends = [(part.start, part.stop - 1) for part in box]
    corners = geometry.lps_of_kji([[k, j, i] for k in ends[0] for j in ends[1] for i in ends[2]])
    return np.stack((corners.min(axis=0), corners.max(axis=0)))
