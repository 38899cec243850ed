"""What is looked for in an archive to QIDO-RS filters, and a check that an answer keeps to them."""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from psmacore.errors import UsageError
from psmacore.model.volumes import StudyRef
from psmacore.pacs.encoding import PLAIN_SIGNS

_WILDCARDS = frozenset("*?")
_PLAIN = frozenset(string.ascii_letters + string.digits + PLAIN_SIGNS)


@dataclass(frozen=True)
class StudyQuery:
    """Filters of a study search; an empty one does not filter.

    Parameters
    ----------
    patient_id, patient_name : str
        Exact, or with ``*`` and ``?`` (DICOM PS3.4 C.2.2.2.4).
    date_from, date_to : datetime.date or None
        First and last study date, both included; either may be open.
    modality : str
        One of the study's modalities, for example ``PT``.
    study_uid : str
        Study Instance UID.
    accession_number : str
        As ``patient_id``.

    Raises
    ------
    UsageError
        If the dates are the wrong way round or a text holds control characters or a backslash,
        which would be taken for a list of values.
    """

    patient_id: str = ""
    patient_name: str = ""
    date_from: date | None = None
    date_to: date | None = None
    modality: str = ""
    study_uid: str = ""
    accession_number: str = ""

    def __post_init__(self) -> None:
        if self.date_from is not None and self.date_to is not None and self.date_from > self.date_to:
            raise UsageError(f"the date range ends on {self.date_to} before it begins on {self.date_from}")
        for name in ("patient_id", "patient_name", "modality", "study_uid", "accession_number"):
            if any(sign == "\\" or ord(sign) < 32 for sign in getattr(self, name)):
                raise UsageError(f"{name} holds a backslash or a control character")

    def filters(self) -> dict[str, str]:
        """Return keyword and value of each QIDO-RS filter (DICOM PS3.18 8.3.4).

        Signs that a URL cannot hold as they are, ``^`` and the space among them, become the wildcard
        ``?``: Orthanc's DICOMweb plugin 1.7 compares them percent-encoded and so finds nothing.
        :meth:`admits` takes out what matches too loosely then.
        """
        values = {
            "PatientID": _plain(self.patient_id),
            "PatientName": _plain(self.patient_name),
            "StudyDate": self._date_range(),
            "ModalitiesInStudy": self.modality,
            "StudyInstanceUID": self.study_uid,
            "AccessionNumber": _plain(self.accession_number),
        }
        return {keyword: value for keyword, value in values.items() if value}

    def admits(self, study: StudyRef) -> bool:
        """Return whether an answer keeps to the filters, as far as that is beyond dispute.

        Servers drop filters that they do not know. Taking another patient's study for this one's
        must not happen, so identity and dates are checked here once more. Names are the server's to
        match, which may know more of spelling, unless :meth:`filters` had to loosen the name.
        """
        if self.study_uid and study.study_uid != self.study_uid:
            return False
        if self.patient_id and not _WILDCARDS & set(self.patient_id) and study.patient_id != self.patient_id.strip():
            return False
        loosened = self.patient_name != _plain(self.patient_name)
        if loosened and not fnmatchcase(_folded(study.patient_name), _folded(self.patient_name)):
            return False
        if study.date and self.date_from is not None and study.date < f"{self.date_from:%Y%m%d}":
            return False
        if study.date and self.date_to is not None and study.date > f"{self.date_to:%Y%m%d}":
            return False
        return not (self.modality and study.modalities) or self.modality in study.modalities

    def _date_range(self) -> str:
        """Return the range as DICOM writes it (PS3.4 C.2.2.2.5); open sides stay empty."""
        if self.date_from is None and self.date_to is None:
            return ""
        first = "" if self.date_from is None else f"{self.date_from:%Y%m%d}"
        last = "" if self.date_to is None else f"{self.date_to:%Y%m%d}"
        return f"{first}-{last}"


def _plain(value: str) -> str:
    return "".join(sign if sign in _PLAIN else "?" for sign in value.strip())


def _folded(name: str) -> str:
    """Return a person name for comparison: without case, and without empty components at its end."""
    return name.split("=")[0].rstrip("^ ").casefold().replace("[", "?")
