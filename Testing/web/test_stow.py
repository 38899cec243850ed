"""Storing: W02, W08 and the bad input that an archive meets."""

import errno
import os
import sqlite3
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from Testing.web.client import BOUNDARY, InProcess, multipart_body, stow_headers
from Testing.web.synthetic import StudyIdentity, encoded, small_instance
from web_bridge.app import build_app
from web_bridge.store import Archive, Level, Query
from web_bridge.store.files import InstanceFiles
from web_bridge.viewer import Viewer

STUDY, SERIES = "2.25.100", "2.25.101"
FAILED, STORED, OTHERS = "00081198", "00081199", "0008119A"


@pytest.fixture
def an_image():
    return small_instance(StudyIdentity(STUDY), series_uid=SERIES)


def files_under(archive: Archive) -> list[str]:
    return sorted(path.name for path in archive.root.rglob("*") if path.is_file() and path.suffix in (".dcm", ".part"))


def n_stored(archive: Archive) -> int:
    return len(archive.search(Query(Level.INSTANCE)))


def test_bytes_are_kept_as_received(a_client, an_archive, an_image):
    sent = encoded(an_image)
    assert a_client.store([sent]).status_code == 200
    [instance] = an_archive.instances(STUDY)
    assert an_archive.path(instance).read_bytes() == sent


def test_answer_names_every_stored_instance_and_its_address(a_client, an_image):
    answer = a_client.store([encoded(an_image)]).json()
    [item] = answer[STORED]["Value"]
    assert item["00081155"]["Value"] == [an_image.SOPInstanceUID]
    assert item["00081190"]["Value"][0].startswith("http://127.0.0.1:8042/dicom-web/studies/2.25.100/series/")
    assert FAILED not in answer


def test_same_instance_again_is_no_failure(a_client, an_archive, an_image):
    a_client.store([encoded(an_image)])
    assert a_client.store([encoded(an_image)]).status_code == 200
    assert n_stored(an_archive) == 1


def test_same_data_set_in_a_file_of_another_writer_is_no_failure(a_client, an_image):
    a_client.store([encoded(an_image)])
    an_image.file_meta.ImplementationVersionName = "OTHER"
    assert a_client.store([encoded(an_image)]).status_code == 200


def test_other_content_under_a_known_uid_is_refused_and_the_first_stays(a_client, an_archive, an_image):
    first = encoded(an_image)
    a_client.store([first])
    an_image.PatientWeight = "81"
    answer = a_client.store([encoded(an_image)])
    assert answer.status_code == 409
    assert answer.json()[FAILED]["Value"][0]["00081197"]["Value"] == [0x0111]
    [instance] = an_archive.instances(STUDY)
    assert an_archive.path(instance).read_bytes() == first


def test_one_bad_part_does_not_stop_the_good_ones(a_client, an_archive, an_image):
    answer = a_client.store([b"this is no DICOM file", encoded(an_image)])
    assert answer.status_code == 202
    assert len(answer.json()[STORED]["Value"]) == len(answer.json()[OTHERS]["Value"]) == 1
    assert n_stored(an_archive) == 1


def test_no_dicom_at_all_is_refused(a_client, an_archive):
    assert a_client.store([b"this is no DICOM file"]).status_code == 409
    assert files_under(an_archive) == []


def test_failure_list_can_be_read_by_pydicom(a_client, an_image):
    a_client.store([encoded(an_image)])
    an_image.PatientWeight = "81"
    answer = pydicom.Dataset.from_json(a_client.store([encoded(an_image), b"no DICOM"]).json())
    assert answer.FailedSOPSequence[0].ReferencedSOPInstanceUID == an_image.SOPInstanceUID
    assert len(answer.OtherFailuresSequence) == 1


def test_instance_of_another_study_than_the_address_is_refused(a_client, an_archive, an_image):
    answer = a_client.store([encoded(an_image)], url="/dicom-web/studies/2.25.999")
    assert answer.status_code == 409
    assert n_stored(an_archive) == 0


def test_series_that_belongs_to_another_study_is_refused(a_client, an_image):
    a_client.store([encoded(an_image)])
    other = small_instance(StudyIdentity("2.25.200"), series_uid=SERIES)
    answer = a_client.store([encoded(other)])
    assert answer.json()[FAILED]["Value"][0]["00081197"]["Value"] == [0xA900]


def test_uid_that_climbs_out_of_the_folder_is_refused(a_client, an_archive, an_image):
    sent = encoded(an_image)
    uid = an_image.SOPInstanceUID.encode()
    climbing = b"../../../../evil".ljust(len(uid), b"x")
    answer = a_client.store([sent.replace(uid, climbing)])
    assert answer.status_code == 409
    assert not list(an_archive.root.parent.rglob("*evil*"))
    assert files_under(an_archive) == []


@pytest.mark.parametrize("cut", [0.2, 0.6, 0.98])
def test_truncated_file_is_refused_with_its_tag(a_client, an_archive, an_image, cut):
    an_image.PixelData = bytes(8 * 8 * 2)
    sent = encoded(an_image)
    answer = a_client.store([sent[: int(len(sent) * cut)]])
    assert answer.status_code == 409
    assert n_stored(an_archive) == 0
    assert files_under(an_archive) == []


