"""ctk's buttons as stand-ins: Qt's buttons with what CTK adds to them."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.wiring import link, row

LOOK = {"buttonTextAlignment": object, "iconAlignment": object, "elideMode": object}
# Values of flags of CTK's classes; .ui files name them, Python cannot.
DIALOG_OPTIONS = {
    "ShowDirsOnly": 0x1,
    "DontResolveSymlinks": 0x2,
    "DontConfirmOverwrite": 0x4,
    "DontUseNativeDialog": 0x10,
    "ReadOnly": 0x20,
    "HideNameFilterDetails": 0x40,
}


@standin(properties=LOOK)
class ctkPushButton(qt_class("QPushButton")):
    """A push button; where its text stands is not shown here."""


@standin()
class ctkMenuButton(qt_class("QPushButton")):
    """A push button whose arrow opens a menu."""


@standin(
    properties={
        "color": object,
        "colorName": str,
        "displayColorName": (bool, True),
        "dialogOptions": object,
    },
    signals=("colorChanged(QColor)", "colorNameChanged(QString)"),
)
class ctkColorPickerButton(qt_class("QPushButton")):
    """A push button that shows a colour and asks for another."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._color = QtGui.QColor()
        self.color = QtGui.QColor(QtCore.Qt.black)
        link(self.clicked, self._on_clicked)

    @property
    def color(self) -> Any:
        return self._color

    @color.setter
    def color(self, color: Any) -> None:
        color = QtGui.QColor(color)
        if color == self._color:
            return
        self._color = color
        square = QtGui.QPixmap(16, 16)
        square.fill(color)
        self.icon = QtGui.QIcon(square)
        if self.displayColorName:
            self.text = color.name()
        self.colorChanged.emit(color)
        self.colorNameChanged.emit(color.name())

    @property
    def colorName(self) -> str:
        return self._color.name()

    @colorName.setter
    def colorName(self, name: str) -> None:
        self.color = QtGui.QColor(name)

    def changeColor(self) -> None:
        chosen = qt_class("QColorDialog").getColor(self.color, self)
        if chosen.isValid():
            self.color = chosen

    def _displayColorName_changed(self, is_shown: bool) -> None:
        self.text = self._color.name() if is_shown else ""

    def _on_clicked(self) -> None:
        self.changeColor()


@standin(
    properties={
        "directory": str,
        "caption": str,
        "text": str,
        "icon": object,
        "acceptMode": object,
        "elideMode": object,
        "options": object,
    },
    signals=("directoryChanged(QString)", "directorySelected(QString)"),
)
class ctkDirectoryButton(qt_class("QWidget")):
    """A button with the name of a folder that asks for another."""

    _flags = DIALOG_OPTIONS

    def __init__(self, *args: Any) -> None:
        super().__init__(*(one for one in args if not isinstance(one, str)))
        self._button = qt_class("QPushButton")()
        row(self, self._button)
        link(self._button.clicked, self._on_clicked)
        self._directory = ""
        self.directory = next((one for one in args if isinstance(one, str)), ".")

    @property
    def directory(self) -> str:
        return self._directory

    @directory.setter
    def directory(self, path: str) -> None:
        path = qt_class("QDir")(path).absolutePath()
        if path == self._directory:
            return
        self._directory = path
        self._show()
        self.directoryChanged.emit(path)

    def browse(self) -> str:
        path = qt_class("QFileDialog").getExistingDirectory(self, self.caption, self.directory)
        if path:
            self.directory = path
            self.directorySelected.emit(path)
        return path

    def _text_changed(self, _text: str) -> None:
        self._show()

    def _icon_changed(self, icon: Any) -> None:
        self._button.icon = icon

    def _show(self) -> None:
        self._button.text = self.text or self._directory

    def _on_clicked(self) -> None:
        self.browse()
