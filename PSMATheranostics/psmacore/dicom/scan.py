"""A folder of files to the one study in it, series by series."""

from __future__ import annotations

import filecmp
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from psmacore.dicom.files import Header, each_file, read_header
from psmacore.dicom.headers import PARSE_ERRORS, integer, items, numbers, text, texts
from psmacore.errors import DicomInputError, StudyContentError
from psmacore.model.volumes import SeriesRef, StudyRef

logger = logging.getLogger(__name__)

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_SAME_PLACE_MM = 0.01


@dataclass(frozen=True)
class SeriesFiles:
    """One series and its files, with what tells series of a kind apart.

    Parameters
    ----------
    paths : tuple of Path
        By instance number, then by path.
    sop_class_uid, frame_of_reference_uid : str
        Of the first image; empty where absent.
    image_types : tuple of str
        All values of (0008,0008) Image Type that occur.
    series_type : tuple of str
        (0054,1000) Series Type, PET only.
    corrected_image : tuple of str
        (0028,0051) Corrected Image.
    reconstruction, units : str
        (0054,1103) Reconstruction Method and (0054,1001) Units, PET only.
    n_positions : int
        Distinct slice positions.
    coverage_mm : float
        From the first to the last slice along the slice normal; 0 where images have no position.
    referenced_series_uids : tuple of str
        Series that a segmentation or structure set refers to.
    damaged : tuple of str
        Files of this series that cannot be used, each with its reason.
    """

    ref: SeriesRef
    paths: tuple[Path, ...]
    sop_class_uid: str
    frame_of_reference_uid: str
    image_types: tuple[str, ...]
    series_type: tuple[str, ...]
    corrected_image: tuple[str, ...]
    reconstruction: str
    units: str
    n_positions: int
    coverage_mm: float
    referenced_series_uids: tuple[str, ...]
    damaged: tuple[str, ...] = ()

    @property
    def is_attenuation_corrected(self) -> bool:
        """Whether (0028,0051) Corrected Image holds ATTN."""
        return "ATTN" in self.corrected_image


@dataclass(frozen=True)
class StudyContents:
    """One study of one patient.

    Parameters
    ----------
    series : tuple of SeriesFiles
        By series number, then UID.
    ignored : tuple of str
        Files that are no part of it, each with its reason.
    """

    study: StudyRef
    series: tuple[SeriesFiles, ...]
    ignored: tuple[str, ...]

    def of_modality(self, *modalities: str) -> tuple[SeriesFiles, ...]:
        """Return the series of the given modalities."""
        return tuple(one for one in self.series if one.ref.modality in modalities)

    def find(self, series_uid: str) -> SeriesFiles:
        """Return the series of that UID.

        Raises
        ------
        StudyContentError
            If the study has none.
        """
        for one in self.series:
            if one.ref.series_uid == series_uid:
                return one
        raise StudyContentError(f"series {series_uid} is not in study {self.study.study_uid}")


def scan_folder(folder: Path, *, study_uid: str | None = None) -> StudyContents:
    """Return the study that lies below a folder.

    Files are recognised by content, whatever their names; of pixel data only the declared length is read.

    Parameters
    ----------
    folder : Path
        Searched with all its sub-folders.
    study_uid : str, optional
        Which study to take where there are several; the others are named in ``ignored``.

    Raises
    ------
    StudyContentError
        If there is no DICOM image data, several patients, or several studies and ``study_uid`` does not choose.
    DicomInputError
        If a file starts as DICOM but breaks off before its series is known: it may be a slice.
    """
    if not folder.is_dir():
        raise StudyContentError(f"{folder.name!r} is not a folder")
    headers, ignored = _read_headers(folder, each_file(folder))
    if not headers:
        raise StudyContentError(f"no DICOM file below {folder.name!r}; {len(ignored)} other files were passed over")
    headers, others = _of_one_study(headers, study_uid)
    ignored += [f"{_relative(one.path, folder)}: belongs to another study" for one in others]
    _refuse_mixed_patients(headers)
    by_series: dict[str, list[Header]] = {}
    for header in headers:
        by_series.setdefault(text(header.dataset, 0x0020000E), []).append(header)
    series = tuple(
        sorted(
            (_series(group, folder) for group in by_series.values()),
            key=lambda one: (one.ref.number is None, one.ref.number or 0, one.ref.series_uid),
        )
    )
    return StudyContents(_study(headers[0].dataset, series), series, tuple(ignored))


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _read_headers(folder: Path, paths: Iterable[Path]) -> tuple[list[Header], list[str]]:
    headers: list[Header] = []
    ignored: list[str] = []
    first_of: dict[str, Path] = {}
    for path in paths:
        name = _relative(path, folder)
        header = read_header(path)
        if header is None:
            ignored.append(f"{name}: {'empty file' if path.stat().st_size == 0 else 'not DICOM'}")
        elif _is_directory(header.dataset):
            ignored.append(f"{name}: DICOM directory")
        elif text(header.dataset, 0x0020000E) and text(header.dataset, 0x0020000D):
            original = first_of.setdefault(text(header.dataset, 0x00080018), path)
            if original != path and filecmp.cmp(original, path, shallow=False):
                ignored.append(f"{name}: copy of {_relative(original, folder)}")
            else:
                headers.append(header)
        elif _has_preamble(header.dataset) or header.damage:
            reason = header.damage or "it names no Study and Series Instance UID"
            raise DicomInputError(f"the file is DICOM, but {reason}; it may be a slice of a series", where=name)
        else:
            ignored.append(f"{name}: not DICOM")
    return headers, ignored


