"""ctk's combo boxes, path and text widgets as stand-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui

from Testing.host.qt_shim import qt_class, standin
from Testing.host.widgets.buttons import DIALOG_OPTIONS
from Testing.host.widgets.wiring import link, row

QMessageBox = qt_class("QMessageBox")
PATH_FILTERS = {
    "Dirs": 0x1,
    "Files": 0x2,
    "Readable": 0x10,
    "Writable": 0x20,
    "Executable": 0x40,
    "Hidden": 0x100,
    "NoDot": 0x2000,
    "NoDotDot": 0x4000,
    "NoDotAndDotDot": 0x6000,
}


@standin(
    properties={
        "defaultText": str,
        "defaultIcon": object,
        "forceDefault": bool,
        "elideMode": object,
        "scrollWheelEffect": object,
        "currentUserDataAsString": str,
    },
    signals=("returnRelease()",),
)
class ctkComboBox(qt_class("QComboBox")):
    """A combo box with a text for "nothing chosen"."""

    NeverScroll, AlwaysScroll, ScrollWithFocus, ScrollWithNoVScrollBar = range(4)

    @property
    def currentUserDataAsString(self) -> str:
        data = self.itemData(self.currentIndex)
        return "" if data is None else str(data)

    @currentUserDataAsString.setter
    def currentUserDataAsString(self, data: str) -> None:
        self.currentIndex = self.findData(data)

    def paintEvent(self, event: Any) -> None:
        painter = qt_class("QStylePainter")(self)
        option = qt_class("QStyleOptionComboBox")()
        self.initStyleOption(option)
        if self.forceDefault or self.currentIndex < 0:
            option.currentText = self.defaultText
        painter.drawComplexControl(qt_class("QStyle").CC_ComboBox, option)
        painter.drawControl(qt_class("QStyle").CE_ComboBoxLabel, option)
        painter.end()


@standin(signals=("checkedIndexesChanged()", "returnRelease()"))
class ctkCheckableComboBox(qt_class("QComboBox")):
    """A combo box of check marks; `checkedIndexesChanged` follows each change."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        model = QtGui.QStandardItemModel(0, 1, self)
        self.setModel(model)
        link(model.rowsInserted, self._on_inserted)
        link(model.dataChanged, self._on_data)

    def checkableModel(self) -> Any:
        return self.model()

    def checkedIndexes(self) -> tuple[Any, ...]:
        return tuple(one for one in self._indexes() if self.checkState(one) == QtCore.Qt.Checked)

    def allChecked(self) -> bool:
        return len(self.checkedIndexes()) == self.count

    def noneChecked(self) -> bool:
        return not self.checkedIndexes()

    def checkState(self, index: Any) -> Any:
        return QtCore.Qt.CheckState(int(index.data(QtCore.Qt.CheckStateRole) or 0))

    def setCheckState(self, index: Any, check: Any) -> None:
        self.model().setData(index, check, QtCore.Qt.CheckStateRole)

    def _indexes(self) -> list[Any]:
        return [self.model().index(one, 0) for one in range(self.count)]

    def _on_inserted(self, _parent: Any, first: int, last: int) -> None:
        for one in range(first, last + 1):
            item = self.model().item(one)
            item.setFlags(QtCore.Qt.ItemIsEnabled | QtCore.Qt.ItemIsUserCheckable | QtCore.Qt.ItemIsSelectable)
            item.setData(QtCore.Qt.Unchecked, QtCore.Qt.CheckStateRole)

    def _on_data(self, _first: Any, _last: Any, roles: Any) -> None:
        if not roles or QtCore.Qt.CheckStateRole in [QtCore.Qt.ItemDataRole(one) for one in roles]:
            self.checkedIndexesChanged.emit()


