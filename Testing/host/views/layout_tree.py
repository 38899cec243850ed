"""The layout description of a vtkMRMLLayoutNode to nested Qt layouts, splitters and tabs."""

from __future__ import annotations

from PySide6.QtCore import Qt

from Testing.host.qt_shim import qt_class


class UnknownLayoutElementError(ValueError):
    """The description holds an element or a type that this host does not build."""


def _children(element, name):
    nested = (element.GetNestedElement(index) for index in range(element.GetNumberOfNestedElements()))
    return [child for child in nested if child.GetName() == name]


def _number(element, name: str, default: int = 0) -> int:
    text = element.GetAttribute(name)
    return int(text) if text else default


def build(element, widget_of_view):
    """Return a widget that shows a <layout> or <view> element.

    Parameters
    ----------
    element : vtkXMLDataElement
    widget_of_view : callable
        Turns a <view> element into its widget.
    """
    if element.GetName() == "view":
        return widget_of_view(element)
    if element.GetName() != "layout":
        raise UnknownLayoutElementError(f"layout element <{element.GetName()}> is not built by this host")
    kind = element.GetAttribute("type") or "horizontal"
    if any(item.GetAttribute("multiple") == "true" for item in _children(element, "item")):
        raise UnknownLayoutElementError('layout items with multiple="true" are not built by this host')
    cells = [(item, build(item.GetNestedElement(0), widget_of_view)) for item in _children(element, "item")]
    if kind == "tab":
        return _tabs(cells)
    if kind == "grid":
        return _grid(cells)
    if kind not in ("horizontal", "vertical"):
        raise UnknownLayoutElementError(f"layout type {kind!r} is not built by this host")
    if element.GetAttribute("split") == "true":
        return _splitter(cells, Qt.Orientation.Horizontal if kind == "horizontal" else Qt.Orientation.Vertical)
    return _box(cells, qt_class("QHBoxLayout" if kind == "horizontal" else "QVBoxLayout"))


def _box(cells, box_class):
    container = qt_class("QWidget")()
    box = box_class(container)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(1)
    for _item, widget in cells:
        box.addWidget(widget, 1)
    return container


def _splitter(cells, orientation):
    splitter = qt_class("QSplitter")(orientation)
    for _item, widget in cells:
        splitter.addWidget(widget)
    sizes = [_number(item, "splitSize") for item, _widget in cells]
    if all(sizes):
        splitter.setSizes(sizes)
    return splitter


def _grid(cells):
    container = qt_class("QWidget")()
    grid = qt_class("QGridLayout")(container)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(1)
    for item, widget in cells:
        row, column = _number(item, "row"), _number(item, "column")
        grid.addWidget(widget, row, column, _number(item, "rowspan", 1), _number(item, "colspan", 1))
        grid.setRowStretch(row, 1)
        grid.setColumnStretch(column, 1)
    return container


def _tabs(cells):
    tabs = qt_class("QTabWidget")()
    for item, widget in cells:
        tabs.addTab(widget, item.GetAttribute("name") or "")
    return tabs
