"""A volume's display node to a widget for window and level, as a stand-in."""

from __future__ import annotations

from typing import Any

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.ranges import ctkRangeWidget
from Testing.host.widgets.wiring import Observations, link, row


class OfVolume(qt_class("QWidget")):
    """A choice of a mode and a range, both kept by the display node of a scalar volume."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._volume = None
        self._observed = Observations()
        self._modes = qt_class("QComboBox")()
        self._range = ctkRangeWidget()
        row(self, self._modes, self._range, wide=1)
        link(self._modes.activated, self._on_mode)
        link(self._range.valuesChanged, self._on_values)
        self.enabled = False

    def mrmlVolumeNode(self) -> Any:
        return self._volume

    def setMRMLVolumeNode(self, displayNode: Any) -> None:
        self._observed.drop()
        self._volume = displayNode
        display = self._display()
        self.enabled = display is not None
        if display is not None:
            self._observed.add(display, "ModifiedEvent", self._on_display)
            blocked = self._range.blockSignals(True)
            self._range.setRange(*displayNode.GetImageData().GetScalarRange())
            self._range.blockSignals(blocked)
            self._show()

    def _display(self) -> Any:
        return self._volume.GetScalarVolumeDisplayNode() if self._volume is not None else None

    def _on_display(self, _display: Any, _event: str) -> None:
        self._show()

    def _show_values(self, low: float, high: float, mode: int) -> None:
        """Show what the display node says; the bounds give way, as values outside the image are allowed."""
        blocked = self._range.blockSignals(True)
        self._range.setRange(min(low, self._range.minimum), max(high, self._range.maximum))
        self._range.setValues(low, high)
        self._range.blockSignals(blocked)
        self._modes.currentIndex = mode


@standin(
    properties={"autoWindowLevel": int, "window": float, "level": float, "minimumBound": float, "maximumBound": float},
    signals=("windowLevelValuesChanged(double,double)", "autoWindowLevelValueChanged(ControlMode)"),
)
class qMRMLWindowLevelWidget(OfVolume):
    """Window and level of a volume, as the values shown black and white."""

    Auto, Manual, ManualMinMax = range(3)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._modes.addItems(["Auto W/L", "Manual W/L", "Manual Min/Max"])

    @property
    def autoWindowLevel(self) -> int:
        return self._modes.currentIndex

    @autoWindowLevel.setter
    def autoWindowLevel(self, mode: int) -> None:
        self._display().SetAutoWindowLevel(mode == self.Auto)
        self._modes.currentIndex = mode
        self.autoWindowLevelValueChanged.emit(mode)

    @property
    def window(self) -> float:
        return self._range.maximumValue - self._range.minimumValue

    @window.setter
    def window(self, window: float) -> None:
        self.setWindowLevel(window, self.level)

    @property
    def level(self) -> float:
        return (self._range.maximumValue + self._range.minimumValue) / 2

    @level.setter
    def level(self, level: float) -> None:
        self.setWindowLevel(self.window, level)

    @property
    def minimumBound(self) -> float:
        return self._range.minimum

    @minimumBound.setter
    def minimumBound(self, bound: float) -> None:
        self._range.minimum = bound

    @property
    def maximumBound(self) -> float:
        return self._range.maximum

    @maximumBound.setter
    def maximumBound(self, bound: float) -> None:
        self._range.maximum = bound

    def setWindowLevel(self, window: Any, level: Any) -> None:
        self.setMinMaxRangeValue(level - window / 2, level + window / 2)

    def setMinMaxRangeValue(self, min: Any, max: Any) -> None:  # noqa: A002 - the names are Slicer's
        display = self._display()
        was_modifying = display.StartModify()
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(float(min), float(max))
        display.EndModify(was_modifying)
        self.windowLevelValuesChanged.emit(self.window, self.level)

    def setMinMaxBounds(self, min: Any, max: Any) -> None:  # noqa: A002
        self._range.setRange(min, max)

    def _show(self) -> None:
        display = self._display()
        mode = self.Auto if display.GetAutoWindowLevel() else max(self.autoWindowLevel, self.Manual)
        self._show_values(display.GetWindowLevelMin(), display.GetWindowLevelMax(), mode)

    def _on_mode(self, mode: int) -> None:
        self.autoWindowLevel = mode

    def _on_values(self, low: float, high: float) -> None:
        self.setMinMaxRangeValue(low, high)
