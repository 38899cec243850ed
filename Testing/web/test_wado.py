"""Retrieving: W02, W08."""

import json
from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from Testing.web.client import InProcess, parts_of
from Testing.web.synthetic import PDF_BYTES, PET_GRID, StudyIdentity, encoded, in_lesion, small_instance
from web_bridge.app import build_app
from web_bridge.store import Archive
from web_bridge.viewer import Viewer

AS_STORED = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
DEFAULT = {"Accept": 'multipart/related; type="application/dicom"'}
FRAMES = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}
PLAIN_FRAMES = {"Accept": 'multipart/related; type="application/octet-stream"'}


def url_of(dataset: pydicom.Dataset) -> str:
    return (
        f"/dicom-web/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
        f"/instances/{dataset.SOPInstanceUID}"
    )


def test_study_comes_back_byte_for_byte(a_reader, a_simulated_study):
    """W02."""
    answer = a_reader.get(f"/dicom-web/studies/{a_simulated_study.study_uid}", headers=AS_STORED)
    assert sorted(parts_of(answer)) == sorted(encoded(item) for item in a_simulated_study.all)


def test_series_and_instance_come_alone(a_reader, a_simulated_study):
    first = a_simulated_study.pet[0]
    series = a_reader.get(url_of(first).split("/instances")[0], headers=AS_STORED)
    assert len(parts_of(series)) == PET_GRID.n_slices
    assert parts_of(a_reader.get(url_of(first), headers=AS_STORED)) == [encoded(first)]


