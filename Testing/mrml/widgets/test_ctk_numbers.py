"""CTK's sliders, ranges and spin boxes."""

from __future__ import annotations

from typing import Any

import pytest
import qt

from Testing.host.views.events import drag
from Testing.host.widgets import install_ctk

ctk = install_ctk()


@pytest.fixture
def received() -> list[Any]:
    """What slots were called with."""
    return []


def shown(widget: Any) -> Any:
    widget.resize(300, 30)
    widget.show()
    qt.QApplication.processEvents()
    return widget


def test_a_slider_rounds_to_its_decimals_and_tells_once(received: list[Any]) -> None:
    slider = ctk.ctkSliderWidget()
    slider.valueChanged.connect(received.append)
    slider.value = 12.3456
    assert (slider.value, received) == (12.35, [12.35])


def test_a_sliders_value_stays_inside_its_bounds(received: list[Any]) -> None:
    slider = ctk.ctkSliderWidget()
    slider.value = 50
    slider.connect("valueChanged(double)", received.append)
    slider.maximum = 15
    slider.setValue(700)
    assert (slider.value, received) == (15.0, [15.0])


def test_without_tracking_a_slider_tells_the_value_when_it_is_let_go(received: list[Any]) -> None:
    slider = shown(ctk.ctkSliderWidget())
    slider.tracking = False
    slider.valueChanged.connect(received.append)
    handle = slider._slider
    handle.sliderDown = True
    handle.value = 500
    assert received == []
    handle.sliderDown = False
    assert received == [pytest.approx(49.5)]


def test_a_spin_box_tells_number_and_text(received: list[Any]) -> None:
    spin = ctk.ctkDoubleSpinBox()
    spin.suffix = " mm"
    spin.connect("valueChanged(double)", received.append)
    spin.connect("valueChanged(QString)", received.append)
    spin.value = 4
    assert received == [4.0, "4.00 mm"]


def test_a_spin_box_set_always_tells_the_same_value_again(received: list[Any]) -> None:
    spin = ctk.ctkDoubleSpinBox()
    spin.connect("valueChanged(double)", received.append)
    spin.setValueIfDifferent(0)
    spin.setValueAlways(0)
    assert received == [0.0]


def test_a_ranges_lower_value_takes_the_upper_one_along(received: list[Any]) -> None:
    widget = ctk.ctkRangeWidget()
    widget.setValues(10, 20)
    widget.valuesChanged.connect(lambda low, high: received.append((low, high)))
    widget.minimumValue = 30
    assert received == [(30.0, 30.0)]


def test_narrower_bounds_push_the_values_of_a_range(received: list[Any]) -> None:
    widget = ctk.ctkRangeWidget()
    widget.connect("rangeChanged(double,double)", lambda low, high: received.append((low, high)))
    widget.setRange(40, 60)
    assert (widget.minimumValue, widget.maximumValue, received) == (40, 60, [(40, 60)])


def test_the_nearer_handle_of_a_range_follows_the_mouse() -> None:
    slider = shown(ctk.ctkDoubleRangeSlider())
    slider.setRange(0, 100)
    slider.setValues(20, 80)
    drag(slider, [(66, 15), (150, 15)])
    assert slider.minimumValue == pytest.approx(50, abs=2)
    assert slider.maximumValue == 80
