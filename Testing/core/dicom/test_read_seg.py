"""Segmentations of other toolkits to voxels; W62."""

from __future__ import annotations

import highdicom
import numpy as np
import pytest
from highdicom.sr.coding import CodedConcept
from pydicom import dcmread

from psmacore.dicom.grids import resample_nearest
from psmacore.dicom.read_pet import read_pet_series
from psmacore.dicom.read_seg import list_segments, read_segments, seg_geometry
from psmacore.errors import DicomInputError, GeometryError
from psmacore.model.geometry import Geometry


def description(number: int, label: str) -> highdicom.seg.SegmentDescription:
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure"),
        segmented_property_type=CodedConcept("52988006", "SCT", "Lesion"),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=f"1.2.3.{number}",
        tracking_id=f"L{number}",
        display_color=highdicom.color.CIELabColor.from_rgb(255, 90, 60),
    )


@pytest.fixture
def a_foreign_seg(tmp_path):
    """Write voxels with highdicom: ``a_foreign_seg(sources, pixels, kind, **options)``."""

    def write(sources, pixels, kind, n_segments=2, **options):
        kinds = highdicom.seg.SegmentationTypeValues
        seg = highdicom.seg.Segmentation(
            source_images=sources,
            pixel_array=pixels,
            segmentation_type=kinds[kind],
            segment_descriptions=[description(number, f"Lesion {number}") for number in range(1, n_segments + 1)],
            series_instance_uid="1.2.840.99.5",
            series_number=9,
            sop_instance_uid="1.2.840.99.6",
            instance_number=1,
            manufacturer="Another",
            manufacturer_model_name="Toolkit",
            software_versions="1",
            device_serial_number="1",
            **options,
        )
        path = tmp_path / "seg.dcm"
        seg.save_as(path)
        return path

    return write


@pytest.fixture
def a_volume_with_sources(a_pet_series):
    def complete(dataset, k):
        for name in ("AccessionNumber", "StudyID", "PatientBirthDate", "ReferringPhysicianName", "StudyTime"):
            setattr(dataset, name, getattr(dataset, name, "") or "")
        dataset.PositionReferenceIndicator = ""

    volume = read_pet_series(a_pet_series.write(complete))
    return volume, [dcmread(one.path) for one in volume.header.instances]


@pytest.fixture
def some_labels():
    labels = np.zeros((5, 4, 6), np.uint8)
    labels[1:3, 1:3, 0:4] = 1
    labels[4, 3, 2:6] = 2  # slice 3 is empty
    return labels


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("omit", [True, False])
def test_labels_written_by_highdicom_come_back(a_volume_with_sources, a_foreign_seg, some_labels, kind, omit):
    volume, sources = a_volume_with_sources
    path = a_foreign_seg(sources, some_labels, kind, omit_empty_frames=omit)
    seg = read_segments(path, volume.geometry)
    np.testing.assert_array_equal(seg.segmentation.labels, some_labels)
    assert seg.segmentation.names == {1: "Lesion 1", 2: "Lesion 2"}
    assert not seg.has_overlap
    assert seg.referenced_series_uid == volume.header.series_uid


def test_segment_description_comes_back(a_volume_with_sources, a_foreign_seg, some_labels):
    _, sources = a_volume_with_sources
    first, second = list_segments(a_foreign_seg(sources, some_labels, "BINARY"))
    assert (second.number, second.label, second.tracking_uid, second.tracking_id) == (2, "Lesion 2", "1.2.3.2", "L2")
    assert (first.category.value, first.property_type.value, first.algorithm_type) == ("49755003", "52988006", "MANUAL")
    assert np.abs(np.array(first.rgb) - (255, 90, 60)).max() <= 2


def test_fraction_decides_by_the_threshold(a_volume_with_sources, a_foreign_seg):
    volume, sources = a_volume_with_sources
    fractions = np.linspace(0, 1, 120).reshape(5, 4, 6)
    path = a_foreign_seg(
        sources, fractions, "FRACTIONAL", n_segments=1, max_fractional_value=200, omit_empty_frames=False
    )
    for threshold in (0.25, 0.5, 0.9):
        seg = read_segments(path, volume.geometry, fraction_threshold=threshold)
        expected = np.floor(fractions * 200 + 0.5) >= threshold * 200
        assert abs(int(seg.segment_mask(1).sum()) - int(expected.sum())) <= 1


