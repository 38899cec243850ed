"""Door of the compare module: what Slicer loads, over PSMALongitudinalLib."""

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
    from PSMALongitudinalLib.ui.start_panel import StartPanel

# Slicer reads every door when it starts, before all module folders are on its path: what the module needs is imported
# when it is opened.


class PSMALongitudinal(ScriptedLoadableModule):
    """What the module menu shows."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = tr("PSMA Longitudinal")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Nuclear Medicine")]
        parent.dependencies = ["PSMATheranostics"]
        parent.contributors = ["PSMA theranostics maintainers"]
        parent.helpText = tr("Compares the time points of a patient under PSMA radioligand therapy. Research use only.")
        parent.acknowledgementText = tr("Open source under the Apache License 2.0.")


class PSMALongitudinalWidget(ScriptedLoadableModuleWidget):
    """The module's panel."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.logic: PSMALongitudinalLogic | None = None
        self.panel: StartPanel | None = None

    def setup(self) -> None:
        """Build the panel the first time that the module is opened."""
        super().setup()
        from PSMALongitudinalLib.ui.start_panel import StartPanel

        self.logic = PSMALongitudinalLogic()
        self.panel = StartPanel(self.resourcePath("UI/PSMALongitudinal.ui"), self.logic.coreVersion())
        self.layout.addWidget(self.panel.widget)
        self.panel.widget.setMRMLScene(slicer.mrmlScene)

    def cleanup(self) -> None:
        """Let go of the panel."""
        self.panel = None

    def onReload(self) -> None:
        """Reload the module's packages with it: Slicer itself reloads this file only."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "PSMALongitudinalLib"]:
            del sys.modules[name]
        super().onReload()


class PSMALongitudinalLogic(ScriptedLoadableModuleLogic):
    """What the module does without its panel."""

    def coreVersion(self) -> str:
        """Return the version of the core that the module runs on."""
        from psmacore import __version__

        return __version__


class PSMALongitudinalTest(ScriptedLoadableModuleTest):
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
        panel = slicer.modules.psmalongitudinal.widgetRepresentation().self().panel
        self.assertEqual(panel.ui.coreVersionLabel.text, PSMALongitudinalLogic().coreVersion())

    def test_the_panel_says_what_it_must_not_be_used_for(self) -> None:
        """The research-use line is there before anything is loaded."""
        panel = slicer.modules.psmalongitudinal.widgetRepresentation().self().panel
        self.assertIn("research use only", panel.ui.researchUseLabel.text.lower())