def test_single_part_is_sent_on_wish(a_reader, a_simulated_study):
    first = a_simulated_study.pet[0]
    answer = a_reader.get(url_of(first), headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert answer.content == encoded(first)


@pytest.mark.parametrize("suffix", ["", "/metadata", "/series/2.25.2", "/series/2.25.2/instances/2.25.3"])
def test_what_is_not_there_is_404(a_reader, suffix):
    headers = {} if "metadata" in suffix else AS_STORED
    assert a_reader.get(f"/dicom-web/studies/2.25.1{suffix}", headers=headers).status_code == 404


@pytest.mark.parametrize("uid", ["..", "%2e%2e%2f%2e%2e", "1.2.x", "1" * 65])
def test_what_is_no_uid_is_refused(a_reader, uid):
    assert a_reader.get(f"/dicom-web/studies/{uid}/metadata").status_code in (400, 404)
    assert a_reader.get(f"/dicom-web/studies/1.2/series/{uid}", headers=AS_STORED).status_code in (400, 404)


def test_unacceptable_type_is_406(a_reader, a_simulated_study):
    headers = {"Accept": "image/tiff"}
    assert a_reader.get(url_of(a_simulated_study.pet[0]), headers=headers).status_code == 406


def test_metadata_equals_the_header(a_reader, a_simulated_study):
    image = a_simulated_study.pet[5]
    [row] = a_reader.get(f"{url_of(image)}/metadata").json()
    read = pydicom.Dataset.from_json(row, bulk_data_uri_handler=lambda *_: b"")
    for element in image:
        if element.keyword != "PixelData":
            assert read[element.tag] == element


def test_metadata_of_a_study_has_a_row_for_each_instance(a_reader, a_simulated_study):
    rows = a_reader.get(f"/dicom-web/studies/{a_simulated_study.study_uid}/metadata").json()
    assert len(rows) == len(a_simulated_study.all)


def test_bulk_data_address_in_metadata_leads_to_the_pixels(a_reader, a_simulated_study):
    image = a_simulated_study.pet[5]
    [row] = a_reader.get(f"{url_of(image)}/metadata").json()
    address = row["7FE00010"]["BulkDataURI"]
    assert address.startswith("http://127.0.0.1:8042/dicom-web/studies/")
    assert a_reader.get(address, headers={"Accept": "*/*"}).content == image.PixelData
    assert parts_of(a_reader.get(address, headers=PLAIN_FRAMES)) == [image.PixelData]


def test_pdf_goes_out_as_pdf_without_its_padding(a_reader, a_simulated_study):
    address = f"{url_of(a_simulated_study.pdf)}/bulkdata/00420011"
    answer = a_reader.get(address, headers={"Accept": "text/html,application/pdf,*/*;q=0.8"})
    assert (answer.headers["content-type"], answer.content) == ("application/pdf", PDF_BYTES)


@pytest.mark.parametrize("path", ["00420011/1", "zz", "00420011/x/00420011", "00991234"])
def test_bulk_data_that_is_not_there_is_refused(a_reader, a_simulated_study, path):
    assert a_reader.get(f"{url_of(a_simulated_study.pdf)}/bulkdata/{path}").status_code in (400, 404)


def test_frame_of_a_native_image_is_its_pixels(a_reader, a_simulated_study):
    image = a_simulated_study.ct[3]
    [frame] = parts_of(a_reader.get(f"{url_of(image)}/frames/1", headers=FRAMES))
    assert frame == image.PixelData


def test_frames_of_single_bits_start_at_a_byte(a_reader, a_simulated_study):
    """Frames of a BINARY SEG follow each other without padding; each is sent from bit 0 on."""
    seg = a_simulated_study.seg
    assert seg.BitsAllocated == 1
    numbers = list(range(1, int(seg.NumberOfFrames) + 1))
    listed = ",".join(map(str, numbers))
    parts = parts_of(a_reader.get(f"{url_of(seg)}/frames/{listed}", headers=FRAMES))
    shape = (seg.Rows, seg.Columns)
    masks = [np.unpackbits(np.frombuffer(part, np.uint8), bitorder="little").reshape(shape) for part in parts]
    truth = in_lesion(PET_GRID)
    assert np.array_equal(masks, truth[truth.any(axis=(1, 2))])


def test_frames_of_single_bits_that_end_within_a_byte_are_shifted(a_client):
    """3 x 3 pixels are 9 bits: the second frame starts at bit 9."""
    bits = np.array([[1, 0, 1, 1, 0, 0, 1, 0, 1], [0, 1, 1, 0, 1, 1, 1, 0, 1], [1, 1, 0, 1, 0, 1, 0, 1, 1]], np.uint8)
    image = small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2")
    image.Rows = image.Columns = image.NumberOfFrames = 3
    image.BitsAllocated = image.BitsStored = 1
    image.HighBit = 0
    image.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    a_client.store([encoded(image)])
    parts = parts_of(a_client.get(f"{url_of(image)}/frames/1,2,3", headers=FRAMES))
    read = [np.unpackbits(np.frombuffer(part, np.uint8), bitorder="little")[:9] for part in parts]
    assert np.array_equal(read, bits)


@pytest.mark.parametrize(("frames", "status"), [("0", 404), ("2", 404), ("x", 400), ("1,", 400), ("-1", 400)])
def test_frame_that_is_not_there_is_refused(a_reader, a_simulated_study, frames, status):
    address = f"{url_of(a_simulated_study.ct[0])}/frames/{frames}"
    assert a_reader.get(address, headers=FRAMES).status_code == status


def test_frames_of_a_document_are_404(a_reader, a_simulated_study):
    assert a_reader.get(f"{url_of(a_simulated_study.pdf)}/frames/1", headers=FRAMES).status_code == 404


@pytest.fixture
def pixels():
    return np.random.default_rng(5).integers(0, 4096, (3, 64, 48), dtype=np.uint16)


def compressed(pixels: np.ndarray, syntax: str) -> pydicom.Dataset:
    image = small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2")
    image.NumberOfFrames, image.Rows, image.Columns = pixels.shape
    image.PixelData = pixels.tobytes()
    if syntax == HTJ2KLossless:
        import imagecodecs

        frames = [imagecodecs.htj2k_encode(frame, reversible=True) for frame in pixels]
        image.PixelData = pydicom.encaps.encapsulate(frames)
        image["PixelData"].is_undefined_length = True
        image.file_meta.TransferSyntaxUID = syntax
    else:
        image.compress(syntax, arr=pixels, generate_instance_uid=False)
    return image


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless])
class TestCompressedInstance:
    """W08: kept compressed, sent compressed to who takes it, and plain to who does not."""

    def test_frames_go_out_as_stored_to_who_takes_them(self, a_client, pixels, syntax):
        image = compressed(pixels, syntax)
        a_client.store([encoded(image)])
        answer = a_client.get(f"{url_of(image)}/frames/2,3", headers=FRAMES)
        expected = list(pydicom.encaps.generate_frames(image.PixelData, number_of_frames=3))[1:]
        assert [part.rstrip(b"\0") for part in parts_of(answer)] == [frame.rstrip(b"\0") for frame in expected]
        assert f"transfer-syntax={syntax}" in answer.headers["content-type"]

    def test_frames_are_decompressed_for_who_does_not(self, a_client, pixels, syntax):
        image = compressed(pixels, syntax)
        a_client.store([encoded(image)])
        answer = a_client.get(f"{url_of(image)}/frames/3,1", headers=PLAIN_FRAMES)
        assert parts_of(answer) == [pixels[2].tobytes(), pixels[0].tobytes()]

    def test_whole_instance_is_decompressed_for_who_does_not_name_its_syntax(self, a_client, pixels, syntax):
        image = compressed(pixels, syntax)
        sent = encoded(image)
        a_client.store([sent])
        assert parts_of(a_client.get(url_of(image), headers=AS_STORED)) == [sent]
        [plain] = parts_of(a_client.get(url_of(image), headers=DEFAULT))
        read = pydicom.dcmread(BytesIO(plain))
        assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert read.SOPInstanceUID == image.SOPInstanceUID
        assert np.array_equal(read.pixel_array, pixels)

    def test_metadata_does_not_hold_the_pixels(self, a_client, pixels, syntax):
        image = compressed(pixels, syntax)
        a_client.store([encoded(image)])
        [row] = a_client.get(f"{url_of(image)}/metadata").json()
        assert row["7FE00010"].keys() == {"vr", "BulkDataURI"}


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_other_native_syntaxes_are_kept_and_give_the_same_frames(a_client, pixels, syntax):
    image = small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2")
    image.NumberOfFrames, image.Rows, image.Columns = pixels.shape
    image.PixelData = pixels.tobytes()
    image.file_meta.TransferSyntaxUID = syntax
    sent = encoded(image)
    a_client.store([sent])
    assert parts_of(a_client.get(url_of(image), headers=AS_STORED)) == [sent]
    assert parts_of(a_client.get(f"{url_of(image)}/frames/2", headers=FRAMES)) == [pixels[1].tobytes()]
    [plain] = parts_of(a_client.get(url_of(image), headers=DEFAULT))
    read = pydicom.dcmread(BytesIO(plain))
    assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(read.pixel_array, pixels)


