"""A module made as Slicer's template makes them behaves here as it does in a real Slicer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import qt
import slicer

if TYPE_CHECKING:
    from Testing.host.start import Host

FILE = Path(__file__).parent / "template_module" / "ThresholdTemplate.py"


@pytest.fixture
def a_panel(host: Host) -> Any:
    """The module's Python object, shown in the main window."""
    host.load_module(FILE)
    slicer.util.selectModule("ThresholdTemplate")
    return slicer.modules.thresholdtemplate.widgetRepresentation().self()


@pytest.fixture
def a_ramp(host: Host) -> Any:
    """A volume with the voxels 0 to 23."""
    return slicer.util.addVolumeFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4), name="ramp")


def test_the_module_describes_itself(host: Host) -> None:
    module = host.load_module(FILE)
    assert module is slicer.modules.thresholdtemplate
    assert (module.name, module.title, module.path) == ("ThresholdTemplate", "Threshold template", str(FILE))
    assert module.categories == ("Testing",)
    assert slicer.util.modulePath("ThresholdTemplate") == str(FILE)
    assert slicer.modules.ThresholdTemplateInstance.moduleName == "ThresholdTemplate"


def test_a_misspelt_description_is_refused(host: Host) -> None:
    with pytest.raises(AttributeError, match="titel"):
        host.load_module(FILE).titel = "Threshold"


def test_the_panel_is_built_from_its_ui_file(a_panel: Any) -> None:
    assert a_panel.ui.inputSelector.className() == "qMRMLNodeComboBox"
    assert a_panel.ui.thresholdSlider.maximum == 1000.0
    assert a_panel.ui.advancedButton.collapsed is True
    assert a_panel.ui.invertCheckBox.visible is False
    assert a_panel.ui.applyButton.visible is True
    a_panel.ui.advancedButton.collapsed = False
    slicer.app.processEvents()
    assert a_panel.ui.invertCheckBox.height >= a_panel.ui.invertCheckBox.sizeHint.height()
    a_panel.ui.advancedButton.collapsed = True


def test_selectors_follow_the_scene(a_panel: Any, a_ramp: Any) -> None:
    assert a_panel.ui.inputSelector.nodeCount() == 1
    assert a_panel.ui.inputSelector.currentNode() is None
    slicer.mrmlScene.RemoveNode(a_ramp)
    assert a_panel.ui.inputSelector.nodeCount() == 0


def test_a_choice_in_the_panel_becomes_a_parameter(a_panel: Any, a_ramp: Any) -> None:
    a_panel.ui.inputSelector.setCurrentNode(a_ramp)
    a_panel.ui.thresholdSlider.value = 7.5
    a_panel.ui.invertCheckBox.click()
    node = a_panel.logic.getParameterNode()
    assert node.GetNodeReference("Input") is a_ramp
    assert (node.GetParameter("Threshold"), node.GetParameter("Invert")) == ("7.5", "true")


def test_a_parameter_shows_in_the_panel(a_panel: Any, a_ramp: Any) -> None:
    node = a_panel.logic.getParameterNode()
    node.SetParameter("Threshold", "-12.5")
    node.SetParameter("Invert", "true")
    node.SetNodeReferenceID("Input", a_ramp.GetID())
    assert a_panel.ui.thresholdSlider.value == -12.5
    assert a_panel.ui.invertCheckBox.checked is True
    assert a_panel.ui.inputSelector.currentNode() is a_ramp


def test_the_button_waits_for_an_input_and_computes_on_a_click(a_panel: Any, a_ramp: Any) -> None:
    assert a_panel.ui.applyButton.enabled is False
    a_panel.ui.inputSelector.setCurrentNode(a_ramp)
    assert a_panel.ui.applyButton.enabled is True
    a_panel.ui.thresholdSlider.value = 20.0
    a_panel.ui.applyButton.click()
    output = a_panel.ui.outputSelector.currentNode()
    assert sorted(slicer.util.arrayFromVolume(output).ravel()[-3:]) == [21, 22, 23]
    assert slicer.util.arrayFromVolume(output).sum() == 66


