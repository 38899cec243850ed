"""An anatomy to the structures that radiotherapy of the prostate delineates, and the CT range that holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.anatomy import Anatomy
from psmacore.phantom.shapes import Capsule, Shape

# Template heights (mm): the rectum ends where the sigmoid begins, in front of the third sacral vertebra.
_RECTOSIGMOID_MM = 58.0
_LOWEST_MM, _HIGHEST_MM = -130.0, 170.0
QUICK_PELVIS_MM = (256, 1.953125, 3.0)
FULL_PELVIS_MM = (512, 0.9765625, 2.5)


@dataclass(frozen=True, eq=False)
class Delineated:
    """A structure by the name that its contours carry; the union of ``parts`` less that of ``without``."""

    name: str
    parts: tuple[Shape, ...]
    without: tuple[Shape, ...] = ()


def delineated(anatomy: Anatomy) -> tuple[Delineated, ...]:
    """Return prostate, bladder, rectum and both femoral heads (Prostate-Anatomical-Edge-Cases, W61).

    The rectum is the large bowel below the rectosigmoid junction, wall and content. As in the label maps the
    prostate takes what it shares with the bladder, and both and the sacrum what they share with the rectum.
    """
    by_name = anatomy.by_name
    prostate, bladder = by_name["prostate"].parts, by_name["urinary_bladder"].parts
    rectum = tuple(part for part in by_name["colon"].parts if _is_rectal(part, float(anatomy.frame.scale[2])))
    heads = {side: by_name[f"femur_{word}"].parts[:1] for word, side in (("left", "L"), ("right", "R"))}
    return (
        Delineated("Prostate", prostate),
        Delineated("Bladder", bladder, prostate),
        Delineated("Rectum", rectum, (*prostate, *bladder, *by_name["sacrum"].parts)),
        *(Delineated(f"Femoral_Head_{side}", parts) for side, parts in heads.items()),
    )


def _is_rectal(part: Shape, scale_z: float) -> bool:
    if not isinstance(part, Capsule):
        return False
    return float((part.start_mm[2] + part.end_mm[2]) / 2) < _RECTOSIGMOID_MM * scale_z


def pelvic_grid(anatomy: Anatomy, position: FloatArray, frame_uid: str, *, quick: bool) -> Geometry:
    """Return the grid of a planning CT, from the ischium's lower end to the iliac crest."""
    pixels, pixel_mm, slice_mm = QUICK_PELVIS_MM if quick else FULL_PELVIS_MM
    low, high = (z * float(anatomy.frame.scale[2]) + float(position[2, 3]) for z in (_LOWEST_MM, _HIGHEST_MM))
    corner = -(pixels - 1) / 2 * pixel_mm
    return Geometry.from_axes(
        shape=(int(np.ceil((high - low) / slice_mm)), pixels, pixels),
        origin_lps_mm=[round(corner, 3), round(corner + 22.0, 3), round(low, 3)],
        spacing_ijk_mm=[pixel_mm, pixel_mm, slice_mm],
        frame_of_reference_uid=frame_uid,
    )
