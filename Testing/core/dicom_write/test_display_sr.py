"""Display report: a contour around the lesion, on the slice of its hottest voxel, named with its value (W12)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from psmacore.dicom.publication import PublishedFiles
from psmacore.dicom.write_display_sr import hottest_outline
from psmacore.model.volumes import Segmentation
from psmacore.suv.convert import to_suv
from Testing.core.dicom_write.simulated_pet import PetRecipe, Result, a_volume
from Testing.core.dicom_write.validators import groups_of, items, measurement


@pytest.fixture
def a_display(a_publication: PublishedFiles) -> Dataset:
    return pydicom.dcmread(a_publication.sr_display or "")


def contour(group: Dataset) -> tuple[str, NDArray[np.float64]]:
    (region,) = items(group, "111030")
    assert (region.ValueType, region.GraphicType) == ("SCOORD", "POLYLINE")
    (image,) = region.ContentSequence
    points = np.array(region.GraphicData, dtype=np.float64).reshape(-1, 2)
    return str(image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID), points


def test_contour_lies_on_the_image_of_the_hottest_voxel_and_holds_it(a_result: Result, a_display: Dataset) -> None:
    groups = {items(group, "112040")[0].UID: group for group in groups_of(a_display).values()}
    for lesion in a_result.timepoint.lesions:
        if not lesion.state.counts:
            assert lesion.tracking_uid not in groups
            continue
        inside = np.where(a_result.segmentation.labels == lesion.segment_number, a_result.suv.values, -1)
        k, j, i = np.unravel_index(inside.argmax(), inside.shape)
        uid, points = contour(groups[lesion.tracking_uid])
        assert uid == a_result.pet.header.instances[k].sop_instance_uid
        # SCOORD: 0, 0 is the first pixel's outer corner, so a voxel's centre is at its index plus one half
        assert Polygon(points).contains_point((i + 0.5, j + 0.5), radius=1e-6)
        assert measurement(groups[lesion.tracking_uid], "126401", "56851009")[0] == lesion.suv_max


def test_label_names_site_and_value(a_result: Result, a_display: Dataset) -> None:
    expected = {
        f"{one.tracking_id} {one.site.meaning} SUVmax {one.suv_max:.1f}"
        for one in a_result.timepoint.lesions
        if one.state.counts
    }
    assert set(groups_of(a_display)) == expected


def test_groups_are_planar_under_a_tid_1500_root(a_display: Dataset) -> None:
    assert a_display.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert {group.ContentTemplateSequence[0].TemplateIdentifier for group in groups_of(a_display).values()} == {"1410"}
    assert a_display.CompletionFlag == "PARTIAL"


def outline_of(folder: Path, mask: NDArray[np.bool_], hottest: tuple[int, int, int]) -> tuple[int, Polygon]:
    stored = np.full(mask.shape, 100, dtype=np.int16)
    stored[hottest] = 30000
    pet = a_volume(folder, PetRecipe(shape=mask.shape), stored)
    segmentation = Segmentation(mask.astype(np.uint16), pet.geometry)
    box = tuple(slice(axis.min(), axis.max() + 1) for axis in np.nonzero(mask))
    k, points = hottest_outline(to_suv(pet), segmentation, 1, box)  # type: ignore[arg-type]
    assert (points[0] == points[-1]).all()
    return k, Polygon(points)


def held(polygon: Polygon, shape: tuple[int, int]) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    centres = np.column_stack([columns.ravel() + 0.5, rows.ravel() + 0.5])
    return polygon.contains_points(centres).reshape(shape)


def test_contour_holds_exactly_the_voxels_of_the_slice(tmp_path: Path) -> None:
    mask = np.zeros((4, 12, 14), dtype=bool)
    mask[1:3, 3:9, 5:8] = True
    mask[2, 3:5, 8:12] = True
    k, polygon = outline_of(tmp_path, mask, (2, 4, 9))
    assert k == 2
    np.testing.assert_array_equal(held(polygon, (12, 14)), mask[2])


def test_contour_of_one_voxel_surrounds_its_centre(tmp_path: Path) -> None:
    mask = np.zeros((3, 6, 7), dtype=bool)
    mask[1, 0, 6] = True
    k, polygon = outline_of(tmp_path, mask, (1, 0, 6))
    assert k == 1
    np.testing.assert_allclose(polygon.vertices[:-1].mean(axis=0), (6.5, 0.5))
    assert held(polygon, (6, 7)).sum() == 1


def test_contour_joins_voxels_that_touch_at_a_corner(tmp_path: Path) -> None:
    mask = np.zeros((3, 8, 8), dtype=bool)
    mask[1, 2, 2] = mask[1, 3, 3] = mask[1, 4, 4] = True
    _, polygon = outline_of(tmp_path, mask, (1, 4, 4))
    np.testing.assert_array_equal(held(polygon, (8, 8)), mask[1])


def test_contour_follows_the_part_that_holds_the_hottest_voxel(tmp_path: Path) -> None:
    mask = np.zeros((3, 12, 12), dtype=bool)
    mask[1, 1:8, 1:4] = True
    mask[1, 9:11, 8:10] = True
    mask[2] = mask[1]
    _, polygon = outline_of(tmp_path, mask, (1, 10, 9))
    expected = mask[1].copy()
    expected[:, :6] = False
    np.testing.assert_array_equal(held(polygon, (12, 12)), expected)


def test_a_hole_does_not_break_the_contour(tmp_path: Path) -> None:
    mask = np.zeros((3, 12, 12), dtype=bool)
    mask[1, 2:9, 2:9] = True
    mask[1, 5, 5] = False
    _, polygon = outline_of(tmp_path, mask, (1, 2, 2))
    assert held(polygon, (12, 12)).sum() == 49
