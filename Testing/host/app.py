"""The scene, its logics and Qt's application to ``slicer.app``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from Testing.host.contract import known_names, recorded
from Testing.host.qt_shim import qt_class, standin

DOCUMENTATION = "https://slicer.readthedocs.io/en/latest/"


@standin(
    properties={
        "runPythonAndExit": bool,
        "testingEnabled": bool,
        "noMainWindow": bool,
        "settingsEnabled": (bool, True),
        "pythonScript": str,
        "unparsedArguments": (tuple, ()),
    }
)
class qSlicerCommandOptions(qt_class("QObject")):
    """What Slicer was started with; the host was started with nothing."""


@standin(
    properties={"isOpen": bool, "databaseFilename": str, "databaseDirectory": str},
    signals=("databaseChanged()", "opened()", "closed()"),
)
class ctkDICOMDatabase(qt_class("QObject")):
    """Slicer's DICOM database as a fresh profile has it: there, but not open, so it knows no patient."""

    def patients(self) -> tuple[str, ...]:
        return ()


@standin(
    properties={
        "applicationName": (str, "Slicer"),
        "applicationVersion": (str, recorded()["slicer"]),
        "majorVersion": (int, int(recorded()["slicer"].split(".")[0])),
        "minorVersion": (int, int(recorded()["slicer"].split(".")[1])),
        "slicerHome": str,
        "temporaryPath": str,
        "cachePath": str,
        "defaultScenePath": str,
        "startupWorkingPath": (str, str(Path.cwd())),
        "extensionsInstallPath": str,
        "documentationBaseUrl": (str, DOCUMENTATION),
        "revision": str,
    },
    signals=("startupCompleted()", "renderPaused(bool)", "mrmlSceneChanged(vtkMRMLScene*)"),
)
class qSlicerApplication(qt_class("QObject")):
    """The names of Slicer's application that Qt's does not have; Qt's answers the others."""

    def __init__(self, host: Any) -> None:
        super().__init__()
        self._host = host
        self._qt = qt_class("QApplication").instance()
        self._options = qSlicerCommandOptions()
        self._database = ctkDICOMDatabase()
        self._settings = qt_class("QSettings")()
        file_name = str(self._settings.fileName())
        revision_file = str(Path(file_name).with_name("Slicer-host.ini"))
        self._revision_settings = qt_class("QSettings")(revision_file, qt_class("QSettings").IniFormat)
        self._exit_code: int | None = None
        self._n_pauses = 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in known_names("slicer.app"):
            raise AttributeError(f"slicer.app has no attribute '{name}': Slicer's application has no such name")
        if hasattr(self._qt, name):
            return getattr(self._qt, name)
        raise AttributeError(f"slicer.app has no attribute '{name}' in the test host, though Slicer's application has")

    def mrmlScene(self) -> Any:
        return self._host.scene

    def applicationLogic(self) -> Any:
        return self._host.app_logic

    def moduleLogic(self, moduleName: str) -> Any:
        return self._host.app_logic.GetModuleLogic(moduleName)

    def layoutManager(self) -> Any:
        return self._host.layout_manager

    def moduleManager(self) -> Any:
        return self._host.module_manager

    def ioManager(self) -> Any:
        return self._host.io_manager

    def coreIOManager(self) -> Any:
        return self._host.io_manager

    def commandOptions(self) -> Any:
        return self._options

    def testingEnabled(self) -> bool:
        return bool(self._options.testingEnabled)

    def dicomDatabase(self) -> Any:
        return self._database

    def settings(self) -> Any:
        return self._settings

    def userSettings(self) -> Any:
        return self._settings

    def revisionUserSettings(self) -> Any:
        return self._revision_settings

    def startupEnvironment(self) -> Any:
        return qt_class("QProcessEnvironment").systemEnvironment()

    def moduleDocumentationUrl(self, moduleName: str) -> str:
        return f"{DOCUMENTATION}user_guide/modules/{moduleName.lower()}.html"

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)

    def setRenderPaused(self, pause: bool) -> None:
        """Count pauses; views render again after as many resumes."""
        self._n_pauses += 1 if pause else -1
        if pause:
            self._host.app_logic.PauseRender()
        else:
            self._host.app_logic.ResumeRender()
        self.renderPaused.emit(self._n_pauses > 0)

    def exit(self, code: int = 0) -> None:
        """Note the exit code; `Host.run_script` ends with it, a test goes on as Slicer's script does."""
        self._exit_code = int(code)

    def quit(self) -> None:
        self.exit(0)

    def restart(self) -> None:
        raise NotImplementedError("the test host cannot restart Slicer")


def make_application(host: Any, folder: Path) -> Any:
    """Return ``slicer.app`` with its paths below ``folder``."""
    app = qSlicerApplication(host)
    for name in ("temporaryPath", "cachePath", "defaultScenePath", "extensionsInstallPath"):
        below = folder / name
        below.mkdir(exist_ok=True)
        setattr(app, name, str(below))
    app.slicerHome = host.app_logic.GetHomeDirectory()
    return app


def forget_leaked_names() -> None:
    """Delete what slicer-core puts into ``slicer`` and a real Slicer does not have."""
    known = known_names("slicer")
    for name in [one for one in vars(slicer) if not one.startswith("_") and one not in known]:
        delattr(slicer, name)
