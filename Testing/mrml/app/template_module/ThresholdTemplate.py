"""A scripted module as Slicer's template makes them: two selectors, a slider, a check box, a button, parameters.

It imports nothing of the host, so the same file runs in a real Slicer.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

INPUT, OUTPUT, THRESHOLD, INVERT = "Input", "Output", "Threshold", "Invert"


class ThresholdTemplate(ScriptedLoadableModule):
    """What Slicer shows about the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Threshold template")
        parent.categories = ["Testing"]
        parent.contributors = ["The developers of this extension"]
        parent.helpText = _("Keeps the voxels above a threshold.")


class ThresholdTemplateWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel; the parameter node says what it shows."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.parameters = None
        self.is_shown = False
        self._is_updating = False

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/ThresholdTemplate.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = ThresholdTemplateLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndImport)
        self.ui.inputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onPanelChanged)
        self.ui.outputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onPanelChanged)
        self.ui.thresholdSlider.connect("valueChanged(double)", self.onPanelChanged)
        self.ui.invertCheckBox.connect("toggled(bool)", self.onPanelChanged)
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.observeParameters(self.logic.getParameterNode())

    def cleanup(self):
        self.removeObservers()

    def enter(self):
        self.is_shown = True
        self.observeParameters(self.logic.getParameterNode())

    def exit(self):
        self.is_shown = False
        self.observeParameters(None)

    def onSceneStartClose(self, caller, event):
        self.observeParameters(None)

    def onSceneEndClose(self, caller, event):
        if self.is_shown:
            self.observeParameters(self.logic.getParameterNode())

    def onSceneEndImport(self, caller, event):
        # While a scene is read, its parameters come before the volumes that they refer to.
        if self.is_shown:
            self.observeParameters(self.logic.getParameterNode())

    def observeParameters(self, node):
        if self.parameters is not None:
            self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        self.parameters = node
        if node is not None:
            self.logic.setDefaultParameters(node)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        self.onParametersChanged()

    def onParametersChanged(self, caller=None, event=None):
        if self.parameters is None or self._is_updating:
            return
        self._is_updating = True
        self.ui.inputSelector.setCurrentNode(self.parameters.GetNodeReference(INPUT))
        self.ui.outputSelector.setCurrentNode(self.parameters.GetNodeReference(OUTPUT))
        self.ui.thresholdSlider.value = float(self.parameters.GetParameter(THRESHOLD))
        self.ui.invertCheckBox.checked = self.parameters.GetParameter(INVERT) == "true"
        is_complete = self.parameters.GetNodeReference(INPUT) is not None
        self.ui.applyButton.enabled = is_complete
        self.ui.applyButton.toolTip = _("Compute the output") if is_complete else _("Choose an input volume")
        self._is_updating = False

    def onPanelChanged(self, *arguments):
        if self.parameters is None or self._is_updating:
            return
        with slicer.util.NodeModify(self.parameters):
            self.parameters.SetNodeReferenceID(INPUT, self.ui.inputSelector.currentNodeID)
            self.parameters.SetNodeReferenceID(OUTPUT, self.ui.outputSelector.currentNodeID)
            self.parameters.SetParameter(THRESHOLD, str(self.ui.thresholdSlider.value))
            self.parameters.SetParameter(INVERT, "true" if self.ui.invertCheckBox.checked else "false")

    def onApplyButton(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The threshold failed."), waitCursor=True):
            if self.ui.outputSelector.currentNode() is None:
                self.ui.outputSelector.addNode()
            self.logic.process(
                self.ui.inputSelector.currentNode(),
                self.ui.outputSelector.currentNode(),
                self.ui.thresholdSlider.value,
                self.ui.invertCheckBox.checked,
            )


class ThresholdTemplateLogic(ScriptedLoadableModuleLogic):
    """The computation, without a panel."""

    def setDefaultParameters(self, node):
        for name, value in ((THRESHOLD, "100.0"), (INVERT, "false")):
            if not node.GetParameter(name):
                node.SetParameter(name, value)

    def process(self, source, target, threshold, invert):
        """Set every voxel of ``target`` to 0 where ``source`` is not above, or inverted not below, the threshold."""
        if not source or not target:
            raise ValueError("Input or output volume is missing")
        voxels = slicer.util.arrayFromVolume(source)
        keep = voxels < threshold if invert else voxels > threshold
        target.CopyOrientation(source)
        slicer.util.updateVolumeFromArray(target, np.where(keep, voxels, 0))


class ThresholdTemplateTest(ScriptedLoadableModuleTest):
    """Runs in the host and from "Reload and Test" in Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        self.setUp()
        self.test_voxels_below_the_threshold_become_zero()

    def test_voxels_below_the_threshold_become_zero(self):
        self.delayDisplay("Threshold of a ramp")
        source = slicer.util.addVolumeFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
        target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        logic = ThresholdTemplateLogic()
        logic.process(source, target, 10, False)
        self.assertEqual(slicer.util.arrayFromVolume(target).sum(), sum(range(11, 24)))
        logic.process(source, target, 10, True)
        self.assertEqual(slicer.util.arrayFromVolume(target).sum(), sum(range(10)))
