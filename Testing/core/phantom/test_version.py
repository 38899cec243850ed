"""The phantom's checksum changes with what makes voxels and truth, and with nothing else."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

import psmacore.phantom
from psmacore.phantom.version import PHANTOM_VERSION, phantom_sha256, phantom_stamp


def sha256_of(folder: Path) -> str:
    spec = importlib.util.spec_from_file_location("copied_version", folder / "version.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.phantom_sha256()


@pytest.fixture
def a_copy_of_the_room(tmp_path: Path) -> Path:
    room = Path(psmacore.phantom.__file__).parent
    return Path(shutil.copytree(room, tmp_path / "phantom", ignore=shutil.ignore_patterns("__pycache__")))


def test_a_copy_has_the_same_checksum(a_copy_of_the_room: Path):
    assert sha256_of(a_copy_of_the_room) == phantom_sha256()


@pytest.mark.parametrize("name", ["pet.py", "companion.py", "pelvis.py", "lesion_plan.py"])
def test_a_change_of_what_simulates_changes_it(a_copy_of_the_room: Path, name: str):
    path = a_copy_of_the_room / name
    path.write_text(path.read_text() + "\nCHANGED = 1\n")
    assert sha256_of(a_copy_of_the_room) != phantom_sha256()


@pytest.mark.parametrize("name", ["dicom_ct.py", "layout_autopet.py", "write.py", "nifti.py"])
def test_a_change_of_what_only_writes_leaves_it(a_copy_of_the_room: Path, name: str):
    path = a_copy_of_the_room / name
    path.write_text(path.read_text() + "\nCHANGED = 1\n")
    assert sha256_of(a_copy_of_the_room) == phantom_sha256()


def test_line_ends_of_another_system_leave_it(a_copy_of_the_room: Path):
    path = a_copy_of_the_room / "pet.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert sha256_of(a_copy_of_the_room) == phantom_sha256()


def test_the_stamp_holds_version_and_checksum():
    assert phantom_stamp() == {"version": PHANTOM_VERSION, "sha256": phantom_sha256()}