def test_pixels_shorter_than_rows_and_columns_say_is_refused(a_client, an_image):
    an_image.Rows = 60_000
    an_image.Columns = 60_000
    assert a_client.store([encoded(an_image)]).status_code == 409


def test_half_sent_request_is_refused_and_leaves_nothing(a_client, an_archive, an_image):
    other = small_instance(StudyIdentity(STUDY), series_uid=SERIES, number=2)
    body = multipart_body([encoded(an_image), encoded(other)])
    answer = a_client.request("POST", "/dicom-web/studies", content=body[:-200], headers=stow_headers())
    assert answer.status_code == 400
    assert n_stored(an_archive) == 0
    assert files_under(an_archive) == []


def test_body_of_another_type_is_refused(a_client):
    answer = a_client.request("POST", "/dicom-web/studies", content=b"x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_part_of_another_type_is_listed_as_failure(a_client, an_archive):
    body = multipart_body([b"<html>"], content_type="text/html")
    answer = a_client.request("POST", "/dicom-web/studies", content=body, headers=stow_headers())
    assert answer.status_code == 409
    assert len(answer.json()[OTHERS]["Value"]) == 1
    assert files_under(an_archive) == []


def test_request_without_parts_is_refused(a_client):
    content = f"--{BOUNDARY}--".encode()
    answer = a_client.request("POST", "/dicom-web/studies", content=content, headers=stow_headers())
    assert answer.status_code == 400


def test_deflated_instance_is_kept_deflated_and_found(a_client, an_archive, an_image):
    an_image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    sent = encoded(an_image)
    assert a_client.store([sent]).status_code == 200
    [instance] = an_archive.instances(STUDY)
    assert an_archive.path(instance).read_bytes() == sent
    assert an_archive.search(Query(Level.STUDY))[0].study["00100020"]["Value"] == ["SIM-001"]


def test_full_disk_answers_507_and_leaves_nothing(a_client, an_archive, an_image, monkeypatch):
    real = InstanceFiles.publish
    published = []

    def publish_until_full(self, staged, target):
        if published:
            raise_full()
        real(self, staged, target)
        published.append(target)

    def raise_full():
        from web_bridge.store.files import full_disk_is_storefull

        with full_disk_is_storefull():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(InstanceFiles, "publish", publish_until_full)
    other = small_instance(StudyIdentity(STUDY), series_uid=SERIES, number=2)
    assert a_client.store([encoded(an_image), encoded(other)]).status_code == 507
    assert len(published) == 1
    assert n_stored(an_archive) == 0
    assert files_under(an_archive) == []


def test_full_database_answers_507_and_leaves_nothing(a_client, an_archive, an_image, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(InstanceFiles, "sync_folders", full)
    assert a_client.store([encoded(an_image)]).status_code == 507
    assert n_stored(an_archive) == 0
    assert files_under(an_archive) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_really_full_device_answers_507(a_client, an_archive, an_image):
    staging = an_archive.root / "incoming"
    staging.rmdir()
    real_stage = an_archive._files.stage

    def stage_on_full_device():
        staging.mkdir(exist_ok=True)
        staged = real_stage()
        staged._file.close()
        staged._file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115
        return staged

    an_archive._files.stage = stage_on_full_device
    assert a_client.store([encoded(an_image)]).status_code == 507
    assert files_under(an_archive) == []


def test_deleted_instance_series_and_study_are_gone_with_their_folders(a_client, an_archive):
    images = [small_instance(StudyIdentity(STUDY), series_uid=f"{SERIES}.{n}", number=n) for n in (1, 2, 3)]
    a_client.store(encoded(image) for image in images)
    root = f"/dicom-web/studies/{STUDY}"
    one = f"{root}/series/{SERIES}.1/instances/{images[0].SOPInstanceUID}"
    assert a_client.request("DELETE", one).status_code == 204
    assert n_stored(an_archive) == 2
    assert a_client.request("DELETE", f"{root}/series/{SERIES}.2").status_code == 204
    assert a_client.request("DELETE", root).status_code == 204
    assert a_client.request("DELETE", root).status_code == 404
    assert list((an_archive.root / "instances").iterdir()) == []
    assert a_client.get("/dicom-web/studies").status_code == 204


def test_real_files_of_other_toolkits_are_kept_byte_for_byte(shared_data, tmp_path):
    """W02, W08."""
    paths = sorted((shared_data / "highdicom-seg-sr").glob("*.dcm"))
    archive = Archive(tmp_path / "store")
    try:
        client = InProcess(build_app(archive, Viewer()))
        assert client.store(path.read_bytes() for path in paths).status_code == 200
        kept = {path.stem: path.read_bytes() for path in (archive.root / "instances").rglob("*.dcm")}
        for path in paths:
            uid = pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID
            assert kept[uid] == path.read_bytes()
    finally:
        archive.close()
