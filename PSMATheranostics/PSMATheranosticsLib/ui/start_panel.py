"""The module's .ui file to a panel that names the core and checks the worker's Python."""

from __future__ import annotations

import slicer
from slicer.i18n import tr

from PSMATheranosticsLib.ui.worker_check import WorkerCheck
from PSMATheranosticsLib.worker_python import WorkerPython, default_python

WORKER_PYTHON_SETTING = "PSMATheranostics/WorkerPython"


class StartPanel:
    """Widgets of the panel and what they do.

    Parameters
    ----------
    ui_path : str
        The module's .ui file.
    core_version : str
        Version of the core that this process runs on.

    Attributes
    ----------
    widget : qMRMLWidget
        What the module puts into its layout.
    ui : object
        The widgets by their names in the .ui file.
    """

    def __init__(self, ui_path: str, core_version: str) -> None:
        self.widget = slicer.util.loadUI(ui_path)
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._check = WorkerCheck(self._show_worker, self._show_failure)
        self._core_version = core_version
        self.ui.coreVersionLabel.text = core_version
        self.ui.workerPythonPathLineEdit.currentPath = str(slicer.app.userSettings().value(WORKER_PYTHON_SETTING, ""))
        self.ui.workerPythonPathLineEdit.currentPathChanged.connect(self._keep_worker_python)
        self.ui.checkWorkerButton.clicked.connect(self._on_check_worker)

    def close(self) -> None:
        """End a check that runs."""
        self._check.close()

    def _keep_worker_python(self, path: str) -> None:
        slicer.app.userSettings().setValue(WORKER_PYTHON_SETTING, path)

    def _on_check_worker(self, *_: object) -> None:
        self.ui.checkWorkerButton.enabled = False
        self.ui.workerLabel.text = tr("asking …")
        self._check.start(self.ui.workerPythonPathLineEdit.currentPath or default_python())

    def _show_worker(self, worker: WorkerPython) -> None:
        torch = f"PyTorch {worker.torch}" if worker.torch else tr("no PyTorch: threshold segmentation only")
        text = f"Python {worker.python}, core {worker.core}, {torch}"
        if worker.core != self._core_version:
            text += tr(" (not the core of this Slicer)")
        self._show(text)

    def _show_failure(self, reason: str) -> None:
        self._show(tr("Cannot be used: ") + reason)

    def _show(self, text: str) -> None:
        self.ui.workerLabel.text = text
        self.ui.checkWorkerButton.enabled = True
