"""A seed to one man's anatomy: all structures in painting order, and where to find each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from psmacore.phantom.habitus import Frame, Habitus, draw_habitus, random_stream
from psmacore.phantom.outline import outline
from psmacore.phantom.pelvis_head_organs import head, urinary_tract
from psmacore.phantom.shapes import Float64, Shape
from psmacore.phantom.skeleton import bones
from psmacore.phantom.tissue import Structure
from psmacore.phantom.trunk_organs import abdomen, abdominal_cavity, bowel, chest, vessels

BOTTOM_MM, TOP_MM = -235.0, 842.0


@dataclass(frozen=True, eq=False)
class Anatomy:
    """One man in patient coordinates (mm; origin between the hip joints, x left, y back, z up).

    Parameters
    ----------
    frame : Frame
        From template measures to this man.
    structures : tuple of Structure
        In painting order: the later lies over the earlier.
    breathing : tuple of Shape
        The space whose content moves with the diaphragm.
    """

    habitus: Habitus
    frame: Frame
    structures: tuple[Structure, ...]
    breathing: tuple[Shape, ...]

    @property
    def lungs(self) -> tuple[Shape, ...]:
        """All lobes of both lungs."""
        return tuple(part for name, item in self.by_name.items() if name.startswith("lung_") for part in item.parts)

    @cached_property
    def by_name(self) -> dict[str, Structure]:
        """Structures by name."""
        return {structure.name: structure for structure in self.structures}

    @property
    def z_range_mm(self) -> tuple[float, float]:
        """Mid-thigh and vertex."""
        return BOTTOM_MM * float(self.frame.scale[2]), TOP_MM * float(self.frame.scale[2])

    def distance_mm(self, name: str, point_mm: Float64) -> float:
        """Return the signed distance of one point to a structure; negative inside."""
        x, y, z = (np.full((1, 1, 1), value, dtype=np.float32) for value in point_mm)
        return min(float(part.distance(x, y, z).item()) for part in self.by_name[name].parts)


def build_anatomy(seed: int, *, date_index: int | str = 0) -> Anatomy:
    """Return the man of ``seed``.

    The bladder's filling differs between dates; everything else is the same man. ``date_index`` is the number
    of the date, or the name that a companion study has among the random numbers.
    """
    habitus = draw_habitus(seed)
    frame = Frame(habitus, random_stream(seed, "anatomy"))
    fill = float(random_stream(seed, "bladder", date_index).uniform(0.80, 1.10))
    structures = [
        *outline(frame),
        *chest(frame),
        *abdomen(frame),
        *vessels(frame),
        *bowel(frame, random_stream(seed, "bowel")),
        *bones(frame),
        *head(frame),
        *urinary_tract(frame, bladder_fill=fill),
    ]
    return Anatomy(habitus, frame, tuple(structures), abdominal_cavity(frame))
