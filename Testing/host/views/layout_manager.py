"""The layout node of a scene to view widgets in a viewport: the stand-in for slicer.app.layoutManager()."""

from __future__ import annotations

import re

import slicer
import vtk

from Testing.host.qt_shim import qt_class, standin
from Testing.host.views import layout_tree
from Testing.host.views.plot_view import qMRMLPlotWidget
from Testing.host.views.slice_view import SLICE_MANAGERS, qMRMLSliceWidget
from Testing.host.views.table_view import qMRMLTableWidget
from Testing.host.views.three_d_view import THREE_D_MANAGERS, qMRMLThreeDWidget

_KINDS = {
    "vtkMRMLSliceNode": qMRMLSliceWidget,
    "vtkMRMLViewNode": qMRMLThreeDWidget,
    "vtkMRMLPlotViewNode": qMRMLPlotWidget,
    "vtkMRMLTableViewNode": qMRMLTableWidget,
}


def register_displayable_managers(app_logic) -> None:
    """Tell both factories what draws in slice and 3D views; the module logics exist before."""
    for factory_class, names in (
        (slicer.vtkMRMLSliceViewDisplayableManagerFactory, SLICE_MANAGERS),
        (slicer.vtkMRMLThreeDViewDisplayableManagerFactory, THREE_D_MANAGERS),
    ):
        factory = factory_class.GetInstance()
        factory.SetMRMLApplicationLogic(app_logic)
        for name in names:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)


