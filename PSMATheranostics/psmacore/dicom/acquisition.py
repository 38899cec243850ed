"""The attributes of a PET series to the record that an SUV is derived from, as stored and not yet judged."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, tzinfo

from pydicom.dataset import Dataset

from psmacore.dicom.datetimes import date_and_time, datetime_of, private_datetime, start_datetime_of, zone_of
from psmacore.dicom.headers import code, items, name_of, number, place, private_number, refusal, text, texts
from psmacore.dicom.series import RESCALE_INTERCEPT, slope_of
from psmacore.errors import DicomInputError
from psmacore.model.administration import (
    PatientBody,
    PetAcquisition,
    PetFrame,
    RadiopharmaceuticalAdministration,
)

logger = logging.getLogger(__name__)

GE_CREATOR = "GEMS_PETD_01"
SIEMENS_CREATOR = "SIEMENS MED PT"
PHILIPS_CREATOR = "Philips PET Private Group"

_ONE_PER_SERIES = (0x00541001, 0x00541006, 0x00541102, 0x00280051, 0x00101030, 0x00101020)
_MS_PER_S = 1000.0


def pet_acquisition(datasets: Sequence[Dataset]) -> PetAcquisition:
    """Return everything of a PET series that an SUV depends on.

    Parameters
    ----------
    datasets : sequence of pydicom.Dataset
        One per slice, in slice order k; at least one.

    Raises
    ------
    DicomInputError
        If a value is present but unreadable, a slice has no scale, or slices disagree on what a series
        has once: units, decay correction, corrections, weight, height.

    References
    ----------
    DICOM PS3.3 C.8.9.1 (PET Series), C.8.9.2 (PET Isotope), C.8.9.4 (PET Image).
    """
    _refuse_contradictions(datasets)
    first = datasets[0]
    zone = zone_of(first)
    return PetAcquisition(
        series_uid=text(first, 0x0020000E),
        units=text(first, 0x00541001).upper(),
        suv_type=text(first, 0x00541006).upper(),
        decay_correction=text(first, 0x00541102).upper(),
        corrected_image=tuple(value.upper() for value in texts(first, 0x00280051)),
        manufacturer=text(first, 0x00080070),
        model=text(first, 0x00081090),
        reconstruction=text(first, 0x00541103),
        series_at=date_and_time(first, 0x00080021, 0x00080031),
        ge_scan_at=private_datetime(first, 0x0009, GE_CREATOR, 0x0D, zone),
        siemens_scan_at=private_datetime(first, 0x0071, SIEMENS_CREATOR, 0x22, zone),
        philips_suv_factor=private_number(first, 0x7053, PHILIPS_CREATOR, 0x00),
        philips_activity_factor=private_number(first, 0x7053, PHILIPS_CREATOR, 0x09),
        dose_calibration_factor=number(first, 0x00541322),
        body=PatientBody(
            weight=number(first, 0x00101030), size=number(first, 0x00101020), sex=text(first, 0x00100040).upper()
        ),
        administration=_administration(first, zone),
        frames=tuple(_frame(dataset, zone) for dataset in datasets),
    )


def _refuse_contradictions(datasets: Sequence[Dataset]) -> None:
    for tag in _ONE_PER_SERIES:
        values = sorted({text(dataset, tag) for dataset in datasets})
        if len(values) > 1:
            raise refusal("differs between slices of one series", tag, value=values, where=place(datasets[0]))
    _refuse_mixed_philips_factors(datasets)


def _refuse_mixed_philips_factors(datasets: Sequence[Dataset]) -> None:
    for offset in (0x00, 0x09):
        values = {private_number(dataset, 0x7053, PHILIPS_CREATOR, offset) for dataset in datasets}
        if len(values) > 1:
            raise DicomInputError(
                "differs between slices of one series",
                tag=0x70531000 | offset,
                keyword=PHILIPS_CREATOR,
                value=sorted(str(one) for one in values),
                where=place(datasets[0]),
            )


def _administration(dataset: Dataset, zone: tzinfo | None) -> RadiopharmaceuticalAdministration | None:
    given = items(dataset, 0x00540016)
    if not given:
        return None
    where = place(dataset)
    if len(given) > 1:
        raise refusal(
            "names several administrations; which of them the images show cannot be told",
            0x00540016,
            value=f"{len(given)} items",
            where=where,
        )
    item = given[0]
    return RadiopharmaceuticalAdministration(
        tracer=code(item, 0x00540304),
        tracer_text=text(item, 0x00180031),
        nuclide=code(item, 0x00540300),
        total_dose=number(item, 0x00181074),
        half_life_s=number(item, 0x00181075),
        start_datetime=start_datetime_of(item, zone, where),
        start_time=text(item, 0x00181072),
    )


def _frame(dataset: Dataset, zone: tzinfo | None) -> PetFrame:
    reference_ms = number(dataset, 0x00541300)
    duration_ms = number(dataset, 0x00181242)
    return PetFrame(
        slope=slope_of(dataset, where=f"image {text(dataset, 0x00080018)}"),
        # PS3.3 C.8.9.4 fixes the intercept of PET to 0, so an absent one is that
        intercept=number(dataset, RESCALE_INTERCEPT) or 0.0,
        acquired_at=_acquired_at(dataset, zone),
        frame_reference_time_s=None if reference_ms is None else reference_ms / _MS_PER_S,
        frame_duration_s=None if duration_ms is None else duration_ms / _MS_PER_S,
        decay_factor=number(dataset, 0x00541321),
    )


def _acquired_at(dataset: Dataset, zone: tzinfo | None) -> datetime | None:
    return date_and_time(dataset, 0x00080022, 0x00080032) or datetime_of(dataset, 0x0008002A, zone)


def distinguishing_tags(datasets: Sequence[Dataset]) -> tuple[str, ...]:
    """Return which attributes tell images at one position apart, named with their tags; empty where none does."""
    found = []
    for tag in _TELLS_APART:
        values = {text(dataset, tag) for dataset in datasets}
        if len(values) > 1:
            found.append(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {name_of(tag)}")
    return tuple(found)


_TELLS_APART = (
    0x00200100,  # Temporal Position Identifier
    0x00541300,  # Frame Reference Time
    0x00181060,  # Trigger Time
    0x00181063,  # Frame Time
    0x00080032,  # Acquisition Time
    0x0008002A,  # Acquisition DateTime
    0x00200012,  # Acquisition Number
    0x00080008,  # Image Type
    0x00541103,  # Reconstruction Method
)
