"""The embedded segment editor on the real logic: what is selected, strokes in a slice view, undo, clean-up."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import qt

from Testing.host.start import Host
from Testing.host.views.events import click, drag


@pytest.fixture
def an_editor(host: Host, a_pet: Any, a_segmentation: Any) -> Any:
    """The editor as a module embeds it, with the second lesion selected."""
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    editor.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.setSegmentationNode(a_segmentation)
    editor.setSourceVolumeNode(a_pet)
    editor.setCurrentSegmentID("L2")
    yield editor
    editor.setActiveEffect(None)
    editor.setMRMLScene(None)


@pytest.fixture
def a_slice_view(host: Host) -> Any:
    """The axial view, shown, with the PET in its middle."""
    import slicer

    host.main_window.show()
    widget = slicer.app.layoutManager().sliceWidget("Red")
    slicer.util.setSliceViewerLayers(background=slicer.util.getNode("PET"), fit=True)
    widget.mrmlSliceNode().JumpSliceByCentering(0, 0, 0)
    qt.QApplication.processEvents()
    yield widget.sliceView()
    host.main_window.hide()


@pytest.fixture
def a_brush(an_editor: Any) -> Any:
    """The active Paint effect with a ball of 20 mm."""
    an_editor.setActiveEffectByName("Paint")
    brush = an_editor.activeEffect()
    brush.setCommonParameter("BrushSphere", 1)
    brush.setCommonParameter("BrushDiameterIsRelative", 0)
    brush.setCommonParameter("BrushAbsoluteDiameter", 20.0)
    return brush


def n_voxels(segment_id: str) -> int:
    import slicer

    node, pet = slicer.util.getNode("Lesions"), slicer.util.getNode("PET")
    return int(slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, pet).sum())


BALL = 4 / 3 * 3.14159 * 10**3 / 8  # voxels of 2 mm in a ball of 20 mm


def test_the_effects_are_slicers(an_editor: Any) -> None:
    names = an_editor.availableEffectNames()
    assert names[:2] == ("Paint", "Erase")
    assert {"Threshold", "Islands", "Logical operators"} <= set(names)


def test_choosing_a_segmentation_chooses_its_first_segment_and_volume(host: Host, a_segmentation: Any) -> None:
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    editor.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    told: list[str] = []
    editor.currentSegmentIDChanged.connect(told.append)
    editor.setSegmentationNode(a_segmentation)
    assert told == ["L1"]
    assert editor.sourceVolumeNode() is slicer.util.getNode("PET")


def test_the_widget_follows_its_node(an_editor: Any) -> None:
    node = an_editor.mrmlSegmentEditorNode()
    node.SetSelectedSegmentID("L1")
    node.SetActiveEffectName("Erase")
    assert (an_editor.currentSegmentID(), an_editor.activeEffect().name) == ("L1", "Erase")


def test_a_click_in_the_table_selects_the_segment(an_editor: Any) -> None:
    import slicer

    table = an_editor.findChild(slicer.qMRMLSegmentsTableView)
    table.tableWidget().selectRow(0)
    assert an_editor.currentSegmentID() == "L1"


def test_a_click_in_the_view_paints_a_ball(a_brush: Any, a_slice_view: Any) -> None:
    click(a_slice_view)
    assert n_voxels("L2") == pytest.approx(BALL, rel=0.06)
    assert n_voxels("L1") == 0


def test_a_stroke_is_one_edit_without_gaps(an_editor: Any, a_brush: Any, a_slice_view: Any) -> None:
    middle = a_slice_view.rect.center()
    drag(a_slice_view, [(middle.x() - 60, middle.y()), (middle.x() + 60, middle.y())])
    stroke = n_voxels("L2")
    assert stroke > 1.5 * BALL
    an_editor.undo()
    assert n_voxels("L2") == 0
    an_editor.redo()
    assert n_voxels("L2") == stroke


def test_a_disc_stays_in_the_slice(a_brush: Any, a_slice_view: Any) -> None:
    import slicer

    a_brush.setCommonParameter("BrushSphere", 0)
    click(a_slice_view)
    node, pet = slicer.util.getNode("Lesions"), slicer.util.getNode("PET")
    slices = slicer.util.arrayFromSegmentBinaryLabelmap(node, "L2", pet).sum(axis=(1, 2))
    assert (slices > 0).sum() == 1
    assert slices.max() == pytest.approx(3.14159 * 10**2 / 4, rel=0.1)


def test_erasing_takes_the_same_ball_away(an_editor: Any, a_brush: Any, a_slice_view: Any) -> None:
    click(a_slice_view)
    an_editor.setActiveEffectByName("Erase")
    click(a_slice_view)
    assert n_voxels("L2") == 0


def test_painting_keeps_to_the_intensities_that_the_mask_allows(
    an_editor: Any, a_brush: Any, a_slice_view: Any
) -> None:
    node = an_editor.mrmlSegmentEditorNode()
    node.SetSourceVolumeIntensityMask(True)
    node.SetSourceVolumeIntensityMaskRange(5, 100)
    a_brush.setCommonParameter("BrushAbsoluteDiameter", 200.0)
    click(a_slice_view)
    assert n_voxels("L2") == 10**3


def test_painting_follows_a_transform_of_the_segmentation(
    an_editor: Any, a_brush: Any, a_slice_view: Any, a_segmentation: Any, a_pet: Any
) -> None:
    import slicer
    import vtk

    shift = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 10.0)
    shift.SetMatrixTransformToParent(matrix)
    for node in (a_pet, a_segmentation):
        node.SetAndObserveTransformNodeID(shift.GetID())
    click(a_slice_view)
    assert a_segmentation.GetSegmentCenterRAS("L2") == pytest.approx((0, 0, 0), abs=1.5)


def test_a_read_only_editor_paints_nothing(an_editor: Any, a_brush: Any, a_slice_view: Any) -> None:
    an_editor.readOnly = True
    click(a_slice_view)
    assert n_voxels("L2") == 0


def test_without_an_effect_the_view_keeps_its_mouse(an_editor: Any, a_brush: Any, a_slice_view: Any) -> None:
    an_editor.setActiveEffect(None)
    click(a_slice_view)
    assert n_voxels("L2") == 0


def test_parameters_are_kept_by_the_node(an_editor: Any, a_brush: Any) -> None:
    threshold = an_editor.effectByName("Threshold")
    threshold.setParameter("MinimumThreshold", 3.5)
    assert (threshold.doubleParameter("MinimumThreshold"), a_brush.integerParameter("BrushSphere")) == (3.5, 1)
    assert an_editor.mrmlSegmentEditorNode().GetAttribute("Threshold.MinimumThreshold") == "3.5"


def test_applying_an_effect_that_the_host_lacks_is_an_error(an_editor: Any) -> None:
    with pytest.raises(NotImplementedError, match="'Islands'"):
        an_editor.effectByName("Islands").self().onApply()


def test_only_the_ordered_effects_have_a_button_when_asked(an_editor: Any) -> None:
    an_editor.setEffectNameOrder(["Erase", "Paint"])
    an_editor.unorderedEffectsVisible = False
    buttons = [one.text for one in an_editor.findChildren(qt.QToolButton) if one.checkable]
    assert buttons == ["Erase", "Paint"]


def test_the_source_volume_is_put_into_the_views_unless_switched_off(host: Host, an_editor: Any) -> None:
    import slicer

    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == slicer.util.getNode("PET").GetID()
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    an_editor.autoShowSourceVolumeNode = False
    an_editor.setSourceVolumeNode(other)
    assert composite.GetBackgroundVolumeID() != other.GetID()


def test_keys_undo_while_they_are_installed(an_editor: Any, a_brush: Any, a_slice_view: Any) -> None:
    an_editor.show()
    an_editor.installKeyboardShortcuts(an_editor)
    click(a_slice_view)
    undo = next(one for one in an_editor.findChildren(qt.QShortcut) if one.key.toString() == "Z")
    undo.activated.emit()
    assert n_voxels("L2") == 0
    an_editor.uninstallKeyboardShortcuts()
    assert list(an_editor.findChildren(qt.QShortcut)) == []


def test_a_brush_left_active_when_the_scene_closes_does_nothing(
    host: Host, an_editor: Any, a_brush: Any, a_slice_view: Any
) -> None:
    host.scene.Clear(0)
    click(a_slice_view)
    assert an_editor.segmentationNode() is None


def test_an_editor_that_nobody_holds_is_gone(host: Host, a_segmentation: Any) -> None:
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    editor.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.setSegmentationNode(a_segmentation)
    gone = weakref.ref(editor)
    del editor
    gc.collect()
    assert gone() is None