def test_overlapping_segments_keep_all_their_voxels(a_volume_with_sources, a_foreign_seg):
    volume, sources = a_volume_with_sources
    stacked = np.zeros((5, 4, 6, 2), np.uint8)
    stacked[1:4, 0:3, 1:5, 0] = 1
    stacked[2:5, 1:4, 2:6, 1] = 1
    seg = read_segments(a_foreign_seg(sources, stacked, "BINARY"), volume.geometry)
    assert seg.has_overlap
    for number in (1, 2):
        np.testing.assert_array_equal(seg.segment_mask(number), stacked[..., number - 1].astype(bool))
    both = stacked.all(axis=-1)
    assert (seg.segmentation.labels[both] == 2).all()


def test_segmentation_on_another_grid_is_resampled_to_the_nearest(a_volume_with_sources, a_foreign_seg, some_labels):
    volume, sources = a_volume_with_sources
    path = a_foreign_seg(sources, some_labels, "BINARY", omit_empty_frames=False)
    fine = finer(volume.geometry)
    labels = read_segments(path, fine).segmentation.labels
    np.testing.assert_array_equal(labels, nearest_by_point(some_labels, volume.geometry, fine))


def finer(geometry: Geometry) -> Geometry:
    i, j, k = geometry.spacing_ijk_mm
    return Geometry.from_axes(
        shape=(14, 9, 13),
        origin_lps_mm=geometry.origin_lps_mm - geometry.directions_lps @ [0.7, 0.4, 1.3],
        spacing_ijk_mm=(i * 0.6, j * 0.55, k * 0.45),
        directions_lps=geometry.directions_lps,
        frame_of_reference_uid=geometry.frame_of_reference_uid,
    )


def nearest_by_point(labels: np.ndarray, source: Geometry, target: Geometry) -> np.ndarray:
    points = target.lps_of_kji(np.stack(np.indices(target.shape), axis=-1).reshape(-1, 3))
    index = np.floor(source.kji_of_lps(points) + 0.5).astype(int)
    inside = ((index >= 0) & (index < source.shape)).all(axis=1)
    result = np.zeros(len(points), labels.dtype)
    result[inside] = labels[tuple(index[inside].T)]
    return result.reshape(target.shape)


def test_segmentation_on_a_turned_grid_is_resampled_to_the_nearest(a_volume_with_sources, a_foreign_seg, some_labels):
    volume, sources = a_volume_with_sources
    path = a_foreign_seg(sources, some_labels, "BINARY", omit_empty_frames=True)
    upright = Geometry.from_axes(
        shape=(16, 15, 17),
        origin_lps_mm=volume.geometry.lps_of_kji([2, 1.5, 2.5])[0] - 12.3,
        spacing_ijk_mm=(1.5, 1.6, 1.7),
        frame_of_reference_uid=volume.geometry.frame_of_reference_uid,
    )
    labels = read_segments(path, upright).segmentation.labels
    expected = nearest_by_point(some_labels, volume.geometry, upright)
    assert expected.any()
    np.testing.assert_array_equal(labels, expected)


def test_turned_and_flipped_grids_resample_to_the_nearest(a_volume_with_sources):
    volume, _ = a_volume_with_sources
    labels = np.random.default_rng(3).integers(0, 5, volume.geometry.shape).astype(np.uint16)
    flipped = volume.geometry.directions_lps * [1, -1, -1]
    target = Geometry.from_axes(
        shape=(6, 7, 8),
        origin_lps_mm=volume.geometry.lps_of_kji([4.2, 3.27, 0.2])[0],
        spacing_ijk_mm=(1.1, 1.9, 2.7),
        directions_lps=flipped,
    )
    np.testing.assert_array_equal(
        resample_nearest(labels, volume.geometry, target), nearest_by_point(labels, volume.geometry, target)
    )


def test_another_frame_of_reference_is_refused(a_volume_with_sources, a_foreign_seg, some_labels):
    volume, sources = a_volume_with_sources
    path = a_foreign_seg(sources, some_labels, "BINARY")
    elsewhere = Geometry(volume.geometry.shape, volume.geometry.lps_from_ijk, "1.2.3")
    with pytest.raises(GeometryError, match=r"frame of reference.*1\.2\.3"):
        read_segments(path, elsewhere)


