"""A study's lesions with its date and its place in the course: what matching reads of a time point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Protocol

import numpy as np
from scipy.ndimage import find_objects

from psmacore.errors import InputRefusedError
from psmacore.model.geometry import FloatArray
from psmacore.model.lesions import Lesion
from psmacore.model.timepoint import Timepoint
from psmacore.model.volumes import Segmentation

USUAL_ERROR_MM = 2.5
"""Median landmark error of deformable registration of PET/CT, mm: 2.3 to 2.6 in Santoro-Fernandes et al., Phys Med
Biol 2021 (PMC11329192)."""


class Placement(Protocol):
    """Where points of one study lie in the course's common frame, and the way back; ``(n, 3)`` LPS in mm."""

    def to_common(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return where points of the study lie in the common frame."""

    def from_common(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return where points of the common frame lie in the study."""


@dataclass(frozen=True)
class SamePlace:
    """The placement of the first study, and of every study where no registration is known."""

    def to_common(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return the points themselves."""
        return points_lps_mm

    def from_common(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return the points themselves."""
        return points_lps_mm


@dataclass(frozen=True, eq=False)
class AffinePlacement:
    """A placement by a rigid or affine transform.

    Parameters
    ----------
    study_from_common : numpy.ndarray
        4 x 4, LPS in mm: what registration of the study (moving) to the first one (fixed) gives.
    """

    study_from_common: FloatArray

    def to_common(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return where points of the study lie in the common frame."""
        return _moved(points_lps_mm, np.asarray(np.linalg.inv(self.study_from_common), dtype=np.float64))

    def from_common(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return where points of the common frame lie in the study."""
        return _moved(points_lps_mm, self.study_from_common)


class UptakeProbe(Protocol):
    """Reads a study's PET where no lesion is segmented (:class:`psmacore.longitudinal.uptake_left.SuvProbe`)."""

    def left_at(self, points_lps_mm: FloatArray) -> UptakeLeft:
        """Return the uptake in the room that points ``(n, 3)``, LPS in mm of that study, fill."""


@dataclass(frozen=True)
class UptakeLeft:
    """What a PET shows at a place where no lesion is segmented.

    Parameters
    ----------
    suv_max, suv_mean, suv_peak : float or None
        Over the place, SUVbw in g/ml; ``None`` where it cannot be read.
    background_suv, background_sd : float or None
        Of the tissue around it, SUVbw in g/ml.
    is_in_view : bool
        Whether the scan covers the place.
    is_covered : bool
        Whether another segmented lesion lies over it, so that its own uptake cannot be told.
    """

    suv_max: float | None = None
    suv_mean: float | None = None
    suv_peak: float | None = None
    background_suv: float | None = None
    background_sd: float | None = None
    is_in_view: bool = True
    is_covered: bool = False

    @property
    def is_at_background(self) -> bool:
        """Whether SUVpeak was read and lies within 2 SD of the local background (as PERCIST 1.0 bounds its own)."""
        if self.suv_peak is None or self.background_suv is None or self.background_sd is None:
            return False
        return self.suv_peak <= self.background_suv + 2.0 * self.background_sd

    @property
    def is_focal(self) -> bool:
        """Whether SUVpeak was read, lies above that, and is 1.5 times the background, so that it strikes the eye."""
        if self.suv_peak is None or self.background_suv is None or self.is_at_background:
            return False
        return self.suv_peak >= 1.5 * self.background_suv


@dataclass(frozen=True, eq=False)
class DatedLesions:
    """The lesions of one time point.

    Parameters
    ----------
    study_uid : str
        (0020,000D).
    date, time : str
        DICOM DA and TM of the study; the time may be empty.
    lesions : tuple of Lesion
        All of them, those that do not count included: they may vouch for uptake below the threshold.
    voxels_lps_mm : mapping of str to numpy.ndarray
        Voxel centres ``(n, 3)`` of lesions by tracking UID, LPS in mm of the study's own world. A lesion that is not
        here is taken for a sphere of its volume around its centroid.
    placement : Placement
        Into the common frame.
    error_mm : float
        Median distance between where the placement puts a landmark and where it belongs; 0 for the first study of
        a registered course.
    probe : UptakeProbe or None
        Reads the PET; ``None`` where the images are not at hand.

    Raises
    ------
    InputRefusedError
        If the date is no date, two lesions have one UID, or the error is not a length.
    """

    study_uid: str
    date: str
    lesions: tuple[Lesion, ...]
    time: str = ""
    voxels_lps_mm: Mapping[str, FloatArray] = field(default_factory=dict)
    placement: Placement = SamePlace()
    error_mm: float = USUAL_ERROR_MM
    probe: UptakeProbe | None = None

    def __post_init__(self) -> None:
        try:
            datetime.strptime(self.date, "%Y%m%d")  # noqa: DTZ007 - a DICOM date has no zone
        except ValueError:
            raise InputRefusedError(f"study {self.study_uid} has no valid Study Date: {self.date!r}") from None
        uids = [lesion.tracking_uid for lesion in self.lesions]
        twice = sorted({uid for uid in uids if uids.count(uid) > 1})
        if twice:
            raise InputRefusedError(f"study {self.study_uid} has two lesions with the tracking UID {twice[0]}")
        if not (np.isfinite(self.error_mm) and self.error_mm >= 0):
            raise InputRefusedError(f"study {self.study_uid}: a registration error of {self.error_mm} mm is none")

    @classmethod
    def of(cls, timepoint: Timepoint) -> DatedLesions:
        """Return what is known of a time point without its images."""
        return cls(timepoint.study.uid, timepoint.study.date, timepoint.lesions, timepoint.study.time)


def voxels_of(segmentation: Segmentation, lesions: Sequence[Lesion]) -> dict[str, FloatArray]:
    """Return the voxel centres of lesions by tracking UID, ``(n, 3)`` LPS in mm; none for a lesion without voxels."""
    boxes = find_objects(segmentation.labels)
    found = {}
    for lesion in lesions:
        box = boxes[lesion.segment_number - 1] if 0 < lesion.segment_number <= len(boxes) else None
        if box is not None:
            inside = np.argwhere(segmentation.labels[box] == lesion.segment_number)
            found[lesion.tracking_uid] = segmentation.geometry.lps_of_kji(inside + [part.start for part in box])
    return found


def in_order_of_date(studies: Sequence[DatedLesions]) -> tuple[DatedLesions, ...]:
    """Return the studies by date, those of one day by time where both have one; else as they were given."""
    by_time = sorted(studies, key=lambda study: study.time) if all(study.time for study in studies) else studies
    return tuple(sorted(by_time, key=lambda study: study.date))


def require_order_of_date(studies: Sequence[DatedLesions]) -> None:
    """Refuse studies that do not follow each other in time.

    Raises
    ------
    InputRefusedError
        Naming the two studies and their dates.
    """
    for first, second in pairwise(studies):
        is_late = first.date > second.date
        if first.date == second.date and first.time and second.time:
            is_late = first.time > second.time
        if is_late:
            raise InputRefusedError(
                f"study {second.study_uid} of {second.date} {second.time} is listed after study {first.study_uid} of "
                f"{first.date} {first.time}: studies are matched in order of their dates"
            )


def _moved(points_lps_mm: FloatArray, matrix: FloatArray) -> FloatArray:
    return np.asarray(points_lps_mm @ matrix[:3, :3].T + matrix[:3, 3], dtype=np.float64)
