"""ctk's widgets for two real numbers, a lower and an upper, as stand-ins."""

from __future__ import annotations

from typing import Any

from PySide6 import QtGui

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.numbers import OfSpinBox
from Testing.host.widgets.wiring import link, row

HANDLE_WIDTH = 8
BOUNDS = {"minimum": float, "maximum": float, "minimumValue": float, "maximumValue": float}
SIGNALS = (
    "minimumValueChanged(double)",
    "maximumValueChanged(double)",
    "valuesChanged(double,double)",
    "rangeChanged(double,double)",
)


class Range:
    """Two values between two bounds; one that is moved past the other takes it along."""

    _bounds = (0.0, 99.0)
    _values = (0.0, 99.0)

    @property
    def minimum(self) -> float:
        return self._bounds[0]

    @minimum.setter
    def minimum(self, value: float) -> None:
        self.setRange(value, max(value, self.maximum))

    @property
    def maximum(self) -> float:
        return self._bounds[1]

    @maximum.setter
    def maximum(self, value: float) -> None:
        self.setRange(min(value, self.minimum), value)

    @property
    def minimumValue(self) -> float:
        return self._values[0]

    @minimumValue.setter
    def minimumValue(self, value: float) -> None:
        self.setValues(value, max(value, self.maximumValue))

    @property
    def maximumValue(self) -> float:
        return self._values[1]

    @maximumValue.setter
    def maximumValue(self, value: float) -> None:
        self.setValues(min(value, self.minimumValue), value)

    def setRange(self, min: Any, max: Any) -> None:  # noqa: A002 - the names are CTK's
        bounds = (float(min), float(max))
        if bounds == self._bounds:
            return
        self._bounds = bounds
        self.rangeChanged.emit(*bounds)
        self.setValues(*self._values)
        self._show()

    def setValues(self, minValue: Any, maxValue: Any) -> None:
        before = self._values
        low, high = sorted(self._inside(float(value)) for value in (minValue, maxValue))
        self._values = (low, high)
        self._show()
        if low != before[0]:
            self.minimumValueChanged.emit(low)
        if high != before[1]:
            self.maximumValueChanged.emit(high)
        if (low, high) != before:
            self.valuesChanged.emit(low, high)

    def _inside(self, value: float) -> float:
        return min(max(value, self._bounds[0]), self._bounds[1])


