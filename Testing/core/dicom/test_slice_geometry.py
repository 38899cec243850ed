"""W09, W62: slices make one exact grid, or are refused by the name of the fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from psmacore.dicom.files import read_header
from psmacore.dicom.geometry import GeometryFault, examine_slices, plane_of, stack_slices
from psmacore.dicom.read_ct import read_ct_series
from psmacore.dicom.read_pet import read_pet_series
from psmacore.errors import DicomInputError, GeometryError


def planes_of(paths: list[Path]):
    return [plane_of(read_header(path).dataset, path) for path in paths]


def faults_of(paths: list[Path]) -> set[GeometryFault]:
    return {finding.fault for finding in examine_slices(planes_of(paths)) if finding.forbids}


@pytest.fixture
def real_slices(shared_data):
    """Paths of a set of the broken real CT data."""

    def paths(name: str) -> list[Path]:
        return sorted((shared_data / "ct-broken-geometry" / name).glob("*"))

    return paths


def test_oblique_series_keeps_its_affine_and_its_voxels(a_pet_series):
    volume = read_pet_series(a_pet_series.write())
    np.testing.assert_allclose(volume.geometry.lps_from_ijk, a_pet_series.lps_from_ijk, atol=1e-9)
    np.testing.assert_allclose(volume.values, a_pet_series.values, rtol=1e-6)
    assert volume.header.findings == ()


def test_slice_order_does_not_depend_on_file_order(a_pet_series):
    paths = a_pet_series.write()
    backwards = read_pet_series(paths[::-1])
    np.testing.assert_array_equal(backwards.values, read_pet_series(paths).values)
    assert [one.path for one in backwards.header.instances] == paths


def test_slices_stored_feet_first_still_grow_along_row_cross_column(a_pet_series):
    def turned(dataset, k):
        dataset.InstanceNumber = 5 - k

    volume = read_pet_series(a_pet_series.write(turned))
    np.testing.assert_allclose(volume.geometry.lps_from_ijk, a_pet_series.lps_from_ijk, atol=1e-9)


def test_slice_thickness_is_not_the_step(a_pet_series):
    volume = read_pet_series(a_pet_series.write())
    assert volume.geometry.spacing_kji_mm[0] == pytest.approx(3.25)


def test_pixel_spacing_is_row_spacing_first(a_ct_series):
    volume = read_ct_series(a_ct_series.write())
    np.testing.assert_allclose(volume.geometry.spacing_ijk_mm, [1.75, 2.5, 3.25], atol=1e-9)


def test_missing_slice_is_named(a_pet_series):
    paths = a_pet_series.write(slices=[0, 1, 3, 4])
    assert faults_of(paths) == {GeometryFault.MISSING_SLICE}
    with pytest.raises(GeometryError, match=r"^missing slice: about 1 missing"):
        read_pet_series(paths)


def test_first_missing_of_three_slices_is_named(another_series):
    series = another_series("short", shape=(4, 4, 6))
    assert faults_of(series.write(slices=[0, 1, 3])) == {GeometryFault.MISSING_SLICE}


def test_lost_end_slices_become_a_finding(a_pet_series):
    volume = read_pet_series(a_pet_series.write(slices=[0, 1, 2, 3]))
    assert [words for words in volume.header.findings if words.startswith("fewer slices than declared")]


def test_duplicate_position_is_named(a_pet_series):
    def same_place(dataset, k):
        if k == 3:
            dataset.ImagePositionPatient = a_pet_series.dataset(2).ImagePositionPatient

    paths = a_pet_series.write(same_place, slices=[0, 1, 2, 3])
    assert GeometryFault.DUPLICATE_POSITION in faults_of(paths)
    with pytest.raises(GeometryError, match=r"^duplicate position"):
        read_pet_series(paths)


def test_mixed_frames_of_reference_are_named(a_pet_series):
    def other_frame(dataset, k):
        if k == 1:
            dataset.FrameOfReferenceUID = "1.2.3"

    with pytest.raises(GeometryError, match=r"^mixed frames of reference: .*1\.2\.3"):
        read_pet_series(a_pet_series.write(other_frame))


@pytest.mark.parametrize(
    ("attribute", "value", "name"),
    [
        ("ImageOrientationPatient", [1, 0, 0, 0, 1, 0], "mixed orientations"),
        ("PixelSpacing", [2.5, 1.8], "mixed spacings"),
        ("SeriesInstanceUID", "1.2.3", "mixed series"),
        ("Rows", 5, "mixed sizes"),
    ],
)
def test_what_a_volume_has_once_may_not_differ(a_pet_series, attribute, value, name):
    def change(dataset, k):
        if k == 4:
            setattr(dataset, attribute, value)

    with pytest.raises(GeometryError, match=f"^{name}"):
        read_pet_series(a_pet_series.write(change))


def test_sheared_stack_is_named_tilted(a_pet_series):
    sideways = a_pet_series.axes[:, 1] * np.tan(np.radians(5))

    def shear(dataset, k):
        position = np.array(dataset.ImagePositionPatient, float) + sideways * 3.25 * k
        dataset.ImagePositionPatient = [f"{value:.9g}" for value in position]

    with pytest.raises(GeometryError, match=r"^tilted: slices follow each other 5\.0 degrees"):
        read_pet_series(a_pet_series.write(shear))


def test_single_slice_is_named(a_pet_series):
    with pytest.raises(GeometryError, match=r"^single slice"):
        read_pet_series(a_pet_series.write(slices=[2]))


def unequal(series, offsets_mm):
    normal = np.cross(series.axes[:, 0], series.axes[:, 1])

    def move(dataset, k):
        position = np.array(dataset.ImagePositionPatient, float) + normal * offsets_mm[k]
        dataset.ImagePositionPatient = [f"{value:.10g}" for value in position]

    return move


def test_slightly_unequal_steps_load_with_a_finding_and_exact_positions(a_pet_series):
    paths = a_pet_series.write(unequal(a_pet_series, [0, 0.08, 0, -0.08, 0]))
    volume = read_pet_series(paths)
    assert len(volume.header.findings) == 1
    assert volume.header.findings[0].startswith("unequal steps: from 3.170 to 3.330 mm")
    np.testing.assert_allclose(volume.geometry.lps_from_ijk, a_pet_series.lps_from_ijk, atol=1e-7)
    stored = [plane.position_lps_mm for plane in planes_of(paths)]
    assert [one.position_lps_mm for one in volume.header.instances] == stored


def test_grossly_unequal_steps_are_refused(a_pet_series):
    with pytest.raises(GeometryError, match=r"^unequal steps"):
        read_pet_series(a_pet_series.write(unequal(a_pet_series, [0, 0.6, 0.6, 0, 0])))


def test_absent_frame_of_reference_is_a_finding(a_ct_series):
    def remove(dataset, k):
        del dataset.FrameOfReferenceUID

    volume = read_ct_series(a_ct_series.write(remove))
    assert [words.split(":")[0] for words in volume.header.findings] == ["no frame of reference"]
    assert volume.geometry.frame_of_reference_uid == ""


@pytest.mark.parametrize(
    ("attribute", "tag"),
    [("ImagePositionPatient", "0020,0032"), ("ImageOrientationPatient", "0020,0037"), ("PixelSpacing", "0028,0030")],
)
def test_image_without_a_place_names_the_attribute(a_pet_series, attribute, tag):
    def remove(dataset, k):
        delattr(dataset, attribute)

    with pytest.raises(DicomInputError, match=rf"\({tag}\).*absent"):
        read_pet_series(a_pet_series.write(remove))


def test_skewed_cosines_are_refused(a_pet_series):
    def skew(dataset, k):
        dataset.ImageOrientationPatient = [1, 0, 0, 0.2, 0.98, 0]

    with pytest.raises(DicomInputError, match="perpendicular unit vectors"):
        read_pet_series(a_pet_series.write(skew))


def test_no_slice_is_refused():
    with pytest.raises(GeometryError):
        stack_slices([])


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("gantrytilting/001", {GeometryFault.TILTED}),
        ("notavolume/001", {GeometryFault.DUPLICATE_POSITION}),
        ("sliceincrement/001", {GeometryFault.MISSING_SLICE}),
        ("sliceincrement/002", {GeometryFault.TILTED, GeometryFault.MISSING_SLICE}),
    ],
)
def test_broken_real_ct_is_refused_by_name(real_slices, name, faults):
    paths = real_slices(name)
    assert faults_of(paths) == faults
    with pytest.raises(GeometryError, match="|".join(faults)):
        read_ct_series(paths)


def test_real_ge_series_with_unequal_steps_loads(the_real_ge_pet):
    volume = the_real_ge_pet
    assert volume.geometry.shape == (267, 128, 128)
    assert volume.geometry.spacing_kji_mm[0] == pytest.approx((881.3 - 11.479994) / 266, abs=1e-6)
    assert volume.header.findings[0].startswith("unequal steps: from 3.190 to 3.290 mm")
    assert volume.header.instances[0].position_lps_mm[2] == -881.3
    assert volume.values.max() == pytest.approx(273860.36027, rel=1e-6)
