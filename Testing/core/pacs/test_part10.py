"""A file is whole or it is not: truncated and foreign files are told from sound ones (W09)."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from psmacore.pacs.part10 import BrokenFileError, identify, is_uid

from .conftest import SimulatedStudy

SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
}


@pytest.fixture(params=SYNTAXES)
def a_file(request: pytest.FixtureRequest, a_study: SimulatedStudy, tmp_path: Path) -> Path:
    """A whole file in each kind of encoding, with a sequence of undefined length."""
    dataset = pydicom.dcmread(a_study.paths[0])
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99SIM", "A code"
    dataset.ProcedureCodeSequence = Sequence([item])
    dataset["ProcedureCodeSequence"].is_undefined_length = True
    if request.param == "rle":
        dataset.compress(RLELossless, generate_instance_uid=False)
    else:
        dataset.file_meta.TransferSyntaxUID = SYNTAXES[request.param]
    path = tmp_path / "a.dcm"
    dataset.save_as(path, implicit_vr=request.param == "implicit", little_endian=True, enforce_file_format=True)
    return path


def test_a_whole_file_is_identified(a_file: Path, a_study: SimulatedStudy) -> None:
    identity = identify(a_file)
    assert identity.study_uid == a_study.study_uid
    assert identity.sop_instance_uid == a_study.paths[0].stem
    assert identity.n_bytes == a_file.stat().st_size


def test_a_file_cut_anywhere_is_broken(a_file: Path, tmp_path: Path) -> None:
    whole = a_file.read_bytes()
    cut = tmp_path / "cut.dcm"
    taken_for_whole = []
    end = len(whole) - (1 if whole.endswith(b"\0") else 0)  # a padding byte may go without harm
    for length in [*range(0, end, 17), *range(400, 500), end - 1]:
        cut.write_bytes(whole[:length])
        with contextlib.suppress(BrokenFileError):
            identify(cut)
            taken_for_whole.append(length)
    assert taken_for_whole == []


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_a_file_without_an_identity_is_broken(a_study: SimulatedStudy, tmp_path: Path, keyword: str) -> None:
    dataset = pydicom.dcmread(a_study.paths[0])
    del dataset[keyword]
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(BrokenFileError, match="UID"):
        identify(tmp_path / "a.dcm")


def test_a_declared_size_beyond_reason_is_broken_and_costs_no_memory(a_study: SimulatedStudy, tmp_path: Path) -> None:
    body = bytearray(a_study.paths[0].read_bytes())
    place = body.rindex(b"\xe0\x7f\x10\x00OW\x00\x00") + 8
    body[place : place + 4] = (0xFFFFFFF0).to_bytes(4, "little")
    (tmp_path / "a.dcm").write_bytes(body)
    with pytest.raises(BrokenFileError):
        identify(tmp_path / "a.dcm")


@pytest.mark.parametrize("text", ["1.2.840", "2.25.1", "1" * 64])
def test_a_uid_is_known(text: str) -> None:
    assert is_uid(text)


@pytest.mark.parametrize("text", ["", "..", ".1", "1/2", "../1", "1.2\n", "1" * 65, "1.2a", "1\\2"])
def test_what_could_be_a_path_is_no_uid(text: str) -> None:
    assert not is_uid(text)


def test_real_files_of_several_makers_are_whole(shared_data: Path) -> None:
    paths = sorted(shared_data.rglob("*.dcm"))[::25]
    assert paths
    for path in paths:
        identify(path)