def test_segmentation_beside_the_image_is_refused(a_volume_with_sources, a_foreign_seg, some_labels):
    volume, sources = a_volume_with_sources
    path = a_foreign_seg(sources, some_labels, "BINARY")
    moved = np.array(volume.geometry.lps_from_ijk)
    moved[:3, 3] += 500
    with pytest.raises(GeometryError, match="beside the image"):
        read_segments(path, Geometry(volume.geometry.shape, moved, volume.geometry.frame_of_reference_uid))


def test_image_is_no_segmentation(a_pet_series):
    with pytest.raises(DicomInputError, match=r"\(0008,0016\) SOP Class UID"):
        list_segments(a_pet_series.write()[0])


def test_segmentation_of_the_real_series_with_unequal_steps_comes_back(the_real_ge_pet, a_foreign_seg):
    """highdicom's volume reader refuses this geometry; frames here find their slices by position."""
    labels = np.zeros(the_real_ge_pet.geometry.shape, np.uint8)
    labels[3:9, 40:52, 60:70] = 1
    labels[120:260:2, 50:80, 30:44] = 2
    sources = [dcmread(one.path) for one in the_real_ge_pet.header.instances]
    for source in sources:
        source.PatientName = "STS_001^"  # highdicom warns of a name without components
    seg = read_segments(a_foreign_seg(sources, labels, "BINARY"), the_real_ge_pet.geometry)
    np.testing.assert_array_equal(seg.segmentation.labels, labels)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("seg_image_ct_binary.dcm", "binary"),
        ("seg_image_ct_binary_overlap.dcm", "overlap"),
        ("seg_image_ct_binary_fractional.dcm", "fractional"),
        ("seg_image_ct_true_fractional.dcm", "fractional"),
        ("seg_image_ct_binary_single_frame.dcm", "single"),
    ],
)
def test_published_example_keeps_every_drawn_pixel(shared_data, name, kind):
    path = shared_data / "highdicom-seg-sr" / name
    dataset = dcmread(path)
    frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    drawn = frames >= (dataset.MaximumFractionalValue / 2 if kind == "fractional" else 1)
    numbers = np.array(
        [
            (frame if "SegmentIdentificationSequence" in frame else dataset.SharedFunctionalGroupsSequence[0])
            .SegmentIdentificationSequence[0]
            .ReferencedSegmentNumber
            for frame in dataset.PerFrameFunctionalGroupsSequence
        ]
    )
    seg = read_segments(path, seg_geometry(path))
    for segment in seg.segments:
        assert len(seg.voxels[segment.number]) == drawn[numbers == segment.number].sum() > 0
    assert seg.has_overlap == (kind == "overlap")


@pytest.mark.parametrize("name", ["seg_image_sm_control_labelmap.dcm", "seg_image_cr_binary.dcm"])
def test_segmentation_without_a_place_in_the_patient_lists_but_does_not_load(shared_data, name, a_pet_series):
    path = shared_data / "highdicom-seg-sr" / name
    assert list_segments(path)
    with pytest.raises(GeometryError, match="no place in space"):
        read_segments(path, read_pet_series(a_pet_series.write()).geometry)


def test_ibsi_phantom_mask_has_its_74_voxels(shared_data):
    """IBSI digital phantom: the region of interest has 74 voxels (Zwanenburg 2020, reference manual)."""
    (path,) = (shared_data / "ibsi-digital-phantom" / "dicom" / "mask").iterdir()
    geometry = seg_geometry(path)
    seg = read_segments(path, geometry)
    assert seg.segment_mask(1).sum() == 74
    np.testing.assert_allclose(geometry.directions_lps[:, 2], [0, 1, 0], atol=1e-9)
    dataset = dcmread(path)
    by_y = {
        float(frame.PlanePositionSequence[0].ImagePositionPatient[1]): dataset.pixel_array[index]
        for index, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence)
    }
    np.testing.assert_array_equal(seg.segmentation.labels, np.stack([by_y[y] for y in sorted(by_y)]))
