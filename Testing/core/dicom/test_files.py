"""W09: files that are no DICOM, or not whole, are never taken for images."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from psmacore.dicom.files import read_dataset, read_header
from psmacore.dicom.read_pet import read_pet_series
from psmacore.dicom.read_rtstruct import list_rois
from psmacore.dicom.scan import scan_folder
from psmacore.errors import DicomInputError, InputRefusedError


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"Lesions were seen in the liver.\n" * 20,
        b"\0" * 500,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
        b'{"schema": "psma-results/1"}',
    ],
)
def test_what_is_plainly_no_dicom_is_told_apart_by_content(tmp_path, content):
    path = tmp_path / "slice.dcm"
    path.write_bytes(content)
    assert read_header(path) is None
    with pytest.raises(DicomInputError, match=r"slice\.dcm"):
        read_dataset(path)


@pytest.mark.parametrize("implicit", [True, False])
def test_file_without_preamble_is_read(a_pet_series, implicit):
    volume = read_pet_series(a_pet_series.write())
    bare = []
    for instance in volume.header.instances:
        dataset = dcmread(instance.path)
        path = instance.path.with_suffix(".bare")
        del dataset.file_meta
        dataset.preamble = None
        dcmwrite(path, dataset, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
        assert b"DICM" not in path.read_bytes()
        bare.append(path)
    assert (read_pet_series(bare).values == volume.values).all()


def refusal_or_damage(path: Path) -> str:
    try:
        header = read_header(path)
    except InputRefusedError as error:
        return str(error)
    if header is None:
        return "not DICOM"
    return header.damage


@pytest.mark.parametrize("missing", [1, 2, 40])
def test_slice_cut_within_its_pixels_is_damaged(a_pet_series, missing):
    path = a_pet_series.write()[2]
    path.write_bytes(path.read_bytes()[:-missing])
    assert "truncated" in refusal_or_damage(path)
    with pytest.raises(DicomInputError, match="truncated"):
        read_dataset(path)


def test_compressed_slice_cut_within_its_pixels_is_damaged(a_pet_series):
    path = a_pet_series.write(lambda dataset, k: dataset.compress(RLELossless, generate_instance_uid=False))[2]
    path.write_bytes(path.read_bytes()[:-30])
    assert "truncated" in refusal_or_damage(path)


def test_series_cut_anywhere_never_gives_a_volume(a_pet_series):
    paths = a_pet_series.write()
    whole = paths[2].read_bytes()
    for length in range(0, len(whole), 17):
        paths[2].write_bytes(whole[:length])
        with pytest.raises(InputRefusedError):
            read_pet_series(paths)


def test_study_folder_with_a_slice_cut_anywhere_never_loses_it_silently(a_pet_series):
    paths = a_pet_series.write()
    whole = paths[4].read_bytes()  # the end slice: its loss makes no gap
    for length in range(0, len(whole), 29):
        paths[4].write_bytes(whole[:length])
        try:
            contents = scan_folder(a_pet_series.folder)
        except DicomInputError as error:
            said = [str(error)]
        else:
            said = [*contents.ignored, *(words for one in contents.series for words in one.damaged)]
            if not said and paths[4] in contents.series[0].paths:
                with pytest.raises(DicomInputError):  # cut between two attributes: found when it is read
                    read_pet_series(contents.series[0].paths)
                continue
        assert any(paths[4].name in words for words in said)


def test_real_structure_set_cut_anywhere_is_refused(shared_data, tmp_path):
    whole = (shared_data / "sts001-pet-ge-bqml" / "mask" / "1-1.dcm").read_bytes()
    path = tmp_path / "rs.dcm"
    n_refused = 0
    for length in range(2000, len(whole), len(whole) // 25):
        path.write_bytes(whole[:length])
        try:
            assert list_rois(path) == ("GTV_Mass", "GTV_Edema")  # cut between two top-level attributes
        except DicomInputError:
            n_refused += 1
    assert n_refused >= 24


def test_absurd_element_length_allocates_nothing(tmp_path, a_pet_series):
    path = a_pet_series.write()[0]
    content = path.read_bytes()
    at = content.find(b"\xe0\x7f\x10\x00")
    path.write_bytes(content[: at + 8] + b"\xf0\xff\xff\xff" + content[at + 12 :])
    assert "declares 4294967280 bytes" in refusal_or_damage(path)


def test_encapsulated_pixels_with_an_absurd_item_are_damaged(a_pet_series):
    def encode(dataset, k):
        dataset.PixelData = encapsulate([b"\xff\xd8" * 20])
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
        dataset["PixelData"].VR = "OB"

    path = a_pet_series.write(encode)[0]
    content = path.read_bytes()
    at = content.rfind(b"\xfe\xff\x00\xe0")
    path.write_bytes(content[: at + 4] + b"\xf0\xff\xff\xff" + content[at + 8 :])
    assert "truncated" in refusal_or_damage(path)


def test_unreadable_file_is_refused_by_name(tmp_path):
    with pytest.raises(DicomInputError, match=r"gone\.dcm"):
        read_header(tmp_path / "gone.dcm")
