"""Real archives: what is stored is found, and comes back to the last byte (W02, W03, W04, W11)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from psmacore.errors import CancelledError, PacsTransferError
from psmacore.pacs.cache import StudyCache
from psmacore.pacs.client import Pacs, TransferProgress
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.pacs.query import StudyQuery

from .conftest import SimulatedStudy, files_under, pixel_digest

MakeStudy = Callable[..., SimulatedStudy]


@pytest.fixture
def a_stored_study(archive: DicomWebPacs, a_study: SimulatedStudy) -> SimulatedStudy:
    assert archive.store(a_study.paths).failed == ()
    return a_study


def test_a_study_comes_back_with_the_same_pixels(archive: Pacs, a_stored_study: SimulatedStudy, tmp_path: Path) -> None:
    report = archive.fetch_study(a_stored_study.study_uid, tmp_path / "fetched")
    fetched = {path.stem: pixel_digest(path) for path in (tmp_path / "fetched").rglob("*.dcm")}
    assert fetched == a_stored_study.digests
    assert (report.n_instances, report.n_fetched) == (10, 10)
    assert report.n_bytes == sum(path.stat().st_size for path in report.folder.rglob("*.dcm"))
    assert all(name.endswith(".dcm") for name in files_under(tmp_path / "fetched"))


def test_files_lie_under_their_series(archive: Pacs, a_stored_study: SimulatedStudy, tmp_path: Path) -> None:
    report = archive.fetch_study(a_stored_study.study_uid, tmp_path)
    for one in report.series:
        assert one.folder == tmp_path / one.series.series_uid
        assert len(files_under(one.folder)) == one.n_instances == 5


def test_a_second_fetch_brings_only_what_is_missing(
    archive: Pacs, a_stored_study: SimulatedStudy, tmp_path: Path
) -> None:
    first = archive.fetch_study(a_stored_study.study_uid, tmp_path)
    lost = [first.series[0].folder / name for name in files_under(first.series[0].folder)[:2]]
    for path in lost:
        path.unlink()
    again = archive.fetch_study(a_stored_study.study_uid, tmp_path)
    assert (again.n_instances, again.n_fetched) == (10, 2)
    assert all(path.is_file() for path in lost)
    assert archive.fetch_study(a_stored_study.study_uid, tmp_path).n_fetched == 0


def test_one_series_can_be_fetched_alone(archive: Pacs, a_stored_study: SimulatedStudy, tmp_path: Path) -> None:
    wanted = archive.list_series(a_stored_study.study_uid)[1]
    archive.fetch_study(a_stored_study.study_uid, tmp_path, series_uids=[wanted.series_uid])
    assert [path.name for path in tmp_path.iterdir() if path.name != "source"] == [wanted.series_uid]


def test_progress_ends_with_everything(archive: Pacs, a_stored_study: SimulatedStudy, tmp_path: Path) -> None:
    told: list[TransferProgress] = []
    archive.fetch_study(a_stored_study.study_uid, tmp_path, on_progress=told.append)
    assert told[-1].fraction == 1.0
    assert [one.n_done for one in told] == sorted(one.n_done for one in told)


def test_a_cancelled_fetch_leaves_whole_files_only(
    archive: Pacs, a_stored_study: SimulatedStudy, tmp_path: Path
) -> None:
    folder = tmp_path / "fetched"
    with pytest.raises(CancelledError):
        archive.fetch_study(a_stored_study.study_uid, folder, is_cancelled=lambda: len(files_under(folder)) >= 3)
    names = files_under(folder)
    assert 2 <= len(names) < 10
    assert {pixel_digest(path) for path in folder.rglob("*.dcm")} <= set(a_stored_study.digests.values())
    assert all(name.endswith(".dcm") for name in names)


def test_the_list_tells_what_the_reader_chooses_by(archive: Pacs, a_stored_study: SimulatedStudy) -> None:
    (study,) = archive.search_studies(StudyQuery(study_uid=a_stored_study.study_uid))
    assert study.patient_id == a_stored_study.patient_id
    assert study.patient_name == "Simulated^Patient"
    assert (study.date, study.description, study.modalities) == ("20250310", "Simulated PSMA", ("CT",))
    assert (study.n_series, study.n_instances, study.accession_number) == (2, 10, "A1")
    series = archive.list_series(study.study_uid)
    assert {(one.modality, one.description, one.number, one.n_instances) for one in series} == {
        ("CT", "CT, low dose", 2, 5)
    }


@pytest.mark.parametrize("filter_name", ["patient_id", "wildcard", "patient_name", "date", "modality", "uid"])
def test_every_filter_finds_the_study_and_not_another(archive: Pacs, make_study: MakeStudy, filter_name: str) -> None:
    ours = make_study(n_series=1, n_images=1, date="20250310")
    other = make_study(n_series=1, n_images=1, date="20240101")
    assert archive.store(ours.paths + other.paths).failed == ()
    day = date(2025, 3, 10)
    queries = {
        "patient_id": StudyQuery(patient_id=ours.patient_id),
        "wildcard": StudyQuery(patient_id=ours.patient_id[:-1] + "*"),
        "patient_name": StudyQuery(patient_name="Simulated^Patient", date_from=day),
        "date": StudyQuery(date_from=day, date_to=day),
        "modality": StudyQuery(modality="CT", date_from=day),
        "uid": StudyQuery(study_uid=ours.study_uid),
    }
    found = {study.study_uid for study in archive.search_studies(queries[filter_name])}
    assert ours.study_uid in found
    assert other.study_uid not in found


def test_a_modality_that_no_study_has_finds_none(archive: Pacs, a_stored_study: SimulatedStudy) -> None:
    assert list(archive.search_studies(StudyQuery(modality="PT", patient_id=a_stored_study.patient_id))) == []


def test_pages_give_each_study_once(archive: DicomWebPacs, make_study: MakeStudy) -> None:
    patient_id = f"PAGES{id(archive) % 10**6}"
    studies = [make_study(n_series=1, n_images=1, patient_id=patient_id) for _ in range(7)]
    archive.store([path for study in studies for path in study.paths])
    in_pages = DicomWebPacs(archive.root, page_size=3)
    found = [study.study_uid for study in in_pages.search_studies(StudyQuery(patient_id=patient_id))]
    assert sorted(found) == sorted(study.study_uid for study in studies)


def test_an_unknown_study_has_no_series_and_cannot_be_fetched(archive: Pacs, tmp_path: Path) -> None:
    assert archive.list_series("2.25.404") == ()
    with pytest.raises(PacsTransferError, match="has no study"):
        archive.fetch_study("2.25.404", tmp_path)


def test_a_file_that_is_no_dicom_is_reported_and_the_rest_is_stored(
    archive: Pacs, a_study: SimulatedStudy, tmp_path: Path
) -> None:
    text, cut = tmp_path / "notes.dcm", tmp_path / "cut.dcm"
    text.write_text("not DICOM")
    cut.write_bytes(a_study.paths[0].read_bytes()[:-100])
    report = archive.store([text, *a_study.paths, cut])
    assert [one.path for one in report.failed] == [text, cut]
    assert report.n_accepted == 10
    assert all("no whole DICOM file" in one.reason for one in report.failed)


def test_storing_the_same_again_is_no_failure(archive: Pacs, a_stored_study: SimulatedStudy) -> None:
    assert archive.store(a_stored_study.paths).failed == ()


def test_the_cache_fetches_a_study_once(archive: Pacs, a_stored_study: SimulatedStudy, tmp_path: Path) -> None:
    cache = StudyCache(tmp_path / "cache")
    assert cache.fetch(archive, a_stored_study.study_uid).n_fetched == 10
    assert cache.fetch(archive, a_stored_study.study_uid).n_fetched == 0
    assert cache.study_uids() == (a_stored_study.study_uid,)
    assert cache.n_bytes() > 0
    cache.remove(a_stored_study.study_uid)
    assert files_under(tmp_path / "cache") == []


def test_no_log_tells_the_patient(
    archive: Pacs, a_stored_study: SimulatedStudy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """W07: not even at DEBUG, where HTTP libraries write whole URLs."""
    with caplog.at_level(logging.DEBUG):
        list(archive.search_studies(StudyQuery(patient_id=a_stored_study.patient_id, patient_name="Simulated*")))
        archive.fetch_study(a_stored_study.study_uid, tmp_path)
    assert "instances" in caplog.text
    assert a_stored_study.patient_id not in caplog.text
    assert "Simulated" not in caplog.text