@standin(properties={"showSearchIcon": bool, "searchIcon": object, "clearIcon": object})
class ctkSearchBox(qt_class("QLineEdit")):
    """A line edit that can be cleared by a click."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.clearButtonEnabled = True
        self.placeholderText = "Search..."


@standin(
    properties={
        "label": str,
        "filters": object,
        "currentPath": str,
        "options": object,
        "settingKey": str,
        "showBrowseButton": (bool, True),
        "showHistoryButton": (bool, True),
        "sizeAdjustPolicy": object,
        "minimumContentsLength": int,
        "nameFilters": tuple,
    },
    signals=("currentPathChanged(QString)", "validInputChanged(bool)"),
)
class ctkPathLineEdit(qt_class("QWidget")):
    """A path to type or to choose, with the earlier ones in a list.

    The path history is kept in the settings under `settingKey`. In a real Slicer the values of the filters are no
    attributes of the class; assign `filters` in the .ui file.
    """

    _flags = DIALOG_OPTIONS | PATH_FILTERS

    def __init__(self, *args: Any) -> None:
        super().__init__(*(one for one in args if one is None or hasattr(one, "isWidgetType")))
        self._combo = qt_class("QComboBox")()
        self._combo.editable = True
        self._combo.insertPolicy = qt_class("QComboBox").NoInsert
        self._button = qt_class("QToolButton")()
        self._button.text = "..."
        row(self, self._combo, self._button)
        self._is_valid = False
        link(self._combo.lineEdit().textChanged, self._on_text)
        link(self._button.clicked, self._on_clicked)

    @property
    def currentPath(self) -> str:
        return self._combo.currentText

    @currentPath.setter
    def currentPath(self, path: str) -> None:
        self._combo.lineEdit().text = path

    def comboBox(self) -> Any:
        return self._combo

    def browse(self) -> None:
        dialog = qt_class("QFileDialog")
        if self._asks_for_folder():
            path = dialog.getExistingDirectory(self, self.label, self.currentPath)
        elif self._has_filter("Writable"):
            path = dialog.getSaveFileName(self, self.label, self.currentPath, ";;".join(self.nameFilters))
        else:
            path = dialog.getOpenFileName(self, self.label, self.currentPath, ";;".join(self.nameFilters))
        if path:
            self.currentPath = path

    def addCurrentPathToHistory(self) -> None:
        if self.currentPath and self._combo.findText(self.currentPath) < 0:
            self._combo.insertItem(0, self.currentPath)
        if self.settingKey:
            paths = [self._combo.itemText(one) for one in range(self._combo.count)]
            qt_class("QSettings")().setValue(self.settingKey, paths)

    def retrieveHistory(self) -> None:
        path = self.currentPath
        self._combo.clear()
        stored = qt_class("QSettings")().value(self.settingKey) or ()
        self._combo.addItems([stored] if isinstance(stored, str) else list(stored))
        self.currentPath = path or self._combo.itemText(0)

    def _has_filter(self, name: str) -> bool:
        return bool(self.filters is not None and int(self.filters) & PATH_FILTERS[name])

    def _asks_for_folder(self) -> bool:
        return self._has_filter("Dirs") and not self._has_filter("Files")

    def _settingKey_changed(self, _key: str) -> None:
        self.retrieveHistory()

    def _showBrowseButton_changed(self, is_shown: bool) -> None:
        self._button.visible = is_shown

    def _on_text(self, path: str) -> None:
        found = Path(path)
        is_valid = bool(path) and (found.is_dir() if self._asks_for_folder() else found.exists())
        if is_valid != self._is_valid:
            self._is_valid = is_valid
            self.validInputChanged.emit(is_valid)
        self.currentPathChanged.emit(path)

    def _on_clicked(self) -> None:
        self.browse()


@standin(
    properties={
        "dontShowAgain": bool,
        "dontShowAgainVisible": bool,
        "dontShowAgainSettingsKey": str,
        "dontShowAgainButtonRoles": tuple,
    }
)
class ctkMessageBox(QMessageBox):
    """A message box that can be told not to come again; then `exec` answers with the default button at once."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._roles: list[Any] = [QMessageBox.AcceptRole]

    def addDontShowAgainButtonRole(self, role: Any) -> None:
        self._roles.append(role)

    def exec(self) -> int:
        if self.dontShowAgain:
            return int(self.standardButton(self.defaultButton()) if self.defaultButton() else QMessageBox.Ok)
        return int(super().exec())

    def _dontShowAgainVisible_changed(self, is_visible: bool) -> None:
        if is_visible and self.checkBox() is None:
            box = qt_class("QCheckBox")("Don't show this message again", self)
            box.checked = self.dontShowAgain
            link(box.toggled, self._on_checked)
            self.setCheckBox(box)

    def _dontShowAgainSettingsKey_changed(self, key: str) -> None:
        self.dontShowAgain = str(qt_class("QSettings")().value(key)) in ("true", "True", "1") or self.dontShowAgain

    def _dontShowAgain_changed(self, is_unwanted: bool) -> None:
        if self.dontShowAgainSettingsKey:
            qt_class("QSettings")().setValue(self.dontShowAgainSettingsKey, is_unwanted)

    def _on_checked(self, is_checked: bool) -> None:
        self.dontShowAgain = is_checked


@standin(
    properties={"collapsed": (bool, True), "showDetailsText": str, "hideDetailsText": str, "disableMouseScroll": bool}
)
class ctkFittedTextBrowser(qt_class("QTextBrowser")):
    """A text that is as high as it needs."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.verticalScrollBarPolicy = QtCore.Qt.ScrollBarAlwaysOff
        link(self.textChanged, self._fit)

    def setCollapsibleText(self, text: Any) -> None:
        self.setText(text)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(int(self.document.size.height()) + 2 * self.frameWidth)
