"""Plot views draw chart nodes and tell which point was clicked."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from Testing.host.views import events

DAYS = (0.0, 42.0, 90.0, 130.0)
VOLUMES_ML = (30.0, 22.0, 18.0, 25.0)
LAYOUT_ID = 5531


def table(scene: Any, columns: dict[str, tuple]) -> Any:
    import vtk

    node = scene.AddNewNodeByClass("vtkMRMLTableNode", "trend")
    for name, values in columns.items():
        column = vtk.vtkStringArray() if isinstance(values[0], str) else vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(value)
        node.AddColumn(column)
    return node


@pytest.fixture
def a_plot(views: Any) -> Any:
    """A plot widget alone in the layout, 512 pixels wide."""
    view = '<layout type="horizontal"><item><view class="vtkMRMLPlotViewNode" singletontag="Trend"/></item></layout>'
    views.layoutLogic().GetLayoutNode().AddLayoutDescription(LAYOUT_ID, view)
    views.setLayout(LAYOUT_ID)
    widgets = (views.plotWidget(number) for number in range(views.plotViewCount))
    return next(widget for widget in widgets if widget.mrmlPlotViewNode().GetSingletonTag() == "Trend")


@pytest.fixture
def a_chart(a_plot: Any, host: Any) -> Any:
    """A chart node with one series of four points, shown in the plot."""
    import slicer

    series = host.scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "whole body")
    series.SetAndObserveTableNodeID(table(host.scene, {"day": DAYS, "ml": VOLUMES_ML}).GetID())
    series.SetXColumnName("day")
    series.SetYColumnName("ml")
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleCircle)
    series.SetColor(1.0, 0.0, 0.0)
    chart = host.scene.AddNewNodeByClass("vtkMRMLPlotChartNode", "trend")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetXAxisRangeAuto(False)
    chart.SetXAxisRange(-20.0, 160.0)
    chart.SetYAxisRangeAuto(False)
    chart.SetYAxisRange(0.0, 40.0)
    a_plot.mrmlPlotViewNode().SetPlotChartNodeID(chart.GetID())
    return chart


def pixel(widget: Any, day: float, ml: float) -> tuple[int, int]:
    """Return column and row, from the top, of a point of the chart."""
    import vtk

    chart, at = widget.plotView().chart(), []
    for number, (position, value) in enumerate(((vtk.vtkAxis.BOTTOM, day), (vtk.vtkAxis.LEFT, ml))):
        axis = chart.GetAxis(position)
        low, high = axis.GetPoint1()[number], axis.GetPoint2()[number]
        at.append(low + (value - axis.GetMinimum()) / (axis.GetMaximum() - axis.GetMinimum()) * (high - low))
    return round(at[0]), widget.plotView().height - 1 - round(at[1])


def test_click_on_a_point_gives_series_and_row(a_plot, a_chart, seen) -> None:
    seen(a_plot)
    selected = []
    a_plot.plotView().dataSelected.connect(lambda ids, rows: selected.append((ids, rows)))
    for row in (2, 1):
        events.click(a_plot, pixel(a_plot, DAYS[row], VOLUMES_ML[row]))
        ids, rows = selected[-1]
        assert [ids.GetValue(number) for number in range(ids.GetNumberOfValues())] == [
            a_chart.GetNthPlotSeriesNodeID(0)
        ]
        assert rows.GetItemAsObject(0).GetNumberOfTuples() == 1
        assert rows.GetItemAsObject(0).GetValue(0) == row


def test_first_click_also_tells_an_empty_selection(a_plot, a_chart, seen) -> None:
    seen(a_plot)
    counts = []
    signal = "dataSelected(vtkStringArray*,vtkCollection*)"
    a_plot.plotView().connect(signal, lambda ids, rows: counts.append(ids.GetNumberOfValues()))
    events.click(a_plot, pixel(a_plot, DAYS[1], VOLUMES_ML[1]))
    assert counts == [0, 1]


def test_rubber_band_selects_the_points_inside(a_plot, a_chart, seen) -> None:
    node = a_plot.mrmlPlotViewNode()
    node.SetInteractionMode(node.InteractionModeSelectPoints)
    seen(a_plot)
    selected = []
    a_plot.plotView().dataSelected.connect(lambda ids, rows: selected.append(rows))
    corners = [pixel(a_plot, -10.0, 35.0), pixel(a_plot, 40.0, 25.0), pixel(a_plot, 100.0, 15.0)]
    events.drag(a_plot, corners)
    node.SetInteractionMode(node.InteractionModePanView)
    rows = selected[-1].GetItemAsObject(0)
    assert [rows.GetValue(number) for number in range(rows.GetNumberOfTuples())] == [0, 1, 2]


def test_points_are_drawn_in_the_colour_of_the_series(a_plot, a_chart, seen) -> None:
    picture = seen(a_plot)
    column, row = pixel(a_plot, DAYS[1], VOLUMES_ML[1])
    assert picture[row, column] == pytest.approx([255, 0, 0], abs=30)
    a_chart.GetNthPlotSeriesNode(0).SetColor(0.0, 0.0, 1.0)
    assert seen(a_plot)[row, column] == pytest.approx([0, 0, 255], abs=30)


def test_title_and_axes_are_those_of_the_chart_node(a_plot, a_chart) -> None:
    import vtk

    a_chart.SetTitle("PSMA-positive volume")
    a_chart.SetYAxisTitle("ml")
    chart = a_plot.plotView().chart()
    assert chart.GetTitle() == "PSMA-positive volume"
    assert chart.GetAxis(vtk.vtkAxis.LEFT).GetTitle() == "ml"
    assert chart.GetAxis(vtk.vtkAxis.LEFT).GetMaximum() == pytest.approx(40.0)


def test_series_with_dates_as_text_vanishes(a_plot, a_chart, host, caplog) -> None:
    dates = ("2025-01-10", "2025-02-21", "2025-04-10", "2025-05-20")
    series = a_chart.GetNthPlotSeriesNode(0)
    with caplog.at_level(logging.WARNING):
        series.SetAndObserveTableNodeID(table(host.scene, {"day": dates, "ml": VOLUMES_ML}).GetID())
    assert a_plot.plotView().chart().GetNumberOfPlots() == 0
    assert "unsupported data type" in caplog.text


def test_foreign_plot_is_lost_when_the_table_changes(a_plot, a_chart) -> None:
    import vtk

    view, source = a_plot.plotView(), a_chart.GetNthPlotSeriesNode(0).GetTableNode()
    area = vtk.vtkPlotArea()
    area.SetInputData(source.GetTable())
    area.SetInputArray(0, "day")
    area.SetInputArray(1, "ml")
    area.SetInputArray(2, "ml")
    view.chart().AddPlot(area)
    own = view.chart().GetPlot(0)
    assert view.chart().GetNumberOfPlots() == 2
    source.Modified()
    assert view.chart().GetNumberOfPlots() == 1
    assert view.chart().GetPlot(0) is own


def test_view_without_chart_is_empty(a_plot, a_chart) -> None:
    a_plot.mrmlPlotViewNode().SetPlotChartNodeID(None)
    assert a_plot.plotView().chart().GetNumberOfPlots() == 0


def test_removed_chart_leaves_an_empty_view(a_plot, a_chart, host) -> None:
    host.scene.RemoveNode(a_chart)
    assert a_plot.plotView().chart().GetNumberOfPlots() == 0
