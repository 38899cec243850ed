"""ctk's sliders and spin boxes for real numbers as stand-ins made of Qt's."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore

from Testing.host.qt_shim import emit, qt_class, standin
from Testing.host.widgets.wiring import link, row

SLIDER_STEPS = 1000


class OfSpinBox:
    """Properties that a Qt spin box inside the stand-in holds."""

    def _spins(self) -> tuple[Any, ...]:
        return (self._spin,)

    def _configure(self, name: str, value: Any) -> None:
        for spin in self._spins():
            setattr(spin, name, value)

    def _decimals_changed(self, value: int) -> None:
        self._configure("decimals", value)
        if "decimalsChanged(int)" in self.standin_signals:
            self.decimalsChanged.emit(value)

    def _singleStep_changed(self, value: float) -> None:
        self._configure("singleStep", value)

    def _prefix_changed(self, value: str) -> None:
        self._configure("prefix", value)

    def _suffix_changed(self, value: str) -> None:
        self._configure("suffix", value)


class Bounded(OfSpinBox):
    """A number between `minimum` and `maximum`; moving one bound past the other moves that one too, as in Qt."""

    def _minimum_changed(self, value: float) -> None:
        if self.maximum < value:
            self.maximum = value
        self._bounds_changed()

    def _maximum_changed(self, value: float) -> None:
        if self.minimum > value:
            self.minimum = value
        self._bounds_changed()

    def _rounded(self, value: float) -> float:
        return round(min(max(value, self.minimum), self.maximum), self.decimals)


@standin(
    properties={
        "value": float,
        "minimum": float,
        "maximum": (float, 99.99),
        "singleStep": (float, 1.0),
        "decimals": (int, 2),
        "prefix": str,
        "suffix": str,
        "cleanText": str,
        "readOnly": bool,
        "frame": (bool, True),
        "alignment": object,
        "setMode": object,
        "decimalsOption": object,
        "sizeHintPolicy": object,
        "invertedControls": bool,
    },
    signals=("valueChanged(double)", "valueChanged(QString)", "editingFinished()", "decimalsChanged(int)"),
)
class ctkDoubleSpinBox(Bounded, qt_class("QWidget")):
    """A spin box around Qt's."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._spin = qt_class("QDoubleSpinBox")()
        row(self, self._spin)
        link(self._spin.valueChanged, self._on_value)
        link(self._spin.editingFinished, self._on_finished)

    @property
    def value(self) -> float:
        return self._spin.value

    @value.setter
    def value(self, value: float) -> None:
        self._spin.value = value

    @property
    def cleanText(self) -> str:
        return self._spin.cleanText

    def setValueIfDifferent(self, value: Any) -> None:
        self.value = value

    def setValueAlways(self, value: Any) -> None:
        before = self.value
        self.value = value
        if self.value == before:
            self._on_value(before)

    def stepUp(self) -> None:
        self._spin.stepUp()

    def stepDown(self) -> None:
        self._spin.stepDown()

    def _on_value(self, value: float) -> None:
        emit(self, "valueChanged(double)", value)
        emit(self, "valueChanged(QString)", self._spin.text)

    def _on_finished(self) -> None:
        self.editingFinished.emit()

    def _bounds_changed(self) -> None:
        self._spin.setRange(self.minimum, self.maximum)

    def _readOnly_changed(self, value: bool) -> None:
        self._spin.readOnly = value

    def _alignment_changed(self, value: Any) -> None:
        self._spin.alignment = value


@standin(
    properties={
        "value": float,
        "minimum": float,
        "maximum": (float, 99.0),
        "singleStep": (float, 1.0),
        "pageStep": (float, 10.0),
        "decimals": (int, 2),
        "prefix": str,
        "suffix": str,
        "tracking": (bool, True),
        "spinBoxVisible": (bool, True),
        "popupSlider": bool,
        "tickInterval": float,
        "tickPosition": object,
        "invertedAppearance": bool,
        "invertedControls": bool,
        "synchronizeSiblings": object,
        "spinBoxAlignment": object,
    },
    signals=("valueChanged(double)", "valueIsChanging(double)", "decimalsChanged(int)"),
)
class ctkSliderWidget(Bounded, qt_class("QWidget")):
    """A slider with a spin box beside it.

    With `tracking` every move of the handle is a `valueChanged`; without, it is a `valueIsChanging` until the handle
    is let go.
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._value = self._start = 0.0
        self._slider = qt_class("QSlider")(QtCore.Qt.Horizontal)
        self._spin = qt_class("QDoubleSpinBox")()
        row(self, self._slider, self._spin)
        self._bounds_changed()
        link(self._slider.valueChanged, self._on_slider)
        link(self._slider.sliderPressed, self._on_pressed)
        link(self._slider.sliderReleased, self._on_released)
        link(self._spin.valueChanged, self._on_spin)

    def reset(self) -> None:
        self.value = self._start

    @property
    def value(self) -> float:
        return self._value

    @value.setter
    def value(self, value: float) -> None:
        value = self._rounded(value)
        if value != self._value:
            self._value = value
            self._show(value)
            self.valueChanged.emit(value)

    def _show(self, value: float) -> None:
        for part, shown in ((self._spin, value), (self._slider, self._position(value))):
            blocked = part.blockSignals(True)
            part.value = shown
            part.blockSignals(blocked)

    def _position(self, value: float) -> int:
        extent = self.maximum - self.minimum
        return round((value - self.minimum) / extent * SLIDER_STEPS) if extent else 0

    def _on_slider(self, position: int) -> None:
        value = self._rounded(self.minimum + position / SLIDER_STEPS * (self.maximum - self.minimum))
        if self.tracking or not self._slider.sliderDown:
            self.value = value
        else:
            self._show(value)
            self.valueIsChanging.emit(value)

    def _on_pressed(self) -> None:
        self._start = self.value

    def _on_released(self) -> None:
        self._on_spin(self._spin.value)

    def _on_spin(self, value: float) -> None:
        self.value = value

    def _bounds_changed(self) -> None:
        self._slider.setRange(0, SLIDER_STEPS)
        blocked = self._spin.blockSignals(True)
        self._spin.setRange(self.minimum, self.maximum)
        self._spin.blockSignals(blocked)
        self.value = self._value
        self._show(self.value)

    def _spinBoxVisible_changed(self, is_visible: bool) -> None:
        self._spin.visible = is_visible