def _has_preamble(dataset: Dataset) -> bool:
    return getattr(dataset, "preamble", None) is not None


def _is_directory(dataset: Dataset) -> bool:
    meta = getattr(dataset, "file_meta", None)
    return MEDIA_DIRECTORY in (text(meta, 0x00020002) if meta is not None else "", text(dataset, 0x00080016))


def _of_one_study(headers: list[Header], study_uid: str | None) -> tuple[list[Header], list[Header]]:
    by_study: dict[str, list[Header]] = {}
    for header in headers:
        by_study.setdefault(text(header.dataset, 0x0020000D), []).append(header)
    if study_uid is not None:
        if study_uid not in by_study:
            raise StudyContentError(f"study {study_uid} is not there; found {', '.join(sorted(by_study))}")
        chosen = by_study.pop(study_uid)
        return chosen, [one for group in by_study.values() for one in group]
    _refuse_mixed_patients(headers)
    if len(by_study) > 1:
        found = ", ".join(sorted(by_study))
        raise StudyContentError(f"(0020,000D) Study Instance UID: {len(by_study)} studies where one is needed: {found}")
    return headers, []


def _refuse_mixed_patients(headers: Sequence[Header]) -> None:
    """Refuse files of several patients, without telling who they are."""
    patients = {(text(one.dataset, 0x00100020), text(one.dataset, 0x00100021)) for one in headers}
    if len(patients) > 1:
        raise StudyContentError(
            f"(0010,0020) Patient ID: {len(patients)} different values in {len(headers)} files; "
            "one patient is needed, so nothing was read"
        )


def _study(dataset: Dataset, series: Sequence[SeriesFiles]) -> StudyRef:
    return StudyRef(
        study_uid=text(dataset, 0x0020000D),
        patient_id=text(dataset, 0x00100020),
        patient_name=text(dataset, 0x00100010),
        patient_sex=text(dataset, 0x00100040),
        patient_birth_date=text(dataset, 0x00100030),
        date=text(dataset, 0x00080020),
        time=text(dataset, 0x00080030),
        description=text(dataset, 0x00081030),
        accession_number=text(dataset, 0x00080050),
        modalities=tuple(sorted({one.ref.modality for one in series if one.ref.modality})),
        n_series=len(series),
        n_instances=sum(len(one.paths) for one in series),
    )


def _order_number(dataset: Dataset, tag: int) -> int | None:
    """Return a number that only orders; ``None`` where it is absent or unreadable, which is no reason to refuse."""
    try:
        return integer(dataset, tag)
    except DicomInputError:
        return None


def _series(headers: list[Header], folder: Path) -> SeriesFiles:
    headers = sorted(headers, key=lambda one: (_order_number(one.dataset, 0x00200013) or 0, one.path))
    first = headers[0].dataset
    n_positions, coverage_mm = _coverage([one.dataset for one in headers])
    ref = SeriesRef(
        study_uid=text(first, 0x0020000D),
        series_uid=text(first, 0x0020000E),
        modality=text(first, 0x00080060),
        description=text(first, 0x0008103E),
        number=_order_number(first, 0x00200011),
        date=text(first, 0x00080021),
        time=text(first, 0x00080031),
        n_instances=len(headers),
    )
    return SeriesFiles(
        ref=ref,
        paths=tuple(one.path for one in headers),
        sop_class_uid=text(first, 0x00080016),
        frame_of_reference_uid=text(first, 0x00200052),
        image_types=tuple(sorted({value for one in headers for value in texts(one.dataset, 0x00080008)})),
        series_type=texts(first, 0x00541000),
        corrected_image=texts(first, 0x00280051),
        reconstruction=text(first, 0x00541103),
        units=text(first, 0x00541001),
        n_positions=n_positions,
        coverage_mm=coverage_mm,
        referenced_series_uids=_referenced_series(first),
        damaged=tuple(f"{_relative(one.path, folder)}: {one.damage}" for one in headers if one.damage),
    )


def _coverage(datasets: Sequence[Dataset]) -> tuple[int, float]:
    """Return the number of distinct slice positions and the way from the first to the last, in mm."""
    along: list[float] = []
    normal = None
    for dataset in datasets:
        try:
            position, cosines = numbers(dataset, 0x00200032), numbers(dataset, 0x00200037)
        except DicomInputError:
            continue
        if len(position) != 3 or len(cosines) != 6:
            continue
        if normal is None:
            normal = np.cross(cosines[:3], cosines[3:])
        along.append(float(np.dot(position, normal)))
    if not along:
        return 0, 0.0
    ordered = np.sort(along)
    return 1 + int((np.diff(ordered) > _SAME_PLACE_MM).sum()), float(ordered[-1] - ordered[0])


def _referenced_series(dataset: Dataset) -> tuple[str, ...]:
    """Return the series named by (0008,1115), directly or, in a structure set, below (3006,0010)."""
    found: list[str] = []
    try:
        found += [text(item, 0x0020000E) for item in items(dataset, 0x00081115)]
        for frame in items(dataset, 0x30060010):
            for study in items(frame, 0x30060012):
                found += [text(item, 0x0020000E) for item in items(study, 0x30060014)]
    except PARSE_ERRORS:
        logger.warning("references of series %s cannot be read", text(dataset, 0x0020000E))
    return tuple(dict.fromkeys(uid for uid in found if uid))
