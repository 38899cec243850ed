"""What slice and 3D views have in common: render calls, corner annotation, displayable managers."""

from __future__ import annotations

import vtk

from Testing.host.views.offscreen import OffscreenWidget


class VTKAbstractView(OffscreenWidget):
    """The part of ctkVTKAbstractView that modules use."""

    def __init__(self, parent=None, *, n_layers: int = 1) -> None:
        super().__init__(parent, n_layers=n_layers)
        self._group = None
        self._annotation = vtk.vtkCornerAnnotation()
        self._annotation.SetMaximumLineHeight(0.07)
        self._pane.renderers[-1].AddViewProp(self._annotation)

    def _instantiate_managers(self, factory, node) -> None:
        """Make the displayable managers that the factory knows; they draw into the top layer."""
        self._group = factory.InstantiateDisplayableManagers(self._pane.renderers[-1])
        self._group.SetMRMLDisplayableNode(node)
        self._group_tag = self._group.AddObserver("UpdateEvent", lambda *_: self._schedule())

    def _detach(self) -> None:
        if self._group is not None:
            self._group.RemoveObserver(self._group_tag)
            self._group.SetMRMLDisplayableNode(None)
            self._group = None
        super()._detach()

    def renderWindow(self):
        return self._pane.window

    def interactor(self):
        return self._pane.interactor

    def scheduleRender(self) -> None:
        self._schedule()

    def forceRender(self) -> None:
        """Render at once; a view that is not visible does not, as in Slicer."""
        if self.isVisible() and not self._pane.n_pauses:
            self._pane.render()

    def pauseRender(self) -> int:
        return self._pause(True)

    def resumeRender(self) -> int:
        return self._pause(False)

    def setRenderPaused(self, pause) -> int:
        return self._pause(bool(pause))

    def cornerAnnotation(self):
        return self._annotation

    def displayableManagerByClassName(self, className):
        return self._group.GetDisplayableManagerByClassName(className)
