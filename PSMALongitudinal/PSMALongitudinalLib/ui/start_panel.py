"""The module's .ui file to a panel that names the core."""

from __future__ import annotations

import slicer


class StartPanel:
    """Widgets of the panel.

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
        self.ui.coreVersionLabel.text = core_version
