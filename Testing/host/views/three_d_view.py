"""A vtkMRMLViewNode to a widget that renders models, volumes and segmentations in 3D."""

from __future__ import annotations

import slicer

from Testing.host.qt_shim import qt_class, standin
from Testing.host.views.abstract_view import VTKAbstractView
from Testing.host.views.controllers import ViewControllerBar, ViewWidget

THREE_D_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLVolumeRenderingDisplayableManager",
    "vtkMRMLTransformsDisplayableManager3D",
    "vtkMRMLColorLegendDisplayableManager",
)


@standin()
class qMRMLThreeDView(VTKAbstractView):
    """A renderer filled by the 3D displayable managers."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._node = None
        self._logic = None
        self._style = slicer.vtkMRMLThreeDViewInteractorStyle()
        self._spin_timer = qt_class("QTimer")(self)
        self._spin_timer.timeout.connect(self._spin)

    def _attach(self, logic) -> None:
        self._logic, self._node = logic, logic.GetViewNode()
        self._instantiate_managers(slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(), self._node)
        logic.SetDisplayableManagerGroup(self._group)
        self._style.SetDisplayableManagers(self._group)
        self._style.SetInteractor(self._pane.interactor)
        self._pane.initialize()
        self._node_tag = self._node.AddObserver("ModifiedEvent", self._on_node_modified)
        self._on_node_modified()

    def _detach(self) -> None:
        self._spin_timer.stop()
        if self._logic is not None:
            self._node.RemoveObserver(self._node_tag)
            self._style.SetInteractor(None)
            self._style = None
            self._logic.SetDisplayableManagerGroup(None)
            self._logic = None
        super()._detach()

    def _on_node_modified(self, *_args) -> None:
        renderer = self._pane.renderers[0]
        renderer.SetBackground(self._node.GetBackgroundColor())
        renderer.SetBackground2(self._node.GetBackgroundColor2())
        renderer.SetGradientBackground(self._node.GetBackgroundColor() != self._node.GetBackgroundColor2())
        if self._node.GetAnimationMode() != self._node.Spin:
            self._spin_timer.stop()
        elif not self._spin_timer.active:
            self._spin_timer.start(self._node.GetAnimationMs())
        self._schedule()

    def _spin(self) -> None:
        """Turn about the vertical axis; the other directions of the view node are not followed."""
        self.cameraNode().GetCamera().Azimuth(self._node.GetSpinDegrees())

    def mrmlViewNode(self):
        return self._node

    def cameraNode(self):
        return self._logic.GetCameraNode()

    def interactorStyle(self):
        return self._style

    def resetFocalPoint(self) -> None:
        """Look at the centre of what is seen, from the same direction and distance."""
        bounds = self._pane.renderers[0].ComputeVisiblePropBounds()
        if bounds[0] > bounds[1]:
            return
        center = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
        camera = self.cameraNode()
        shift = [new - old for new, old in zip(center, camera.GetFocalPoint(), strict=True)]
        position = [old + step for old, step in zip(camera.GetPosition(), shift, strict=True)]
        camera.SetFocalPoint(center)
        camera.SetPosition(position)

    def resetCamera(self, resetRotation=True, resetTranslation=True, resetDistance=True) -> None:
        self.cameraNode().Reset(resetRotation, resetTranslation, resetDistance, self._pane.renderers[0])

    def rotateToViewAxis(self, axisId) -> None:
        """Look from one of the six sides; 3 is the front."""
        camera = slicer.vtkMRMLCameraNode
        sides = (camera.Right, camera.Left, camera.Posterior, camera.Anterior, camera.Inferior, camera.Superior)
        self.cameraNode().RotateTo(sides[axisId])


@standin()
class qMRMLThreeDViewControllerWidget(ViewControllerBar):
    """The bar above a 3D view."""

    def _attach(self, logic, view) -> None:
        self._logic = logic
        self._view = view
        self._follow(logic.GetViewNode())

    def mrmlThreeDViewNode(self):
        return self._node

    def resetFocalPoint(self) -> None:
        self._view.resetFocalPoint()

    def setBlackBackground(self) -> None:
        self._set_background(0.0)

    def setWhiteBackground(self) -> None:
        self._set_background(1.0)

    def _set_background(self, grey: float) -> None:
        self._node.SetBackgroundColor(grey, grey, grey)
        self._node.SetBackgroundColor2(grey, grey, grey)


@standin()
class qMRMLThreeDWidget(ViewWidget):
    """Controller above view."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent, qMRMLThreeDViewControllerWidget(), qMRMLThreeDView())

    def _attach(self, logic) -> None:
        self._node = logic.GetViewNode()
        self._logic = logic
        self._view._attach(logic)
        self._controller._attach(logic, self._view)

    def threeDView(self):
        return self._view

    def threeDController(self):
        return self._controller

    def mrmlViewNode(self):
        return self._node

    def viewLogic(self):
        return self._logic
