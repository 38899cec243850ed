"""Nodes written to files come back from them, through the calls that modules use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import slicer
import vtk

if TYPE_CHECKING:
    from pathlib import Path

    from Testing.host.start import Host

IJK_TO_RAS = np.array([[-2.0, 0, 0, 30], [0, -2.0, 0, 40], [0, 0, 3.0, -50], [0, 0, 0, 1]])


@pytest.fixture
def a_volume(host: Host) -> Any:
    voxels = np.linspace(0, 5, 60, dtype=np.float32).reshape(3, 4, 5)
    return slicer.util.addVolumeFromArray(voxels, ijkToRAS=IJK_TO_RAS, name="suv")


@pytest.fixture
def a_segmentation(a_volume: Any) -> Any:
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "lesions")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(a_volume)
    segmentation.GetSegmentation().AddEmptySegment("L001", "Lesion 1", [1.0, 0.0, 0.0])
    mask = np.zeros((3, 4, 5), dtype=np.uint8)
    mask[1, 1:3, 2] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, "L001", a_volume)
    return segmentation


@pytest.mark.parametrize("ending", ["nrrd", "nii.gz"])
def test_a_volume_keeps_voxels_and_geometry(a_volume: Any, tmp_path: Path, ending: str) -> None:
    file = str(tmp_path / f"suv.{ending}")
    assert slicer.util.saveNode(a_volume, file)
    loaded = slicer.util.loadVolume(file, {"name": "again"})
    assert loaded.GetName() == "again"
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(a_volume))
    matrix = vtk.vtkMatrix4x4()
    loaded.GetIJKToRASMatrix(matrix)
    assert np.allclose(slicer.util.arrayFromVTKMatrix(matrix), IJK_TO_RAS)


def test_a_loaded_volume_shows_in_the_views_unless_told_otherwise(a_volume: Any, tmp_path: Path) -> None:
    file = str(tmp_path / "suv.nrrd")
    slicer.util.saveNode(a_volume, file)
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    hidden = slicer.util.loadVolume(file, {"show": False})
    assert red.GetBackgroundVolumeID() != hidden.GetID()
    shown = slicer.util.loadVolume(file)
    assert red.GetBackgroundVolumeID() == shown.GetID()


def test_a_label_volume_comes_as_one(a_volume: Any, tmp_path: Path) -> None:
    file = str(tmp_path / "labels.nrrd")
    slicer.util.updateVolumeFromArray(a_volume, np.ones((3, 4, 5), dtype=np.int16))
    slicer.util.saveNode(a_volume, file)
    assert slicer.util.loadLabelVolume(file).IsA("vtkMRMLLabelMapVolumeNode")


def test_a_segmentation_keeps_its_ids_and_voxels(a_segmentation: Any, a_volume: Any, tmp_path: Path) -> None:
    file = str(tmp_path / "lesions.seg.nrrd")
    assert slicer.util.saveNode(a_segmentation, file)
    loaded = slicer.util.loadSegmentation(file)
    assert tuple(loaded.GetSegmentation().GetSegmentIDs()) == ("L001",)
    assert slicer.util.arrayFromSegmentBinaryLabelmap(loaded, "L001", a_volume).sum() == 2


def test_a_table_keeps_its_columns(host: Host, tmp_path: Path) -> None:
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "trend")
    slicer.util.updateTableFromArray(table, np.array([[1.0, 2.0], [3.0, 4.0]]), ["day", "volume"])
    file = str(tmp_path / "trend.tsv")
    assert slicer.util.saveNode(table, file)
    loaded = slicer.util.loadTable(file)
    assert [float(loaded.GetCellText(row, 1)) for row in range(2)] == [2.0, 4.0]


def test_markups_keep_their_points(host: Host, tmp_path: Path) -> None:
    ruler = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "ruler")
    ruler.AddControlPoint(0.0, 0.0, 0.0)
    ruler.AddControlPoint(0.0, 30.0, 40.0)
    file = str(tmp_path / "ruler.mrk.json")
    assert slicer.util.saveNode(ruler, file)
    assert slicer.util.loadMarkups(file).GetLineLengthWorld() == pytest.approx(50.0)


def test_a_transform_keeps_its_matrix(host: Host, tmp_path: Path) -> None:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    slicer.util.updateTransformMatrixFromArray(
        transform, np.array([[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    )
    file = str(tmp_path / "shift.h5")
    assert slicer.util.saveNode(transform, file)
    assert slicer.util.arrayFromTransformMatrix(slicer.util.loadTransform(file))[0, 3] == 5


def test_a_text_keeps_its_words(host: Host, tmp_path: Path) -> None:
    text = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "note")
    text.SetText("unconfirmed")
    text.SetForceCreateStorageNode(text.CreateStorageNodeAlways)
    file = str(tmp_path / "note.txt")
    assert slicer.util.saveNode(text, file)
    assert slicer.util.loadText(file).GetText() == "unconfirmed"


@pytest.mark.parametrize("name", ["course.mrb", "course.mrml", "course"])
def test_a_scene_comes_back_whole(host: Host, a_segmentation: Any, tmp_path: Path, name: str) -> None:
    if name.endswith(".mrml"):
        slicer.util.saveNode(slicer.util.getNode("suv"), str(tmp_path / "suv.nrrd"))
        slicer.util.saveNode(a_segmentation, str(tmp_path / "lesions.seg.nrrd"))
    assert slicer.util.saveScene(str(tmp_path / name))
    host.clear()
    file = next(tmp_path.glob(f"{name}/*.mrml"), tmp_path / name)
    slicer.util.loadScene(str(file))
    assert slicer.util.arrayFromVolume(slicer.util.getNode("suv")).max() == 5
    assert slicer.util.getNode("lesions").GetSegmentation().GetNthSegmentID(0) == "L001"


def test_readers_tell_who_listens(a_volume: Any, tmp_path: Path) -> None:
    events: list[str] = []
    slicer.app.ioManager().fileSaved.connect(lambda properties: events.append(properties["fileType"]))
    slicer.util.saveNode(a_volume, str(tmp_path / "suv.nrrd"))
    slicer.app.ioManager().fileSaved.disconnect()
    assert events == ["VolumeFile"]


def test_a_missing_file_is_named(host: Host) -> None:
    with pytest.raises(RuntimeError, match=r"nowhere\.nrrd"):
        slicer.util.loadVolume("nowhere.nrrd")


def test_a_file_that_is_no_volume_is_an_error(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "broken.nrrd"
    file.write_text("not a volume")
    with host.vtk_errors.expected("broken.nrrd"), pytest.raises(RuntimeError, match=r"broken\.nrrd"):
        slicer.util.loadVolume(str(file))


def test_a_type_that_the_host_does_not_read_is_named(host: Host, tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="SequenceFile"):
        slicer.util.loadSequence(str(tmp_path / "cine.seq.nrrd"))
