"""The archive as a folder: one writer, mended after a crash."""

import subprocess
import sys

import pytest

from Testing.web.client import InProcess
from Testing.web.conftest import child_environment
from Testing.web.synthetic import StudyIdentity, encoded, small_instance
from web_bridge.app import build_app
from web_bridge.errors import StoreLockedError
from web_bridge.store import Archive, Level, Query
from web_bridge.viewer import Viewer

LOCK_AND_WAIT = """
import sys
from pathlib import Path
from web_bridge.store import Archive
archive = Archive(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def fill(archive: Archive, n: int = 3) -> list[bytes]:
    images = [small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2", number=k) for k in range(n)]
    sent = [encoded(image) for image in images]
    assert InProcess(build_app(archive, Viewer())).store(sent).status_code == 200
    return sent


def uids(archive: Archive) -> set[str | None]:
    return {match.sop_uid for match in archive.search(Query(Level.INSTANCE))}


def test_content_is_there_after_reopening(tmp_path):
    first = Archive(tmp_path)
    fill(first)
    kept = uids(first)
    first.close()
    again = Archive(tmp_path)
    assert uids(again) == kept
    again.close()


def test_second_process_on_one_folder_is_refused_in_words(tmp_path):
    command = [sys.executable, "-c", LOCK_AND_WAIT, str(tmp_path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment())
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreLockedError, match=f"another process \\(process id {holder.pid}\\)"):
            Archive(tmp_path)
        holder.kill()
    Archive(tmp_path).close()


def test_lost_index_is_rebuilt_from_the_files(tmp_path):
    archive = Archive(tmp_path)
    fill(archive)
    kept = uids(archive)
    archive.close()
    for path in tmp_path.glob("index.sqlite*"):
        path.unlink()
    mended = Archive(tmp_path)
    assert uids(mended) == kept
    mended.close()


def test_published_file_that_a_crash_left_unindexed_is_found(tmp_path):
    archive = Archive(tmp_path)
    fill(archive)
    [study] = archive.search(Query(Level.STUDY))
    with archive._index.transaction():
        archive._index.delete(archive.instances(study.study_uid))
    archive.close()
    mended = Archive(tmp_path)
    assert len(uids(mended)) == 3
    mended.close()


def test_entry_whose_file_is_gone_is_dropped(tmp_path):
    archive = Archive(tmp_path)
    fill(archive)
    gone = archive.path(archive.instances("2.25.1")[0])
    archive.close()
    gone.unlink()
    mended = Archive(tmp_path)
    assert len(uids(mended)) == 2
    mended.close()


def test_what_a_killed_process_was_receiving_is_removed(tmp_path):
    Archive(tmp_path).close()
    (tmp_path / "incoming" / "half.part").write_bytes(b"half")
    archive = Archive(tmp_path)
    assert list((tmp_path / "incoming").iterdir()) == []
    archive.close()


def test_foreign_file_in_the_tree_is_left_alone(tmp_path, caplog):
    archive = Archive(tmp_path)
    archive.close()
    folder = tmp_path / "instances" / "2.25.1" / "2.25.2"
    folder.mkdir(parents=True)
    (folder / "2.25.3.dcm").write_bytes(b"no DICOM")
    again = Archive(tmp_path)
    assert uids(again) == set()
    assert "left out of the index" in caplog.text
    again.close()


def test_folder_is_for_this_user_alone(tmp_path):
    archive = Archive(tmp_path / "store")
    fill(archive)
    assert (tmp_path / "store").stat().st_mode & 0o077 == 0
    archive.close()


def test_no_name_reaches_the_log(an_archive, caplog):
    caplog.set_level("DEBUG", logger="web_bridge")
    fill(an_archive)
    image = small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2")
    client = InProcess(build_app(an_archive, Viewer()))
    client.store([encoded(image)])
    image.PatientWeight = "1"
    client.store([encoded(image)])
    an_archive.delete("2.25.1")
    assert "refused" in caplog.text
    ours = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("web_bridge"))
    assert "Simulated" not in ours
    assert "SIM-001" not in ours
