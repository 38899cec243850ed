"""W09, W14: a PET series to voxels and to the record that its SUV depends on."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from pydicom.dataset import Dataset

from psmacore.dicom.acquisition import pet_acquisition
from psmacore.dicom.read_ct import read_ct_series
from psmacore.dicom.read_pet import read_pet_series
from psmacore.errors import DicomInputError, GeometryError, StudyContentError


def test_each_slice_takes_its_own_slope(a_pet_series):
    volume = read_pet_series(a_pet_series.write())
    assert [frame.slope for frame in volume.acquisition.frames] == [0.5, 0.75, 1.0, 1.25, 1.5]
    np.testing.assert_allclose(volume.values, a_pet_series.values, rtol=1e-6)


def test_intercept_is_kept_for_the_suv_to_judge(a_pet_series):
    def with_intercept(dataset, k):
        dataset.RescaleIntercept = "-4.5"

    volume = read_pet_series(a_pet_series.write(with_intercept))
    assert volume.acquisition.frames[0].intercept == -4.5
    np.testing.assert_allclose(volume.values, a_pet_series.values - 4.5, rtol=1e-6)


@pytest.mark.parametrize("slope", [None, "0", "-1.5"])
def test_slice_without_scale_is_refused(a_pet_series, slope):
    def wrong(dataset, k):
        if k == 2:
            dataset.RescaleSlope = slope
        if k == 2 and slope is None:
            del dataset.RescaleSlope

    with pytest.raises(DicomInputError, match=r"\(0028,1053\) Rescale Slope"):
        read_pet_series(a_pet_series.write(wrong))


def test_times_in_milliseconds_become_seconds(a_pet_series):
    frame = read_pet_series(a_pet_series.write()).acquisition.frames[0]
    assert (frame.frame_reference_time_s, frame.frame_duration_s) == (60.0, 120.0)


def test_fractions_of_a_second_are_kept(a_pet_series):
    acquisition = read_pet_series(a_pet_series.write()).acquisition
    assert acquisition.series_at == datetime(2024, 1, 5, 9, 30, 15, 500_000)


def test_timezone_is_carried_by_every_datetime(a_pet_series):
    def zoned(dataset, k):
        dataset.TimezoneOffsetFromUTC = "-0400"
        item = dataset.RadiopharmaceuticalInformationSequence[0]
        item.RadiopharmaceuticalStartDateTime = "20240105123000+0000"

    acquisition = read_pet_series(a_pet_series.write(zoned)).acquisition
    zone = timezone(timedelta(hours=-4))
    assert acquisition.series_at == datetime(2024, 1, 5, 9, 30, 15, 500_000, zone)
    assert acquisition.frames[3].acquired_at.utcoffset() == timedelta(hours=-4)
    start = acquisition.administration.start_datetime
    assert (start, start.utcoffset()) == (datetime(2024, 1, 5, 8, 30, tzinfo=zone), timedelta(hours=-4))


def test_injection_clock_in_another_zone_is_refused_where_the_header_names_none(a_pet_series):
    def utc_only(dataset, k):
        item = dataset.RadiopharmaceuticalInformationSequence[0]
        item.RadiopharmaceuticalStartDateTime = "20240105123000+0000"  # Start Time says 08:30

    with pytest.raises(DicomInputError, match=r"\(0018,1078\).*\(0008,0201\) is absent"):
        read_pet_series(a_pet_series.write(utc_only))


def test_absent_attributes_are_none_never_a_default(a_pet_series):
    def bare(dataset, k):
        for name in ("PatientWeight", "PatientSize", "Units", "DecayCorrection", "DecayFactor", "AcquisitionTime"):
            delattr(dataset, name)
        del dataset.RadiopharmaceuticalInformationSequence

    acquisition = read_pet_series(a_pet_series.write(bare)).acquisition
    assert (acquisition.body.weight, acquisition.body.size, acquisition.administration) == (None, None, None)
    assert (acquisition.units, acquisition.decay_correction) == ("", "")
    assert (acquisition.frames[0].decay_factor, acquisition.frames[0].acquired_at) == (None, None)


@pytest.mark.parametrize(
    ("name", "value", "tag"),
    [
        ("PatientWeight", b"71 kg", "0010,1030"),
        ("SeriesTime", b"9:15am", "0008,0031"),
        ("SeriesDate", b"20241350", "0008,0021"),
        ("FrameReferenceTime", b"soon", "0054,1300"),
        ("TimezoneOffsetFromUTC", b"CEST", "0008,0201"),
    ],
)
def test_unreadable_value_names_the_attribute(a_pet_series, name, value, tag):
    paths = a_pet_series.write()
    for path in paths:  # written as raw bytes, as a scanner would
        spoil_file(path, tag, value)
    with pytest.raises(DicomInputError, match=rf"\({tag}\).*{value.decode()}"):
        read_pet_series(paths)


def spoil_file(path, tag: str, value: bytes) -> None:
    """Replace or insert an explicit little-endian element's value."""
    group, element = (int(part, 16) for part in tag.split(","))
    value += b" " * (len(value) % 2)
    key = group.to_bytes(2, "little") + element.to_bytes(2, "little")
    content = path.read_bytes()
    at = content.find(key, 132)
    vr = {"0010,1030": b"DS", "0008,0031": b"TM", "0008,0021": b"DA", "0054,1300": b"DS", "0008,0201": b"SH"}[tag]
    new = key + vr + len(value).to_bytes(2, "little") + value
    if at >= 0 and content[at + 4 : at + 6] == vr:
        length = int.from_bytes(content[at + 6 : at + 8], "little")
        content = content[:at] + new + content[at + 8 + length :]
    else:
        at = content.find(b"\x10\x00\x10\x00PN", 132)  # before the patient's name, in tag order
        content = content[:at] + new + content[at:]
    path.write_bytes(content)


