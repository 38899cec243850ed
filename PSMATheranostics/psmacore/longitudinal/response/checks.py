"""Time points, tracks and clinical data to the certainty that they make one course of one patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime

from psmacore.errors import InputRefusedError
from psmacore.model.clinical import ClinicalCourse
from psmacore.model.readings import JoinedPatients
from psmacore.model.timepoint import Patient, Timepoint
from psmacore.model.tracks import LesionTrack


def require_course(
    timepoints: Sequence[Timepoint],
    tracks: Sequence[LesionTrack],
    joined: JoinedPatients | None,
    clinical: ClinicalCourse | None,
) -> None:
    """Refuse what is not one course of one patient.

    Parameters
    ----------
    timepoints : sequence of Timepoint
        Must be of one patient, in order of date, each study once, with volumes from 0 on.
    tracks : sequence of LesionTrack
        Must have a point for each time point, name its lesions only, and follow every lesion that counts.
    joined : JoinedPatients or None
        Patient IDs that a reader declared to be one patient's.
    clinical : ClinicalCourse or None
        Must be of the same patient where it names one.

    Raises
    ------
    InputRefusedError
        Naming what does not fit. It names studies, not patients, because errors are logged.
    """
    _require_one_patient(timepoints, joined, clinical)
    _require_order(timepoints)
    _require_volumes(timepoints)
    _require_tracks(timepoints, tracks)


def study_day(timepoint: Timepoint) -> date:
    """Return a study's date.

    Raises
    ------
    InputRefusedError
        If it is not a DICOM DA.
    """
    study = timepoint.study
    try:
        return datetime.strptime(study.date, "%Y%m%d").date()  # noqa: DTZ007  a DA has no time zone
    except ValueError as error:
        raise InputRefusedError(
            f"(0008,0020) Study Date of {study.uid} is {study.date!r}: studies are compared by their dates, YYYYMMDD"
        ) from error


def _require_one_patient(
    timepoints: Sequence[Timepoint], joined: JoinedPatients | None, clinical: ClinicalCourse | None
) -> None:
    one = set() if joined is None else set(joined.patient_ids)
    for timepoint in timepoints[1:]:
        differing = _differing(timepoints[0].patient, timepoint.patient, one)
        if differing:
            raise InputRefusedError(
                f"study {timepoint.study.uid} is of another patient than study {timepoints[0].study.uid}: {differing} "
                "differs. A reader may join the Patient IDs of one patient, with the reason"
            )
    named = None if clinical is None else clinical.patient_id
    if named is not None and timepoints and not {named, timepoints[0].patient.id} <= one | {timepoints[0].patient.id}:
        raise InputRefusedError(
            f"the clinical data are of another patient than study {timepoints[0].study.uid}: "
            "patient_id is not its (0010,0020) Patient ID"
        )


def _differing(one: Patient, other: Patient, joined: set[str]) -> str:
    """Return the attribute that tells two patients apart; empty where it is the same one or a reader joined them."""
    if one.id != other.id:
        return "" if {one.id, other.id} <= joined else "(0010,0020) Patient ID"
    if None not in (one.birth_year, other.birth_year) and one.birth_year != other.birth_year:
        return "(0010,0030) Patient's Birth Date"
    if {one.sex, other.sex} == {"M", "F"}:
        return "(0010,0040) Patient's Sex"
    return ""


def _require_order(timepoints: Sequence[Timepoint]) -> None:
    seen: set[str] = set()
    for timepoint in timepoints:
        for uid in filter(None, {timepoint.study.uid, timepoint.pet_series_uid}):
            if uid in seen:
                raise InputRefusedError(f"study or PET series {uid} is given twice: a course holds each study once")
            seen.add(uid)
    days = [study_day(timepoint) for timepoint in timepoints]
    for index in range(1, len(days)):
        if days[index] < days[index - 1]:
            raise InputRefusedError(
                f"time points must come in order of date: {timepoints[index - 1].study.date} is followed by "
                f"{timepoints[index].study.date}"
            )


def _require_volumes(timepoints: Sequence[Timepoint]) -> None:
    for timepoint in timepoints:
        values = [] if timepoint.totals is None else [timepoint.totals.psma_tv_ml, timepoint.totals.tl_psma_ml]
        values += [lesion.volume_ml for lesion in timepoint.lesions]
        wrong = next((value for value in values if not (math.isfinite(value) and value >= 0)), None)
        if wrong is not None:
            raise InputRefusedError(f"study {timepoint.study.uid} has a volume of {wrong} ml: it must be 0 or more")


def _require_tracks(timepoints: Sequence[Timepoint], tracks: Sequence[LesionTrack]) -> None:
    wrong = next((track for track in tracks if len(track.points) != len(timepoints)), None)
    if wrong is not None:
        raise InputRefusedError(
            f"track {wrong.tracking_id} has {len(wrong.points)} points, the course has {len(timepoints)} time points"
        )
    for index, timepoint in enumerate(timepoints):
        known = {lesion.tracking_uid for lesion in timepoint.lesions}
        counting = {lesion.tracking_uid for lesion in timepoint.lesions if lesion.state.counts}
        points = (track.points[index] for track in tracks)
        followed = {point.lesion for point in points if point is not None and point.lesion is not None}
        if followed - known:
            raise InputRefusedError(f"tracks name lesion {min(followed - known)}, study {timepoint.study.uid} has none")
        if counting - followed:
            raise InputRefusedError(
                f"lesion {min(counting - followed)} of study {timepoint.study.uid} is in no track: match the course"
            )
