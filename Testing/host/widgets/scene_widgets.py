"""Widgets that need nothing of a scene but to know it, as stand-ins.

The units of the scene are not applied to numbers: prefix and suffix are what the code gives.
"""

from __future__ import annotations

from typing import Any

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.numbers import ctkDoubleSpinBox, ctkSliderWidget
from Testing.host.widgets.ranges import ctkRangeWidget

UNIT_PROPERTIES = {"quantity": str, "unitAwareProperties": object}


class HandsSceneOn(qt_class("QWidget")):
    """A widget that hands its scene on to those it is connected to."""

    _scene = None

    def setMRMLScene(self, newScene: Any) -> None:
        if newScene is not self._scene:
            self._scene = newScene
            self.mrmlSceneChanged.emit(newScene)


@standin(signals=("mrmlSceneChanged(vtkMRMLScene*)",))
class qSlicerWidget(HandsSceneOn):
    """The base of module panels, and often the top widget of a .ui file."""


@standin(signals=("mrmlSceneChanged(vtkMRMLScene*)",))
class qMRMLWidget(HandsSceneOn):
    """A widget that also tells its scene."""

    def mrmlScene(self) -> Any:
        return self._scene


class OfScene:
    """A widget that keeps its scene."""

    _scene = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene


@standin(properties={**UNIT_PROPERTIES, "orientation": object})
class qMRMLSliderWidget(OfScene, ctkSliderWidget):
    """A slider widget for a quantity of the scene's units."""


@standin(properties=UNIT_PROPERTIES)
class qMRMLSpinBox(OfScene, ctkDoubleSpinBox):
    """A spin box for a quantity of the scene's units."""


@standin(properties={"quantity": str})
class qMRMLRangeWidget(ctkRangeWidget):
    """A range widget for a quantity of the scene's units."""

    def setMRMLScene(self, scene: Any) -> None:
        """Take the scene; its units are not applied."""
