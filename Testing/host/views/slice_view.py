"""A vtkMRMLSliceNode and its vtkMRMLSliceLogic to a widget that shows and steers the slice."""

from __future__ import annotations

import slicer
import vtk

from Testing.host.qt_shim import standin
from Testing.host.views.abstract_view import VTKAbstractView
from Testing.host.views.controllers import ViewControllerBar, ViewWidget

# Slicer's slice view brings the first six; its modules register the others.
SLICE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)


@standin(signals=("resized(QSize)",))
class qMRMLSliceView(VTKAbstractView):
    """The image of the slice below what the displayable managers draw."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent, n_layers=2)
        self._node = None
        self._logic = None
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._image_actor = vtk.vtkActor2D()
        self._image_actor.SetMapper(self._mapper)
        self._image_actor.GetProperty().SetDisplayLocationToBackground()
        self._image_actor.VisibilityOff()
        self._pane.renderers[0].AddViewProp(self._image_actor)
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()

    def _attach(self, logic) -> None:
        self._logic, self._node = logic, logic.GetSliceNode()
        self._instantiate_managers(slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(), self._node)
        logic.SetDisplayableManagerGroup(self._group)
        self._style.SetSliceLogic(logic)
        self._style.SetDisplayableManagers(self._group)
        self._style.SetInteractor(self._pane.interactor)
        self._pane.initialize()
        self._background_id = None
        self._logic_tag = logic.AddObserver("ModifiedEvent", self._on_logic_modified)
        self._on_logic_modified()

    def _detach(self) -> None:
        if self._logic is not None:
            self._logic.RemoveObserver(self._logic_tag)
            self._style.SetInteractor(None)
            self._style.SetSliceLogic(None)
            self._style = None
            self._logic.SetDisplayableManagerGroup(None)
            self._logic = None
        super()._detach()

    def _on_logic_modified(self, *_args) -> None:
        self.setImageDataConnection(self._logic.GetImageDataConnection())
        composite = self._logic.GetSliceCompositeNode()
        shown = composite.GetBackgroundVolumeID() if composite else None
        if shown != self._background_id:
            # Slicer's own annotations rewrite the corners whenever the volume changes: foreign text is lost.
            self._background_id = shown
            self._annotation.ClearAllTexts()

    def _on_resized(self, width: int, height: int) -> None:
        if self._logic is not None:
            self._logic.ResizeSliceNode(width, height)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.resized.emit(event.size())

    def setImageDataConnection(self, newImageDataPort) -> None:
        self._mapper.SetInputConnection(newImageDataPort)
        self._image_actor.SetVisibility(newImageDataPort is not None)
        self._schedule()

    def mrmlSliceNode(self):
        return self._node

    def sliceViewInteractorStyle(self):
        return self._style

    def interactorStyle(self):
        return self._style

    def _transformed(self, matrix, point) -> tuple[float, float, float]:
        return tuple(matrix.MultiplyPoint((*point, 1.0))[:3])

    def convertDeviceToXYZ(self, xy):
        return (float(xy[0]), float(xy[1]), 0.0)

    def convertXYZToRAS(self, xyz):
        return self._transformed(self._node.GetXYToRAS(), xyz)

    def convertRASToXYZ(self, ras):
        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node.GetXYToRAS(), inverse)
        return self._transformed(inverse, ras)


@standin()
class qMRMLSliceControllerWidget(ViewControllerBar):
    """The bar above a slice; its setters act as the user's hand does, so linked views follow."""

    def _attach(self, logic) -> None:
        self._logic = logic
        self._follow(logic.GetSliceNode())

    def sliceLogic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._node

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def setSliceOffsetValue(self, offset) -> None:
        self._logic.StartSliceOffsetInteraction()
        self._logic.SetSliceOffset(float(offset))
        self._logic.EndSliceOffsetInteraction()

    def trackSliceOffsetValue(self, offset) -> None:
        self._logic.StartSliceOffsetInteraction()
        self._logic.SetSliceOffset(float(offset))

    def setSliceOrientation(self, orientation) -> None:
        self._logic.StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.OrientationFlag)
        self._node.SetOrientation(orientation)
        self._logic.EndSliceNodeInteraction()

    def fitSliceToBackground(self) -> None:
        self._logic.StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.ResetFieldOfViewFlag)
        self._logic.FitSliceToBackground()
        self._node.UpdateMatrices()
        self._logic.EndSliceNodeInteraction()

    def setSliceVisible(self, visible) -> None:
        self._node.SetSliceVisible(bool(visible))

    def setForegroundOpacity(self, opacity) -> None:
        self._logic.StartSliceCompositeNodeInteraction(slicer.vtkMRMLSliceCompositeNode.ForegroundOpacityFlag)
        self.mrmlSliceCompositeNode().SetForegroundOpacity(float(opacity))
        self._logic.EndSliceCompositeNodeInteraction()

    def setSliceLink(self, linked) -> None:
        """Link or unlink every slice view, as the bar's button does."""
        scene = self.mrmlScene()
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
            scene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode").SetLinkedControl(bool(linked))


@standin()
class qMRMLSliceWidget(ViewWidget):
    """Controller above view."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent, qMRMLSliceControllerWidget(), qMRMLSliceView())

    def _attach(self, logic) -> None:
        self._node = logic.GetSliceNode()
        self._logic = logic
        self._view._attach(logic)
        self._controller._attach(logic)

    def sliceView(self):
        return self._view

    def sliceController(self):
        return self._controller

    def sliceLogic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._node

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def interactorStyle(self):
        return self._view.interactorStyle()

    def setSliceOrientation(self, orientation) -> None:
        self._controller.setSliceOrientation(orientation)

    def fitSliceToBackground(self) -> None:
        self._controller.fitSliceToBackground()
