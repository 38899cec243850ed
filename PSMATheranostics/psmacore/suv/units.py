"""Units of a PET series to what its values are: activity concentration or an SUV of some type."""

from __future__ import annotations

import math
from dataclasses import dataclass

from psmacore.model.administration import PetAcquisition
from psmacore.model.suv import SuvType
from psmacore.suv.attributes import (
    CORRECTED_IMAGE,
    DOSE_CALIBRATION_FACTOR,
    PHILIPS_ACTIVITY_FACTOR,
    PHILIPS_SUV_FACTOR,
    RESCALE_INTERCEPT,
    RESCALE_SLOPE,
    SUV_TYPE,
    UNITS,
)
from psmacore.suv.journal import Journal
from psmacore.suv.overrides import ReaderEntries

_SUV_TYPES = {
    "BW": SuvType.BW,
    "LBM": SuvType.LBM,
    "LBMJAMES128": SuvType.LBM_JAMES128,
    "LBMJANMA": SuvType.LBM_JANMA,
    "BSA": SuvType.BSA,
    "IBW": SuvType.IBW,
}


@dataclass(frozen=True)
class StoredActivity:
    """The values are proportional to the activity concentration: stored value times ``bqml_per_unit``."""

    bqml_per_unit: float


@dataclass(frozen=True)
class StoredSuv:
    """The values are proportional to an SUV of ``suv_type``: stored value times ``scale``.

    ``dicom_type`` is the term of (0054,1006), ``None`` where the units are no SUV units. ``bqml_per_unit``
    is known where the header gives both of Philips' factors.
    """

    suv_type: SuvType
    dicom_type: str | None
    scale: float = 1.0
    bqml_per_unit: float | None = None


StoredQuantity = StoredActivity | StoredSuv


def require_quantitative(acquisition: PetAcquisition) -> None:
    """Refuse a series that no SUV may be made from, whatever its units.

    Raises
    ------
    DicomInputError
        If (0028,0051) Corrected Image lacks ATTN, a Rescale Intercept is not 0 or a Rescale Slope is not
        a positive number (DICOM PS3.3 C.8.9.4), or there is no image.
    """
    series_uid = acquisition.series_uid
    corrections = {value.strip().upper() for value in acquisition.corrected_image}
    if "ATTN" not in corrections:
        raise CORRECTED_IMAGE.refused(
            "lacks ATTN: images without attenuation correction have no SUV",
            "\\".join(acquisition.corrected_image) or None,
            series_uid,
        )
    if not acquisition.frames:
        raise RESCALE_SLOPE.refused("the series holds no image", None, series_uid)
    for k, frame in enumerate(acquisition.frames):
        if not (math.isfinite(frame.slope) and frame.slope > 0):
            raise RESCALE_SLOPE.refused(f"must be a positive number (image {k + 1})", frame.slope, series_uid)
        if frame.intercept != 0:
            raise RESCALE_INTERCEPT.refused(f"must be 0 in PET (image {k + 1})", frame.intercept, series_uid)


def read_units(
    acquisition: PetAcquisition, entries: ReaderEntries, *, voxel_volume_ml: float | None, journal: Journal
) -> StoredQuantity:
    """Return what the values of the series are.

    Parameters
    ----------
    acquisition : PetAcquisition
        As stored.
    entries : ReaderEntries
        Where they change what an SUV depends on, Philips' factor to Bq/ml is preferred to the one to SUV.
    voxel_volume_ml : float or None
        For Units CPS, whose values are per voxel.
    journal : Journal
        Where the words go.

    Raises
    ------
    DicomInputError
        If (0054,1001) Units is absent or none of BQML, GML, CM2ML, CNTS and CPS, or lacks what it needs.

    References
    ----------
    DICOM PS3.3 C.8.9.1.1.3 (Units); Comprehensive Manual for SUV Computation (OncoRay/IBSI, 2026).
    """
    units = acquisition.units.strip().upper()
    slopes = {frame.slope for frame in acquisition.frames}
    journal.step(f"Values are stored value times {RESCALE_SLOPE}" + (" of each image." if len(slopes) > 1 else "."))
    if acquisition.suv_type and units not in ("GML", "CM2ML"):
        journal.warn(f"{SUV_TYPE} is {acquisition.suv_type!r} although {UNITS} is {units!r}: the units count.")
    if units == "BQML":
        journal.step(f"{UNITS} BQML: values are in Bq/ml.")
        return StoredActivity(1.0)
    if units in ("GML", "CM2ML"):
        return _stored_suv(acquisition, units, journal)
    if units == "CNTS":
        return _philips_counts(acquisition, entries, journal)
    if units == "CPS":
        return _counts_per_second(acquisition, voxel_volume_ml, journal)
    raise UNITS.refused(
        "values in these units cannot become an SUV (BQML, GML, CM2ML, CNTS and CPS can)",
        acquisition.units or None,
        acquisition.series_uid,
    )


