"""Nodes that come and go in the scene to items of the subject hierarchy, as Slicer's Qt plugins keep them."""

from __future__ import annotations

import slicer
import vtk

# Classes that a plugin of Slicer claims; the plugin's name is stored with the item.
OWNERS = {
    "vtkMRMLSegmentationNode": "Segmentations",
    "vtkMRMLLabelMapVolumeNode": "LabelMaps",
    "vtkMRMLScalarVolumeNode": "Volumes",
    "vtkMRMLMarkupsNode": "Markups",
    "vtkMRMLModelNode": "Models",
    "vtkMRMLTransformNode": "Transforms",
    "vtkMRMLTableNode": "Tables",
    "vtkMRMLTextNode": "Texts",
    "vtkMRMLPlotChartNode": "Plots",
    "vtkMRMLPlotSeriesNode": "Plots",
}


class HierarchyBookkeeping:
    """Observers that add an item for each node a plugin of Slicer would claim, and remove it with the node."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        scene.AddObserver(scene.NodeAddedEvent, self._on_added)
        scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._on_removed)
        scene.AddObserver(scene.EndImportEvent, self._on_import_ended)
        scene.AddObserver(scene.EndCloseEvent, self._on_closed)
        self._on_closed(scene, "")

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_added(self, scene: slicer.vtkMRMLScene, event: str, node: vtk.vtkObject | None = None) -> None:
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            # Asking for the node merges a second one into the first.
            scene.GetSubjectHierarchyNode()
        elif not scene.IsImporting():
            # While a scene is read, its own hierarchy may still come.
            self._add(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_removed(self, scene: slicer.vtkMRMLScene, event: str, node: vtk.vtkObject | None = None) -> None:
        if scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        hierarchy = scene.GetSubjectHierarchyNode()
        item = hierarchy.GetItemByDataNode(node)
        if item != hierarchy.GetInvalidItemID():
            hierarchy.RemoveItem(item, False, False)

    def _on_import_ended(self, scene: slicer.vtkMRMLScene, event: str) -> None:
        for node in scene.GetNodes():
            self._add(node)

    def _on_closed(self, scene: slicer.vtkMRMLScene, event: str) -> None:
        # Closing removes the hierarchy node; asking for it makes the next one.
        scene.GetSubjectHierarchyNode()

    def _add(self, node: slicer.vtkMRMLNode) -> None:
        owner = next((name for kind, name in OWNERS.items() if node.IsA(kind)), None)
        excluded = slicer.vtkMRMLSubjectHierarchyConstants.GetSubjectHierarchyExcludeFromTreeAttributeName()
        if owner is None or node.GetHideFromEditors() or node.GetAttribute(excluded):
            return
        hierarchy = self._scene.GetSubjectHierarchyNode()
        if hierarchy.GetItemByDataNode(node) == hierarchy.GetInvalidItemID():
            item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
            hierarchy.SetItemOwnerPluginName(item, owner)
