"""Door of the reading module: what Slicer loads, over PSMATheranosticsLib."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr, translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

if TYPE_CHECKING:
    from PSMATheranosticsLib.ui.start_panel import StartPanel

# Slicer reads every door when it starts, before all module folders are on its path: what the module needs is imported
# when it is opened.


class PSMATheranostics(ScriptedLoadableModule):
    """What the module menu shows."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = tr("PSMA Theranostics")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Nuclear Medicine")]
        parent.dependencies = []
        parent.contributors = ["PSMA theranostics maintainers"]
        parent.helpText = tr("Reads PSMA PET/CT studies, measures lesions and publishes the result. Research use only.")
        parent.acknowledgementText = tr("Open source under the Apache License 2.0.")


class PSMATheranosticsWidget(ScriptedLoadableModuleWidget):
    """The module's panel."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.logic: PSMATheranosticsLogic | None = None
        self.panel: StartPanel | None = None

    def setup(self) -> None:
        """Build the panel the first time that the module is opened."""
        super().setup()
        from PSMATheranosticsLib.ui.start_panel import StartPanel

        self.logic = PSMATheranosticsLogic()
        self.panel = StartPanel(self.resourcePath("UI/PSMATheranostics.ui"), self.logic.coreVersion())
        self.layout.addWidget(self.panel.widget)
        self.panel.widget.setMRMLScene(slicer.mrmlScene)

    def cleanup(self) -> None:
        """End what the panel has running."""
        if self.panel is not None:
            self.panel.close()
            self.panel = None

    def onReload(self) -> None:
        """Reload the module's packages with it: Slicer itself reloads this file only."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "PSMATheranosticsLib"]:
            del sys.modules[name]
        super().onReload()


class PSMATheranosticsLogic(ScriptedLoadableModuleLogic):
    """What the module does without its panel."""

    def coreVersion(self) -> str:
        """Return the version of the core that the module runs on."""
        from psmacore import __version__

        return __version__


class PSMATheranosticsTest(ScriptedLoadableModuleTest):
    """The module's own tests; they run in Slicer (Reload and Test) and in the test host alike."""

    def setUp(self) -> None:
        """Start from an empty scene."""
        slicer.mrmlScene.Clear(0)

    def runTest(self) -> None:
        """Run every test method, each from an empty scene."""
        for name in sorted(name for name in dir(self) if name.startswith("test_")):
            self.setUp()
            getattr(self, name)()

    def test_the_panel_names_the_core_it_runs_on(self) -> None:
        """The version in the panel is the version of psmacore."""
        panel = slicer.modules.psmatheranostics.widgetRepresentation().self().panel
        self.assertEqual(panel.ui.coreVersionLabel.text, PSMATheranosticsLogic().coreVersion())

    def test_the_panel_says_what_it_must_not_be_used_for(self) -> None:
        """The research-use line is there before anything is loaded."""
        panel = slicer.modules.psmatheranostics.widgetRepresentation().self().panel
        self.assertIn("research use only", panel.ui.researchUseLabel.text.lower())

    def test_the_panel_survives_a_scene_that_is_closed(self) -> None:
        """Closing the scene leaves the panel with the scene it had."""
        panel = slicer.modules.psmatheranostics.widgetRepresentation().self().panel
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PET")
        slicer.mrmlScene.Clear(0)
        self.assertIs(panel.widget.mrmlScene(), slicer.mrmlScene)
