"""A point beside bladder and prostate to the part of the local region that it lies in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.site_codes import PROSTATE_REGION, SEMINAL_VESICLE
from psmacore.model.codes import Code

VESICLE_LATERAL_MM = 40.0
VESICLE_DEPTH_MM = 20.0  # behind the prostate's back: vesicles are 10 to 15 mm thick, mesorectal nodes lie deeper
_BED_LATERAL_MM = 25.0
_BED_ABOVE_MM = 15.0  # over the bladder's lowest point: the anastomosis with the urethra and what lies beside it
_BED_BELOW_MM = 35.0
_BED_DEPTH_MM = 30.0  # before and behind the bladder's middle


def local_site(at: NDArray[np.float64], marks: Landmarks) -> Code | None:
    """Return the seminal vesicles or, where the map holds no prostate, its region; ``None`` elsewhere.

    Parameters
    ----------
    at : numpy.ndarray
        ``(3,)``, L, P, S in mm.
    marks : Landmarks
        Of the study; without a bladder there is no local region.

    References
    ----------
    PROMISE counts both as the local region: miT3b and miTr (Eiber et al., JNM 2018;59:469). The limits are
    anatomical estimates around organs that are labelled, since the label set has neither.
    """
    bladder, prostate = marks.extent("urinary_bladder"), marks.extent("prostate")
    if bladder is None:
        return None
    middle = (bladder if prostate is None else prostate).mean(axis=0)
    if prostate is not None:
        is_vesicle = (
            abs(at[0] - middle[0]) <= VESICLE_LATERAL_MM
            and middle[1] < at[1] <= prostate[1, 1] + VESICLE_DEPTH_MM
            and middle[2] < at[2] <= bladder[:, 2].mean()
        )
        return SEMINAL_VESICLE if is_vesicle else None
    low_mm = bladder[0, 2]
    is_bed = (
        abs(at[0] - middle[0]) <= _BED_LATERAL_MM
        and abs(at[1] - middle[1]) <= _BED_DEPTH_MM
        and low_mm - _BED_BELOW_MM <= at[2] <= low_mm + _BED_ABOVE_MM
    )
    return PROSTATE_REGION if is_bed else None
