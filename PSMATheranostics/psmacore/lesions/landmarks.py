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
_LEVEL_MM = 25.0  # vertebrae this near in height give the midline


class Landmarks:
    """Where the organs of one study lie.

    Parameters
    ----------
    organs : OrganMap
        On the PET grid.
    """

    def __init__(self, organs: OrganMap) -> None:
        boxes = ndimage.find_objects(organs.labels)
        geometry = organs.geometry
        self._extents = {n: _extent(box, geometry) for n, box in enumerate(boxes, start=1) if box is not None}

    def extent(self, *names: str) -> NDArray[np.float64] | None:
        """Return the lowest and highest L, P, S of organs together, ``(2, 3)`` in mm; ``None`` if none is there."""
        found = [self._extents[ORGAN_NUMBERS[name]] for name in names if ORGAN_NUMBERS[name] in self._extents]
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
            for number, extent in self._extents.items()
            if number in _SPINE and extent[0, 2] - _LEVEL_MM <= superior_mm <= extent[1, 2] + _LEVEL_MM
        ]
        return float(np.mean(near)) if near else None

    @cached_property
    def pelvic_inlet_s_mm(self) -> float | None:
        """Upper end of the sacrum, else the lower end of L5: pelvic nodes lie below."""
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


def _extent(box: tuple[slice, slice, slice], geometry: Geometry) -> NDArray[np.float64]:
    """Return the lowest and highest L, P, S of a box of voxels, ``(2, 3)`` in mm."""
    ends = [(part.start, part.stop - 1) for part in box]
    corners = geometry.lps_of_kji([[k, j, i] for k in ends[0] for j in ends[1] for i in ends[2]])
    return np.stack((corners.min(axis=0), corners.max(axis=0)))
