"""A vtkMRMLPlotViewNode and its chart, series and table nodes to a vtkChartXY that can be clicked."""

from __future__ import annotations

import logging

import slicer
import vtk

from Testing.host.qt_shim import standin
from Testing.host.views.controllers import ViewControllerBar, ViewWidget
from Testing.host.views.offscreen import OffscreenWidget

_log = logging.getLogger(__name__)
_Series = slicer.vtkMRMLPlotSeriesNode
_PENS = {
    _Series.LineStyleNone: vtk.vtkPen.NO_PEN,
    _Series.LineStyleSolid: vtk.vtkPen.SOLID_LINE,
    _Series.LineStyleDash: vtk.vtkPen.DASH_LINE,
    _Series.LineStyleDot: vtk.vtkPen.DOT_LINE,
    _Series.LineStyleDashDot: vtk.vtkPen.DASH_DOT_LINE,
    _Series.LineStyleDashDotDot: vtk.vtkPen.DASH_DOT_DOT_LINE,
}
_MARKERS = {
    _Series.MarkerStyleNone: vtk.vtkPlotPoints.NONE,
    _Series.MarkerStyleCross: vtk.vtkPlotPoints.CROSS,
    _Series.MarkerStylePlus: vtk.vtkPlotPoints.PLUS,
    _Series.MarkerStyleSquare: vtk.vtkPlotPoints.SQUARE,
    _Series.MarkerStyleCircle: vtk.vtkPlotPoints.CIRCLE,
    _Series.MarkerStyleDiamond: vtk.vtkPlotPoints.DIAMOND,
}
_BAR_TYPES = (_Series.PlotTypeBar, _Series.PlotTypeScatterBar)


def _numeric_column(table, name: str):
    """Return the column if a chart can draw it; text columns make the series vanish, as in Slicer."""
    column = table.GetColumnByName(name) if name else None
    if column is not None and column.GetDataType() in (vtk.VTK_STRING, vtk.VTK_BIT):
        _log.warning("column %s has unsupported data type for a plot", name)
        return None
    return column


def update_plot(series, plot):
    """Return `plot`, or a new one of the right kind, drawn as the series node says; None if it cannot be drawn."""
    table_node = series.GetTableNode()
    table = table_node.GetTable() if table_node else None
    if table is None or _numeric_column(table, series.GetYColumnName()) is None:
        return None
    needs_x = series.IsXColumnRequired()
    if needs_x and _numeric_column(table, series.GetXColumnName()) is None:
        return None
    is_bar = series.GetPlotType() in _BAR_TYPES
    kind = vtk.vtkPlotBar if is_bar else vtk.vtkPlotLine
    if not isinstance(plot, kind):
        plot = kind()
    plot.SetWidth(series.GetLineWidth())
    plot.SetColorF(*series.GetColor())
    plot.SetOpacity(series.GetOpacity())
    plot.GetPen().SetOpacityF(series.GetOpacity())
    plot.GetPen().SetLineType(vtk.vtkPen.SOLID_LINE if is_bar else _PENS[series.GetLineStyle()])
    if not is_bar:
        plot.SetMarkerSize(series.GetMarkerSize())
        plot.SetMarkerStyle(_MARKERS[series.GetMarkerStyle()])
    labels = table.GetColumnByName(series.GetLabelColumnName() or "")
    plot.SetIndexedLabels(labels if isinstance(labels, vtk.vtkStringArray) else None)
    plot.SetUseIndexForXSeries(not needs_x)
    plot.SetInputData(table, series.GetXColumnName() if needs_x else series.GetYColumnName(), series.GetYColumnName())
    plot.SetLabel(series.GetName() or series.GetYColumnName())
    return plot


