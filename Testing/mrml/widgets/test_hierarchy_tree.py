"""The tree of the subject hierarchy."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.host.start import Host


@pytest.fixture
def a_course(host: Host, a_segmentation: Any) -> dict[str, int]:
    """A patient with one study, which holds the PET and its lesions: item IDs by name."""
    import slicer

    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "P")
    study = hierarchy.CreateStudyItem(patient, "2025-01-10")
    items = {"P": patient, "2025-01-10": study}
    for name in ("PET", "Lesions"):
        items[name] = hierarchy.GetItemByDataNode(slicer.util.getNode(name))
        hierarchy.SetItemParent(items[name], study)
    return items


@pytest.fixture
def a_tree(a_course: dict[str, int]) -> Any:
    """A tree of the scene."""
    import slicer

    tree = slicer.qMRMLSubjectHierarchyTreeView()
    tree.setMRMLScene(slicer.mrmlScene)
    return tree


def test_items_stand_below_their_parents(a_tree: Any) -> None:
    patient = a_tree.model().item(0, 0)
    study = patient.child(0, 0)
    assert (patient.text(), study.text(), study.rowCount()) == ("P", "2025-01-10", 2)
    assert a_tree.displayedItemCount() == 4


def test_only_listed_types_and_their_parents_are_shown(a_tree: Any) -> None:
    a_tree.nodeTypes = ["vtkMRMLSegmentationNode"]
    assert a_tree.displayedItemCount() == 3


def test_the_current_item_is_told_with_its_node(a_tree: Any, a_course: dict[str, int]) -> None:
    import slicer

    told: list[Any] = []
    a_tree.currentItemChanged.connect(told.append)
    a_tree.currentNodeChanged.connect(told.append)
    a_tree.setCurrentItem(a_course["PET"])
    assert told == [a_course["PET"], slicer.util.getNode("PET")]
    assert a_tree.currentNode() is slicer.util.getNode("PET")


def test_a_selection_survives_a_new_node(host: Host, a_tree: Any, a_course: dict[str, int]) -> None:
    a_tree.setCurrentItem(a_course["Lesions"])
    host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    assert (a_tree.currentItem(), a_tree.displayedItemCount()) == (a_course["Lesions"], 5)


def test_a_removed_node_is_no_longer_current(host: Host, a_tree: Any, a_course: dict[str, int]) -> None:
    import slicer

    a_tree.setCurrentItem(a_course["PET"])
    host.scene.RemoveNode(slicer.util.getNode("PET"))
    assert a_tree.currentNode() is None


def test_a_closed_scene_empties_the_tree_and_the_next_one_fills_it(host: Host, a_tree: Any) -> None:
    host.scene.Clear(0)
    assert a_tree.displayedItemCount() == 0
    host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    assert a_tree.displayedItemCount() == 1