def test_fraction_in_an_integer_string_is_read(a_pet_series):
    """Some scanners write (0018,1242) Actual Frame Duration, an IS, with decimals."""
    paths = a_pet_series.write()
    for path in paths:
        head = b"\x18\x00\x42\x12IS\x06\x00"
        path.write_bytes(path.read_bytes().replace(head + b"120000", head + b"1200.5"))
    assert read_pet_series(paths).acquisition.frames[0].frame_duration_s == pytest.approx(1.2005)


@pytest.fixture
def private_attributes():
    """Add one vendor's private attributes, in a block that the vendor does not usually have."""

    def add(dataset: Dataset, group: int, creator: str, block: int, **values: tuple[str, str]) -> None:
        dataset.add_new((group, 0x10), "LO", "SOMEBODY ELSE")
        dataset.add_new((group, 0x1000 | 0x0D), "LO", "not it")
        dataset.add_new((group, block), "LO", creator)
        for offset, (vr, value) in values.items():
            dataset.add_new((group, block << 8 | int(offset[1:], 16)), vr, value)

    return add


def test_ge_scan_datetime_is_found_by_its_private_creator(a_pet_series, private_attributes):
    def ge(dataset, k):
        private_attributes(dataset, 0x0009, "GEMS_PETD_01", 0x11, x0D=("DT", "20240105093100.25"))

    acquisition = read_pet_series(a_pet_series.write(ge)).acquisition
    assert acquisition.ge_scan_at == datetime(2024, 1, 5, 9, 31, 0, 250_000)


def test_siemens_scan_datetime_is_found_by_its_private_creator(a_pet_series, private_attributes):
    def siemens(dataset, k):
        private_attributes(dataset, 0x0071, "SIEMENS MED PT", 0x12, x22=("DT", "20240105093015.500000"))

    acquisition = read_pet_series(a_pet_series.write(siemens)).acquisition
    assert acquisition.siemens_scan_at == acquisition.series_at


@pytest.mark.parametrize("vr", ["DS", "UN"])
def test_philips_factors_are_found_by_their_private_creator(a_pet_series, private_attributes, vr):
    def value(text):
        return text if vr == "DS" else text.encode()

    def philips(dataset, k):
        private_attributes(
            dataset, 0x7053, "Philips PET Private Group", 0x10, x00=(vr, value("0.000551")), x09=(vr, value("2.25 "))
        )
        dataset.Units = "CNTS"

    acquisition = read_pet_series(a_pet_series.write(philips)).acquisition
    assert (acquisition.philips_suv_factor, acquisition.philips_activity_factor) == (0.000551, 2.25)