def apply_chart_node(chart, node) -> None:
    """Set title, legend and axes as the chart node says."""
    chart.SetTitle((node.GetTitle() or "") if node.GetTitleVisibility() else "")
    chart.GetTitleProperties().SetFontSize(node.GetTitleFontSize())
    chart.SetShowLegend(node.GetLegendVisibility())
    chart.GetLegend().GetLabelProperties().SetFontSize(node.GetLegendFontSize())
    for letter, positions in (
        ("X", (vtk.vtkAxis.BOTTOM, vtk.vtkAxis.TOP)),
        ("Y", (vtk.vtkAxis.LEFT, vtk.vtkAxis.RIGHT)),
    ):
        title, is_titled, is_auto, axis_range, is_log = (
            getattr(node, f"Get{letter}Axis{name}")()
            for name in ("Title", "TitleVisibility", "RangeAuto", "Range", "LogScale")
        )
        for position in positions:
            axis = chart.GetAxis(position)
            axis.SetTitle((title or "") if is_titled else "")
            axis.SetBehavior(vtk.vtkAxis.AUTO if is_auto else vtk.vtkAxis.FIXED)
            if not is_auto:
                axis.SetUnscaledRange(axis_range)
            axis.SetLogScale(is_log)
            axis.SetGridVisible(node.GetGridVisibility())
            axis.GetTitleProperties().SetFontSize(node.GetAxisTitleFontSize())
            axis.GetLabelProperties().SetFontSize(node.GetAxisLabelFontSize())


