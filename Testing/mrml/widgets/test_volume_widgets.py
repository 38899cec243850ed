"""Window and level, and placing of markups, on the nodes that hold them."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.host.start import Host


@pytest.fixture
def a_window_level(a_pet: Any) -> Any:
    """The widget for the PET."""
    import slicer

    widget = slicer.qMRMLWindowLevelWidget()
    widget.setMRMLVolumeNode(a_pet)
    return widget


def test_window_and_level_go_to_the_display_node(a_window_level: Any, a_pet: Any) -> None:
    told: list[Any] = []
    a_window_level.windowLevelValuesChanged.connect(lambda window, level: told.append((window, level)))
    a_window_level.setMinMaxRangeValue(0, 15)
    display = a_pet.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel(), display.GetAutoWindowLevel()) == (15, 7.5, 0)
    assert told == [(15, 7.5)]
    assert a_window_level.autoWindowLevel == a_window_level.Manual


def test_the_widget_shows_what_the_display_node_says(a_window_level: Any, a_pet: Any) -> None:
    a_pet.GetDisplayNode().AutoWindowLevelOff()
    a_pet.GetDisplayNode().SetWindowLevelMinMax(2, 30)
    assert (a_window_level.window, a_window_level.level) == (28, 16)


@pytest.fixture
def a_place_widget(host: Host) -> Any:
    """A place widget for a fiducial list."""
    import slicer

    widget = slicer.qSlicerMarkupsPlaceWidget()
    widget.setMRMLScene(host.scene)
    widget.setCurrentNode(host.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "F"))
    yield widget
    widget.setPlaceModeEnabled(False)


def test_placing_is_the_mode_of_the_interaction_node(a_place_widget: Any) -> None:
    told: list[bool] = []
    a_place_widget.activeMarkupsPlaceModeChanged.connect(told.append)
    a_place_widget.placeButton().click()
    mode = a_place_widget.interactionNode()
    assert mode.GetCurrentInteractionMode() == mode.Place
    mode.SetCurrentInteractionMode(mode.ViewTransform)
    assert (a_place_widget.placeModeEnabled, told) == (False, [True, False])


def test_deleting_takes_the_last_point_or_all(a_place_widget: Any) -> None:
    points = a_place_widget.currentNode()
    for x in range(3):
        points.AddControlPoint(x, 0, 0)
    a_place_widget.deleteLastPoint()
    assert points.GetNumberOfControlPoints() == 2
    a_place_widget.deleteButton().click()
    assert points.GetNumberOfControlPoints() == 0


def test_a_slider_for_a_quantity_keeps_its_scene_and_its_value(host: Host) -> None:
    import slicer

    slider = slicer.qMRMLSliderWidget()
    slider.setMRMLScene(host.scene)
    slider.value = 12.5
    assert (slider.mrmlScene(), slider.value) == (host.scene, 12.5)