@standin(
    properties={"layout": int, "threeDViewCount": int, "plotViewCount": int, "tableViewCount": int},
    signals=("layoutChanged(int)",),
)
class qSlicerLayoutManager(qt_class("QObject")):
    """Makes one widget for each view node that a layout ever named and shows those of the current layout."""

    def __init__(self, app_logic, scene, viewport=None) -> None:
        super().__init__()
        self._app_logic = app_logic
        self._scene = scene
        self._widgets = {}
        self._content = None
        self._shown = None
        self._viewport = None
        self._slice_logics = app_logic.GetSliceLogics() or vtk.vtkCollection()
        self._view_logics = app_logic.GetViewLogics() or vtk.vtkCollection()
        app_logic.SetSliceLogics(self._slice_logics)
        app_logic.SetViewLogics(self._view_logics)
        register_displayable_managers(app_logic)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(app_logic)
        self._logic.SetMRMLScene(scene)
        self.setViewport(viewport or qt_class("QWidget")())
        # After the layout logic, which makes the nodes of the new arrangement on the same event.
        self._node().AddObserver("ModifiedEvent", self._on_layout_node_modified, -1.0)
        scene.AddObserver(slicer.vtkMRMLScene.NodeRemovedEvent, self._on_node_removed)
        scene.AddObserver(slicer.vtkMRMLScene.EndCloseEvent, self._on_layout_node_modified)
        app_logic.AddObserver(app_logic.PauseRenderEvent, lambda *_: self._pause(True))
        app_logic.AddObserver(app_logic.ResumeRenderEvent, lambda *_: self._pause(False))

    def _node(self):
        return self._logic.GetLayoutNode()

    def _state(self):
        node = self._node()
        maximized = tuple(node.GetMaximizedViewNode(i).GetID() for i in range(node.GetNumberOfMaximizedViewNodes()))
        return node.GetViewArrangement(), node.GetCurrentLayoutDescription(), maximized

    def _on_layout_node_modified(self, *_args) -> None:
        state = self._state()
        # A closing scene takes the arrangement away for a moment.
        if state == self._shown or self._scene.IsClosing() or state[0] == slicer.vtkMRMLLayoutNode.SlicerLayoutNone:
            return
        is_other_layout = self._shown is None or state[:2] != self._shown[:2]
        self._shown = state
        root = self._node().GetLayoutRootElement()
        self._show(root, state[2])
        if is_other_layout:
            self.layoutChanged.emit(state[0])

    def _show(self, root, maximized) -> None:
        """Replace what the viewport shows; widgets outside the layout stay alive, hidden."""
        old, self._content = self._content, None
        placed = []

        def place(node):
            placed.append(self._widget_of(node))
            placed[-1].setVisible(True)  # here and not at the end: what a tab covers stays hidden
            return placed[-1]

        try:
            if root is not None and maximized:
                self._content = _side_by_side([place(self._scene.GetNodeByID(node_id)) for node_id in maximized])
            elif root is not None:
                self._content = layout_tree.build(root, lambda view: place(self._logic.GetViewFromElement(view)))
        except layout_tree.UnknownLayoutElementError:
            placed.clear()
            raise
        finally:
            self._replace(old, placed)

    def _replace(self, old, placed) -> None:
        for widget in self._widgets.values():
            is_placed = any(widget is one for one in placed)
            if not is_placed:
                widget.setVisible(False)
                widget.setParent(self._viewport)
            widget.mrmlAbstractViewNode().SetMappedInLayout(is_placed)
        if old is not None and not any(old is one for one in self._widgets.values()):
            self._viewport.layout().removeWidget(old)
            old.deleteLater()
        if self._content is not None:
            self._viewport.layout().addWidget(self._content)
            self._content.setVisible(True)

    def _widget_of(self, node):
        if node.GetID() not in self._widgets:
            widget = _KINDS[node.GetClassName()](self._viewport)
            widget._attach(self._logic_of(node))
            self._widgets[node.GetID()] = widget
        return self._widgets[node.GetID()]

    def _logic_of(self, node):
        """Return what the widget of a node stands on: a slice or view logic, or the node itself."""
        kind = node.GetClassName()
        if kind not in ("vtkMRMLSliceNode", "vtkMRMLViewNode"):
            return node
        is_slice = kind == "vtkMRMLSliceNode"
        logic = slicer.vtkMRMLSliceLogic() if is_slice else slicer.vtkMRMLViewLogic()
        logic.SetMRMLApplicationLogic(self._app_logic)
        if not is_slice:
            logic.SetName(node.GetLayoutName())  # by which it finds the node once it has the scene
        logic.SetMRMLScene(self._scene)
        if is_slice:
            logic.SetSliceNode(node)
        (self._slice_logics if is_slice else self._view_logics).AddItem(logic)
        return logic

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_removed(self, _scene, _event, node) -> None:
        widget = self._widgets.pop(node.GetID(), None)
        if widget is None:
            return
        widget._detach()
        logic = getattr(widget, "_logic", None)
        for logics in (self._slice_logics, self._view_logics):
            if logic is not None and logics.IsItemPresent(logic):
                logics.RemoveItem(logic)
                logic.SetMRMLScene(None)
        widget.setVisible(False)
        widget.setParent(None)
        widget.deleteLater()

    def _pause(self, is_paused: bool) -> None:
        # Displayable managers pause and resume many times in one change of the layout.
        for widget in self._widgets.values():
            widget._pause(is_paused)

    def _of_kind(self, class_name):
        return [w for w in self._widgets.values() if w.mrmlAbstractViewNode().GetClassName() == class_name]

    def _named(self, class_name, name):
        found = self._of_kind(class_name)
        return next((widget for widget in found if widget.mrmlAbstractViewNode().GetLayoutName() == name), None)

    def _nth(self, class_name, index):
        found, index = self._of_kind(class_name), int(index)
        return found[index] if 0 <= index < len(found) else None

    @property
    def layout(self) -> int:
        return self._node().GetViewArrangement()

    @layout.setter
    def layout(self, number: int) -> None:
        node = self._node()
        # The layout logic crashes on a class that it does not know.
        unknown = set(re.findall(r'<view[^>]* class="(\w*)"', node.GetLayoutDescription(number) or "")) - _KINDS.keys()
        if unknown:
            raise layout_tree.UnknownLayoutElementError(f"layout {number}: no view of class {', '.join(unknown)}")
        # Slicer falls back in silence.
        node.SetViewArrangement(number if node.IsLayoutDescription(number) else node.SlicerLayoutConventionalView)

    @property
    def threeDViewCount(self) -> int:
        return len(self._of_kind("vtkMRMLViewNode"))

    @property
    def plotViewCount(self) -> int:
        return len(self._of_kind("vtkMRMLPlotViewNode"))

    @property
    def tableViewCount(self) -> int:
        return len(self._of_kind("vtkMRMLTableViewNode"))

    def layoutLogic(self):
        return self._logic

    def mrmlScene(self):
        return self._scene

    def viewport(self):
        return self._viewport

    def setViewport(self, widget) -> None:
        """Show the layout inside the widget, which gets a box layout if it has none."""
        self._viewport = widget
        if widget.layout() is None:
            box = qt_class("QVBoxLayout")(widget)
            box.setContentsMargins(0, 0, 0, 0)
        if self._content is not None:
            widget.layout().addWidget(self._content)

    def sliceViewNames(self):
        return tuple(widget.mrmlSliceNode().GetLayoutName() for widget in self._of_kind("vtkMRMLSliceNode"))

    def sliceWidget(self, name):
        return self._named("vtkMRMLSliceNode", name)

    def threeDWidget(self, name):
        return self._named("vtkMRMLViewNode", name) if isinstance(name, str) else self._nth("vtkMRMLViewNode", name)

    def plotWidget(self, id):  # noqa: A002
        return self._nth("vtkMRMLPlotViewNode", id)

    def tableWidget(self, id):  # noqa: A002
        return self._nth("vtkMRMLTableViewNode", id)

    def viewWidget(self, n):
        return self._widgets.get(n.GetID()) if n is not None else None

    def viewWidgets(self):
        return tuple(self._widgets.values())

    def mrmlSliceLogics(self):
        return self._slice_logics

    def mrmlViewLogics(self):
        return self._view_logics

    def activeMRMLThreeDViewNode(self):
        """Return the first 3D view of the current layout."""
        nodes = [widget.mrmlViewNode() for widget in self._of_kind("vtkMRMLViewNode")]
        return next((node for node in nodes if node.IsMappedInLayout()), None)

    def addMaximizedViewNode(self, viewNode) -> None:
        self._node().AddMaximizedViewNode(viewNode)

    def removeMaximizedViewNode(self, viewNode) -> None:
        self._node().RemoveMaximizedViewNode(viewNode)

    def removeAllMaximizedViewNodes(self) -> None:
        self._node().RemoveAllMaximizedViewNodes()

    def resetSliceViews(self) -> None:
        for widget in self._of_kind("vtkMRMLSliceNode"):
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        for widget in self._of_kind("vtkMRMLViewNode"):
            widget.threeDView().resetFocalPoint()

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)

    def setRenderPaused(self, pause) -> None:
        self._pause(bool(pause))


def _side_by_side(widgets):
    """Return one widget that shows the maximised views."""
    row = qt_class("QWidget")()
    box = qt_class("QHBoxLayout")(row)
    box.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        box.addWidget(widget)
    return row
