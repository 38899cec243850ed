"""What is written reads back as what was simulated, and conforms (W02, W09, W14, D02)."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.valuerep import DT

from psmacore.model.geometry import Geometry
from psmacore.phantom.acquisition import Vendor
from psmacore.phantom.dicom_common import StudyIdentity
from psmacore.phantom.dicom_pet import pet_series


@pytest.fixture(params=list(Vendor))
def a_vendor(request) -> Vendor:
    return request.param


@pytest.fixture
def a_small_series(a_timepoint, a_vendor, tmp_path):
    """Twelve slices through the pelvis as files, with the SUV that they were made from."""
    first = 45
    suv = a_timepoint.pet.suv[first : first + 12]
    matrix = a_timepoint.pet_geometry.lps_from_ijk.copy()
    matrix[:3, 3] += first * matrix[:3, 2]
    geometry = Geometry(suv.shape, matrix, a_timepoint.pet_geometry.frame_of_reference_uid)
    identity = StudyIdentity(7, 0, a_timepoint.acquisition, a_vendor)
    for number, ds in enumerate(pet_series(identity, suv, geometry)):
        ds.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    read = sorted((pydicom.dcmread(p) for p in tmp_path.iterdir()), key=lambda d: d.ImagePositionPatient[2])
    return read, suv, geometry


def suv_of(ds: pydicom.Dataset) -> np.ndarray:
    """SUVbw by the decision table, from nothing but the header."""
    values = ds.pixel_array * float(ds.RescaleSlope)
    if ds.Units == "CNTS":
        return values * float(ds[0x7053, 0x1000].value)
    item = ds.RadiopharmaceuticalInformationSequence[0]
    scan = DT(ds.SeriesDate + ds.SeriesTime)
    injected = DT(item.RadiopharmaceuticalStartDateTime)
    left = float(item.RadionuclideTotalDose) * math.exp(
        -math.log(2) * (scan - injected).total_seconds() / float(item.RadionuclideHalfLife)
    )
    return values * float(ds.PatientWeight) * 1000 / left


def assert_conforms(path: Path) -> None:
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in done.stdout + done.stderr, done.stderr


def test_suv_from_the_header_equals_the_simulated_suv(a_small_series):
    read, suv, _ = a_small_series
    for ds, plane in zip(read, suv, strict=True):
        half_a_step = (
            float(ds.RescaleSlope) * float(suv_of(ds).max()) / float(ds.pixel_array.max() * ds.RescaleSlope) / 2
        )
        assert np.abs(suv_of(ds) - plane).max() <= 1.001 * half_a_step + 1e-6


def test_philips_factors_agree_with_each_other(a_small_series, a_vendor):
    if a_vendor is not Vendor.PHILIPS:
        return
    ds = a_small_series[0][5]
    item = ds.RadiopharmaceuticalInformationSequence[0]
    scan = DT(ds.SeriesDate + ds.SeriesTime)
    injected = DT(item.RadiopharmaceuticalStartDateTime)
    elapsed = (scan - injected).total_seconds()
    left = float(item.RadionuclideTotalDose) * 2 ** (-elapsed / float(item.RadionuclideHalfLife))
    by_activity = float(ds[0x7053, 0x1009].value) * float(ds.PatientWeight) * 1000 / left
    assert float(ds[0x7053, 0x1000].value) == pytest.approx(by_activity, rel=1e-9)


def test_vendors_scale_as_their_scanners_do(a_small_series, a_vendor):
    read, _, _ = a_small_series
    slopes = {float(ds.RescaleSlope) for ds in read}
    assert (len(slopes) == 1) is (a_vendor is Vendor.SIEMENS)
    assert {ds.Units for ds in read} == {"CNTS" if a_vendor is Vendor.PHILIPS else "BQML"}
    if a_vendor is Vendor.GE:
        assert read[0][0x0009, 0x100D].value == read[0].SeriesDate + read[0].SeriesTime
    assert all("ATTN" in ds.CorrectedImage and ds.DecayCorrection == "START" for ds in read)


def test_frame_times_lead_back_to_the_series_time(a_small_series):
    for ds in a_small_series[0]:
        item = ds.RadiopharmaceuticalInformationSequence[0]
        rate, duration = math.log(2) / float(item.RadionuclideHalfLife), int(ds.ActualFrameDuration) / 1000
        x = rate * duration
        mean = math.log(x / (1 - math.exp(-x))) / rate
        acquired = DT(ds.AcquisitionDate + ds.AcquisitionTime)
        series = DT(ds.SeriesDate + ds.SeriesTime)
        back = (acquired - series).total_seconds() + mean - float(ds.FrameReferenceTime) / 1000
        assert back == pytest.approx(0.0, abs=0.002)
        assert float(ds.DecayFactor) == pytest.approx(math.exp(rate * float(ds.FrameReferenceTime) / 1000), rel=1e-6)


def test_positions_are_those_of_the_grid(a_small_series):
    read, _, geometry = a_small_series
    for k, ds in enumerate(read):
        assert list(ds.ImagePositionPatient) == pytest.approx(geometry.lps_of_kji([[k, 0, 0]])[0], abs=1e-3)


def test_no_image_has_an_error_for_dciodvfy(a_written_course, dicom3tools):
    for name in ("pet/0001", "pet/0090", "pet/0200", "ct/0001", "ct/0150"):
        assert_conforms(a_written_course / "tp1" / f"{name}.dcm")


@pytest.mark.slow  # dciodvfy takes half a minute over the functional groups of 2,000 frames
def test_the_organ_segmentation_has_no_error_for_dciodvfy(a_written_course, dicom3tools):
    assert_conforms(a_written_course / "tp1" / "seg" / "0001.dcm")


@pytest.mark.parametrize("vendor", list(Vendor))
def test_no_vendors_pet_has_an_error_for_dciodvfy(a_timepoint, vendor, tmp_path, dicom3tools):
    identity = StudyIdentity(7, 0, a_timepoint.acquisition, vendor)
    next(pet_series(identity, a_timepoint.pet.suv, a_timepoint.pet_geometry)).save_as(
        tmp_path / "a.dcm", enforce_file_format=True
    )
    assert_conforms(tmp_path / "a.dcm")


def test_the_study_is_consistent_for_dcentvfy(a_written_course, dicom3tools):
    files = sorted(map(str, (a_written_course / "tp1").rglob("*.dcm")))
    done = subprocess.run(["dcentvfy", *files], capture_output=True, text=True, check=False)
    assert "Error" not in done.stdout + done.stderr, (done.stdout + done.stderr)[:2000]


@pytest.mark.slow
def test_organ_segments_read_back_as_the_labels(a_written_course, its_truth):
    import highdicom as hd
    import nibabel

    from psmacore.model.organs import ORGAN_NUMBERS

    seg = hd.seg.segread(a_written_course / "tp1" / "seg" / "0001.dcm")
    image = nibabel.load(a_written_course / its_truth["timepoints"][0]["organs"])
    labels = np.asarray(image.dataobj).T
    numbers = {int(item.SegmentNumber): ORGAN_NUMBERS[item.SegmentLabel] for item in seg.SegmentSequence}
    volume = seg.get_volume(combine_segments=True)
    lookup = np.zeros(max(numbers) + 1, np.uint16)
    lookup[list(numbers)] = list(numbers.values())
    array = volume.array
    k = np.array([volume.affine @ [n, 0, 0, 1] for n in range(array.shape[0])])[:, 2]
    array = array if k[-1] > k[0] else array[::-1]
    first = round((min(k) - image.affine[2, 3]) / image.affine[2, 2])
    assert np.array_equal(lookup[array], labels[first : first + array.shape[0]])
    assert np.count_nonzero(labels) == np.count_nonzero(array)


def test_segments_carry_codes_and_sides(a_written_course):
    seg = pydicom.dcmread(a_written_course / "tp1" / "seg" / "0001.dcm", stop_before_pixels=True)
    by_label = {item.SegmentLabel: item for item in seg.SegmentSequence}
    kidney = by_label["kidney_left"].SegmentedPropertyTypeCodeSequence[0]
    assert (kidney.CodeValue, kidney.CodingSchemeDesignator) == ("64033007", "SCT")
    assert kidney.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == "7771000"
    assert by_label["liver"].SegmentedPropertyCategoryCodeSequence[0].CodeValue == "91723000"


def test_headers_say_that_the_data_is_simulated(a_written_course: Path):
    for kind in ("pet", "ct", "seg"):
        ds = pydicom.dcmread(a_written_course / "tp1" / kind / "0001.dcm", stop_before_pixels=True)
        assert "imulated" in ds.StudyDescription
        assert "imulated" in ds.SeriesDescription
        assert str(ds.PatientName).startswith("PHANTOM^")
        assert "PHANTOM" in ds.PatientID
    pet = pydicom.dcmread(a_written_course / "tp1" / "pet" / "0001.dcm", stop_before_pixels=True)
    assert "PatientPosition" not in pet
    assert pet.ImageType[-1] == "SIMULATED"
