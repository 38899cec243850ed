"""QIDO-RS answers, page by page, to references of studies, series and instances."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pydicom
from pydicom import Dataset

from psmacore.errors import PacsTransferError
from psmacore.model.volumes import SeriesRef, StudyRef
from psmacore.pacs.part10 import is_uid

logger = logging.getLogger(__name__)

Record = dict[str, Any]
T = TypeVar("T")

STUDY_FIELDS = (
    "StudyDescription",
    "ModalitiesInStudy",
    "PatientSex",
    "PatientBirthDate",
    "AccessionNumber",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
SERIES_FIELDS = ("SeriesDescription", "SeriesDate", "SeriesTime", "SeriesNumber", "NumberOfSeriesRelatedInstances")


def paged(ask: Callable[[int, int], list[Record]], page_size: int, uid_keyword: str) -> Iterator[Dataset]:
    """Yield every match of a search once.

    Parameters
    ----------
    ask : callable
        ``ask(limit, offset)`` returns one page of DICOM JSON records.
    page_size : int
        Matches asked for at once. A server may send fewer (DICOM PS3.18 8.3.4.4), so a short page is no
        end: an empty page is, or one with nothing new (the server ignores the offset), or one longer
        than asked for (it ignores the limit and has sent all).
    uid_keyword : str
        The attribute that tells matches apart.

    Raises
    ------
    PacsTransferError
        If an answer is no list of DICOM JSON records, or a record lacks that UID.
    """
    seen: set[str] = set()
    offset = 0
    while True:
        page = ask(page_size, offset)
        n_new = 0
        for record in page:
            match = _dataset(record)
            uid = text(match, uid_keyword)
            if not is_uid(uid):
                raise PacsTransferError(f"the server lists a match whose {uid_keyword} is {uid!r}")
            if uid not in seen:
                seen.add(uid)
                n_new += 1
                yield match
        if n_new == 0 or len(page) > page_size:
            return
        offset += len(page)


def study_ref(match: Dataset) -> StudyRef:
    """Return a study from its record (DICOM PS3.18 Table 10.6.3-3)."""
    return StudyRef(
        study_uid=text(match, "StudyInstanceUID"),
        patient_id=text(match, "PatientID"),
        patient_name=text(match, "PatientName"),
        patient_sex=text(match, "PatientSex"),
        patient_birth_date=text(match, "PatientBirthDate"),
        date=text(match, "StudyDate"),
        time=text(match, "StudyTime"),
        description=text(match, "StudyDescription"),
        accession_number=text(match, "AccessionNumber"),
        modalities=texts(match, "ModalitiesInStudy"),
        n_series=number(match, "NumberOfStudyRelatedSeries"),
        n_instances=number(match, "NumberOfStudyRelatedInstances"),
    )


def series_ref(match: Dataset, study_uid: str) -> SeriesRef:
    """Return a series from its record (DICOM PS3.18 Table 10.6.3-4)."""
    return SeriesRef(
        study_uid=study_uid,
        series_uid=text(match, "SeriesInstanceUID"),
        modality=text(match, "Modality"),
        description=text(match, "SeriesDescription"),
        number=number(match, "SeriesNumber"),
        date=text(match, "SeriesDate"),
        time=text(match, "SeriesTime"),
        n_instances=number(match, "NumberOfSeriesRelatedInstances"),
    )


def text(match: Dataset, keyword: str) -> str:
    """Return an attribute as text, several values joined by a backslash; empty where absent."""
    return "\\".join(texts(match, keyword))


def texts(match: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the values of an attribute as texts; none where absent or empty."""
    value = match.get(keyword)
    if value is None or value == "":
        return ()
    if isinstance(value, pydicom.multival.MultiValue | list | tuple):
        return tuple(str(one).strip() for one in value if one is not None)
    return (str(value).strip(),)


def number(match: Dataset, keyword: str) -> int | None:
    """Return an attribute as a whole number, or ``None`` where it is absent or none."""
    try:
        return int(text(match, keyword))
    except ValueError:
        return None


def _dataset(record: object) -> Dataset:
    """Return a record of the DICOM JSON model (PS3.18 F.2) as a data set, its values as sent."""
    if not isinstance(record, dict):
        raise PacsTransferError("the server's answer is not a list of DICOM JSON records")
    try:
        with pydicom.config.disable_value_validation():
            return Dataset.from_json(record)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PacsTransferError(f"the server's answer is not DICOM JSON ({type(error).__name__})") from None
