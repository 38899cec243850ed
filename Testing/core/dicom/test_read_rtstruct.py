"""W62: contours to masks by the position of voxel centres."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from psmacore.dicom.polygons import fill_contours, fill_even_odd
from psmacore.dicom.read_rtstruct import is_rtstruct, list_rois, read_roi_mask
from psmacore.errors import DicomInputError, GeometryError
from psmacore.model.geometry import Geometry

SQUARE = np.array([[1.5, 2.5], [1.5, 6.5], [5.5, 6.5], [5.5, 2.5]])


@pytest.fixture
def an_oblique_grid() -> Geometry:
    tilted, _ = np.linalg.qr(np.array([[0.8, -0.5, 0.2], [0.5, 0.7, -0.4], [0.1, 0.5, 0.9]]))
    tilted[:, 2] = np.cross(tilted[:, 0], tilted[:, 1])
    return Geometry.from_axes(
        shape=(9, 14, 11),
        origin_lps_mm=(-20.5, 33.25, 410.0),
        spacing_ijk_mm=(1.7, 2.3, 3.1),
        directions_lps=tilted,
        frame_of_reference_uid="1.2.840.99",
    )


@pytest.fixture
def a_structure_set(tmp_path):
    """Write regions, each a list of contours ``(n, 3)`` in LPS mm, and return the file."""

    def write(regions, *, frame_of_reference_uid="1.2.840.99", kind="CLOSED_PLANAR"):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
        dataset.SOPInstanceUID = "1.2.840.99.1"
        rois, drawn = [], []
        for number, (name, contours) in enumerate(regions, start=3):
            roi = Dataset()
            roi.ROINumber, roi.ROIName = number, name
            roi.ReferencedFrameOfReferenceUID = frame_of_reference_uid
            rois.append(roi)
            item = Dataset()
            item.ReferencedROINumber = number
            item.ContourSequence = [a_contour(points, kind) for points in contours]
            drawn.append(item)
        dataset.StructureSetROISequence, dataset.ROIContourSequence = rois, drawn
        path = tmp_path / "rs.dcm"
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


def a_contour(points, kind):
    contour = Dataset()
    contour.ContourGeometricType = kind
    contour.NumberOfContourPoints = len(points)
    contour.ContourData = [f"{value:.9g}" for value in np.asarray(points).ravel()]
    return contour


def on_slice(geometry: Geometry, k: float, points_ji: np.ndarray) -> np.ndarray:
    return geometry.lps_of_kji(np.column_stack([np.full(len(points_ji), k), points_ji]))


def test_square_holds_the_centres_inside_it():
    mask = fill_even_odd([SQUARE], (8, 9))
    expected = np.zeros((8, 9), bool)
    expected[2:6, 3:7] = True
    np.testing.assert_array_equal(mask, expected)


def test_no_contour_is_no_voxel():
    assert not fill_even_odd([], (4, 5)).any()


def test_contour_within_a_contour_is_a_hole():
    hole = np.array([[2.5, 3.5], [2.5, 5.5], [4.5, 5.5], [4.5, 3.5]])
    mask = fill_even_odd([SQUARE, hole], (8, 9))
    assert mask.sum() == 16 - 4
    assert not mask[3:5, 4:6].any()


def test_keyhole_is_a_hole_too():
    keyhole = np.array(
        [[1.5, 2.5], [1.5, 6.5], [5.5, 6.5], [5.5, 2.5], [3.2, 2.5], [3.2, 3.5], [4.5, 3.5], [4.5, 5.5], [2.5, 5.5],
         [2.5, 3.5], [3.2, 3.5], [3.2, 2.5]]
    )  # fmt: skip
    mask = fill_even_odd([keyhole], (8, 9))
    assert mask.sum() == 16 - 4


def test_neighbours_that_share_an_edge_share_no_voxel():
    left = np.array([[0.0, 0.0], [6.0, 0.0], [6.0, 4.0], [0.0, 4.0]])
    right = left + np.array([0, 4])
    first, second = fill_even_odd([left], (8, 9)), fill_even_odd([right], (8, 9))
    assert not (first & second).any()
    assert (first | second).sum() == 6 * 8


def test_polygon_beyond_the_image_is_cut_at_its_border():
    huge = np.array([[-50.0, -50], [-50, 50], [50, 50], [50, -50]])
    assert fill_even_odd([huge], (4, 5)).all()


def test_area_of_a_fine_circle_is_its_area():
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    circle = np.column_stack([100.3 + 80 * np.sin(angle), 99.6 + 80 * np.cos(angle)])
    assert fill_even_odd([circle], (200, 200)).sum() == pytest.approx(np.pi * 80**2, rel=2e-3)


def test_winding_direction_does_not_matter():
    np.testing.assert_array_equal(fill_even_odd([SQUARE], (8, 9)), fill_even_odd([SQUARE[::-1]], (8, 9)))


def test_contours_fill_their_slices_on_an_oblique_grid(an_oblique_grid, a_structure_set):
    contours = [on_slice(an_oblique_grid, k, SQUARE) for k in (2, 3, 4)]
    mask = read_roi_mask(a_structure_set([("other", []), ("GTV", contours)]), "GTV", an_oblique_grid)
    expected = np.zeros(an_oblique_grid.shape, bool)
    expected[2:5, 2:6, 3:7] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("shift", [-0.45, -0.2, 0.3, 0.5])
def test_contours_between_slices_belong_to_the_nearest(an_oblique_grid, shift):
    contours = [on_slice(an_oblique_grid, k + shift, SQUARE) for k in (2, 3, 4)]
    filled = fill_contours(contours, an_oblique_grid).any(axis=(1, 2))
    first = 3 if shift == 0.5 else 2
    np.testing.assert_array_equal(np.flatnonzero(filled), [first, first + 1, first + 2])


def test_fine_contours_on_coarse_slices_keep_the_volume(an_oblique_grid):
    """Drawn every third of a slice from 2 to 5: three and a third slices thick."""
    contours = [on_slice(an_oblique_grid, 2 + step / 3, SQUARE) for step in range(10)]
    filled = fill_contours(contours, an_oblique_grid).any(axis=(1, 2))
    np.testing.assert_array_equal(np.flatnonzero(filled), [2, 3, 4, 5])


def test_coarse_contours_on_fine_slices_leave_no_gap(an_oblique_grid):
    contours = [on_slice(an_oblique_grid, k, SQUARE) for k in (1.2, 3.2, 5.2)]
    filled = fill_contours(contours, an_oblique_grid).any(axis=(1, 2))
    np.testing.assert_array_equal(np.flatnonzero(filled), [1, 2, 3, 4, 5, 6])


def test_region_without_contours_is_empty(an_oblique_grid, a_structure_set):
    assert not read_roi_mask(a_structure_set([("empty", [])]), "empty", an_oblique_grid).any()


def test_open_contours_enclose_nothing(an_oblique_grid, a_structure_set):
    path = a_structure_set([("line", [on_slice(an_oblique_grid, 2, SQUARE)])], kind="OPEN_PLANAR")
    assert not read_roi_mask(path, "line", an_oblique_grid).any()


def test_contours_across_slices_are_refused(an_oblique_grid, a_structure_set):
    points = np.array([[1.0, 2, 3], [4, 2, 7], [2, 9, 7]])
    path = a_structure_set([("GTV", [an_oblique_grid.lps_of_kji(points)])])
    with pytest.raises(GeometryError, match="not parallel to the slices"):
        read_roi_mask(path, "GTV", an_oblique_grid)


def test_contours_beside_the_image_are_refused(an_oblique_grid, a_structure_set):
    path = a_structure_set([("GTV", [on_slice(an_oblique_grid, 40, SQUARE)])])
    with pytest.raises(GeometryError, match=r"slice coordinates 40\.0"):
        read_roi_mask(path, "GTV", an_oblique_grid)


def test_another_frame_of_reference_is_refused(an_oblique_grid, a_structure_set):
    path = a_structure_set([("GTV", [on_slice(an_oblique_grid, 2, SQUARE)])], frame_of_reference_uid="1.2.3")
    with pytest.raises(GeometryError, match=r"\(3006,0024\).*1\.2\.3"):
        read_roi_mask(path, "GTV", an_oblique_grid)


def test_unknown_or_doubled_region_names_those_there_are(an_oblique_grid, a_structure_set):
    path = a_structure_set([("GTV", []), ("Liver", []), ("Liver", [])])
    assert list_rois(path) == ("GTV", "Liver", "Liver")
    with pytest.raises(DicomInputError, match=r"\(3006,0026\) ROI Name: names no region .*GTV, Liver"):
        read_roi_mask(path, "PTV", an_oblique_grid)
    with pytest.raises(DicomInputError, match="names 2 regions"):
        read_roi_mask(path, "Liver", an_oblique_grid)


def test_image_is_no_structure_set(a_pet_series):
    image = a_pet_series.write()[0]
    assert not is_rtstruct(image)
    with pytest.raises(DicomInputError, match=r"\(0008,0016\) SOP Class UID"):
        list_rois(image)


def test_real_tumour_has_the_published_volume_and_uptake(shared_data, the_real_ge_pet):
    path = shared_data / "sts001-pet-ge-bqml" / "mask" / "1-1.dcm"
    assert is_rtstruct(path)
    assert list_rois(path) == ("GTV_Mass", "GTV_Edema")
    mask = read_roi_mask(path, "GTV_Mass", the_real_ge_pet.geometry)
    assert mask.sum() == 5095
    assert mask.sum() * the_real_ge_pet.geometry.voxel_volume_ml == pytest.approx(366.0787, abs=1e-3)
    assert the_real_ge_pet.values[mask].max() * 2.429029766148455e-4 == pytest.approx(7.910674581, rel=1e-6)
