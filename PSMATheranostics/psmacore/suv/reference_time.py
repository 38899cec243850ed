"""The times of a PET series to the moment that its decay correction refers to, with cross-checks."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from psmacore.model.administration import PetAcquisition
from psmacore.suv.administration import same_clock
from psmacore.suv.attributes import (
    ACQUISITION_DATETIME,
    FRAME_REFERENCE_TIME,
    GE_SCAN_DATETIME,
    SERIES_DATETIME,
    SIEMENS_SCAN_DATETIME,
)
from psmacore.suv.factors import frame_mean_decay
from psmacore.suv.journal import Journal
from psmacore.suv.overrides import ReaderEntries
from psmacore.suv.rules import DerivationRules


def earliest_acquisition(acquisition: PetAcquisition) -> datetime | None:
    """Return the earliest acquisition time of all images, ``None`` where no image has one."""
    return min((frame.acquired_at for frame in acquisition.frames if frame.acquired_at is not None), default=None)


def decay_reference(acquisition: PetAcquisition, entries: ReaderEntries, journal: Journal) -> datetime:
    """Return the decay reference of images with Decay Correction START.

    In this order: 1 Series Date and Time if not later than the earliest acquisition; 2 GE's private scan
    date and time; 3 the earliest acquisition.

    Raises
    ------
    DicomInputError
        If the images have no acquisition time.

    References
    ----------
    QIBA vendor-neutral SUV pseudo-code (docest.com/doc/550456).
    """
    earliest = earliest_acquisition(acquisition)
    series_at, ge_at = acquisition.series_at, acquisition.ge_scan_at
    if entries.reference_at is not None:
        known = earliest or series_at or entries.reference_at
        reference = same_clock(entries.reference_at, known, "override reference_at")
        journal.step(f"Decay reference {reference}, entered by the reader.")
        return reference
    if earliest is None:
        raise ACQUISITION_DATETIME.refused(
            "the decay reference cannot be told without it: enter it as override reference_at",
            None,
            acquisition.series_uid,
        )
    if series_at is not None and series_at <= earliest:
        journal.step(
            f"Decay reference {series_at}: {SERIES_DATETIME}, not later than the first acquisition ({earliest}); "
            "QIBA order 1."
        )
        return series_at
    why = f"{SERIES_DATETIME} is absent" if series_at is None else f"{SERIES_DATETIME} ({series_at}) is later"
    if ge_at is not None:
        journal.step(f"Decay reference {ge_at}: {GE_SCAN_DATETIME}, as {why} than the first acquisition; QIBA order 2.")
        return ge_at
    journal.step(f"Decay reference {earliest}: the first {ACQUISITION_DATETIME}, as {why}; QIBA order 3.")
    return earliest


def check_reference(
    acquisition: PetAcquisition,
    reference_at: datetime,
    half_life_s: float,
    *,
    rules: DerivationRules,
    journal: Journal,
) -> None:
    """Warn where another way to the decay reference would change the SUV by more than the limit (1 %).

    GE's and Siemens' private times and the back-computation from Frame Reference Time are computed beside
    the result and never replace it.
    """
    for attribute, moment in (
        (GE_SCAN_DATETIME, acquisition.ge_scan_at),
        (SIEMENS_SCAN_DATETIME, acquisition.siemens_scan_at),
    ):
        if moment is not None and moment != reference_at:
            change = _suv_change(moment, reference_at, half_life_s)
            text = f"{attribute} ({moment}) differs from the decay reference used ({reference_at})"
            # GE's is always shown: QIBA and the SUV manual disagree on when it counts.
            journal.warn(f"{text}: with it the SUV would change by {100 * change:+.2f} %.")
        elif moment is not None:
            journal.step(f"{attribute} agrees with the decay reference.")
    changes = back_computed_changes(acquisition, reference_at, half_life_s)
    if not changes:
        return
    lowest, highest = min(changes), max(changes)
    if max(abs(lowest), abs(highest)) > rules.deviation_limit:
        journal.warn(
            f"Back-computation of the decay reference from {FRAME_REFERENCE_TIME} (QIBA order 4, a check only) would "
            f"change the SUV by {100 * lowest:+.1f} to {100 * highest:+.1f} %, depending on the image."
        )
    else:
        journal.step(
            f"Back-computation of the decay reference from {FRAME_REFERENCE_TIME} agrees within "
            f"{100 * max(abs(lowest), abs(highest)):.2f} %."
        )


def back_computed_changes(acquisition: PetAcquisition, reference_at: datetime, half_life_s: float) -> list[float]:
    """Return, for each image that gives it, the relative change of SUV with the back-computed decay reference.

    The reference is acquisition time + T_ave - Frame Reference Time, where T_ave, at which the activity
    equals its mean during the frame, is ``ln(lambda T / (1 - exp(-lambda T))) / lambda``. Empty where no
    image has the three times.

    References
    ----------
    QIBA vendor-neutral SUV pseudo-code; DICOM PS3.3 C.8.9.4 (Frame Reference Time).
    """
    decay_per_s = math.log(2.0) / half_life_s
    changes = []
    for frame in acquisition.frames:
        duration_s, offset_s = frame.frame_duration_s, frame.frame_reference_time_s
        if frame.acquired_at is None or offset_s is None or duration_s is None or duration_s <= 0:
            continue
        average_s = math.log(frame_mean_decay(half_life_s=half_life_s, duration_s=duration_s)) / decay_per_s
        moment = frame.acquired_at + timedelta(seconds=average_s - offset_s)
        changes.append(_suv_change(moment, reference_at, half_life_s))
    return changes


def _suv_change(moment: datetime, reference_at: datetime, half_life_s: float) -> float:
    elapsed_s = (moment - reference_at).total_seconds()
    return float(2.0 ** min(elapsed_s / half_life_s, 1000.0)) - 1.0