def _stored_suv(acquisition: PetAcquisition, units: str, journal: Journal) -> StoredSuv:
    stored = acquisition.suv_type.strip().upper()
    name = stored or ("BW" if units == "GML" else "BSA")
    suv_type = _SUV_TYPES.get(name)
    if suv_type is None or (suv_type is SuvType.BSA) != (units == "CM2ML"):
        raise SUV_TYPE.refused(f"is no SUV type of Units {units}", acquisition.suv_type, acquisition.series_uid)
    origin = f"{SUV_TYPE} {name}" if stored else f"{SUV_TYPE} is absent, by the standard {name}"
    journal.step(f"{UNITS} {units}: values are SUV already; {origin}.")
    return StoredSuv(suv_type, name)


def _usable(factor: float | None) -> float | None:
    return factor if factor is not None and math.isfinite(factor) and factor > 0 else None


def _philips_counts(acquisition: PetAcquisition, entries: ReaderEntries, journal: Journal) -> StoredQuantity:
    suv_factor = _usable(acquisition.philips_suv_factor)
    activity_factor = _usable(acquisition.philips_activity_factor)
    if suv_factor is not None and not (entries.changes_suv and activity_factor is not None):
        journal.step(f"{UNITS} CNTS: SUVbw = value x {suv_factor:.9g} g/ml per count from {PHILIPS_SUV_FACTOR}.")
        return StoredSuv(SuvType.BW, None, suv_factor, activity_factor)
    if activity_factor is not None:
        why = " (the reader's entries change the SUV factor)" if suv_factor is not None else ""
        journal.step(
            f"{UNITS} CNTS: Bq/ml = value x {activity_factor:.9g} Bq/ml per count from {PHILIPS_ACTIVITY_FACTOR}{why}."
        )
        return StoredActivity(activity_factor)
    raise UNITS.refused(
        f"counts need {PHILIPS_SUV_FACTOR} or {PHILIPS_ACTIVITY_FACTOR}, which are absent or zero",
        acquisition.units,
        acquisition.series_uid,
    )


def _counts_per_second(acquisition: PetAcquisition, voxel_volume_ml: float | None, journal: Journal) -> StoredActivity:
    factor = _usable(acquisition.dose_calibration_factor)
    if "DCAL" not in {value.strip().upper() for value in acquisition.corrected_image}:
        raise CORRECTED_IMAGE.refused(
            "Units CPS need the dose calibration DCAL",
            "\\".join(acquisition.corrected_image) or None,
            acquisition.series_uid,
        )
    if factor is None:
        raise DOSE_CALIBRATION_FACTOR.refused(
            "Units CPS need it", acquisition.dose_calibration_factor, acquisition.series_uid
        )
    if voxel_volume_ml is None or not (math.isfinite(voxel_volume_ml) and voxel_volume_ml > 0):
        raise UNITS.refused("counts per second need the voxel volume", acquisition.units, acquisition.series_uid)
    journal.step(
        f"{UNITS} CPS: Bq/ml = value x {factor:.9g} Bq per count/s from {DOSE_CALIBRATION_FACTOR} / "
        f"{voxel_volume_ml:.9g} ml per voxel."
    )
    journal.warn(
        f"{UNITS} CPS is calibrated by {DOSE_CALIBRATION_FACTOR} and the voxel volume: compare with the scanner's SUV."
    )
    return StoredActivity(factor / voxel_volume_ml)