@standin(
    properties={
        **BOUNDS,
        "minimumPosition": float,
        "maximumPosition": float,
        "singleStep": (float, 1.0),
        "tracking": (bool, True),
        "orientation": object,
        "tickInterval": float,
        "tickPosition": object,
        "symmetricMoves": bool,
    },
    signals=(*SIGNALS, "positionsChanged(double,double)", "sliderPressed()", "sliderReleased()"),
)
class ctkDoubleRangeSlider(Range, qt_class("QWidget")):
    """A groove with two handles; the nearer one follows the mouse."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._dragged = ""
        self._positions = self._values
        self.setMinimumSize(60, 18)

    @property
    def minimumPosition(self) -> float:
        return self._positions[0]

    @minimumPosition.setter
    def minimumPosition(self, value: float) -> None:
        self._move(value, max(value, self.maximumPosition))

    @property
    def maximumPosition(self) -> float:
        return self._positions[1]

    @maximumPosition.setter
    def maximumPosition(self, value: float) -> None:
        self._move(min(value, self.minimumPosition), value)

    def mousePressEvent(self, event: Any) -> None:
        at = event.position().x()
        distances = [abs(at - self._pixel(value)) for value in self._positions]
        self._dragged = "minimumPosition" if distances[0] <= distances[1] else "maximumPosition"
        self.sliderPressed.emit()

    def mouseMoveEvent(self, event: Any) -> None:
        if self._dragged:
            part = (event.position().x() - HANDLE_WIDTH / 2) / max(1, self.width - HANDLE_WIDTH)
            setattr(self, self._dragged, self.minimum + part * (self.maximum - self.minimum))

    def mouseReleaseEvent(self, event: Any) -> None:
        self._dragged = ""
        self.setValues(*self._positions)
        self.sliderReleased.emit()

    def paintEvent(self, event: Any) -> None:
        painter = QtGui.QPainter(self)
        middle = self.height // 2
        left, right = (self._pixel(value) for value in self._positions)
        painter.fillRect(0, middle - 2, self.width, 4, self.palette.color(QtGui.QPalette.Mid))
        painter.fillRect(left, middle - 2, right - left, 4, self.palette.color(QtGui.QPalette.Highlight))
        for x in (left, right):
            painter.fillRect(
                x - HANDLE_WIDTH // 2, middle - 7, HANDLE_WIDTH, 14, self.palette.color(QtGui.QPalette.Dark)
            )
        painter.end()

    def _move(self, low: float, high: float) -> None:
        self._positions = (self._inside(low), self._inside(high))
        self.positionsChanged.emit(*self._positions)
        if self.tracking:
            self.setValues(*self._positions)
        self.update()

    def _pixel(self, value: float) -> int:
        extent = (self.maximum - self.minimum) or 1.0
        return round(HANDLE_WIDTH / 2 + (value - self.minimum) / extent * (self.width - HANDLE_WIDTH))

    def _show(self) -> None:
        self._positions = self._values
        self.update()


@standin(
    properties={
        **BOUNDS,
        "singleStep": (float, 1.0),
        "decimals": (int, 2),
        "prefix": str,
        "suffix": str,
        "tracking": (bool, True),
        "symmetricMoves": bool,
        "tickInterval": float,
        "autoSpinBoxWidth": (bool, True),
        "spinBoxTextAlignment": object,
        "spinBoxAlignment": object,
        "customSpinBoxesLimitsMin": float,
        "customSpinBoxesLimitsMax": float,
    },
    signals=(*SIGNALS, "minimumValueIsChanging(double)", "maximumValueIsChanging(double)"),
)
class ctkRangeWidget(Range, OfSpinBox, qt_class("QWidget")):
    """A range slider between two spin boxes."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._low = qt_class("QDoubleSpinBox")()
        self._slider = ctkDoubleRangeSlider()
        self._high = qt_class("QDoubleSpinBox")()
        row(self, self._low, self._slider, self._high, wide=1)
        self._show()
        link(self._low.valueChanged, self._on_low)
        link(self._high.valueChanged, self._on_high)
        link(self._slider.positionsChanged, self._on_positions)
        link(self._slider.sliderReleased, self._on_released)

    def reset(self) -> None:
        self.setValues(*self._bounds)

    def _spins(self) -> tuple[Any, ...]:
        return (self._low, self._high)

    def _tracking_changed(self, is_tracking: bool) -> None:
        self._slider.tracking = is_tracking

    def _inside(self, value: float) -> float:
        return round(super()._inside(value), self.decimals)

    def _on_low(self, value: float) -> None:
        self.minimumValue = value

    def _on_high(self, value: float) -> None:
        self.maximumValue = value

    def _on_positions(self, low: float, high: float) -> None:
        if self.tracking:
            self.setValues(low, high)
            return
        if low != self.minimumValue:
            self.minimumValueIsChanging.emit(low)
        if high != self.maximumValue:
            self.maximumValueIsChanging.emit(high)

    def _on_released(self) -> None:
        self.setValues(*self._slider._positions)

    def _show(self) -> None:
        parts = (*self._spins(), self._slider)
        blocked = [part.blockSignals(True) for part in parts]
        for part in parts:
            part.setRange(*self._bounds)
        self._low.value, self._high.value = self._values
        self._slider.setValues(*self._values)
        for part, was_blocked in zip(parts, blocked, strict=True):
            part.blockSignals(was_blocked)
