"""The subject hierarchy keeps an item for each data node, as Slicer's plugins do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import slicer

if TYPE_CHECKING:
    from pathlib import Path

    from Testing.host.start import Host


@pytest.fixture
def a_hierarchy(host: Host) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


@pytest.mark.parametrize(
    ("kind", "owner"),
    [
        ("vtkMRMLScalarVolumeNode", "Volumes"),
        ("vtkMRMLLabelMapVolumeNode", "LabelMaps"),
        ("vtkMRMLSegmentationNode", "Segmentations"),
        ("vtkMRMLMarkupsLineNode", "Markups"),
        ("vtkMRMLTableNode", "Tables"),
        ("vtkMRMLLinearTransformNode", "Transforms"),
    ],
)
def test_a_node_gets_an_item_with_its_plugin(a_hierarchy: Any, kind: str, owner: str) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass(kind, "one")
    item = a_hierarchy.GetItemByDataNode(node)
    assert a_hierarchy.GetItemName(item) == "one"
    assert a_hierarchy.GetItemOwnerPluginName(item) == owner
    slicer.mrmlScene.RemoveNode(node)
    assert a_hierarchy.GetNumberOfItems() == 0


def test_hidden_nodes_and_parameter_nodes_get_no_item(a_hierarchy: Any) -> None:
    hidden = slicer.vtkMRMLScalarVolumeNode()
    hidden.SetHideFromEditors(True)
    slicer.mrmlScene.AddNode(hidden)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    assert a_hierarchy.GetNumberOfItems() == 0


def test_a_study_survives_a_saved_scene_with_one_item_a_node(host: Host, tmp_path: Path) -> None:
    # A reference from Python would keep the closed scene's hierarchy node alive, in a real Slicer too.
    save_a_report_in_a_study(str(tmp_path / "course.mrb"))
    host.clear()
    slicer.util.loadScene(str(tmp_path / "course.mrb"))
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    assert hierarchy.GetNumberOfItems() == 2
    item = hierarchy.GetItemByDataNode(slicer.util.getNode("report"))
    assert hierarchy.GetItemName(hierarchy.GetItemParent(item)) == "2025-01-10"


def save_a_report_in_a_study(file: str) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "2025-01-10")
    report = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "report")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(report), study)
    assert slicer.util.saveScene(file)
