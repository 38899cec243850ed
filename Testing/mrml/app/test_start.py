"""What modules find in ``slicer`` is what a real Slicer has there, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import qt
import slicer

from Testing.host.contract import known_names

if TYPE_CHECKING:
    from Testing.host.start import Host


def test_starting_again_returns_the_running_host(host: Host) -> None:
    from Testing.host.start import start

    assert start() is host


def test_names_that_only_slicer_core_has_are_gone(host: Host) -> None:
    foreign = {name for name in vars(slicer) if not name.startswith("_")} - known_names("slicer")
    # Submodules appear when they are imported, in a real Slicer too.
    assert foreign <= {"packaging"}
    assert not hasattr(slicer, "getNode")
    assert slicer.util.getNodes("*")


@pytest.mark.parametrize("name", ["temporaryPaht", "mrmlscene", "layoutmanager"])
def test_a_misspelt_name_of_the_application_is_named(host: Host, name: str) -> None:
    with pytest.raises(AttributeError, match=f"'{name}'.*no such name"):
        getattr(slicer.app, name)


def test_a_name_that_only_the_host_lacks_is_told_apart(host: Host) -> None:
    with pytest.raises(AttributeError, match="'errorLogModel' in the test host"):
        slicer.app.errorLogModel  # noqa: B018


def test_the_application_takes_no_new_attribute(host: Host) -> None:
    with pytest.raises(AttributeError, match="notASlicerName"):
        slicer.app.notASlicerName = 1


def test_a_module_that_is_not_loaded_is_named(host: Host) -> None:
    with pytest.raises(AttributeError, match="nosuchmodule"):
        slicer.modules.nosuchmodule  # noqa: B018
    with pytest.raises(RuntimeError, match="NoSuchModule"):
        slicer.util.getModule("NoSuchModule")


def test_the_panel_of_a_c_plus_plus_module_is_refused_by_name(host: Host) -> None:
    with pytest.raises(NotImplementedError, match="Volumes"):
        slicer.modules.volumes.widgetRepresentation()


@pytest.mark.parametrize(
    ("module", "logic"),
    [
        ("volumes", "vtkSlicerVolumesLogic"),
        ("segmentations", "vtkSlicerSegmentationsModuleLogic"),
        ("markups", "vtkSlicerMarkupsLogic"),
        ("volumerendering", "vtkSlicerVolumeRenderingLogic"),
        ("colors", "vtkSlicerColorLogic"),
        ("plots", "vtkSlicerPlotsLogic"),
        ("tables", "vtkSlicerTablesLogic"),
        ("transforms", "vtkSlicerTransformLogic"),
        ("cropvolume", "vtkSlicerCropVolumeLogic"),
    ],
)
def test_modules_of_slicer_bring_their_logics(host: Host, module: str, logic: str) -> None:
    found = getattr(slicer.modules, module).logic()
    assert found.GetClassName() == logic
    assert found.GetMRMLScene() is slicer.mrmlScene
    assert slicer.util.getModuleLogic(getattr(slicer.modules, module)) is found


def test_presets_terms_and_colours_are_there(host: Host) -> None:
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    volume.CreateDefaultDisplayNodes()
    assert slicer.modules.volumes.logic().ApplyVolumeDisplayPreset(volume.GetDisplayNode(), "CT_LUNG")
    assert (volume.GetDisplayNode().GetWindow(), volume.GetDisplayNode().GetLevel()) == (1400, -500)
    assert slicer.mrmlScene.GetNodeByID("vtkMRMLPETProceduralColorNodePET-DICOM") is not None
    assert slicer.mrmlScene.GetNodeByID("vtkMRMLColorTableNodeFileInferno.txt").GetNumberOfColors() == 256
    assert slicer.modules.volumerendering.logic().GetPresetByName("CT-Bones") is not None
    terms = slicer.modules.terminologies.logic()
    entry = slicer.vtkSlicerTerminologyEntry()
    assert terms.DeserializeTerminologyEntry(
        "Segmentation category and type - 3D Slicer General Anatomy list~SCT^49755003^Morphologically Abnormal "
        "Structure~SCT^4147007^Mass~^^~Anatomic codes - DICOM master list~SCT^41216001^Prostate~^^",
        entry,
    )
    assert entry.GetRegionObject().GetCodeMeaning() == "Prostate"


def test_settings_are_one_file_that_no_test_inherits(host: Host) -> None:
    slicer.app.userSettings().setValue("PSMA/port", 8042)
    assert qt.QSettings().value("PSMA/port") == 8042
    assert slicer.util.settingsValue("PSMA/port", 0, converter=int) == 8042
    host.clear()
    assert slicer.util.settingsValue("PSMA/port", 0, converter=int) == 0
    assert str(Path.home() / ".config" / "slicer.org") not in str(slicer.app.settings().fileName())


def test_temporary_folders_lie_below_the_applications(host: Host) -> None:
    folder = slicer.util.tempDirectory("PsmaJob")
    assert Path(folder).is_dir()
    assert folder.startswith(slicer.app.temporaryPath)


def test_the_environment_of_child_processes_is_a_dictionary(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSMA_EXAMPLE", "yes")
    assert slicer.util.startupEnvironment()["PSMA_EXAMPLE"] == "yes"


def test_dialogs_answer_for_themselves_in_testing_mode(host: Host) -> None:
    assert slicer.app.testingEnabled() is True
    # Seen in a real Slicer too, against the documentation: the answer is always no.
    assert slicer.util.confirmYesNoDisplay("Go on?") is False
    slicer.util.infoDisplay("Nothing to see")
    with pytest.raises(ZeroDivisionError), slicer.util.tryWithErrorDisplay("The division failed.", waitCursor=True):
        _ = 1 / 0
    assert slicer.app.overrideCursor() is None


def test_a_message_box_shows_and_returns_the_clicked_button(host: Host) -> None:
    slicer.app.commandOptions().testingEnabled = False
    try:
        qt.QTimer.singleShot(0, lambda: slicer.app.activeModalWidget().button(qt.QMessageBox.No).click())
        assert slicer.util.confirmYesNoDisplay("Go on?") is False
    finally:
        slicer.app.commandOptions().testingEnabled = True


def test_rendering_pauses_until_the_last_resume(host: Host) -> None:
    states: list[bool] = []
    slicer.app.renderPaused.connect(states.append)
    with slicer.util.RenderBlocker(), slicer.util.RenderBlocker():
        pass
    slicer.app.renderPaused.disconnect(states.append)
    assert states == [True, True, True, False]


def test_texts_are_translated_in_the_context_of_their_file(host: Host) -> None:
    from slicer.i18n import getContext, tr, translate

    assert tr("Study list") == translate("PSMATheranostics", "Study list") == "Study list"
    assert getContext(__file__) == "test_start"


def test_a_script_ends_with_the_exit_code_it_asks_for(host: Host, tmp_path: Path) -> None:
    script = tmp_path / "batch.py"
    script.write_text("import sys, slicer\nslicer.util.exit(int(sys.argv[1]))\n")
    assert host.run_script(script, "5") == 5
    script.write_text("import qt, slicer\nqt.QTimer.singleShot(1, lambda: slicer.util.exit(8))\n")
    assert host.run_script(script) == 8
    script.write_text("import sys\nsys.exit(4)\n")
    assert host.run_script(script) == 4


def test_a_script_that_merely_ends_is_an_error(host: Host, tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text("pass\n")
    with pytest.raises(TimeoutError, match=r"endless\.py"):
        host.run_script(script, timeout_s=0.0)


def test_the_next_test_finds_slicer_as_it_started(host: Host) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "note")
    manager = slicer.app.layoutManager()
    view = '<item><view class="vtkMRMLSliceNode" singletontag="PsmaT0"/></item>'
    manager.layoutLogic().GetLayoutNode().AddLayoutDescription(5599, f'<layout type="horizontal">{view}</layout>')
    manager.setLayout(5599)
    assert manager.sliceWidget("PsmaT0") is not None
    host.clear()
    assert slicer.mrmlScene.GetFirstNodeByName("note") is None
    assert manager.sliceViewNames() == ("Red", "Green", "Yellow")
    assert manager.sliceWidget("PsmaT0") is None
    assert slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems() == 0
