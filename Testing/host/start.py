"""slicer-core and PySide6 to a running host in which module files find what they find in a real Slicer."""

from __future__ import annotations

import atexit
import os
import runpy
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

HOST = Path(__file__).parent
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
# What a layout adds to the scene and closing the scene leaves there.
VIEWS = ("vtkMRMLAbstractViewNode", "vtkMRMLSliceCompositeNode")
_running: list[Host] = []


class Host:
    """Slicer's parts, once a process; `clear` gives the next test an empty scene.

    Attributes
    ----------
    scene, app_logic, logics
        What slicer-core has of Slicer; logics by module name.
    app, layout_manager, io_manager, module_manager, main_window
        Stand-ins, which modules reach through ``slicer``.
    vtk_errors : VtkErrors
        What VTK reported since it was last cleared.
    """

    def __init__(self, folder: Path) -> None:
        from Testing.host import app, qt_shim
        from Testing.host.errors import vtk_errors
        from Testing.host.mrml import start_mrml

        self.folder = folder
        self.vtk_errors = vtk_errors
        self.faults = qt_shim.faults
        self._mrml = start_mrml(folder)
        self.scene, self.app_logic, self.logics = self._mrml.scene, self._mrml.app_logic, self._mrml.logics
        self.app = app.make_application(self, folder)
        self.app.commandOptions().testingEnabled = True
        _fill_slicer(self)
        self._add_windows()

    def load_module(self, path: str | Path) -> Any:
        """Return the entry of ``slicer.modules`` for a module file; its panel is made when it is asked for."""
        return self.module_manager._load(Path(path).resolve())

    def clear(self) -> None:
        """Leave the module that is shown, close the scene, go back to the first layout and empty the settings."""
        self.main_window._leave_module()
        self.main_window.visible = False
        self.scene.Clear(0)
        self.layout_manager.setLayout(_first_layout())
        for node in [one for kind in VIEWS for one in self.scene.GetNodesByClass(kind)]:
            if node.GetID() not in self._first_views:
                self.scene.RemoveNode(node)
        self.app.settings().clear()
        self.app.revisionUserSettings().clear()
        self.app.processEvents()

    def end(self) -> None:
        """Tell everybody what Slicer tells them when it ends; panels asked for later are new ones."""
        self.main_window._leave_module()
        self.app.aboutToQuit.emit()
        for name in self.module_manager.modulesNames():
            self.module_manager._unload(name)

    def call(self, function: Callable[[], Any]) -> Any:
        """Return what the function returns, called from a running event loop as all code in Slicer is.

        Outside of one Qt deletes what ``deleteLater`` was called for as soon as a dialog opens, the dialog included.
        """
        import qt

        loop = qt.QEventLoop()
        waiting = [function]  # emptied, or Qt's timer would keep what the function refers to alive
        results: list[Any] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(waiting.pop()())
            except BaseException as error:  # noqa: BLE001 - goes to the caller, not to Qt
                errors.append(error)
            loop.quit()

        qt.QTimer.singleShot(0, run)
        loop.exec()
        if errors:
            raise errors[0]
        return results[0]

    def run_script(self, path: str | Path, *arguments: str, timeout_s: float = 600.0) -> int:
        """Return the exit code of a script run as by ``Slicer --python-script path arguments``.

        Like Slicer, goes on with the event loop until the script's code calls ``slicer.util.exit``; a script that
        does not do so in time would leave a real Slicer running, so that is an error.
        """
        previous, sys.argv = sys.argv, [str(path), *arguments]
        self.app._exit_code = None
        deadline = time.monotonic() + timeout_s
        try:
            self.call(lambda: runpy.run_path(str(path), run_name="__main__"))
            while self.app._exit_code is None:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{path} did not call slicer.util.exit: a real Slicer would stay running")
                self.app.processEvents()
                time.sleep(0.005)
        except SystemExit as left:
            return left.code if isinstance(left.code, int) else int(left.code is not None)
        finally:
            sys.argv = previous
        return int(self.app._exit_code)

    def _add_windows(self) -> None:
        import slicer

        from Testing.host.io import qSlicerIOManager
        from Testing.host.main_window import MainWindow
        from Testing.host.modules import qSlicerModuleManager
        from Testing.host.views.layout_manager import qSlicerLayoutManager

        self.io_manager = qSlicerIOManager(self.scene, self.app_logic, self.logics)
        self.module_manager = qSlicerModuleManager(self.logics)
        self.main_window = MainWindow(self.module_manager)
        self.layout_manager = qSlicerLayoutManager(self.app_logic, self.scene)
        self.main_window.setCentralWidget(self.layout_manager.viewport())
        self.layout_manager.setLayout(_first_layout())
        self._first_views = {node.GetID() for kind in VIEWS for node in self.scene.GetNodesByClass(kind)}
        slicer.dicomDatabase = self.app.dicomDatabase()


def start() -> Host:
    """Return the host of this process; the first call starts it."""
    if not _running:
        from Testing.host import qt_shim

        qt_shim.install()
        folder = Path(tempfile.mkdtemp(prefix="slicer-host-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _running.append(Host(folder))
    return _running[0]


def _first_layout() -> int:
    import slicer

    return int(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)


def _fill_slicer(host: Host) -> None:
    """Give the package ``slicer`` what slicer-core lacks, and take what only slicer-core has."""
    import qt
    import slicer
    import slicer.util

    from Testing.host import app, modules
    from Testing.host.widgets import install_ctk, qmrml_widgets
    from Testing.host.widgets.ui_loader import QUiLoader

    app.forget_leaked_names()
    slicer.__path__.append(str(HOST / "slicer"))
    slicer.app = host.app
    slicer.mrmlScene = host.scene
    slicer.modules = ModuleType("slicer.modules")
    slicer.modules.dicomPlugins = {}
    install_ctk()
    qt.QUiLoader = QUiLoader
    for name, kind in qmrml_widgets().items():
        setattr(slicer, name, kind)
    slicer.qSlicerScriptedLoadableModule = modules.qSlicerScriptedLoadableModule
    slicer.qSlicerScriptedLoadableModuleWidget = modules.qSlicerScriptedLoadableModuleWidget
