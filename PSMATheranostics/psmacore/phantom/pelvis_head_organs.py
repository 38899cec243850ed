"""A man's build to the urinary tract, the prostate and the organs of the head."""

from __future__ import annotations

import numpy as np

from psmacore.phantom.habitus import Frame
from psmacore.phantom.shapes import Offset, rotation_deg
from psmacore.phantom.skeleton import SIDES
from psmacore.phantom.tissue import Region, Structure, Tissue, organ_part
from psmacore.phantom.trunk_organs import KIDNEY_Z

BLADDER_CENTRE = np.array([0.0, -26.0, 40.0])


def ureter_course(side: float) -> list[list[float]]:
    """Return the ureter in template coordinates, from the kidney's pelvis along the psoas to the bladder."""
    top = KIDNEY_Z["right" if side < 0 else "left"] - 12
    return [[side * 38, 32, top], [side * 37, 14, 188], [side * 36, 8, 150], [side * 40, 6, 118], [side * 56, 26, 84],
            [side * 56, 34, 56], [side * 30, 16, 32]]  # fmt: skip


def urinary_tract(frame: Frame, *, bladder_fill: float) -> list[Structure]:
    """Return prostate, seminal vesicles, bladder and ureters; ``bladder_fill`` scales the bladder's radii."""
    gland = frame.organ([0, -12, -8], [25, 18, 20], vary=0.12)
    radii = np.array([38.0, 34.0, 27.0]) * bladder_fill
    urine = frame.ball(BLADDER_CENTRE + np.array([0, 0, radii[2] - 27.0]), radii)
    vesicles = tuple(
        frame.ball([side * 20, 14, 12], [20, 7, 8], rotation_deg(0, side * -25, side * 12)) for _, side in SIDES
    )
    result = [
        Structure("bladder_wall", Tissue.MUSCLE, Region.SOFT, None, (Offset(urine, 3.0),)),
        organ_part("urinary_bladder", Tissue.WATER, Region.BLADDER, urine),
        Structure("seminal_vesicles", Tissue.SOFT, Region.PROSTATE, 0, vesicles, hu=25.0),
        organ_part("prostate", Tissue.SOFT, Region.PROSTATE, gland),
    ]
    for word, side in SIDES:
        rods = frame.pipe(ureter_course(side), 3.4, step_mm=10)
        result.append(organ_part(f"ureter_{word}", Tissue.WATER, Region.URETER, *rods))
    return result


def head(frame: Frame) -> list[Structure]:
    """Return glands, eyes, air spaces and mucosa of the head."""
    result = [
        Structure("tongue", Tissue.MUSCLE, Region.MUSCLE, 0, (frame.ball([0, -58, 652], [24, 30, 18]),)),
        Structure("nasal_mucosa", Tissue.SOFT, Region.MUCOSA, 0, (frame.ball([0, -78, 696], [13, 24, 20]),), hu=-150.0),
        Structure(
            "pharynx", Tissue.AIR, Region.NONE, 0, frame.pipe([[0, -40, 694], [0, -22, 660], [0, -20, 630]], 7.0)
        ),
    ]
    for word, side in SIDES:
        eye = frame.ball([side * 32, -86, 722], [12, 12, 12])
        sinus = frame.ball([side * 24, -74, 698], [11, 14, 14])
        parotid = frame.organ([side * 60, -18, 682], [12, 17, 25], rotation_deg(0, 0, side * -20), vary=0.1)
        below = frame.organ([side * 30, -48, 634], [11, 16, 13], vary=0.1)
        tear = frame.organ([side * 45, -80, 733], [4.5, 8, 6], vary=0.1)
        result += [
            Structure(f"eye_{word}", Tissue.WATER, Region.SOFT, 0, (eye,)),
            Structure(f"sinus_{word}", Tissue.AIR, Region.NONE, 0, (sinus,)),
            organ_part(f"parotid_gland_{word}", Tissue.GLAND, Region.PAROTID, parotid),
            organ_part(f"submandibular_gland_{word}", Tissue.SOFT, Region.SUBMANDIBULAR, below),
            organ_part(f"lacrimal_gland_{word}", Tissue.SOFT, Region.LACRIMAL, tear),
        ]
    return result