@standin(signals=("dataSelected(vtkStringArray*,vtkCollection*)",))
class qMRMLPlotView(OffscreenWidget):
    """The chart of the view node; `dataSelected` gives series node ids and one array of row numbers for each."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._node = None
        self._chart_node = None
        self._observed = []
        self._series_of_plot = {}
        self._is_updating = False
        actor = vtk.vtkContextActor()
        self._scene = actor.GetScene()
        renderer = self._pane.renderers[0]
        renderer.SetBackground(1.0, 1.0, 1.0)
        renderer.AddViewProp(actor)
        self._scene.SetRenderer(renderer)
        self._chart = vtk.vtkChartXY()
        self._scene.AddItem(self._chart)
        self._style = vtk.vtkContextInteractorStyle()
        self._style.SetScene(self._scene)
        self._pane.interactor.SetInteractorStyle(self._style)
        self._pane.initialize()
        # Marking the scene dirty asks for a repaint; a timer that VTK wants to start for it does not exist here.
        self._scene.AddObserver("ModifiedEvent", lambda *_: self._schedule())
        self._chart.AddObserver("SelectionChangedEvent", self._emit_selection)

    def _attach(self, node) -> None:
        self._node = node
        self._node_tag = node.AddObserver("ModifiedEvent", self._on_node_modified)
        self._on_node_modified()

    def _detach(self) -> None:
        for observed, tag in self._observed:
            observed.RemoveObserver(tag)
        self._observed = []
        if self._node is not None:
            self._node.RemoveObserver(self._node_tag)
            self._node = None
        self._chart.RemoveAllObservers()
        self._scene.RemoveAllObservers()
        super()._detach()

    def _on_node_modified(self, *_args) -> None:
        chart_node = self._node.GetPlotChartNode()
        if chart_node is not self._chart_node:
            for observed, tag in self._observed:
                observed.RemoveObserver(tag)
            self._chart_node = chart_node
            # The chart node passes on what its series and their tables say.
            self._observed = [(chart_node, chart_node.AddObserver("ModifiedEvent", self._update))] if chart_node else []
        self._update()

    def _update(self, *_args) -> None:
        if self._is_updating:
            return
        self._is_updating = True
        try:
            self._update_actions()
            self._update_plots()
            if self._chart_node is not None:
                apply_chart_node(self._chart, self._chart_node)
        finally:
            self._is_updating = False
        self._scene.SetDirty(True)

    def _update_actions(self) -> None:
        left, middle = vtk.vtkContextMouseEvent.LEFT_BUTTON, vtk.vtkContextMouseEvent.MIDDLE_BUTTON
        mode = self._node.GetInteractionMode()
        drag = {
            self._node.InteractionModePanView: vtk.vtkChart.PAN,
            self._node.InteractionModeSelectPoints: vtk.vtkChart.SELECT,
            self._node.InteractionModeFreehandSelectPoints: vtk.vtkChart.SELECT_POLYGON,
            self._node.InteractionModeMovePoints: vtk.vtkChart.CLICK_AND_DRAG,
        }[mode]
        self._chart.SetClickActionToButton(vtk.vtkChart.SELECT, left)
        self._chart.SetActionToButton(drag, left)
        self._chart.SetActionToButton(vtk.vtkChart.ZOOM if drag == vtk.vtkChart.PAN else vtk.vtkChart.PAN, middle)

    def _update_plots(self) -> None:
        """Keep, make and remove plots; whatever a module added to the chart itself goes too, as in Slicer."""
        wanted = {}
        if self._chart_node is not None:
            for index in range(self._chart_node.GetNumberOfPlotSeriesNodes()):
                series = self._chart_node.GetNthPlotSeriesNode(index)
                if series is not None:
                    wanted[series.GetID()] = series
        kept = {}
        for plot in [self._chart.GetPlot(index) for index in range(self._chart.GetNumberOfPlots())]:
            series = wanted.get(self._series_of_plot.get(plot))
            if series is not None and update_plot(series, plot) is plot:
                kept[plot] = wanted.pop(series.GetID()).GetID()
            else:
                # A plot in corner 0 cannot be added again after its removal (VTK).
                if self._chart.GetPlotCorner(plot) == 0:
                    self._chart.SetPlotCorner(plot, 1)
                self._chart.RemovePlotInstance(plot)
        for series_id, series in wanted.items():
            plot = update_plot(series, None)
            if plot is not None:
                self._chart.AddPlot(plot)
                kept[plot] = series_id
        self._series_of_plot = kept

    def _emit_selection(self, *_args) -> None:
        ids, selections = vtk.vtkStringArray(), vtk.vtkCollection()
        for plot in [self._chart.GetPlot(index) for index in range(self._chart.GetNumberOfPlots())]:
            selection = plot.GetSelection()
            if selection is not None and selection.GetNumberOfValues() > 0:
                selections.AddItem(selection)
                if plot in self._series_of_plot:
                    ids.InsertNextValue(self._series_of_plot[plot])
        self.dataSelected.emit(ids, selections)

    def chart(self):
        return self._chart

    def scene(self):
        return self._scene

    def renderWindow(self):
        return self._pane.window

    def addPlot(self, plot) -> None:
        self._chart.AddPlot(plot)
        self._scene.SetDirty(True)

    def removePlot(self, plot) -> None:
        self._chart.RemovePlotInstance(plot)
        self._scene.SetDirty(True)

    def RemovePlotSelections(self) -> None:
        for plot in [self._chart.GetPlot(index) for index in range(self._chart.GetNumberOfPlots())]:
            plot.SetSelection(None)
        self._scene.SetDirty(True)

    def fitToContent(self) -> None:
        self._chart.RecalculateBounds()
        self._scene.SetDirty(True)


@standin()
class qMRMLPlotViewControllerWidget(ViewControllerBar):
    """The bar above a plot."""

    def _attach(self, node, view) -> None:
        self._view = view
        self._follow(node)

    def mrmlPlotViewNode(self):
        return self._node

    def fitPlotToAxes(self) -> None:
        self._view.fitToContent()


@standin()
class qMRMLPlotWidget(ViewWidget):
    """Controller above chart."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent, qMRMLPlotViewControllerWidget(), qMRMLPlotView())

    def _attach(self, node) -> None:
        self._node = node
        self._view._attach(node)
        self._controller._attach(node, self._view)

    def plotView(self):
        return self._view

    def plotController(self):
        return self._controller

    def mrmlPlotViewNode(self):
        return self._node
