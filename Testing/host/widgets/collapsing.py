"""ctk's collapsible panels as stand-ins: a header that shows or hides what is laid out below it."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.wiring import link

QStyle = qt_class("QStyle")
HEADER_HEIGHT = 24


class Collapsing:
    """What the collapsible button and the collapsible group box have in common.

    Children are hidden while collapsed, those that come later too; on opening, only what was hidden by the collapse
    is shown again. `checked` is the opposite of `collapsed`, as in CTK.
    """

    _hidden: tuple[Any, ...] = ()

    def _toggled(self, is_open: bool) -> None:
        self.collapsed = not is_open

    def _collapsed_changed(self, is_collapsed: bool) -> None:
        self.checked = not is_collapsed
        if is_collapsed:
            self._hide_children()
            self.maximumHeight = self._header_height() + self.collapsedHeight
        else:
            for child in self._hidden:
                child.show()
            self._hidden = ()
            self.maximumHeight = 16777215
        self.updateGeometry()

    def _hide_children(self) -> None:
        shown = [one for one in self.children() if one.isWidgetType() and not one.isWindow() and not one.isHidden()]
        for child in shown:
            child.hide()
        self._hidden = (*self._hidden, *shown)

    def event(self, event: Any) -> bool:
        # Children that come to a collapsed panel are known when the layout asks for room.
        if event.type() in (QtCore.QEvent.LayoutRequest, QtCore.QEvent.ChildPolished) and self.collapsed:
            self._hide_children()
        return super().event(event)


@standin(
    properties={
        "collapsed": bool,
        "collapsedHeight": (int, 0),
        "flat": bool,
        "contentsLineWidth": (int, 1),
        "contentsMidLineWidth": int,
        "contentsFrameShape": object,
        "contentsFrameShadow": object,
        "buttonTextAlignment": object,
        "indicatorAlignment": object,
    },
    signals=("contentsCollapsed(bool)",),
)
class ctkCollapsibleButton(Collapsing, qt_class("QAbstractButton")):
    """A button as wide as the panel, with an arrow and a title; the layout's contents are below."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.checkable = True
        self.checked = True
        self.setContentsMargins(0, HEADER_HEIGHT, 0, 0)
        self.minimumHeight = HEADER_HEIGHT
        self.setSizePolicy(qt_class("QSizePolicy").Minimum, qt_class("QSizePolicy").Preferred)
        link(self.toggled, self._toggled)

    def _header_height(self) -> int:
        return HEADER_HEIGHT

    def _collapsed_changed(self, is_collapsed: bool) -> None:
        super()._collapsed_changed(is_collapsed)
        self.contentsCollapsed.emit(is_collapsed)

    def hitButton(self, pos: Any) -> bool:
        return pos.y() < HEADER_HEIGHT

    def paintEvent(self, event: Any) -> None:
        painter = QtGui.QPainter(self)
        header = QtCore.QRect(0, 0, self.width, HEADER_HEIGHT - 2)
        painter.fillRect(header, self.palette.color(QtGui.QPalette.Button).darker(108))
        arrow = qt_class("QStyleOption")()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(4, 5, 12, 12)
        shape = QStyle.PE_IndicatorArrowRight if self.collapsed else QStyle.PE_IndicatorArrowDown
        self.style().drawPrimitive(shape, arrow, painter, self)
        painter.drawText(header.adjusted(HEADER_HEIGHT, 0, 0, 0), int(QtCore.Qt.AlignVCenter), self.text)
        if not self.collapsed and not self.flat:
            painter.setPen(self.palette.color(QtGui.QPalette.Mid))
            painter.drawRect(0, HEADER_HEIGHT - 2, self.width - 1, self.height - HEADER_HEIGHT + 1)
        painter.end()


@standin(properties={"collapsed": bool, "collapsedHeight": (int, 14)})
class ctkCollapsibleGroupBox(Collapsing, qt_class("QGroupBox")):
    """A group box whose check mark opens it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.checkable = True
        self.checked = True
        link(self.toggled, self._toggled)

    def _header_height(self) -> int:
        return self.fontMetrics().height()


@standin(signals=("mrmlSceneChanged(vtkMRMLScene*)",))
class qMRMLCollapsibleButton(ctkCollapsibleButton):
    """A collapsible button that hands its scene on."""

    def setMRMLScene(self, scene: Any) -> None:
        self.mrmlSceneChanged.emit(scene)
