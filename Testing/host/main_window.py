"""Module panels and views to Slicer's main window: selector, panel at the left, layout in the middle."""

from __future__ import annotations

from typing import Any

from Testing.host.qt_shim import qt_class, standin

WIDTH, HEIGHT, PANEL_WIDTH = 1400, 900, 420


@standin(
    properties={"helpAndAcknowledgmentVisible": (bool, True)},
    signals=("moduleAdded(QString)", "moduleRemoved(QString)"),
)
class qSlicerModulePanel(qt_class("QWidget")):
    """Shows one module's panel at a time."""

    def __init__(self, module_manager: Any) -> None:
        super().__init__()
        self._manager = module_manager
        self._current: Any = None
        self.objectName = "ModulePanel"
        area = qt_class("QScrollArea")()
        area.widgetResizable = True
        self._content = qt_class("QWidget")()
        self._rows = qt_class("QVBoxLayout")(self._content)
        self._rows.setContentsMargins(0, 0, 0, 0)
        area.setWidget(self._content)
        layout = qt_class("QVBoxLayout")(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def moduleManager(self) -> Any:
        return self._manager

    def setModule(self, moduleName: str) -> None:
        """Leave the module that is shown and enter the other; an empty name shows none."""
        panel = self._manager.module(moduleName).widgetRepresentation() if moduleName else None
        if panel is self._current:
            return
        if self._current is not None:
            self._current.exit()
            self._rows.removeWidget(self._current)
            self._current.visible = False
            self._current.setParent(None)
            self.moduleRemoved.emit(self._current.moduleName)
        self._current = panel
        if panel is not None:
            panel.layout().setContentsMargins(0, 0, 0, 0)
            self._rows.addWidget(panel)
            panel.visible = True
            panel.enter()
            self.moduleAdded.emit(moduleName)


@standin(properties={"selectedModule": str}, signals=("moduleSelected(QString)",))
class qSlicerModuleSelectorToolBar(qt_class("QToolBar")):
    """Says which module is shown."""

    def __init__(self, module_manager: Any) -> None:
        super().__init__()
        self._manager = module_manager

    def selectModule(self, moduleName: str) -> None:
        """Select a loaded module; any other name changes nothing, as in Slicer."""
        if self._manager.module(moduleName) is not None:
            self.selectedModule = moduleName

    def _selectedModule_changed(self, name: str) -> None:
        self.moduleSelected.emit(name)


@standin(name="qSlicerAppMainWindow")
class MainWindow(qt_class("QMainWindow")):
    """What `slicer.util.mainWindow` finds by its name; hidden until a module is selected."""

    def __init__(self, module_manager: Any) -> None:
        super().__init__()
        self.objectName = "qSlicerMainWindow"
        self.windowTitle = "3D Slicer"
        self._selector = qSlicerModuleSelectorToolBar(module_manager)
        self.addToolBar(self._selector)
        self._panel = qSlicerModulePanel(module_manager)
        dock = qt_class("QDockWidget")("", self)
        dock.objectName = "PanelDockWidget"
        dock.setWidget(self._panel)
        self._panel.setMinimumWidth(PANEL_WIDTH)
        self.addDockWidget(qt_class("Qt").LeftDockWidgetArea, dock)
        self._selector.moduleSelected.connect(self._show_module)
        self.resize(WIDTH, HEIGHT)

    def moduleSelector(self) -> Any:
        return self._selector

    def _show_module(self, name: str) -> None:
        self.visible = True
        self._panel.setModule(name)

    def _leave_module(self) -> None:
        self._panel.setModule("")
        self._selector.selectedModule = ""
