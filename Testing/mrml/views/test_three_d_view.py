"""3D views render volumes and models, and the mouse turns their camera."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.host.views import events


@pytest.fixture
def a_view(views: Any) -> Any:
    """The 3D view, white, without box and letters."""
    widget = views.threeDWidget(0)
    widget.threeDController().setWhiteBackground()
    widget.mrmlViewNode().SetBoxVisible(False)
    widget.mrmlViewNode().SetAxisLabelsVisible(False)
    return widget


def test_model_is_drawn_in_its_colour(a_view, host, seen) -> None:
    import vtk

    source = vtk.vtkSphereSource()
    source.SetRadius(30.0)
    source.Update()
    assert (seen(a_view) == 255).all()
    node = host.scene.AddNewNodeByClass("vtkMRMLModelNode", "sphere")
    node.SetAndObservePolyData(source.GetOutput())
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetColor(1.0, 0.0, 0.0)
    a_view.threeDView().resetFocalPoint()
    a_view.threeDView().resetCamera()
    picture = seen(a_view)
    red, green, blue = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    assert red > 150
    assert max(green, blue) < 60
    assert (picture[3, 3] == 255).all()


def test_inverted_mip_is_dark_where_the_sphere_is(a_view, a_sphere, host, seen) -> None:
    from Testing.host.screenshots import show_mip

    show_mip(host, a_view, a_sphere, 400.0)
    picture = seen(a_view)
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    assert middle == pytest.approx([127, 127, 127], abs=12)
    assert (picture[5, 5] == 255).all()


def test_drag_turns_the_camera_about_its_focal_point(a_view, host) -> None:
    camera = a_view.threeDView().cameraNode()
    before, focal = camera.GetPosition(), camera.GetFocalPoint()
    events.drag(a_view, [(100, 100), (130, 100), (160, 110)])
    assert camera.GetPosition() != pytest.approx(before, abs=1.0)
    assert camera.GetFocalPoint() == pytest.approx(focal)


def test_view_from_the_front_has_the_right_side_on_the_left(a_view) -> None:
    a_view.threeDView().rotateToViewAxis(3)
    camera = a_view.threeDView().cameraNode()
    direction = [seen - eye for seen, eye in zip(camera.GetFocalPoint(), camera.GetPosition(), strict=True)]
    assert direction[1] < 0
    assert abs(direction[0]) + abs(direction[2]) < 1e-6 * abs(direction[1])


def test_spinning_view_turns_until_it_is_stopped(a_view, host) -> None:
    from PySide6.QtTest import QTest

    node, camera = a_view.mrmlViewNode(), a_view.threeDView().cameraNode()
    before = camera.GetPosition()
    node.SetAnimationMs(5)
    node.SetAnimationMode(node.Spin)
    for _ in range(500):
        if camera.GetPosition() != before:
            break
        QTest.qWait(10)
    assert camera.GetPosition() != before
    assert camera.GetPosition()[2] == pytest.approx(before[2])
    node.SetAnimationMode(node.Off)
    after = camera.GetPosition()
    QTest.qWait(30)
    assert camera.GetPosition() == after


def test_background_follows_the_view_node(a_view, seen) -> None:
    a_view.mrmlViewNode().SetBackgroundColor(0.0, 0.0, 1.0)
    a_view.mrmlViewNode().SetBackgroundColor2(0.0, 0.0, 1.0)
    assert (seen(a_view)[5, 5] == [0, 0, 255]).all()
