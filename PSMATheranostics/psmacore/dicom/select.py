"""The series of a study to the one PET and the one CT that are measured, and why."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from psmacore.dicom.headers import refusal
from psmacore.dicom.scan import SeriesFiles, StudyContents
from psmacore.errors import DicomInputError, GeometryError, StudyContentError

logger = logging.getLogger(__name__)

PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
SAME_COVERAGE_MM = 10.0
"""Coverages that differ by less, two or three slices, are taken for equal."""
MIN_SLICES = 2

_NOT_A_VOLUME = frozenset({"LOCALIZER", "MIP", "PROJECTION IMAGE", "SCREEN SAVE", "REPROJECTION", "DOSE_INFO"})
_SEVERAL_TIMES = frozenset({"DYNAMIC", "GATED"})


@dataclass(frozen=True)
class Alternative:
    """A series of the same kind that was not taken, and why."""

    series: SeriesFiles
    reason: str


@dataclass(frozen=True)
class SeriesChoice:
    """The series taken, why, and what else could be set instead."""

    series: SeriesFiles
    reason: str
    alternatives: tuple[Alternative, ...] = ()


def choose_pet_series(
    contents: StudyContents, *, series_uid: str | None = None, like_reconstruction: str | None = None
) -> SeriesChoice:
    """Return the PET series to measure.

    Attenuation-corrected series only; of these the largest axial coverage, then the reconstruction of
    the previous date, then the most slices, then the lowest series number. A series that the reader
    names is taken whatever it is; an uncorrected one is refused when its SUV is asked for.

    Parameters
    ----------
    like_reconstruction : str, optional
        (0054,1103) Reconstruction Method of the previous date.

    Raises
    ------
    StudyContentError
        If the study has no PET volume, or not the series named.
    DicomInputError
        If all PET volumes lack attenuation correction, or the chosen series has a truncated file.
    """
    found = contents.of_modality("PT")
    if series_uid is not None:
        chosen = contents.find(series_uid)
        why_not = _not_a_pet_volume(chosen)
        if why_not:
            raise StudyContentError(f"series {series_uid} cannot be measured as PET: {why_not}")
        others = [Alternative(one, "another series was named") for one in found if one is not chosen]
        return _whole(SeriesChoice(chosen, "named by the reader", tuple(others)))
    rejected = [Alternative(one, reason) for one in found if (reason := _not_a_pet_volume(one))]
    volumes = [one for one in found if not _not_a_pet_volume(one)]
    if not volumes:
        have = ", ".join(sorted({one.ref.modality or "unknown" for one in contents.series}))
        why = "".join(f"; series {one.series.ref.series_uid}: {one.reason}" for one in rejected)
        study_uid = contents.study.study_uid
        raise StudyContentError(f"study {study_uid} has no PET volume; (0008,0060) Modality of its series: {have}{why}")
    corrected = [one for one in volumes if one.is_attenuation_corrected]
    if not corrected:
        raise refusal(
            "no PET series is attenuation-corrected (ATTN), so no SUV can be given",
            0x00280051,
            value="\\".join(volumes[0].corrected_image) or None,
            where=f"series {volumes[0].ref.series_uid}",
        )
    rejected += [Alternative(one, "not attenuation-corrected") for one in volumes if one not in corrected]
    static = [one for one in corrected if not _SEVERAL_TIMES & set(one.series_type)] or corrected
    rejected += [Alternative(one, "dynamic or gated") for one in corrected if one not in static]
    return _whole(_best(static, rejected, like_reconstruction, "attenuation-corrected"))


def choose_ct_series(
    contents: StudyContents, pet_frame_of_reference_uid: str, *, series_uid: str | None = None
) -> SeriesChoice | None:
    """Return the CT series that lies in the PET's frame of reference.

    Returns
    -------
    SeriesChoice or None
        ``None`` where no CT volume shares the frame of reference: without registration it cannot be used.

    Raises
    ------
    StudyContentError
        If the series named is not there or is no CT volume.
    GeometryError
        If the series named lies in another frame of reference.
    DicomInputError
        If the chosen series has a truncated file.
    """
    found = contents.of_modality("CT")
    if series_uid is not None:
        chosen = contents.find(series_uid)
        why_not = _not_a_ct_volume(chosen)
        if why_not:
            raise StudyContentError(f"series {series_uid} cannot be used as CT: {why_not}")
        if not _shares(chosen, pet_frame_of_reference_uid):
            raise GeometryError(
                f"CT series {series_uid} lies in frame of reference {chosen.frame_of_reference_uid or '(none)'}, "
                f"the PET in {pet_frame_of_reference_uid or '(none)'}: (0020,0052) must agree"
            )
        others = [Alternative(one, "another series was named") for one in found if one is not chosen]
        return _whole(SeriesChoice(chosen, "named by the reader", tuple(others)))
    rejected = [Alternative(one, reason) for one in found if (reason := _not_a_ct_volume(one))]
    volumes = [one for one in found if not _not_a_ct_volume(one)]
    sharing = [one for one in volumes if _shares(one, pet_frame_of_reference_uid)]
    rejected += [Alternative(one, "another frame of reference") for one in volumes if one not in sharing]
    if not sharing:
        logger.info("study %s: no CT volume in the PET's frame of reference", contents.study.study_uid)
        return None
    return _whole(_best(sharing, rejected, None, "same frame of reference as the PET"))


def _shares(series: SeriesFiles, frame_of_reference_uid: str) -> bool:
    return bool(frame_of_reference_uid) and series.frame_of_reference_uid == frame_of_reference_uid


def _not_a_volume(series: SeriesFiles) -> str:
    types = {value.upper() for value in (*series.image_types, *series.series_type)}
    odd = sorted(types & _NOT_A_VOLUME)
    if odd:
        return f"Image Type or Series Type holds {odd[0]}"
    if series.n_positions < MIN_SLICES:
        return f"{series.n_positions} slice positions"
    return ""


def _not_a_pet_volume(series: SeriesFiles) -> str:
    """Return why a series is no PET volume; empty where it is one."""
    if series.sop_class_uid != PET_IMAGE:
        return f"SOP Class {series.sop_class_uid or '(none)'} is not PET Image Storage"
    return _not_a_volume(series)


def _not_a_ct_volume(series: SeriesFiles) -> str:
    """Return why a series is no CT volume; empty where it is one."""
    if series.sop_class_uid != CT_IMAGE:
        return f"SOP Class {series.sop_class_uid or '(none)'} is not CT Image Storage"
    return _not_a_volume(series)


def _best(
    candidates: list[SeriesFiles], rejected: list[Alternative], like_reconstruction: str | None, reason: str
) -> SeriesChoice:
    """Return the best of equals by coverage, reconstruction and slices, with the words that say so."""
    reasons = [reason if len(candidates) > 1 else f"the only series that fits: {reason}"]
    widest = max(one.coverage_mm for one in candidates)
    left = _narrow(
        candidates,
        [one for one in candidates if one.coverage_mm >= widest - SAME_COVERAGE_MM],
        f"smaller coverage than {widest:.0f} mm",
        f"largest coverage, {widest:.0f} mm",
        rejected,
        reasons,
    )
    if like_reconstruction:
        alike = [one for one in left if one.reconstruction == like_reconstruction]
        left = _narrow(
            left,
            alike or left,
            f"reconstruction differs from {like_reconstruction} of the previous date",
            f"same reconstruction as the previous date, {like_reconstruction}",
            rejected,
            reasons,
        )
    most = max(one.n_positions for one in left)
    left = _narrow(
        left,
        [one for one in left if one.n_positions == most],
        f"fewer slices than {most}",
        f"most slices, {most}",
        rejected,
        reasons,
    )
    left.sort(key=lambda one: ("DERIVED" in one.image_types, one.ref.number or 0, one.ref.series_uid))
    left = _narrow(left, left[:1], "equal, but derived or later in the study", "first of equals", rejected, reasons)
    return SeriesChoice(left[0], "; ".join(reasons), tuple(rejected))


def _narrow(
    before: list[SeriesFiles],
    after: list[SeriesFiles],
    why_not: str,
    why: str,
    rejected: list[Alternative],
    reasons: list[str],
) -> list[SeriesFiles]:
    """Return ``after``, noting why the others went; says nothing where nothing was decided."""
    gone = [one for one in before if one not in after]
    if gone:
        rejected += [Alternative(one, why_not) for one in gone]
        reasons.append(why)
    return list(after)


def _whole(choice: SeriesChoice) -> SeriesChoice:
    """Return the choice if all files of its series are whole, refuse it otherwise."""
    damaged = choice.series.damaged
    if damaged:
        more = f" and {len(damaged) - 1} more files" if len(damaged) > 1 else ""
        raise DicomInputError(f"a slice is damaged: {damaged[0]}{more}", where=f"series {choice.series.ref.series_uid}")
    return choice
