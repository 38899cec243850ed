"""W08: pixels read back equal in every encoding, and nothing is allocated for sizes that cannot be."""

from __future__ import annotations

import zlib

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from psmacore.dicom.files import read_dataset
from psmacore.dicom.pixels import DEFLATED_FRAMES, decode_frames
from psmacore.dicom.read_pet import read_pet_series
from psmacore.errors import DicomInputError

ENCODERS = {
    JPEGLSLossless: lambda frame: imagecodecs.jpegls_encode(frame.view(np.uint16)),
    JPEG2000Lossless: lambda frame: imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True, level=0),
    HTJ2KLossless: imagecodecs.htj2k_encode,
    HTJ2KLosslessRPCL: imagecodecs.htj2k_encode,
    JPEGLosslessSV1: lambda frame: imagecodecs.ljpeg_encode(frame.view(np.uint16), bitspersample=16),
}
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def encode(dataset: Dataset, syntax: str) -> None:
    frame = np.frombuffer(dataset.PixelData, "<i2").reshape(dataset.Rows, dataset.Columns)
    if syntax in ENCODERS:
        dataset.PixelData = encapsulate([bytes(ENCODERS[syntax](frame))])
    elif syntax == RLELossless:
        dataset.compress(RLELossless, generate_instance_uid=False)
    elif syntax == ExplicitVRBigEndian:
        dataset.PixelData = frame.astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset["PixelData"].VR = "OB" if syntax in ENCODERS or syntax == RLELossless else "OW"


@pytest.mark.parametrize("syntax", [*NATIVE, RLELossless, *ENCODERS])
def test_pet_values_do_not_depend_on_the_encoding(a_pet_series, syntax):
    a_pet_series.stored[2, 1, 1] = -32768
    a_pet_series.stored[2, 1, 2] = 32767
    volume = read_pet_series(a_pet_series.write(lambda dataset, _: encode(dataset, syntax)))
    np.testing.assert_array_equal(volume.values, a_pet_series.values.astype(np.float32))


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1, RLELossless])
def test_twelve_signed_bits_keep_their_sign(a_pet_series, syntax):
    a_pet_series.stored[:] = np.arange(-60, 60).reshape(5, 4, 6) * 17

    def twelve_bits(dataset: Dataset, k: int) -> None:
        words = a_pet_series.stored[k].view(np.uint16) & 0xFFF  # unused high bits are zero
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.PixelData = words.astype("<u2").tobytes()
        encode(dataset, syntax)

    volume = read_pet_series(a_pet_series.write(twelve_bits))
    np.testing.assert_array_equal(volume.values, a_pet_series.values.astype(np.float32))


def test_packed_bits_run_across_frames():
    """PS3.5 8.1.1: frames of single bits are not padded to bytes."""
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 2, (5, 3, 7)).astype(np.uint8)
    dataset = a_bit_image(frames)
    np.testing.assert_array_equal(np.stack(list(decode_frames(dataset))), frames)


def a_bit_image(frames: np.ndarray) -> Dataset:
    dataset = read_like_file(Dataset())
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = frames.shape
    dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored, dataset.PixelRepresentation = 1, 1, 1, 0
    packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    return dataset


def read_like_file(dataset: Dataset) -> Dataset:
    dataset.ensure_file_meta()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def test_deflated_frames_are_inflated_one_by_one():
    frames = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    dataset = a_bit_image(frames)
    dataset.BitsAllocated = dataset.BitsStored = 8
    streams = []
    for frame in frames:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        streams.append(packer.compress(frame.tobytes()) + packer.flush())
    dataset.PixelData = encapsulate([one + b"\0" * (len(one) % 2) for one in streams])
    dataset.file_meta.TransferSyntaxUID = DEFLATED_FRAMES
    np.testing.assert_array_equal(np.stack(list(decode_frames(dataset))), frames)


@pytest.mark.parametrize("syntax", [*NATIVE, RLELossless, *ENCODERS])
def test_absurd_size_is_refused_before_anything_is_allocated(a_pet_series, syntax):
    def claim_much(dataset: Dataset, k: int) -> None:
        encode(dataset, syntax)
        dataset.Rows = dataset.Columns = 65535

    with pytest.raises(DicomInputError, match=r"\(7FE0,0010\) Pixel Data"):
        read_pet_series(a_pet_series.write(claim_much))


@pytest.mark.parametrize("syntax", [RLELossless, *ENCODERS])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_damaged_stream_is_refused(a_pet_series, syntax, share):
    def cut(dataset: Dataset, k: int) -> None:
        encode(dataset, syntax)
        whole = next(generate_frames(dataset.PixelData, number_of_frames=1))
        part = whole[: int(len(whole) * share)]
        dataset.PixelData = encapsulate([part + b"\0" * (len(part) % 2)])

    with pytest.raises(DicomInputError, match=r"\(7FE0,0010\) Pixel Data"):
        read_pet_series(a_pet_series.write(cut))


def test_pixels_longer_than_declared_are_refused(a_pet_series):
    def claim_little(dataset: Dataset, k: int) -> None:
        dataset.Rows = 2

    with pytest.raises(DicomInputError, match="longer than"):
        read_pet_series(a_pet_series.write(claim_little))


def test_unknown_encoding_names_the_transfer_syntax(a_pet_series):
    def mpeg(dataset: Dataset, k: int) -> None:
        dataset.PixelData = encapsulate([b"\0" * 64])
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
        dataset["PixelData"].VR = "OB"

    with pytest.raises(DicomInputError, match=r"\(0002,0010\) Transfer Syntax UID: .*MPEG2"):
        read_pet_series(a_pet_series.write(mpeg))


def test_colour_is_refused(a_pet_series):
    def colour(dataset: Dataset, k: int) -> None:
        dataset.SamplesPerPixel = 3

    with pytest.raises(DicomInputError, match=r"\(0028,0002\) Samples per Pixel"):
        read_pet_series(a_pet_series.write(colour))


def test_missing_pixels_are_refused(a_pet_series):
    def remove(dataset: Dataset, k: int) -> None:
        del dataset.PixelData

    with pytest.raises(DicomInputError, match=r"\(7FE0,0010\) Pixel Data: is missing"):
        read_pet_series(a_pet_series.write(remove))


def test_lossy_compression_becomes_a_finding(a_pet_series):
    def lossy(dataset: Dataset, k: int) -> None:
        dataset.LossyImageCompression = "01"

    volume = read_pet_series(a_pet_series.write(lossy))
    assert any("lossy compression" in words for words in volume.header.findings)


def test_our_decoding_agrees_with_pydicom(shared_data):
    path = sorted((shared_data / "sts001-pet-ge-bqml" / "image").iterdir())[100]
    ours = next(decode_frames(read_dataset(path)))
    np.testing.assert_array_equal(ours, dcmread(path).pixel_array)
