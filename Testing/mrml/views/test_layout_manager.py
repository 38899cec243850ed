"""The layout manager arranges the views of any layout description as Slicer's does."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint

from Testing.mrml.views.conftest import ball, volume

DATES = ("T0", "T1", "T2", "T3")
COMPARE_ID = 5521
CORNER = QPoint(0, 0)


def view(kind: str, tag: str, **properties: str) -> str:
    inside = "".join(
        f'<property name="{name}" action="default">{value}</property>' for name, value in properties.items()
    )
    return f'<item><view class="vtkMRML{kind}Node" singletontag="{tag}">{inside}</view></item>'


def compare_description(dates: tuple[str, ...]) -> str:
    """Return dates side by side, each CT, PET, fused and MIP in a view group of its own, above plot and table."""
    columns = []
    for group, date in enumerate(dates):
        slices = [
            view("Slice", f"{date}{kind}", orientation="Axial", viewlabel=f"{date} {kind}", viewgroup=str(group))
            for kind in ("CT", "PET", "Fused")
        ]
        mip = view("View", f"{date}MIP", viewlabel=f"{date} MIP", viewgroup=str(group))
        columns.append(f'<item><layout type="vertical">{"".join([*slices, mip])}</layout></item>')
    below = view("PlotView", "Trend") + view("TableView", "Tracks")
    return (
        '<layout type="vertical" split="true">'
        f'<item splitSize="700"><layout type="horizontal">{"".join(columns)}</layout></item>'
        f'<item splitSize="300"><layout type="horizontal">{below}</layout></item></layout>'
    )


PAIR_ID = 5520
PAIR = f"""<layout type="horizontal">{view("Slice", "Left", orientation="Axial")}{
    view("Slice", "Right", orientation="Coronal", viewlabel="T1 PET", viewgroup="1")
}</layout>"""


@pytest.fixture
def compared(views: Any) -> Any:
    """The layout manager with the compare layout of four dates."""
    views.layoutLogic().GetLayoutNode().AddLayoutDescription(COMPARE_ID, compare_description(DATES))
    views.setLayout(COMPARE_ID)
    return views


@pytest.fixture
def paired(views: Any) -> Any:
    """The layout manager with two slice views of a made layout."""
    node = views.layoutLogic().GetLayoutNode()
    node.AddLayoutDescription(PAIR_ID, PAIR)
    node.SetLayoutDescription(PAIR_ID, PAIR)
    views.setLayout(PAIR_ID)
    return views


def test_four_dates_stand_side_by_side(compared, host) -> None:
    host.app.processEvents()
    assert {f"{date}{kind}" for date in DATES for kind in ("CT", "PET", "Fused")} <= set(compared.sliceViewNames())
    tags = [
        compared.threeDWidget(number).mrmlViewNode().GetSingletonTag() for number in range(compared.threeDViewCount)
    ]
    assert {f"{date}MIP" for date in DATES} <= set(tags)
    slices = [compared.sliceWidget(f"{date}CT") for date in DATES]
    assert [widget.mrmlSliceNode().GetViewGroup() for widget in slices] == [0, 1, 2, 3]
    widths = [widget.width for widget in slices]
    assert max(widths) - min(widths) <= 1
    assert sum(widths) == pytest.approx(compared.viewport().width, abs=8)
    nodes = [
        host.scene.GetNodeByID(f"vtkMRML{name}") for name in ("SliceNodeT0CT", "ViewNodeT0MIP", "PlotViewNodeTrend")
    ]
    ct, mip, plot = (compared.viewWidget(node).mapTo(compared.viewport(), CORNER).y() for node in nodes)
    assert ct == 0
    assert 0 < mip < plot
    assert plot == pytest.approx(0.7 * compared.viewport().height, abs=10)


def test_nodes_get_label_group_and_orientation(paired) -> None:
    node = paired.sliceWidget("Right").mrmlSliceNode()
    assert (node.GetLayoutLabel(), node.GetViewGroup(), node.GetOrientation()) == ("T1 PET", 1, "Coronal")
    assert node.GetID() == "vtkMRMLSliceNodeRight"
    assert paired.sliceWidget("Right").sliceController().viewLabel().text == "T1 PET"
    assert paired.viewWidget(node) is paired.sliceWidget("Right")
    assert paired.sliceWidget("Middle") is None


def test_widgets_outside_the_layout_stay_hidden(paired) -> None:
    left = paired.sliceWidget("Left")
    paired.setLayout(3)
    assert paired.sliceWidget("Left") is left
    assert not left.visible
    assert not left.mrmlSliceNode().IsMappedInLayout()
    assert paired.sliceWidget("Red").visible
    assert paired.sliceWidget("Red").mrmlSliceNode().IsMappedInLayout()
    assert "Left" in paired.sliceViewNames()


def test_label_changed_by_script_survives_another_layout(paired) -> None:
    paired.sliceWidget("Left").mrmlSliceNode().SetLayoutLabel("baseline")
    paired.setLayout(3)
    paired.setLayout(PAIR_ID)
    assert paired.sliceWidget("Left").sliceController().viewLabel().text == "baseline"


def test_changed_description_is_shown_at_once(paired, host) -> None:
    node = paired.layoutLogic().GetLayoutNode()
    node.SetLayoutDescription(PAIR_ID, f'<layout type="horizontal">{view("Slice", "Left")}</layout>')
    host.app.processEvents()
    assert paired.sliceWidget("Left").width == paired.viewport().width
    assert not paired.sliceWidget("Right").visible


def test_layout_change_is_told_with_its_number(views) -> None:
    told = []
    views.layoutChanged.connect(told.append)
    views.setLayout(6)
    views.setLayout(6)
    views.setLayout(3)
    views.layoutChanged.disconnect(told.append)
    assert told == [6, 3]


def test_unknown_layout_becomes_the_conventional_one(views) -> None:
    views.setLayout(98765)
    assert views.layout == 2


def test_maximised_view_has_the_viewport_for_itself(views, host) -> None:
    red = views.sliceWidget("Red")
    views.addMaximizedViewNode(red.mrmlSliceNode())
    host.app.processEvents()
    assert (red.width, red.height) == (views.viewport().width, views.viewport().height)
    assert not views.sliceWidget("Green").visible
    views.removeAllMaximizedViewNodes()
    assert views.sliceWidget("Green").visible


def test_removed_node_takes_its_widget_along(paired, host) -> None:
    host.scene.RemoveNode(paired.sliceWidget("Right").mrmlSliceNode())
    assert paired.sliceWidget("Right") is None
    paired.setLayout(3)
    paired.setLayout(PAIR_ID)
    assert paired.sliceWidget("Right") is not None


def test_closing_the_scene_keeps_views_and_layout(paired, host) -> None:
    widget = paired.sliceWidget("Left")
    host.scene.Clear(0)
    assert paired.layout == PAIR_ID
    assert paired.sliceWidget("Left") is widget
    assert widget.visible


def test_logics_are_those_of_the_application(views, host) -> None:
    red = views.sliceWidget("Red")
    assert host.app_logic.GetSliceLogic(red.mrmlSliceNode()) is red.sliceLogic()
    assert views.mrmlSliceLogics() is host.app_logic.GetSliceLogics()
    assert host.app_logic.GetViewLogic(views.activeMRMLThreeDViewNode()) is not None


def test_tabs_and_grids_are_built(views, host) -> None:
    places = ('row="0" column="0"', 'row="0" column="1" rowspan="2"', 'row="1" column="0"')
    cells = "".join(f"<item {place}>{{}}</item>" for place in places)
    inner = [view("Slice", name).removeprefix("<item>").removesuffix("</item>") for name in ("Red", "Green", "Yellow")]
    tabs = (
        f'<item name="reading"><layout type="grid">{cells.format(*inner)}</layout></item>{view("TableView", "Tracks")}'
    )
    views.layoutLogic().GetLayoutNode().AddLayoutDescription(5522, f'<layout type="tab">{tabs}</layout>')
    views.setLayout(5522)
    host.app.processEvents()
    assert views.sliceWidget("Green").height == pytest.approx(2 * views.sliceWidget("Red").height, abs=3)
    assert not views.tableWidget(0).visible


def test_broken_description_is_reported_when_it_is_shown(views, host) -> None:
    node = views.layoutLogic().GetLayoutNode()
    assert node.AddLayoutDescription(5523, '<layout type="horizontal"><item>')
    with host.vtk_errors.expected("parse"):
        views.setLayout(5523)
        views.setLayout(3)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ('<layout type="spiral"></layout>', "layout type 'spiral'"),
        ('<layout type="grid"><item multiple="true"><view class="vtkMRMLSliceNode"/></item></layout>', "multiple"),
    ],
)
def test_what_the_host_does_not_build_is_an_error(views, host, description, message) -> None:
    node = views.layoutLogic().GetLayoutNode()
    node.AddLayoutDescription(5524, description)
    node.SetLayoutDescription(5524, description)
    with host.vtk_errors.expected(message):
        views.setLayout(5524)
    assert not views.sliceWidget("Red").visible
    views.setLayout(3)
    host.app.processEvents()
    assert views.sliceWidget("Red").visible
    assert views.sliceWidget("Red").height == pytest.approx(views.viewport().height / 2, abs=2)


def test_view_of_an_unknown_class_is_an_error(views) -> None:
    description = '<layout type="grid"><item><view class="vtkMRMLSlideNode" singletontag="A"/></item></layout>'
    views.layoutLogic().GetLayoutNode().AddLayoutDescription(5525, description)
    with pytest.raises(ValueError, match="vtkMRMLSlideNode"):
        views.setLayout(5525)


def test_functions_of_slicer_util_reach_the_views(views, host) -> None:
    import slicer.util

    node = volume(host.scene, "sphere", ball((4.0, 4.0, 4.0)), spacing_mm=(4.0, 4.0, 4.0), color="Grey")
    slicer.util.setSliceViewerLayers(background=node, fit=True, rotateToVolumePlane=True)
    slicer.util.resetSliceViews()
    slicer.util.resetThreeDViews()
    slicer.util.forceRenderAllViews()
    assert views.sliceWidget("Yellow").mrmlSliceCompositeNode().GetBackgroundVolumeID() == node.GetID()
    slicer.util.setViewControllersVisible(False)
    assert not views.sliceWidget("Red").sliceController().visible
    slicer.util.setViewControllersVisible(True)
    assert views.threeDWidget(0).threeDController().visible


def test_plots_and_tables_are_reached_by_number_only(views) -> None:
    with pytest.raises(ValueError, match="x"):
        views.plotWidget("x")
    assert views.plotWidget(99) is None


def test_misspelt_name_is_an_error(views) -> None:
    with pytest.raises(AttributeError, match="sliceWidgets"):
        views.sliceWidgets("Red")
