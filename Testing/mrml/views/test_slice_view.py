"""Slice views render what MRML says and hand the mouse to Slicer's own interaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from Testing.host.views import events
from Testing.mrml.views.conftest import RADIUS_MM, ball, volume

Seen = Callable[[Any], np.ndarray]
Pixel = Callable[[Any, tuple[float, float, float]], tuple[int, int]]
ORIGIN = (0.0, 0.0, 0.0)


def offset(views: Any, name: str) -> float:
    return views.sliceWidget(name).mrmlSliceNode().GetSliceOffset()


def test_grey_of_a_pixel_is_that_of_its_voxel(views, a_sphere, seen: Seen, pixel_of: Pixel) -> None:
    red = views.sliceWidget("Red")
    picture = seen(red)
    for ras, grey in ((ORIGIN, 127), ((0.0, 30.0, 0.0), 127), ((0.0, 52.0, 0.0), 0)):
        column, row = pixel_of(red, ras)
        assert picture[row, column] == pytest.approx([grey] * 3, abs=2)


def test_radiological_convention_right_is_on_the_left(views, a_sphere, pixel_of: Pixel) -> None:
    red = views.sliceWidget("Red")
    assert pixel_of(red, (50.0, 0.0, 0.0))[0] < pixel_of(red, (-50.0, 0.0, 0.0))[0]
    assert pixel_of(red, (0.0, 50.0, 0.0))[1] < pixel_of(red, (0.0, -50.0, 0.0))[1]


def test_foreground_is_blended_with_its_opacity(views, a_sphere, host, seen: Seen, pixel_of: Pixel) -> None:
    spacing = (4.0, 4.0, 4.0)
    hot = volume(host.scene, "hot", 2 * ball(spacing), spacing_mm=spacing, color="Red")
    red = views.sliceWidget("Red")
    red.mrmlSliceCompositeNode().SetForegroundVolumeID(hot.GetID())
    red.mrmlSliceCompositeNode().SetForegroundOpacity(0.5)
    column, row = pixel_of(red, ORIGIN)
    assert seen(red)[row, column] == pytest.approx([191, 64, 64], abs=3)


def test_outline_of_a_sphere_lies_at_its_radius(views, a_sphere, host, seen: Seen) -> None:
    import slicer
    import vtk

    source = vtk.vtkSphereSource()
    source.SetRadius(RADIUS_MM)
    source.SetThetaResolution(90)
    source.SetPhiResolution(90)
    source.Update()
    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "sphere")
    node.CreateDefaultDisplayNodes()
    node.AddSegmentFromClosedSurfaceRepresentation(source.GetOutput(), "lesion", (0.0, 1.0, 0.0), "lesion")
    display = node.GetDisplayNode()
    display.SetVisibility2DFill(False)
    display.SetPreferredDisplayRepresentationName2D(
        slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    )
    for name in ("Red", "Green", "Yellow"):
        widget = views.sliceWidget(name)
        picture, view = seen(widget), widget.sliceView()
        rows, columns = np.nonzero((picture[:, :, 1] > 180) & (picture[:, :, 0] < 90))
        assert rows.size > 200, name
        mm = [
            np.linalg.norm(view.convertXYZToRAS((x, view.height - 1 - y, 0.0)))
            for x, y in zip(columns, rows, strict=True)
        ]
        mm_of_pixel = widget.mrmlSliceNode().GetFieldOfView()[0] / view.width
        assert np.abs(np.array(mm) - RADIUS_MM).max() < 2.0 * mm_of_pixel, name


def test_wheel_moves_by_one_slice_spacing(views, a_sphere) -> None:
    for name, spacing_mm in (("Red", 4.0), ("Green", 2.0), ("Yellow", 2.0)):
        start = offset(views, name)
        events.wheel(views.sliceWidget(name), 3)
        assert offset(views, name) == pytest.approx(start + 3 * spacing_mm)
        events.wheel(views.sliceWidget(name), -1)
        assert offset(views, name) == pytest.approx(start + 2 * spacing_mm)


def test_keys_move_by_one_slice_spacing(views, a_sphere) -> None:
    red = views.sliceWidget("Red")
    events.move(red)
    events.press_key(red, "F")
    assert offset(views, "Red") == pytest.approx(4.0)
    events.press_key(red, "B")
    assert offset(views, "Red") == pytest.approx(0.0)


def test_cursor_position_follows_the_mouse(views, a_sphere, host, pixel_of: Pixel) -> None:
    import slicer

    crosshair = host.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    heard = []
    tag = crosshair.AddObserver(slicer.vtkMRMLCrosshairNode.CursorPositionModifiedEvent, lambda *_: heard.append(1))
    red = views.sliceWidget("Red")
    events.move(red, pixel_of(red, (20.0, -10.0, 0.0)))
    crosshair.RemoveObserver(tag)
    position = [0.0, 0.0, 0.0]
    crosshair.GetCursorPositionRAS(position)
    assert position == pytest.approx([20.0, -10.0, 0.0], abs=1.0)
    assert heard


def test_shift_and_mouse_jump_the_other_slices(views, a_sphere, pixel_of: Pixel) -> None:
    red = views.sliceWidget("Red")
    events.move(red, pixel_of(red, (20.0, -10.0, 0.0)), modifiers=["shift"])
    planes = {name: views.sliceWidget(name).mrmlSliceNode().GetSliceToRAS() for name in ("Red", "Green", "Yellow")}
    assert planes["Yellow"].GetElement(0, 3) == pytest.approx(20.0, abs=1.0)
    assert planes["Green"].GetElement(1, 3) == pytest.approx(-10.0, abs=1.0)
    assert planes["Red"].GetElement(2, 3) == pytest.approx(0.0)


def test_click_places_a_markup_where_the_pointer_is(views, a_sphere, host, pixel_of: Pixel) -> None:
    import slicer

    node = host.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    node.CreateDefaultDisplayNodes()
    host.logics["Markups"].SetActiveListID(node)
    interaction = host.scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    interaction.SwitchToSinglePlaceMode()
    green = views.sliceWidget("Green")
    events.click(green, pixel_of(green, (20.0, 0.0, -12.0)))
    assert node.GetNumberOfControlPoints() == 1
    position = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(0, position)
    assert position == pytest.approx([20.0, 0.0, -12.0], abs=1.0)
    assert interaction.GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.ViewTransform


def test_left_drag_changes_the_window(views, a_sphere, host) -> None:
    import slicer

    interaction = host.scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.AdjustWindowLevel)
    before = a_sphere.GetDisplayNode().GetWindow()
    events.drag(views.sliceWidget("Red"), [(100, 100), (140, 100), (180, 100)])
    interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.ViewTransform)
    assert a_sphere.GetDisplayNode().GetWindow() > before


def test_middle_drag_pans(views, a_sphere, pixel_of: Pixel) -> None:
    red = views.sliceWidget("Red")
    column, row = pixel_of(red, ORIGIN)
    events.drag(red, [(column, row), (column + 10, row), (column + 25, row + 10)], button="middle")
    assert pixel_of(red, ORIGIN) == pytest.approx((column + 25, row + 10), abs=1)


def test_crosshair_is_drawn_at_its_point(views, a_sphere, host, seen: Seen, pixel_of: Pixel) -> None:
    import slicer

    crosshair = host.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.ShowIntersection)
    crosshair.SetCrosshairRAS(20.0, -10.0, 0.0)
    red = views.sliceWidget("Red")
    column, row = pixel_of(red, (20.0, -10.0, 0.0))
    picture = seen(red)
    is_coloured = np.ptp(picture, axis=2) > 60
    crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.NoCrosshair)
    assert np.abs(np.nonzero(is_coloured[4])[0] - column).max() <= 1
    assert np.abs(np.nonzero(is_coloured[:, 4])[0] - row).max() <= 1
    assert not (np.ptp(seen(red), axis=2) > 60).any()


def test_ruler_and_orientation_marker_are_drawn(views, a_sphere, seen: Seen) -> None:
    import slicer

    red = views.sliceWidget("Red")
    node, plain = red.mrmlSliceNode(), seen(red)
    node.SetRulerType(slicer.vtkMRMLSliceNode.RulerTypeThin)
    with_ruler = seen(red)
    node.SetOrientationMarkerType(slicer.vtkMRMLSliceNode.OrientationMarkerTypeCube)
    with_both = seen(red)
    node.SetRulerType(slicer.vtkMRMLSliceNode.RulerTypeNone)
    node.SetOrientationMarkerType(slicer.vtkMRMLSliceNode.OrientationMarkerTypeNone)
    middle = plain.shape[0] // 2
    assert (with_ruler[-40:] != plain[-40:]).any()
    assert (with_ruler[:middle] == plain[:middle]).all()
    assert (with_both[-90:, -90:] != with_ruler[-90:, -90:]).any()


def test_corner_text_is_lost_when_the_volume_changes(views, a_sphere, host, seen: Seen) -> None:
    red = views.sliceWidget("Red")
    plain = seen(red)
    red.sliceView().cornerAnnotation().SetText(2, "T0 2025-01-10")
    red.sliceView().scheduleRender()
    assert (seen(red)[:80] != plain[:80]).any()
    other = volume(host.scene, "other", ball((4.0, 4.0, 4.0)), spacing_mm=(4.0, 4.0, 4.0), color="Grey")
    red.mrmlSliceCompositeNode().SetBackgroundVolumeID(other.GetID())
    assert not red.sliceView().cornerAnnotation().GetText(2)


def test_hidden_view_is_not_rendered(views, a_sphere) -> None:
    view = views.sliceWidget("Red").sliceView()
    rendered = []
    tag = view.renderWindow().AddObserver("EndEvent", lambda *_: rendered.append(1))
    view.forceRender()
    assert len(rendered) == 1
    views.setLayout(7)  # Yellow alone
    view.forceRender()
    view.renderWindow().RemoveObserver(tag)
    assert len(rendered) == 1


def test_paused_view_renders_once_after_the_last_resume(views, a_sphere, host, seen: Seen) -> None:
    red = views.sliceWidget("Red")
    before = seen(red)
    views.pauseRender()
    host.app_logic.PauseRender()
    red.mrmlSliceNode().SetSliceOffset(55.0)
    assert (seen(red) == before).all()
    views.resumeRender()
    assert (seen(red) == before).all()
    host.app_logic.ResumeRender()
    assert seen(red).max() == 0


def test_what_a_module_renders_itself_is_shown(views, a_sphere, seen: Seen) -> None:
    import vtk

    red = views.sliceWidget("Red")
    seen(red)
    text = vtk.vtkTextActor()
    text.SetInput("PSMA")
    text.SetPosition(20, 20)
    text.GetTextProperty().SetColor(1.0, 0.0, 1.0)
    renderer = red.sliceView().renderWindow().GetRenderers().GetItemAsObject(1)
    renderer.AddViewProp(text)
    red.sliceView().renderWindow().Render()
    is_there = (seen(red)[:, :, 0] - seen(red)[:, :, 1] > 100).any()
    renderer.RemoveViewProp(text)
    red.sliceView().scheduleRender()
    assert is_there


def test_hiding_the_bar_gives_its_height_to_the_view(views, host) -> None:
    red = views.sliceWidget("Red")
    high = red.sliceView().height
    red.sliceController().barWidget().visible = False
    host.app.processEvents()
    host.app.processEvents()  # the bar's layout, then the one around it
    higher = red.sliceView().height
    red.sliceController().barWidget().visible = True
    assert higher == high + 18


def test_controller_sets_orientation_and_offset(views, a_sphere) -> None:
    red = views.sliceWidget("Red")
    red.sliceController().setSliceOrientation("Coronal")
    red.sliceController().setSliceOffsetValue(12.0)
    assert red.mrmlSliceNode().GetOrientation() == "Coronal"
    assert red.mrmlSliceNode().GetSliceToRAS().GetElement(1, 3) == pytest.approx(12.0)
    red.sliceController().setSliceOrientation("Axial")


def test_a_name_that_slicer_lacks_is_an_error(views) -> None:
    red = views.sliceWidget("Red")
    with pytest.raises(AttributeError, match="sliceVeiw"):
        red.sliceVeiw()
    with pytest.raises(AttributeError, match="colour"):
        red.sliceView().colour = 3
