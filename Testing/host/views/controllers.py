"""The coloured bar with the view's label, and the widget that puts it above its view."""

from __future__ import annotations

from Testing.host.qt_shim import qt_class


class ViewControllerBar(qt_class("QWidget")):
    """The part of qMRMLViewControllerBar that modules use: a bar in the colour of the view."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._node = None
        self._logic = None
        self._shown = None
        self._bar = qt_class("QWidget")(self)
        self._bar.setObjectName("BarWidget")
        self._label = qt_class("QLabel")(self._bar)
        self._label.setObjectName("ViewLabel")
        bar_layout = qt_class("QHBoxLayout")(self._bar)
        bar_layout.setContentsMargins(6, 0, 6, 0)
        bar_layout.addWidget(self._label)
        bar_layout.addStretch(1)
        self._bar.setFixedHeight(18)
        outer = qt_class("QVBoxLayout")(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._bar)

    def _follow(self, node) -> None:
        self._node = node
        self._node_tag = node.AddObserver("ModifiedEvent", self._on_node_modified)
        self._on_node_modified()

    def _detach(self) -> None:
        self._node.RemoveObserver(self._node_tag)

    def _on_node_modified(self, *_args) -> None:
        shown = (self._node.GetLayoutLabel() or "", *self._node.GetLayoutColor())
        if shown == self._shown:
            return  # a slice node is modified with every move; a style sheet costs milliseconds
        self._shown = shown
        red, green, blue = (int(255 * part) for part in shown[1:])
        self._label.setText(shown[0])
        self._bar.setStyleSheet(
            f"QWidget#BarWidget {{ background: rgb({red},{green},{blue}) }}"
            "QLabel { color: black; background: transparent; font-weight: 600 }"
        )

    def barWidget(self):
        return self._bar

    def barLayout(self):
        return self._bar.layout()

    def viewLabel(self):
        return self._label

    def mrmlScene(self):
        return self._node.GetScene()

    def maximizeView(self) -> None:
        layout_node = self._node.GetParentLayoutNode() or self.mrmlScene().GetFirstNodeByClass("vtkMRMLLayoutNode")
        if layout_node.IsMaximizedViewNode(self._node):
            layout_node.RemoveMaximizedViewNode(self._node)
        else:
            layout_node.AddMaximizedViewNode(self._node)


class ViewWidget(qt_class("QWidget")):
    """The part of qMRMLAbstractViewWidget that modules use; subclasses name the controller and the view."""

    def __init__(self, parent, controller, view) -> None:
        super().__init__(parent)
        self._controller = controller
        self._view = view
        self._node = None
        layout = qt_class("QVBoxLayout")(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(controller)
        layout.addWidget(view, 1)

    def _detach(self) -> None:
        self._controller._detach()
        self._view._detach()

    def viewWidget(self):
        return self._view

    def controllerWidget(self):
        return self._controller

    def mrmlAbstractViewNode(self):
        return self._node

    def mrmlScene(self):
        return self._node.GetScene()

    def setViewLabel(self, newViewLabel) -> None:
        self._node.SetLayoutLabel(newViewLabel)

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)

    def setRenderPaused(self, pause) -> None:
        self._pause(bool(pause))

    def _pause(self, is_paused: bool) -> None:
        self._view._pause(is_paused)