def test_private_attribute_of_another_vendor_is_not_taken(a_pet_series):
    def stranger(dataset, k):
        dataset.add_new((0x7053, 0x10), "LO", "SOMEBODY ELSE")
        dataset.add_new((0x7053, 0x1000), "DS", "0.000551")

    assert read_pet_series(a_pet_series.write(stranger)).acquisition.philips_suv_factor is None


@pytest.mark.parametrize("name", ["Units", "DecayCorrection", "PatientWeight"])
def test_slices_that_contradict_each_other_are_refused(a_pet_series, name):
    def contradict(dataset, k):
        if k == 4:
            setattr(dataset, name, "10")

    with pytest.raises(DicomInputError, match="differs between slices"):
        read_pet_series(a_pet_series.write(contradict))


def test_two_administrations_are_refused(a_pet_series):
    def twice(dataset, k):
        item = dataset.RadiopharmaceuticalInformationSequence[0]
        dataset.RadiopharmaceuticalInformationSequence = [item, item]

    with pytest.raises(DicomInputError, match=r"\(0054,0016\).*several administrations"):
        read_pet_series(a_pet_series.write(twice))


def test_dynamic_series_is_refused_with_what_tells_its_times_apart(a_pet_series, another_series):
    later = another_series("later", series_uid=a_pet_series.series_uid)
    later.frame_of_reference_uid = a_pet_series.frame_of_reference_uid

    def second(dataset, k):
        dataset.FrameReferenceTime = "180000"
        dataset.AcquisitionTime = "093215"

    with pytest.raises(GeometryError, match=r"2 images at each of 5 positions.*\(0054,1300\) Frame Reference Time"):
        read_pet_series(a_pet_series.write() + later.write(second))


def test_ct_is_not_read_as_pet(a_ct_series):
    with pytest.raises(DicomInputError, match=r"\(0008,0016\) SOP Class UID"):
        read_pet_series(a_ct_series.write())


def test_no_files_are_no_series():
    with pytest.raises(StudyContentError):
        read_pet_series([])


def test_ct_values_are_hounsfield_units(a_ct_series):
    def scanner_units(dataset, k):
        dataset.RescaleIntercept = "-1024"

    volume = read_ct_series(a_ct_series.write(scanner_units))
    np.testing.assert_array_equal(volume.values, a_ct_series.stored - 1024)
    assert volume.values.dtype == np.int16


def test_ct_without_intercept_has_no_hounsfield_units(a_ct_series):
    def without(dataset, k):
        del dataset.RescaleIntercept

    with pytest.raises(DicomInputError, match=r"\(0028,1052\) Rescale Intercept"):
        read_ct_series(a_ct_series.write(without))


def test_gml_crop_holds_the_suv_of_the_raw_series(shared_data, the_real_ge_pet):
    raw = the_real_ge_pet
    crop = read_pet_series(sorted((shared_data / "sts001-crop-gml-ct" / "PET" / "image").iterdir()))
    assert (crop.acquisition.units, crop.acquisition.decay_correction) == ("GML", "ADMIN")
    expected = raw.values[:59, 45 : 45 + 43, 59 : 59 + 41] * 2.429029766e-4
    np.testing.assert_allclose(crop.values, expected, atol=2e-3)


def test_real_ge_header_is_read_as_stored(the_real_ge_pet):
    acquisition = the_real_ge_pet.acquisition
    assert (acquisition.units, acquisition.decay_correction, acquisition.body.weight) == ("BQML", "START", 71.0)
    assert acquisition.administration.total_dose == 388777472.0
    assert acquisition.administration.start_time == "103500.00"
    assert acquisition.administration.nuclide.value == "C-111A1"
    assert {frame.acquired_at for frame in acquisition.frames} == {datetime(2000, 9, 7, 11, 20, 11)}
    assert sorted({frame.decay_factor for frame in acquisition.frames})[0] == 1.01268


def test_real_siemens_header_is_read_as_stored(shared_data):
    folder = shared_data / "quadra-pet-headers-cc0"
    header = json.loads((folder / "siemens_biograph_vision_quadra_vr20b_wholebody.json").read_text())
    dataset = Dataset.from_json(header["constant_hdr"])
    acquisition = pet_acquisition([dataset])
    assert acquisition.siemens_scan_at == acquisition.series_at == datetime(2023, 8, 25, 15, 24, 19)
    assert acquisition.administration.half_life_s == 23410100.0
    assert acquisition.corrected_image == ("NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN")