def test_big_endian_frames_are_sent_little_endian(a_client, pixels):
    image = small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2")
    image.NumberOfFrames, image.Rows, image.Columns = pixels.shape
    image.PixelData = pixels.astype(">u2").tobytes()
    swapped = pydicom.Dataset()
    swapped.update(image)
    swapped.file_meta = image.file_meta
    swapped.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    buffer = BytesIO()
    swapped.save_as(buffer, implicit_vr=False, little_endian=False, enforce_file_format=True)
    a_client.store([buffer.getvalue()])
    assert parts_of(a_client.get(f"{url_of(image)}/frames/2", headers=FRAMES)) == [pixels[1].tobytes()]


def test_rendered_picture_uses_the_window(a_reader, a_simulated_study):
    image = a_simulated_study.ct[0]
    answer = a_reader.get(f"{url_of(image)}/rendered", headers={"Accept": "image/png"})
    grey = np.asarray(Image.open(BytesIO(answer.content)))
    assert grey.shape == (image.Rows, image.Columns)
    assert grey[0, 0] == 0
    assert int(grey[64, 64]) == pytest.approx(127, abs=2)  # 40 HU in a window centred there


def test_rendered_colour_is_the_colour_stored(a_reader, a_simulated_study):
    capture = a_simulated_study.capture
    answer = a_reader.get(f"{url_of(capture)}/rendered", headers={"Accept": "image/*"})
    assert np.array_equal(np.asarray(Image.open(BytesIO(answer.content))), capture.pixel_array)


def test_thumbnail_is_small(a_reader, a_simulated_study):
    answer = a_reader.get(f"{url_of(a_simulated_study.pet[16])}/thumbnail")
    assert max(Image.open(BytesIO(answer.content)).size) <= 192


def test_infinite_number_makes_valid_json(a_client):
    image = small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2")
    image.add_new(0x00189073, "FD", float("inf"))
    a_client.store([encoded(image)])
    text = a_client.get(f"{url_of(image)}/metadata").text
    assert json.loads(text, parse_constant=pytest.fail)[0]["00189073"]["Value"] == ["inf"]


def test_real_segmentations_give_the_frames_that_pydicom_reads(shared_data, tmp_path):
    archive = Archive(tmp_path / "store")
    try:
        client = InProcess(build_app(archive, Viewer()))
        for path in sorted((shared_data / "highdicom-seg-sr").glob("seg_image_ct*.dcm")):
            client.store([path.read_bytes()])
            seg = pydicom.dcmread(path)
            stored = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
            numbers = ",".join(str(n) for n in range(1, len(stored) + 1))
            parts = parts_of(client.get(f"{url_of(seg)}/frames/{numbers}", headers=FRAMES))
            for part, frame in zip(parts, stored, strict=True):
                values = np.frombuffer(part, np.uint8)
                if seg.BitsAllocated == 1:
                    values = np.unpackbits(values, bitorder="little")[: frame.size]
                assert np.array_equal(values.reshape(frame.shape), frame)
    finally:
        archive.close()


def test_instance_that_cannot_be_converted_is_refused_alone_and_kept_in_a_series(a_client):
    """MPEG-4, say: no decoder turns it into Explicit VR Little Endian here."""
    image = small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2")
    image.PixelData = pydicom.encaps.encapsulate([b"\0" * 64])
    image["PixelData"].is_undefined_length = True
    image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    sent = encoded(image)
    assert a_client.store([sent]).status_code == 200
    assert a_client.get(url_of(image), headers=DEFAULT).status_code == 406
    assert parts_of(a_client.get(url_of(image).split("/instances")[0], headers=DEFAULT)) == [sent]
    assert a_client.get(f"{url_of(image)}/frames/1", headers=PLAIN_FRAMES).status_code == 406
