"""slicer-core's classes to a scene with its application logic and module logics, wired as Slicer wires them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
import vtk

from Testing.host.hierarchy import HierarchyBookkeeping

SHARE = Path(__file__).parent / "share"
# Module name as Slicer has it to its logic class; those that slicer-core has.
LOGICS = {
    "Annotations": "vtkSlicerAnnotationModuleLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Colors": "vtkSlicerColorLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "Data": "vtkSlicerDataModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Reformat": "vtkSlicerReformatLogic",
    "SceneViews": "vtkSlicerSceneViewsModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Units": "vtkSlicerUnitsLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Volumes": "vtkSlicerVolumesLogic",
}
# Others look these up while they start.
FIRST = ("Units", "Terminologies", "SubjectHierarchy", "Volumes")


@dataclass(frozen=True)
class Mrml:
    """What there is once a process; `hierarchy` and `data_io` are kept so that they live as long as the scene."""

    scene: slicer.vtkMRMLScene
    app_logic: slicer.vtkSlicerApplicationLogic
    logics: dict[str, Any]
    hierarchy: HierarchyBookkeeping
    data_io: tuple[Any, Any]


def start_mrml(temporary_folder: Path) -> Mrml:
    """Make the scene and every logic; displayable managers find them through their factories."""
    scene = slicer.vtkMRMLScene()
    app_logic = slicer.vtkSlicerApplicationLogic()
    app_logic.SetHomeDirectory(str(SHARE.parent))
    app_logic.SetShareDirectory(SHARE.name)
    app_logic.SetTemporaryPath(str(temporary_folder))
    data_io = _data_io(scene, app_logic, temporary_folder)
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    app_logic.SetMRMLScene(scene)
    # Views and displayable managers look up logics through these, so they come before the first view.
    app_logic.SetSliceLogics(vtk.vtkCollection())
    app_logic.SetViewLogics(vtk.vtkCollection())
    for factory in (
        slicer.vtkMRMLSliceViewDisplayableManagerFactory,
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
    ):
        factory.GetInstance().SetMRMLApplicationLogic(app_logic)
    hierarchy = HierarchyBookkeeping(scene)
    logics = {name: _logic(name, scene, app_logic) for name in (*FIRST, *sorted(LOGICS.keys() - set(FIRST)))}
    app_logic.SetColorLogic(logics["Colors"])
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    return Mrml(scene, app_logic, logics, hierarchy, data_io)


def _logic(name: str, scene: slicer.vtkMRMLScene, app_logic: slicer.vtkSlicerApplicationLogic) -> Any:
    logic = getattr(slicer, LOGICS[name])()
    if hasattr(logic, "SetModuleShareDirectory"):
        logic.SetModuleShareDirectory(str(SHARE / name))
    logic.SetMRMLApplicationLogic(app_logic)
    logic.SetMRMLScene(scene)
    app_logic.SetModuleLogic(name, logic)
    return logic


def _data_io(scene: slicer.vtkMRMLScene, app_logic: slicer.vtkSlicerApplicationLogic, folder: Path) -> tuple[Any, Any]:
    """Give the scene the cache and the manager without which it cannot write or read bundles (.mrb)."""
    manager, remote = slicer.vtkDataIOManagerLogic(), slicer.vtkMRMLRemoteIOLogic()
    manager.SetMRMLApplicationLogic(app_logic)
    app_logic.SetMRMLSceneDataIO(scene, remote, manager)
    scene.GetCacheManager().SetRemoteCacheDirectory(str(folder))
    return manager, remote