def test_an_error_behind_a_button_fails_the_test(host: Host, a_panel: Any, a_ramp: Any) -> None:
    a_panel.ui.inputSelector.setCurrentNode(a_ramp)
    a_ramp.SetAndObserveImageData(None)
    with host.faults.expected("NoneType"):
        a_panel.ui.applyButton.click()


def test_closing_the_scene_empties_the_panel_and_sets_defaults_again(a_panel: Any, a_ramp: Any) -> None:
    a_panel.ui.inputSelector.setCurrentNode(a_ramp)
    a_panel.ui.thresholdSlider.value = 7.5
    slicer.mrmlScene.Clear(0)
    assert a_panel.ui.inputSelector.currentNode() is None
    assert a_panel.ui.thresholdSlider.value == 100.0
    assert a_panel.ui.applyButton.enabled is False


def test_a_saved_scene_brings_the_parameters_back(a_panel: Any, a_ramp: Any, tmp_path: Path) -> None:
    a_panel.ui.inputSelector.setCurrentNode(a_ramp)
    a_panel.ui.thresholdSlider.value = 7.5
    file = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(file)
    slicer.mrmlScene.Clear(0)
    assert a_panel.ui.thresholdSlider.value == 100.0
    slicer.util.loadScene(file)
    assert a_panel.ui.thresholdSlider.value == 7.5
    assert a_panel.ui.inputSelector.currentNode().GetName() == "ramp"
    assert a_panel.logic.getParameterNode().GetNodeReference("Input").GetName() == "ramp"


def test_another_module_makes_the_panel_leave_and_return(a_panel: Any) -> None:
    representation = slicer.modules.thresholdtemplate.widgetRepresentation()
    assert (representation.isEntered, a_panel.is_shown) == (True, True)
    slicer.util.selectModule("")
    assert slicer.util.selectedModule() == "ThresholdTemplate"
    slicer.util.mainWindow().moduleSelector().selectedModule = ""
    slicer.util.findChild(slicer.util.mainWindow(), "ModulePanel").setModule("")
    assert (representation.isEntered, a_panel.is_shown) == (False, False)


def test_reload_makes_the_panel_anew(a_panel: Any, a_ramp: Any) -> None:
    a_panel.ui.thresholdSlider.value = 7.5
    a_panel.onReload()
    renewed = slicer.modules.ThresholdTemplateWidget
    assert renewed is slicer.modules.thresholdtemplate.widgetRepresentation().self()
    assert renewed is not a_panel
    assert type(renewed) is sys.modules["ThresholdTemplate"].ThresholdTemplateWidget
    assert a_panel.Observations == []
    assert renewed.ui.thresholdSlider.value == 7.5
    assert renewed.ui.inputSelector.nodeCount() == 1


def test_developers_get_buttons_that_reload_and_test(host: Host) -> None:
    host.load_module(FILE)
    qt.QSettings().setValue("Developer/DeveloperMode", True)
    panel = slicer.modules.thresholdtemplate.createNewWidgetRepresentation().self()
    slicer.modules.thresholdtemplate.widgetRepresentation()
    panel.reloadButton.click()
    assert slicer.modules.ThresholdTemplateWidget is not panel
    panel.cleanup()


def test_the_modules_own_test_runs_as_in_slicer(host: Host) -> None:
    host.load_module(FILE)
    slicer.selfTests["ThresholdTemplate"](msec=0)


def test_the_end_of_slicer_cleans_the_panel_up(host: Host, a_panel: Any) -> None:
    ends: list[bool] = []
    slicer.app.aboutToQuit.connect(lambda: ends.append(True))
    host.end()
    slicer.app.aboutToQuit.disconnect()
    assert ends == [True]
    assert a_panel.Observations == []
    assert a_panel.is_shown is False
    assert slicer.modules.thresholdtemplate.widgetRepresentation().self() is not a_panel
