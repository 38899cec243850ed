"""Slicer's link logic works in the host as in Slicer: inside interactions, in one view group, by orientation."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.host.views import events
from Testing.mrml.views.conftest import ball, volume

LAYOUT_ID = 5511
VIEWS = (("First", 1, "Axial"), ("Second", 1, "Axial"), ("Front", 1, "Coronal"), ("Other", 2, "Axial"))


@pytest.fixture
def linked(views: Any, host: Any) -> dict[str, Any]:
    """Slice widgets by name: three in group 1, one of them coronal, and one in group 2; all with the link on."""
    items = "".join(
        f'<item><view class="vtkMRMLSliceNode" singletontag="{name}"><property name="orientation" action="default">'
        f'{plane}</property><property name="viewgroup" action="default">{group}</property></view></item>'
        for name, group, plane in VIEWS
    )
    views.layoutLogic().GetLayoutNode().AddLayoutDescription(LAYOUT_ID, f'<layout type="horizontal">{items}</layout>')
    views.setLayout(LAYOUT_ID)
    node = volume(host.scene, "sphere", ball((4.0, 4.0, 4.0)), spacing_mm=(4.0, 4.0, 4.0), color="Grey")
    widgets = {name: views.sliceWidget(name) for name, _, _ in VIEWS}
    for widget in widgets.values():
        widget.mrmlSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
        widget.mrmlSliceCompositeNode().SetLinkedControl(True)
        widget.sliceLogic().FitSliceToBackground()
        widget.mrmlSliceNode().SetSliceOffset(0.0)
    return widgets


def offsets(linked: dict[str, Any]) -> dict[str, float]:
    return {name: round(widget.mrmlSliceNode().GetSliceOffset(), 3) for name, widget in linked.items()}


def test_plain_offset_is_not_broadcast(linked) -> None:
    linked["First"].mrmlSliceNode().SetSliceOffset(8.0)
    assert offsets(linked) == {"First": 8.0, "Second": 0.0, "Front": 0.0, "Other": 0.0}


def test_offset_of_an_interaction_reaches_its_group_and_orientation(linked) -> None:
    logic = linked["First"].sliceLogic()
    logic.StartSliceOffsetInteraction()
    logic.SetSliceOffset(8.0)
    logic.EndSliceOffsetInteraction()
    assert offsets(linked) == {"First": 8.0, "Second": 8.0, "Front": 0.0, "Other": 0.0}


def test_wheel_and_controller_are_interactions(linked) -> None:
    events.wheel(linked["First"], 1)
    assert offsets(linked) == {"First": 4.0, "Second": 4.0, "Front": 0.0, "Other": 0.0}
    linked["Second"].sliceController().setSliceOffsetValue(-12.0)
    assert offsets(linked) == {"First": -12.0, "Second": -12.0, "Front": 0.0, "Other": 0.0}


def test_unlinked_view_does_not_broadcast(linked) -> None:
    linked["First"].sliceController().setSliceLink(False)
    events.wheel(linked["First"], 1)
    assert offsets(linked) == {"First": 4.0, "Second": 0.0, "Front": 0.0, "Other": 0.0}


def test_foreground_opacity_is_broadcast_inside_the_group(linked) -> None:
    linked["First"].sliceController().setForegroundOpacity(0.3)
    shown = {name: widget.mrmlSliceCompositeNode().GetForegroundOpacity() for name, widget in linked.items()}
    assert shown == {"First": 0.3, "Second": 0.3, "Front": 0.3, "Other": 0.0}


def test_jump_moves_all_slices(linked, host) -> None:
    import slicer

    slicer.vtkMRMLSliceNode.JumpAllSlices(host.scene, 5.0, 10.0, 20.0, slicer.vtkMRMLSliceNode.OffsetJumpSlice)
    assert offsets(linked) == {"First": 20.0, "Second": 20.0, "Front": 10.0, "Other": 20.0}


def test_shift_and_mouse_jump_only_the_own_group(linked) -> None:
    before = offsets(linked)
    events.move(linked["First"], (20, 100), modifiers=["shift"])
    after = offsets(linked)
    assert after["Front"] != before["Front"]
    assert after["Other"] == before["Other"]
